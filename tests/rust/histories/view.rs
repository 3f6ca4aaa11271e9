//! What an answer shows of a session.

use hellojohn::{EndReason, Session, SessionId, Status};

/// A session as every answer must show it; times in ms.
#[derive(Debug, PartialEq, Eq)]
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
