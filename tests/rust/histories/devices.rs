//! The calls of a user's own page of devices: over REST, with an access token of the user.

use std::fmt;

use hellojohn::{EndReason, ErrorCode, SessionId};
use serde_json::Value;

use crate::fixture::code;

use super::History;
use super::filter_model::FilterModel;
use super::model::{Mistake, SessionModel};
use super::view::Shown;

/// The caller of a request.
#[derive(Clone)]
pub(super) enum Caller {
    /// Of the secret key.
    Holder,
    /// A user, from the device of this session.
    Device { token: String, session: usize, id: SessionId, user: usize },
}

/// How many access tokens are looked through for a good one.
const NEWEST: usize = 24;

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caller::Holder => f.write_str("by the key"),
            Caller::Device { session, .. } => write!(f, "by session {session}"),
        }
    }
}

impl Caller {
    /// Whether a session of this user may be seen and ended.
    pub(super) fn may_see(&self, owner: usize) -> bool {
        match self {
            Caller::Holder => true,
            Caller::Device { user, .. } => *user == owner,
        }
    }

    /// Users are told which session is that of the request.
    pub(super) fn shown(&self, session: &Value) -> Shown {
        let shown = Shown::of_json(session);
        let current = session.get("current").and_then(Value::as_bool);
        let expected = match self {
            Caller::Holder => None,
            Caller::Device { id, .. } => Some(*id == shown.id()),
        };
        assert_eq!(current, expected, "{session}");
        shown
    }
}

impl History {
    /// The holder of the secret key, or a user with an access token that is good now.
    pub(super) fn pick_caller(&mut self, tenant_index: usize) -> Caller {
        let is_device = self.way.is_rest() && !self.model.refuses_writes && self.dice.one_in(2);
        let device = if is_device { self.pick_device(tenant_index) } else { None };
        device.unwrap_or(Caller::Holder)
    }

    /// The filter of a list or a count: users are told of their own sessions only.
    pub(super) fn narrow(&self, caller: &Caller, filter: FilterModel) -> FilterModel {
        match caller {
            Caller::Device { user, .. } if self.model.mistake != Some(Mistake::OwnSessions) => {
                FilterModel { user: Some(*user), ..filter }
            }
            _ => filter,
        }
    }

    fn pick_device(&mut self, tenant_index: usize) -> Option<Caller> {
        // Then the engine's time is known, and stays what it is until the call.
        self.touch(tenant_index);
        let tenant = &self.model.tenants[tenant_index];
        let is_good =
            |session: usize| !tenant.sessions[session].purged && self.model.is_active(tenant_index, session);
        let good: Vec<_> = (tenant.accesses.iter().rev().take(NEWEST))
            .filter(|access| {
                is_good(access.session) && self.model.local_refusals(tenant_index, access).is_empty()
            })
            .take(8)
            .collect();
        let access = if good.is_empty() { return None } else { *self.dice.pick(&good) };
        let SessionModel { id, user, .. } = tenant.sessions[access.session];
        Some(Caller::Device { token: access.text.clone(), session: access.session, id, user })
    }

    /// Ends the sessions of the user who calls, but the one of the call or with it; nothing where another user is named.
    pub(super) fn revoke_own(&mut self, tenant_index: usize, caller: &Caller) {
        let Caller::Device { session, id, user, .. } = *caller else { return };
        let but_current = self.dice.one_in(2);
        let named = self.dice.one_in(3).then(|| self.dice.below(super::USERS));
        self.record_call(format!("revoke own {tenant_index} of session {session}, {but_current} {named:?}"));
        let (way, caller) = (self.way, caller.clone());
        let answer = self.ask(tenant_index, |tenant| {
            way.rest(tenant).expect("a device's way").revoke_user(&caller, named, but_current)
        });
        let spared = but_current.then_some(id);
        let is_other = named.is_some_and(|named| named != user);
        let concerned =
            move |known: &SessionModel| !is_other && known.user == user && Some(known.id) != spared;
        let Some(answer) = answer else {
            return self.settle_end(tenant_index, EndReason::RevokeAll, concerned);
        };
        self.model.see_clock();
        if is_other {
            return assert_eq!(code(answer), Some(ErrorCode::InsufficientPermissions));
        }
        assert_eq!(answer.unwrap(), self.model.end_all(tenant_index, concerned, EndReason::RevokeAll));
    }
}
