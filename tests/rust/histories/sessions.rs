//! Reading, listing and revoking sessions.

use hellojohn::{EndReason, Error, ErrorCode, Limit, ListQuery, SessionFilter, SessionId, StatusFilter};

use crate::fixture::{code, user};

use super::answers::Listed;
use super::devices::Caller;
use super::filter_model::FilterModel;
use super::model::SessionModel;
use super::view::Shown;
use super::{History, Paging, USERS};

impl History {
    /// A session's answer, or `session_not_found` once it is purged.
    pub(super) fn check_session_answer(
        &mut self,
        tenant_index: usize,
        session_index: usize,
        answer: Result<Shown, Error>,
    ) {
        match answer {
            Ok(session) if !self.model.tenants[tenant_index].sessions[session_index].purged => {
                self.model.check_session(tenant_index, session_index, &session);
            }
            Err(error) if self.model.tenants[tenant_index].sessions[session_index].purged => {
                assert_eq!(error.code(), ErrorCode::SessionNotFound);
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn get(&mut self, tenant_index: usize) {
        let Some(session_index) = self.pick_session(tenant_index) else { return };
        let id = self.model.tenants[tenant_index].sessions[session_index].id;
        let (way, caller) = (self.way, self.pick_caller(tenant_index));
        self.record_call(format!("get {tenant_index} {session_index} {caller:?}"));
        let answer = self.ask(tenant_index, |tenant| match (way.rest(tenant), session_index % 2) {
            (Some(rest), _) => rest.get(&caller, id),
            (None, 0) => tenant.get(id).map(|session| Shown::from(&session)),
            (None, _) => tenant.begin_get(id).wait().map(|session| Shown::from(&session)),
        });
        let Some(answer) = answer else { return self.check_nothing_happened() };
        self.model.see_clock();
        if !caller.may_see(self.model.tenants[tenant_index].sessions[session_index].user) {
            return assert_eq!(code(answer), Some(ErrorCode::SessionNotFound));
        }
        self.check_session_answer(tenant_index, session_index, answer);
        assert_eq!(code(self.tenants[1 - tenant_index].get(id)), Some(ErrorCode::SessionNotFound));
    }

    pub(super) fn revoke(&mut self, tenant_index: usize) {
        let Some(session_index) = self.pick_session(tenant_index) else { return };
        let id = self.model.tenants[tenant_index].sessions[session_index].id;
        let (way, caller) = (self.way, self.pick_caller(tenant_index));
        self.record_call(format!("revoke {tenant_index} {session_index} {caller:?}"));
        if !self.model.refuses_writes {
            assert_eq!(code(self.tenants[1 - tenant_index].revoke(id)), Some(ErrorCode::SessionNotFound));
        }
        let is_seen = caller.may_see(self.model.tenants[tenant_index].sessions[session_index].user);
        let answer = self.ask(tenant_index, |tenant| match way.rest(tenant) {
            Some(rest) => rest.revoke(&caller, id),
            None => tenant.revoke(id),
        });
        let Some(answer) = answer else {
            return self.settle_end(tenant_index, EndReason::Revoked, move |known| is_seen && known.id == id);
        };
        self.model.see_clock();
        if !is_seen {
            return assert_eq!(code(answer), Some(ErrorCode::SessionNotFound));
        }
        if self.model.tenants[tenant_index].sessions[session_index].purged {
            return assert_eq!(code(answer), Some(ErrorCode::SessionNotFound));
        }
        answer.unwrap();
        self.model.end_all(tenant_index, |known| known.id == id, EndReason::Revoked);
        assert!(self.tenants[tenant_index].verify_session(id).is_err());
        if !self.model.refuses_writes {
            let after = self.tenants[tenant_index].get(id).map(|session| Shown::from(&session));
            self.check_session_answer(tenant_index, session_index, after);
        }
    }

    pub(super) fn revoke_many(&mut self, tenant_index: usize) {
        let way = self.way;
        if self.dice.one_in(8) {
            self.record_call(format!("revoke tenant {tenant_index}"));
            let revoked = self.ask(tenant_index, |tenant| match way.rest(tenant) {
                Some(rest) => rest.revoke_tenant(),
                None => tenant.revoke_tenant(),
            });
            let Some(revoked) = revoked else {
                return self.settle_end(tenant_index, EndReason::RevokeTenant, |known| !known.purged);
            };
            self.model.see_clock();
            assert_eq!(
                revoked.unwrap(),
                self.model.end_all(tenant_index, |known| !known.purged, EndReason::RevokeTenant)
            );
            return;
        }
        let caller = self.pick_caller(tenant_index);
        if let Caller::Device { .. } = caller {
            return self.revoke_own(tenant_index, &caller);
        }
        let user_index = self.dice.below(USERS);
        let except = if self.dice.one_in(2) { self.pick_session(tenant_index) } else { None };
        self.record_call(format!("revoke user {tenant_index} u{user_index} but {except:?}"));
        let spared = except.map(|session_index| self.model.tenants[tenant_index].sessions[session_index].id);
        let concerned = move |known: &SessionModel| known.user == user_index && Some(known.id) != spared;
        let user_id = user(&format!("u{user_index}"));
        let answer = self.ask(tenant_index, |tenant| match way.rest(tenant).filter(|_| spared.is_none()) {
            Some(rest) => rest.revoke_user(&caller, Some(user_index), false),
            None => tenant.revoke_user(&user_id, spared),
        });
        let Some(answer) = answer else {
            return self.settle_end(tenant_index, EndReason::RevokeAll, concerned);
        };
        self.model.see_clock();
        if let Some(session_index) = except
            && (self.model.tenants[tenant_index].sessions[session_index].purged
                || self.model.tenants[tenant_index].sessions[session_index].user != user_index)
        {
            return assert_eq!(code(answer), Some(ErrorCode::SessionNotFound));
        }
        assert_eq!(answer.unwrap(), self.model.end_all(tenant_index, concerned, EndReason::RevokeAll));
    }

    /// After a call that ends sessions, which a failure of the storage answered.
    pub(super) fn settle_end(
        &mut self,
        tenant_index: usize,
        reason: EndReason,
        which: impl Fn(&SessionModel) -> bool + 'static,
    ) {
        self.settle(move |model, _| model.end_all(tenant_index, &which, reason) > 0);
    }

    /// What a list must show after a session.
    pub(super) fn expected_list(
        &self,
        tenant_index: usize,
        filter: &FilterModel,
        after: Option<SessionId>,
    ) -> Vec<usize> {
        let mut list = self.model.admitted(tenant_index, filter);
        let sessions = &self.model.tenants[tenant_index].sessions;
        list.retain(|session_index| after.is_none_or(|after| sessions[*session_index].id < after));
        list
    }

    pub(super) fn list(&mut self, tenant_index: usize) {
        if let Some(paging) = self.paging.take() {
            self.record_call(format!("list {} on", paging.tenant));
            let foreign = paging.query.clone().filter(SessionFilter::of_user(user("another")));
            assert_eq!(code(self.tenants[paging.tenant].list(&foreign)), Some(ErrorCode::ValidationError));
            let elsewhere = self.tenants[1 - paging.tenant].list(&paging.query);
            assert_eq!(code(elsewhere), Some(ErrorCode::ValidationError));
            let Paging { tenant, query, filter, last } = paging;
            return self.page(tenant, query, filter, Some(last), Caller::Holder);
        }
        let statuses =
            [StatusFilter::Active, StatusFilter::Expired, StatusFilter::Revoked, StatusFilter::All];
        let mut filter = match self.dice.below(6) {
            0 => self.draw_filter(tenant_index),
            1..4 => FilterModel { user: Some(self.dice.below(USERS)), ..FilterModel::default() },
            _ => FilterModel::default(),
        };
        filter.status = Some(*self.dice.pick(&statuses));
        let caller = self.pick_caller(tenant_index);
        let filter = self.narrow(&caller, filter);
        let limit = Limit::new(1 + self.dice.below(7) as i64).unwrap();
        let query = ListQuery::default().filter(filter.to_engine()).limit(limit);
        self.record_call(format!("list {tenant_index} {filter:?} {:?} {caller:?}", query.limit));
        self.page(tenant_index, query, filter, None, caller);
    }

    pub(super) fn page(
        &mut self,
        tenant_index: usize,
        mut query: ListQuery,
        filter: FilterModel,
        after: Option<SessionId>,
        caller: Caller,
    ) {
        let (way, limit, cursor) = (self.way, query.limit.get(), query.cursor.clone());
        let answer = self.ask(tenant_index, |tenant| match (way.rest(tenant), tenant_index % 2) {
            (Some(rest), _) => rest.list(&caller, &filter, limit, cursor.as_ref()),
            (None, 0) => tenant.list(&query).map(Listed::from),
            (None, _) => tenant.begin_list(query.clone()).wait().map(Listed::from),
        });
        let Some(answer) = answer else { return self.check_nothing_happened() };
        self.model.see_clock();
        let page = answer.unwrap();
        let expected = self.expected_list(tenant_index, &filter, after);
        assert_eq!(page.sessions.len(), expected.len().min(limit));
        for (session, session_index) in page.sessions.iter().zip(&expected) {
            self.model.check_session(tenant_index, *session_index, session);
        }
        assert_eq!(page.next_cursor.is_some(), expected.len() > limit);
        // What a list of living ones left out is over for its reader.
        if query.filter.status == Some(StatusFilter::Active) && after.is_none() && page.next_cursor.is_none()
        {
            for session_index in self.model.newest_first(tenant_index) {
                if self.model.admits_but_for_end(tenant_index, session_index, &filter)
                    && !self.model.is_active(tenant_index, session_index)
                {
                    self.model.tenants[tenant_index].sessions[session_index].was_reported_ended = true;
                }
            }
        }
        if let Some(cursor) = page.next_cursor {
            query.cursor = Some(cursor.to_string().parse().unwrap());
            let last = page.sessions.last().unwrap().id();
            self.paging = Some(Paging { tenant: tenant_index, query, filter, last });
        }
    }
}
