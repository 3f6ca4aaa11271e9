//! Filters as SPEC 12 has them.

use hellojohn::{EndReason, RevokePlan, SessionFilter, Status, StatusFilter};
use serde_json::{Map, Value, json};

use crate::rest_text::rfc3339;

use super::model::{Model, SessionModel};

pub const COUNTRIES: [Option<&str>; 4] = [None, None, Some("ES"), Some("FR")];
pub const ADDRESSES: [Option<&str>; 4] =
    [None, Some("203.0.113.7"), Some("203.0.113.200"), Some("2001:db8::1")];
/// What an address must be in; the last one is a single address.
pub const NETWORKS: [&str; 4] = ["203.0.113.0/24", "203.0.113.0/25", "2001:db8::/32", "203.0.113.200"];

/// Which sessions a call is about; times in ms.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FilterModel {
    pub user: Option<usize>,
    pub status: Option<StatusFilter>,
    pub country: Option<&'static str>,
    pub not_country: Option<&'static str>,
    pub network: Option<&'static str>,
    pub not_network: Option<&'static str>,
    pub role: Option<String>,
    pub mfa: Option<bool>,
    pub created_after: Option<i64>,
    pub created_before: Option<i64>,
    pub active_after: Option<i64>,
    pub active_before: Option<i64>,
    pub end_reason: Option<EndReason>,
}

impl FilterModel {
    /// As the engine takes it.
    pub fn to_engine(&self) -> SessionFilter {
        SessionFilter::from_json(self.to_members()).expect("a filter that sessions can pass")
    }

    /// As REST takes it, in a query or a body: times are texts.
    pub fn to_members_of_rest(&self) -> Map<String, Value> {
        let mut members = self.to_members();
        for name in ["created_after", "created_before", "last_active_after", "last_active_before"] {
            if let Some(at) = members.get(name).and_then(Value::as_i64) {
                members.insert(name.to_owned(), json!(rfc3339(at)));
            }
        }
        members
    }

    fn to_members(&self) -> Map<String, Value> {
        let members: [(&str, Option<Value>); 13] = [
            ("user_id", self.user.map(|user| json!(format!("u{user}")))),
            ("status", self.status.map(|status| json!(status.as_str()))),
            ("country", self.country.map(|country| json!(country))),
            ("not_country", self.not_country.map(|country| json!(country))),
            ("ip_address", self.network.map(|network| json!(network))),
            ("not_ip_address", self.not_network.map(|network| json!(network))),
            ("role", self.role.as_ref().map(|role| json!(role))),
            ("mfa_verified", self.mfa.map(|mfa| json!(mfa))),
            ("created_after", self.created_after.map(|at| json!(at))),
            ("created_before", self.created_before.map(|at| json!(at))),
            ("last_active_after", self.active_after.map(|at| json!(at))),
            ("last_active_before", self.active_before.map(|at| json!(at))),
            ("end_reason", self.end_reason.map(|reason| json!(reason.as_str()))),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// Whether it has a member besides the status.
    pub fn is_selective(&self) -> bool {
        FilterModel { status: None, ..self.clone() } != FilterModel::default()
    }

    /// What it says of the session itself.
    fn admits(&self, known: &SessionModel) -> bool {
        let is_in = |network: &str| known.sign_in_ip.is_some_and(|address| contains(network, address));
        self.user.is_none_or(|user| known.user == user)
            && self.country.is_none_or(|country| known.country == Some(country))
            && self.not_country.is_none_or(|country| known.country != Some(country))
            && self.network.is_none_or(is_in)
            && !self.not_network.is_some_and(is_in)
            && self.role.as_ref().is_none_or(|role| known.role.as_ref() == Some(role))
            && self.mfa.is_none_or(|mfa| known.mfa == mfa)
            && self.created_after.is_none_or(|at| known.created > at)
            && self.created_before.is_none_or(|at| known.created < at)
            && self.active_after.is_none_or(|at| known.active > at)
            && self.active_before.is_none_or(|at| known.active < at)
    }
}

/// A preview that is acted upon after other calls.
pub struct Planned {
    pub tenant: usize,
    pub filter: FilterModel,
    pub plan: RevokePlan,
    pub count: usize,
    /// How many sessions had signed in.
    pub there: usize,
    /// Whether the clock mark was lowered since.
    pub is_outdated: bool,
}

fn contains(network: &str, address: &str) -> bool {
    match network {
        "203.0.113.0/24" => address.starts_with("203.0.113."),
        "203.0.113.0/25" => address == "203.0.113.7",
        "2001:db8::/32" => address.starts_with("2001:db8:"),
        single => address == single,
    }
}

impl Model {
    /// Whether the filter admits the session, apart from how it has ended.
    pub fn admits_but_for_end(
        &self,
        tenant_index: usize,
        session_index: usize,
        filter: &FilterModel,
    ) -> bool {
        let known = &self.tenants[tenant_index].sessions[session_index];
        !known.purged && filter.admits(known)
    }

    pub fn admits(&self, tenant_index: usize, session_index: usize, filter: &FilterModel) -> bool {
        let reason = self.end_of(tenant_index, session_index).map(|ended| ended.reason);
        let status = match reason {
            None => Status::Active,
            Some(EndReason::Expired) => Status::Expired,
            Some(_) => Status::Revoked,
        };
        let usual = if filter.end_reason.is_some() { StatusFilter::All } else { StatusFilter::Active };
        let asked = filter.status.unwrap_or(usual);
        (asked == StatusFilter::All || asked.as_str() == status.as_str())
            && filter.end_reason.is_none_or(|asked| reason == Some(asked))
            && self.admits_but_for_end(tenant_index, session_index, filter)
    }

    /// The sessions that it admits, newest first.
    pub fn admitted(&self, tenant_index: usize, filter: &FilterModel) -> Vec<usize> {
        let mut list = self.newest_first(tenant_index);
        list.retain(|session_index| self.admits(tenant_index, *session_index, filter));
        list
    }

    /// Ends the sessions that it admits among the first of the tenant; how many.
    pub fn revoke_where(&mut self, tenant_index: usize, filter: &FilterModel, first: usize) -> u64 {
        let mut admitted = self.admitted(tenant_index, filter);
        admitted.retain(|session_index| *session_index < first);
        let sessions = &self.tenants[tenant_index].sessions;
        let ids: Vec<_> = admitted.iter().map(|session_index| sessions[*session_index].id).collect();
        self.end_all(tenant_index, |known| ids.contains(&known.id), EndReason::Revoked)
    }

    /// The same if they are no more than so many; nothing ends if they are.
    pub fn revoke_where_planned(
        &mut self,
        tenant_index: usize,
        filter: &FilterModel,
        first: usize,
        at_most: usize,
    ) -> Option<u64> {
        let mut admitted = self.admitted(tenant_index, filter);
        admitted.retain(|session_index| *session_index < first);
        (admitted.len() <= at_most).then(|| self.revoke_where(tenant_index, filter, first))
    }
}
