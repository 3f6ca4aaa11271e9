//! One function per transition.

use rusqlite::named_params;

use super::change_tracker::Change;
use super::connection::{Parameters, Tx, bind};
use super::map_error;
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::key_wrapping::SALT_BYTES;
use crate::model::config::Config;
use crate::model::id::{SessionId, TenantId};
use crate::model::session::End;
use crate::store::{ClockMark, KeyRecord, SessionRecord, TenantNo, TenantRecord, WriteTransaction};

impl Tx<'_> {
    /// Runs a statement that must change exactly one row: zero would be a lost write.
    fn change(&self, what: Change, statement: &str, parameters: Parameters<'_>) -> Result<(), Failure> {
        self.changed.set(true);
        self.changes.record(what);
        match self
            .connection
            .prepare_cached(statement)
            .and_then(|mut prepared| {
                bind(&mut prepared, parameters)?;
                prepared.raw_execute()
            })
            .map_err(map_error)?
        {
            1 => Ok(()),
            n => Err(Failure::corrupt(format!("a change of one row changed {n}"))),
        }
    }
}

impl WriteTransaction for Tx<'_> {
    fn has_changed(&self) -> bool {
        self.changed.get()
    }

    fn raise_clock_mark(&self, highest: Timestamp) -> Result<(), Failure> {
        self.change(
            Change::Seen,
            "UPDATE clock_mark SET highest_at_ms = :highest_at_ms",
            named_params! {":highest_at_ms": highest.as_millis()},
        )
    }

    fn reset_clock_mark(&self, mark: ClockMark) -> Result<(), Failure> {
        self.change(
            Change::Everything,
            "UPDATE clock_mark SET highest_at_ms = :highest_at_ms, era = :era",
            named_params! {":highest_at_ms": mark.highest.as_millis(), ":era": mark.epoch},
        )
    }

    fn add_tenant(&self, id: &TenantId, row: &TenantRecord, now: Timestamp) -> Result<TenantNo, Failure> {
        self.change(
            Change::Everything,
            "INSERT INTO tenants (tenant_id, version, created_at_ms, salt, wrapped_refresh_key, session_duration,
               access_token_ttl, idle_timeout, max_sessions_per_user, refresh_reuse_window, token_horizon_at_ms)
             VALUES (:tenant_id, 1, :now, :salt, :wrapped_refresh_key, :session_duration, :access_token_ttl,
               :idle_timeout, :max_sessions_per_user, :refresh_reuse_window, :token_horizon_at_ms)",
            named_params! {
                ":tenant_id": id.as_str(),
                ":now": now.as_millis(),
                ":salt": row.salt,
                ":wrapped_refresh_key": row.wrapped_refresh_key,
                ":session_duration": row.config.session_duration.to_string(),
                ":access_token_ttl": row.config.access_token_ttl.to_string(),
                ":idle_timeout": row.config.idle_timeout.map(|timeout| timeout.to_string()),
                ":max_sessions_per_user": row.config.max_sessions_per_user.map(|cap| cap as i64),
                ":refresh_reuse_window": row.config.refresh_reuse_window.to_string(),
                ":token_horizon_at_ms": row.token_horizon.as_millis(),
            },
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    fn set_config(&self, tenant: TenantNo, config: &Config, token_horizon: Timestamp) -> Result<(), Failure> {
        self.change(
            Change::Everything,
            "UPDATE tenants SET version = version + 1, session_duration = :session_duration,
               access_token_ttl = :access_token_ttl, idle_timeout = :idle_timeout,
               max_sessions_per_user = :max_sessions_per_user, refresh_reuse_window = :refresh_reuse_window,
               token_horizon_at_ms = :token_horizon_at_ms
             WHERE tenant_no = :tenant_no",
            named_params! {
                ":session_duration": config.session_duration.to_string(),
                ":access_token_ttl": config.access_token_ttl.to_string(),
                ":idle_timeout": config.idle_timeout.map(|timeout| timeout.to_string()),
                ":max_sessions_per_user": config.max_sessions_per_user.map(|cap| cap as i64),
                ":refresh_reuse_window": config.refresh_reuse_window.to_string(),
                ":token_horizon_at_ms": token_horizon.as_millis(),
                ":tenant_no": tenant,
            },
        )
    }

    fn set_secret(
        &self,
        tenant: TenantNo,
        salt: &[u8; SALT_BYTES],
        refresh_key: &[u8],
    ) -> Result<(), Failure> {
        self.change(
            Change::Everything,
            "UPDATE tenants SET version = version + 1, salt = :salt, wrapped_refresh_key = :wrapped_refresh_key
             WHERE tenant_no = :tenant_no",
            named_params! {":salt": salt, ":wrapped_refresh_key": refresh_key, ":tenant_no": tenant},
        )
    }

    fn add_key(&self, tenant: TenantNo, key: &KeyRecord) -> Result<(), Failure> {
        self.change(
            Change::Everything,
            "INSERT INTO signing_keys (tenant_no, key_no, kid, state, created_at_ms, drained_at_ms, wrapped_seed)
             VALUES (:tenant_no, :key_no, :kid, :state, :created_at_ms, :drained_at_ms, :wrapped_seed)",
            named_params! {
                ":tenant_no": tenant,
                ":key_no": key.no,
                ":kid": key.id.to_bytes(),
                ":state": key.state.as_str(),
                ":created_at_ms": key.created_at.as_millis(),
                ":drained_at_ms": key.drained_at.map(Timestamp::as_millis),
                ":wrapped_seed": key.wrapped_seed,
            },
        )
    }

    fn set_key(&self, tenant: TenantNo, key: &KeyRecord) -> Result<(), Failure> {
        self.change(
            Change::Everything,
            "UPDATE signing_keys SET state = :state, drained_at_ms = :drained_at_ms, wrapped_seed = :wrapped_seed
             WHERE tenant_no = :tenant_no AND key_no = :key_no",
            named_params! {
                ":state": key.state.as_str(),
                ":drained_at_ms": key.drained_at.map(Timestamp::as_millis),
                ":wrapped_seed": key.wrapped_seed,
                ":tenant_no": tenant,
                ":key_no": key.no,
            },
        )?;
        self.change(
            Change::Everything,
            "UPDATE tenants SET version = version + 1 WHERE tenant_no = :tenant_no",
            named_params! {":tenant_no": tenant},
        )
    }

    fn add_session(&self, tenant: TenantNo, row: &SessionRecord) -> Result<(), Failure> {
        let SessionRecord { life, rotation, access, client, last_seen, identity, .. } = row;
        self.change(
            Change::Session(row.id),
            "INSERT INTO sessions (tenant_no, session_ulid, user_id, created_at_ms, last_active_at_ms, expires_at_ms,
               generation, replays, nonce, access_serial, access_issued_at_ms, access_expires_at_ms, access_key_no,
               device_type, user_agent, ip_address, country, device_fingerprint, last_ip_address, last_user_agent,
               mfa_verified, org_id, role, email, claims)
             VALUES (:tenant_no, :session_ulid, :user_id, :created_at_ms, :last_active_at_ms, :expires_at_ms,
               :generation, :replays, :nonce, :access_serial, :access_issued_at_ms, :access_expires_at_ms,
               :access_key_no, :device_type, :user_agent, :ip_address, :country, :device_fingerprint,
               :last_ip_address, :last_user_agent, :mfa_verified, :org_id, :role, :email, :claims)",
            named_params! {
                ":tenant_no": tenant,
                ":session_ulid": row.id.to_bytes(),
                ":user_id": row.user_id.as_str(),
                ":created_at_ms": life.created_at.as_millis(),
                ":last_active_at_ms": life.last_active_at.as_millis(),
                ":expires_at_ms": life.expires_at.as_millis(),
                ":generation": rotation.generation,
                ":replays": rotation.replays,
                ":nonce": row.nonce,
                ":access_serial": access.ticket.serial,
                ":access_issued_at_ms": access.ticket.issued_at.as_millis(),
                ":access_expires_at_ms": access.ticket.expires_at.as_millis(),
                ":access_key_no": access.key_no,
                ":device_type": client.effective_device_type().as_str(),
                ":user_agent": client.user_agent.as_ref().map(|agent| agent.as_str()),
                ":ip_address": client.ip_address.map(|address| address.to_string()),
                ":country": client.country.as_ref().map(|country| country.as_str()),
                ":device_fingerprint": client.device_fingerprint.as_ref().map(|print| print.as_str()),
                ":last_ip_address": last_seen.ip_address.map(|address| address.to_string()),
                ":last_user_agent": last_seen.user_agent.as_ref().map(|agent| agent.as_str()),
                ":mfa_verified": identity.mfa_verified,
                ":org_id": identity.org_id.as_ref().map(|org| org.as_str()),
                ":role": identity.role.as_ref().map(|role| role.as_str()),
                ":email": identity.email.as_ref().map(|email| email.as_str()),
                ":claims": claims_column(row),
            },
        )
    }

    fn rotate_session(&self, tenant: TenantNo, row: &SessionRecord) -> Result<(), Failure> {
        self.change(
            Change::Session(row.id),
            "UPDATE sessions SET last_active_at_ms = :last_active_at_ms, generation = :generation, replays = :replays,
               access_serial = :access_serial, access_issued_at_ms = :access_issued_at_ms,
               access_expires_at_ms = :access_expires_at_ms, access_key_no = :access_key_no,
               last_ip_address = :last_ip_address, last_user_agent = :last_user_agent
             WHERE tenant_no = :tenant_no AND session_ulid = :session_ulid",
            named_params! {
                ":last_active_at_ms": row.life.last_active_at.as_millis(),
                ":generation": row.rotation.generation,
                ":replays": row.rotation.replays,
                ":access_serial": row.access.ticket.serial,
                ":access_issued_at_ms": row.access.ticket.issued_at.as_millis(),
                ":access_expires_at_ms": row.access.ticket.expires_at.as_millis(),
                ":access_key_no": row.access.key_no,
                ":last_ip_address": row.last_seen.ip_address.map(|address| address.to_string()),
                ":last_user_agent": row.last_seen.user_agent.as_ref().map(|agent| agent.as_str()),
                ":tenant_no": tenant,
                ":session_ulid": row.id.to_bytes(),
            },
        )
    }

    fn count_replay(&self, tenant: TenantNo, id: SessionId) -> Result<(), Failure> {
        self.change(
            Change::Session(id),
            "UPDATE sessions SET replays = replays + 1 WHERE tenant_no = :tenant_no AND session_ulid = :session_ulid",
            named_params! {":tenant_no": tenant, ":session_ulid": id.to_bytes()},
        )
    }

    fn change_identity(&self, tenant: TenantNo, row: &SessionRecord) -> Result<(), Failure> {
        self.change(
            Change::Session(row.id),
            "UPDATE sessions SET access_serial = :access_serial, access_issued_at_ms = :access_issued_at_ms,
               access_expires_at_ms = :access_expires_at_ms, access_key_no = :access_key_no,
               mfa_verified = :mfa_verified, org_id = :org_id, role = :role, claims = :claims
             WHERE tenant_no = :tenant_no AND session_ulid = :session_ulid",
            named_params! {
                ":access_serial": row.access.ticket.serial,
                ":access_issued_at_ms": row.access.ticket.issued_at.as_millis(),
                ":access_expires_at_ms": row.access.ticket.expires_at.as_millis(),
                ":access_key_no": row.access.key_no,
                ":mfa_verified": row.identity.mfa_verified,
                ":org_id": row.identity.org_id.as_ref().map(|org| org.as_str()),
                ":role": row.identity.role.as_ref().map(|role| role.as_str()),
                ":claims": claims_column(row),
                ":tenant_no": tenant,
                ":session_ulid": row.id.to_bytes(),
            },
        )
    }

    fn end_session(&self, tenant: TenantNo, id: SessionId, end: End) -> Result<(), Failure> {
        self.change(
            Change::Session(id),
            "UPDATE sessions SET ended_at_ms = :ended_at_ms, end_reason = :end_reason
             WHERE tenant_no = :tenant_no AND session_ulid = :session_ulid AND ended_at_ms IS NULL",
            named_params! {
                ":ended_at_ms": end.at.as_millis(),
                ":end_reason": end.reason.as_str(),
                ":tenant_no": tenant,
                ":session_ulid": id.to_bytes(),
            },
        )
    }

    fn delete_session(&self, tenant: TenantNo, id: SessionId) -> Result<(), Failure> {
        self.change(
            Change::Session(id),
            "DELETE FROM sessions WHERE tenant_no = :tenant_no AND session_ulid = :session_ulid",
            named_params! {":tenant_no": tenant, ":session_ulid": id.to_bytes()},
        )
    }
}

fn claims_column(row: &SessionRecord) -> Option<String> {
    let claims = &row.identity.claims;
    (!claims.as_object().is_empty()).then(|| claims.to_string())
}
