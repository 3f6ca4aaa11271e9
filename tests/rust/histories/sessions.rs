//! Reading, listing and revoking sessions.

use hellojohn::{
    EndReason, Error, ErrorCode, Limit, ListQuery, SessionFilter, SessionId, StatusFilter, Tenant,
};

use crate::fixture::{code, user};

use super::filter_model::FilterModel;
use super::model::SessionModel;
use super::{History, Paging, USERS};

impl History {
    /// A session's answer, or `session_not_found` once it is purged.
    pub(super) fn check_session_answer(
        &mut self,
        tenant_index: usize,
        session_index: usize,
        answer: Result<hellojohn::Session, Error>,
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
        self.record_call(format!("get {tenant_index} {session_index}"));
        let answer = self.ask(tenant_index, |tenant| match session_index % 2 {
            0 => tenant.get(id),
            _ => tenant.begin_get(id).wait(),
        });
        let Some(answer) = answer else { return self.check_nothing_happened() };
        self.model.see_clock();
        self.check_session_answer(tenant_index, session_index, answer);
        assert_eq!(code(self.tenants[1 - tenant_index].get(id)), Some(ErrorCode::SessionNotFound));
    }

    pub(super) fn revoke(&mut self, tenant_index: usize) {
        let Some(session_index) = self.pick_session(tenant_index) else { return };
        let id = self.model.tenants[tenant_index].sessions[session_index].id;
        self.record_call(format!("revoke {tenant_index} {session_index}"));
        if !self.model.refuses_writes {
            assert_eq!(code(self.tenants[1 - tenant_index].revoke(id)), Some(ErrorCode::SessionNotFound));
        }
        let Some(answer) = self.ask(tenant_index, |tenant| tenant.revoke(id)) else {
            return self.settle_end(tenant_index, EndReason::Revoked, move |known| known.id == id);
        };
        self.model.see_clock();
        if self.model.tenants[tenant_index].sessions[session_index].purged {
            return assert_eq!(code(answer), Some(ErrorCode::SessionNotFound));
        }
        answer.unwrap();
        self.model.end_all(tenant_index, |known| known.id == id, EndReason::Revoked);
        assert!(self.tenants[tenant_index].verify_session(id).is_err());
        if !self.model.refuses_writes {
            let after = self.tenants[tenant_index].get(id);
            self.check_session_answer(tenant_index, session_index, after);
        }
    }

    pub(super) fn revoke_many(&mut self, tenant_index: usize) {
        if self.dice.one_in(8) {
            self.record_call(format!("revoke tenant {tenant_index}"));
            let Some(revoked) = self.ask(tenant_index, Tenant::revoke_tenant) else {
                return self.settle_end(tenant_index, EndReason::RevokeTenant, |known| !known.purged);
            };
            self.model.see_clock();
            assert_eq!(
                revoked.unwrap(),
                self.model.end_all(tenant_index, |known| !known.purged, EndReason::RevokeTenant)
            );
            return;
        }
        let user_index = self.dice.below(USERS);
        let except = if self.dice.one_in(2) { self.pick_session(tenant_index) } else { None };
        self.record_call(format!("revoke user {tenant_index} u{user_index} but {except:?}"));
        let spared = except.map(|session_index| self.model.tenants[tenant_index].sessions[session_index].id);
        let concerned = move |known: &SessionModel| known.user == user_index && Some(known.id) != spared;
        let user_id = user(&format!("u{user_index}"));
        let Some(answer) = self.ask(tenant_index, |tenant| tenant.revoke_user(&user_id, spared)) else {
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
            return self.page(paging.tenant, paging.query, paging.filter, Some(paging.last));
        }
        let statuses =
            [StatusFilter::Active, StatusFilter::Expired, StatusFilter::Revoked, StatusFilter::All];
        let mut filter = match self.dice.below(6) {
            0 => self.draw_filter(tenant_index),
            1..4 => FilterModel { user: Some(self.dice.below(USERS)), ..FilterModel::default() },
            _ => FilterModel::default(),
        };
        filter.status = Some(*self.dice.pick(&statuses));
        let limit = Limit::new(1 + self.dice.below(7) as i64).unwrap();
        let query = ListQuery::default().filter(filter.to_engine()).limit(limit);
        self.record_call(format!("list {tenant_index} {filter:?} {:?}", query.limit));
        self.page(tenant_index, query, filter, None);
    }

    pub(super) fn page(
        &mut self,
        tenant_index: usize,
        mut query: ListQuery,
        filter: FilterModel,
        after: Option<SessionId>,
    ) {
        let answer = self.ask(tenant_index, |tenant| match tenant_index % 2 {
            0 => tenant.list(&query),
            _ => tenant.begin_list(query.clone()).wait(),
        });
        let Some(answer) = answer else { return self.check_nothing_happened() };
        self.model.see_clock();
        let (page, limit) = (answer.unwrap(), query.limit.get());
        let expected = self.expected_list(tenant_index, &filter, after);
        assert_eq!(page.data.len(), expected.len().min(limit));
        for (session, session_index) in page.data.iter().zip(&expected) {
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
            let last = page.data.last().unwrap().id;
            self.paging = Some(Paging { tenant: tenant_index, query, filter, last });
        }
    }
}
