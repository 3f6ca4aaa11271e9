//! Counting and ending the sessions that a filter admits.

use hellojohn::{EndReason, ErrorCode, RevokeWhere, StatusFilter};

use crate::fixture::code;

use super::answers::Previewed;
use super::filter_model::{COUNTRIES, FilterModel, NETWORKS, Planned};
use super::{History, USERS};

impl History {
    /// A filter of some members that some sessions may have.
    pub(super) fn draw_filter(&mut self, tenant_index: usize) -> FilterModel {
        let mut filter = FilterModel::default();
        for _ in 0..=self.dice.below(2) {
            let near = self.pick_session(tenant_index).map(|session_index| {
                let known = &self.model.tenants[tenant_index].sessions[session_index];
                (known.created, known.active)
            });
            let (created, active) = near.unwrap_or((self.model.now, self.model.now));
            let step = self.dice.below(3) as i64 - 1;
            match self.dice.below(11) {
                0 => filter.country = self.dice.pick(&COUNTRIES).or(Some("ES")),
                1 => filter.not_country = self.dice.pick(&COUNTRIES).or(Some("FR")),
                2 => filter.network = Some(*self.dice.pick(&NETWORKS)),
                3 => filter.not_network = Some(*self.dice.pick(&NETWORKS)),
                4 => filter.role = Some(format!("role{}", self.dice.below(3))),
                5 => filter.mfa = Some(self.dice.one_in(2)),
                6 if filter.created_before.is_none() => filter.created_after = Some(created + step),
                7 if filter.created_after.is_none() => filter.created_before = Some(created + step),
                8 if filter.active_before.is_none() => filter.active_after = Some(active + step),
                9 if filter.active_after.is_none() => filter.active_before = Some(active + step),
                _ => filter.user = Some(self.dice.below(USERS)),
            }
        }
        // No session can pass both.
        if filter.country == filter.not_country {
            filter.not_country = None;
        }
        if filter.network.is_some() {
            filter.not_network = None;
        }
        let (low, high) =
            (filter.created_after.or(filter.active_after), filter.created_before.or(filter.active_before));
        if low.is_some() && high.is_some() {
            (filter.created_before, filter.active_before) = (None, None);
        }
        filter
    }

    pub(super) fn count(&mut self, tenant_index: usize) {
        let mut filter = self.draw_filter(tenant_index);
        match self.dice.below(4) {
            0 => {
                let reasons =
                    [EndReason::Revoked, EndReason::Expired, EndReason::RevokeAll, EndReason::IdleTimeout];
                filter.end_reason = Some(*self.dice.pick(&reasons));
            }
            1 => filter.status = Some(StatusFilter::All),
            2 => filter.status = Some(StatusFilter::Revoked),
            _ => {}
        }
        let (way, caller) = (self.way, self.pick_caller(tenant_index));
        let filter = self.narrow(&caller, filter);
        self.record_call(format!("count {tenant_index} {filter:?} {caller:?}"));
        let answer = self.ask(tenant_index, |tenant| match way.rest(tenant) {
            Some(rest) => rest.count(&caller, &filter),
            None => tenant.count(&filter.to_engine()),
        });
        let Some(answer) = answer else { return self.check_nothing_happened() };
        self.model.see_clock();
        assert_eq!(answer.unwrap(), self.model.admitted(tenant_index, &filter).len() as u64);
    }

    /// Ends the sessions of a filter, or looks at them first and ends them after other calls.
    pub(super) fn revoke_where(&mut self, tenant_index: usize) {
        if let Some(planned) = self.planned.take() {
            return self.revoke_planned(planned);
        }
        let mut filter = self.draw_filter(tenant_index);
        filter.status = self.dice.one_in(3).then_some(StatusFilter::Active);
        assert!(filter.is_selective());
        if self.dice.one_in(2) {
            return self.preview(tenant_index, filter);
        }
        self.record_call(format!("revoke where {tenant_index} {filter:?}"));
        let way = self.way;
        let answer = self.ask(tenant_index, |tenant| match way.rest(tenant) {
            Some(rest) => rest.revoke_where(&filter, None),
            None => tenant.revoke_where(RevokeWhere::new(filter.to_engine())),
        });
        let Some(answer) = answer else {
            return self.settle(move |model, _| model.revoke_where(tenant_index, &filter, usize::MAX) > 0);
        };
        self.model.see_clock();
        assert_eq!(answer.unwrap(), self.model.revoke_where(tenant_index, &filter, usize::MAX));
    }

    fn preview(&mut self, tenant_index: usize, filter: FilterModel) {
        self.record_call(format!("preview {tenant_index} {filter:?}"));
        let way = self.way;
        let answer = self.ask(tenant_index, |tenant| match way.rest(tenant) {
            Some(rest) => rest.preview(&filter),
            None => tenant.preview_revoke_where(&filter.to_engine()).map(Previewed::from),
        });
        let Some(answer) = answer else { return self.check_nothing_happened() };
        self.model.see_clock();
        let (preview, expected) = (answer.unwrap(), self.model.admitted(tenant_index, &filter));
        assert_eq!(preview.count, expected.len() as u64);
        let sessions = &self.model.tenants[tenant_index].sessions;
        let newest = expected.iter().take(20).map(|session_index| sessions[*session_index].id);
        assert_eq!(preview.sample, newest.collect::<Vec<_>>());
        let (count, there) = (expected.len(), sessions.len());
        self.planned = Some(Planned {
            tenant: tenant_index,
            filter,
            plan: preview.plan,
            count,
            there,
            is_outdated: false,
        });
    }

    fn revoke_planned(&mut self, planned: Planned) {
        let Planned { tenant, filter, plan, count, there, is_outdated } = planned;
        let (old, later) = self.model.tenants[tenant].sessions.split_at(there);
        // By their ids these may count as sessions that were there.
        if later.iter().any(|known| old.iter().any(|old| known.id < old.id)) {
            return;
        }
        self.record_call(format!("revoke as planned {tenant} {filter:?}, {count} of {there}"));
        let way = self.way;
        let answer = self.ask(tenant, |tenant| match way.rest(tenant) {
            Some(rest) => rest.revoke_where(&filter, Some(&plan)),
            None => tenant.revoke_where(RevokeWhere::new(filter.to_engine()).plan(Some(plan.clone()))),
        });
        let Some(answer) = answer else {
            return self.settle(move |model, _| {
                !is_outdated
                    && model
                        .revoke_where_planned(tenant, &filter, there, count)
                        .is_some_and(|count| count > 0)
            });
        };
        self.model.see_clock();
        if is_outdated {
            return assert_eq!(code(answer), Some(ErrorCode::ValidationError));
        }
        match self.model.revoke_where_planned(tenant, &filter, there, count) {
            Some(count) => assert_eq!(answer.unwrap(), count),
            None => assert_eq!(code(answer), Some(ErrorCode::ValidationError)),
        }
    }
}
