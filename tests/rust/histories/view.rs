//! What an answer shows of a session.

use hellojohn::{EndReason, Session, SessionId, Status};
use serde_json::Value;

use crate::rest_text::millis;

/// A session as every answer must show it; times in ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub id: SessionId,
    pub user: String,
    pub tenant: String,
    pub status: Status,
    pub end_reason: Option<EndReason>,
    pub revoked_at: Option<i64>,
    pub created: i64,
    pub active: i64,
    pub expires: i64,
    pub access_expires: i64,
    pub role: Option<String>,
    pub mfa: bool,
    pub is_acted: bool,
    pub country: Option<String>,
    pub ip: Option<String>,
    pub last_ip: Option<String>,
}

impl View {
    pub(super) fn of(shown: &Session) -> Self {
        let client = (shown.country, shown.ip_address, shown.last_ip_address);
        View {
            id: shown.id,
            user: shown.user_id.as_str().to_owned(),
            tenant: shown.tenant_id.as_str().to_owned(),
            status: shown.status,
            end_reason: shown.end_reason,
            revoked_at: shown.revoked_at.map(|at| at.as_millis()),
            created: shown.created_at.as_millis(),
            active: shown.last_active_at.as_millis(),
            expires: shown.expires_at.as_millis(),
            access_expires: shown.access_expires_at.as_millis(),
            role: shown.identity.role.as_ref().map(|role| role.as_str().to_owned()),
            mfa: shown.identity.mfa_verified,
            is_acted: shown.actor.is_some(),
            country: client.0.map(|country| country.as_str().to_owned()),
            ip: client.1.map(|ip| ip.to_string()),
            last_ip: client.2.map(|ip| ip.to_string()),
        }
    }
}

impl View {
    fn of_json(shown: &Value) -> Self {
        let text = |name: &str| shown[name].as_str().map(str::to_owned);
        let needed = |name: &str| text(name).unwrap_or_else(|| panic!("no {name} in {shown}"));
        View {
            id: needed("id").parse().expect("an id"),
            user: needed("user_id"),
            tenant: needed("tenant_id"),
            status: needed("status").parse().expect("a status"),
            end_reason: text("end_reason").map(|reason| reason.parse().expect("a reason")),
            revoked_at: text("revoked_at").map(|at| millis(&at)),
            created: millis(&needed("created_at")),
            active: millis(&needed("last_active_at")),
            expires: millis(&needed("expires_at")),
            access_expires: millis(&needed("access_expires_at")),
            role: text("role"),
            mfa: shown["mfa_verified"].as_bool().expect("yes or no"),
            is_acted: !shown["actor"].is_null(),
            country: text("country"),
            ip: text("ip_address"),
            last_ip: text("last_ip_address"),
        }
    }

    /// As REST has its times.
    fn in_whole_seconds(self) -> Self {
        let whole = |at: i64| at.div_euclid(1_000) * 1_000;
        View {
            revoked_at: self.revoked_at.map(whole),
            created: whole(self.created),
            active: whole(self.active),
            expires: whole(self.expires),
            access_expires: whole(self.access_expires),
            ..self
        }
    }
}

/// A session in an answer.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    view: View,
    is_of_rest: bool,
}

impl From<&Session> for Shown {
    fn from(shown: &Session) -> Self {
        Shown { view: View::of(shown), is_of_rest: false }
    }
}

impl Shown {
    /// As REST writes a session.
    pub(super) fn of_json(shown: &Value) -> Self {
        Shown { view: View::of_json(shown), is_of_rest: true }
    }

    pub(super) fn id(&self) -> SessionId {
        self.view.id
    }

    /// Requires that it is shown as it must be.
    pub(super) fn require(&self, expected: View, session_index: usize) {
        let expected = if self.is_of_rest { expected.in_whole_seconds() } else { expected };
        assert_eq!(self.view, expected, "session {session_index}");
    }
}
