//! From a session's record to what callers get: the public session, the unsigned access token, `expires_in`.

use std::sync::Arc;

use super::tenant::Tenant;
use crate::clock::Timestamp;
use crate::error::Refusal;
use crate::model::session::{End, Session, Status};
use crate::store::SessionRecord;
use crate::token::issuer::{self, AccessTokenParams, Subject, Unsigned};
use crate::token::keyring::RingKey;

/// How long the token lasts after `now`, in whole seconds.
pub(super) fn expires_in(token: AccessTokenParams, now: Timestamp) -> u64 {
    u64::try_from(token.expires_at.as_secs() - now.as_secs()).unwrap_or(0)
}

impl Tenant {
    /// A session as callers see it.
    pub(super) fn view(&self, record: SessionRecord, end: Option<End>) -> Session {
        let auth_time = record.auth_time();
        let device_type = record.client.effective_device_type();
        let revoked_at = end.filter(|end| end.status() == Status::Revoked).map(|end| end.at);
        Session {
            id: record.id,
            user_id: record.user_id,
            tenant_id: self.state.id.clone(),
            status: end.map_or(Status::Active, End::status),
            last_ip_address: record.last_seen.ip_address.or(record.client.ip_address),
            last_user_agent: record.last_seen.user_agent.or_else(|| record.client.user_agent.clone()),
            user_agent: record.client.user_agent,
            ip_address: record.client.ip_address,
            country: record.client.country,
            device_type,
            device_fingerprint: record.client.device_fingerprint,
            created_at: record.times.created_at,
            last_active_at: record.times.last_active_at,
            expires_at: record.times.expires_at,
            access_expires_at: record.access.params.expires_at,
            revoked_at,
            end_reason: end.map(|end| end.reason),
            identity: record.identity,
            auth_time,
            factors: record.factors,
            actor: record.actor,
        }
    }

    /// The access token that the record names, without its signature: signing needs no lock and happens after the commit.
    pub(super) fn prepare_access_token(
        &self,
        record: &SessionRecord,
        key: &Arc<RingKey>,
    ) -> Result<Unsigned, Refusal> {
        let subject = Subject {
            issuer: &self.inner.issuer,
            tenant_id: &self.state.id,
            user_id: &record.user_id,
            session_id: record.id,
            identity: &record.identity,
            auth_time: record.auth_time(),
            factors: &record.factors,
            actor: record.actor.as_ref(),
        };
        issuer::prepare(&subject, record.access.params, key).map_err(Refusal::because)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_read_late_has_fewer_seconds_left_and_never_less_than_0() {
        let at = Timestamp::from_secs;
        let token = AccessTokenParams { serial: 1, issued_at: at(100), expires_at: at(3_700) };
        for (now, left) in [(100, 3_600), (101, 3_599), (3_699, 1), (3_700, 0), (3_701, 0)] {
            assert_eq!(expires_in(token, at(now)), left);
        }
        // Whole seconds, as in the token.
        assert_eq!(expires_in(token, Timestamp::from_millis(100_999)), 3_600);
    }
}
