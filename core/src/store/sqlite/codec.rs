//! Rows to values and back. A value that our own tables cannot hold is damage, named by table, column and id.

use std::fmt::Display;
use std::str::FromStr;

use rusqlite::Row;

use super::map_error;
use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::error::Failure;
use crate::model::client::ClientInfo;
use crate::model::config::{self, Config};
use crate::model::id::{KeyId, SessionId};
use crate::model::identity::Identity;
use crate::model::session::{End, SessionTimes};
use crate::rules::rotation::Rotation;
use crate::store::{IssuedAccessToken, KeyRecord, LastSeen, SessionLifetime, SessionRecord, TenantRecord};
use crate::token::issuer::AccessTokenParams;

/// The columns of [`life`], in its order.
macro_rules! life_columns {
    () => {
        "session_ulid, created_at_ms, last_active_at_ms, expires_at_ms, ended_at_ms, end_reason"
    };
}
pub(super) use life_columns;

/// The columns of [`session`], in its order: those of [`life`] first.
macro_rules! session_columns {
    () => {
        concat!(
            $crate::store::sqlite::codec::life_columns!(),
            ", user_id, generation, replays, nonce, access_serial, access_issued_at_ms, access_expires_at_ms, ",
            "access_key_no, device_type, user_agent, ip_address, country, device_fingerprint, last_ip_address, ",
            "last_user_agent, mfa_verified, org_id, role, email, claims"
        )
    };
}
pub(super) use session_columns;

pub(super) fn corrupt_column(table: &str, column: &str, id: impl Display) -> Failure {
    Failure::corrupt(format!("{table}.{column} of {id} holds an impossible value"))
}

pub(super) fn life(row: &Row<'_>) -> Result<SessionLifetime, Failure> {
    let id = SessionId::from_bytes(row.get(0).map_err(map_error)?);
    let time = |column: usize| row.get(column).map(Timestamp::from_millis).map_err(map_error);
    let end = match row
        .get_ref(4)
        .and_then(|ended_at| ended_at.as_i64_or_null().map_err(Into::into))
        .map_err(map_error)?
    {
        None => None,
        Some(at) => {
            let word = row.get_ref(5).map_err(map_error)?;
            let word = word.as_str().map_err(|_| corrupt_column("sessions", "end_reason", id))?;
            let reason = word.parse().map_err(|_| corrupt_column("sessions", "end_reason", id))?;
            Some(End { at: Timestamp::from_millis(at), reason })
        }
    };
    Ok(SessionLifetime {
        id,
        times: SessionTimes { created_at: time(1)?, last_active_at: time(2)?, expires_at: time(3)?, end },
    })
}

/// Reads text columns of one row and says which one is damaged.
struct Texts<'a> {
    row: &'a Row<'a>,
    id: SessionId,
}

impl Texts<'_> {
    fn optional<T: FromStr>(&self, column: usize, name: &str) -> Result<Option<T>, Failure> {
        let value = self.row.get_ref(column).map_err(map_error)?;
        value
            .as_str_or_null()
            .ok()
            .and_then(|text| text.map(str::parse).transpose().ok())
            .ok_or_else(|| corrupt_column("sessions", name, self.id))
    }

    fn required<T: FromStr>(&self, column: usize, name: &str) -> Result<T, Failure> {
        self.optional(column, name)?.ok_or_else(|| corrupt_column("sessions", name, self.id))
    }
}

pub(super) fn session(row: &Row<'_>) -> Result<SessionRecord, Failure> {
    let SessionLifetime { id, times } = life(row)?;
    let texts = Texts { row, id };
    let number = |column: usize| row.get::<_, i64>(column).map_err(map_error);
    let small = |column: usize, name: &str| {
        number(column).and_then(|n| u32::try_from(n).map_err(|_| corrupt_column("sessions", name, id)))
    };
    Ok(SessionRecord {
        id,
        life: times,
        user_id: texts.required(6, "user_id")?,
        rotation: Rotation { generation: small(7, "generation")?, replays: small(8, "replays")? },
        nonce: row.get(9).map_err(map_error)?,
        access: IssuedAccessToken {
            ticket: AccessTokenParams {
                serial: small(10, "access_serial")?,
                issued_at: Timestamp::from_millis(number(11)?),
                expires_at: Timestamp::from_millis(number(12)?),
            },
            key_no: number(13)?,
        },
        client: ClientInfo {
            device_type: Some(texts.required(14, "device_type")?),
            user_agent: texts.optional(15, "user_agent")?,
            ip_address: texts.optional(16, "ip_address")?,
            country: texts.optional(17, "country")?,
            device_fingerprint: texts.optional(18, "device_fingerprint")?,
        },
        last_seen: LastSeen {
            ip_address: texts.optional(19, "last_ip_address")?,
            user_agent: texts.optional(20, "last_user_agent")?,
        },
        identity: Identity {
            mfa_verified: row.get(21).map_err(map_error)?,
            org_id: texts.optional(22, "org_id")?,
            role: texts.optional(23, "role")?,
            email: texts.optional(24, "email")?,
            claims: texts.optional(25, "claims")?.unwrap_or_default(),
        },
    })
}

/// Reads `salt, wrapped_refresh_key, session_duration, access_token_ttl, idle_timeout, max_sessions_per_user,
/// refresh_reuse_window, token_horizon_at_ms`.
pub(super) fn tenant(row: &Row<'_>, no: i64) -> Result<TenantRecord, Failure> {
    let duration = |column: usize, name: &str| {
        let text: Option<String> = row.get(column).map_err(map_error)?;
        text.map(|text| text.parse::<Duration>().map_err(|_| corrupt_column("tenants", name, no))).transpose()
    };
    let required = |column: usize, name: &str| {
        duration(column, name)?.ok_or_else(|| corrupt_column("tenants", name, no))
    };
    let cap: Option<i64> = row.get(5).map_err(map_error)?;
    let window: String = row.get(6).map_err(map_error)?;
    Ok(TenantRecord {
        salt: row.get(0).map_err(map_error)?,
        wrapped_refresh_key: row.get(1).map_err(map_error)?,
        config: Config {
            session_duration: required(2, "session_duration")?,
            access_token_ttl: required(3, "access_token_ttl")?,
            idle_timeout: duration(4, "idle_timeout")?,
            max_sessions_per_user: cap
                .map(|cap| {
                    u64::try_from(cap).map_err(|_| corrupt_column("tenants", "max_sessions_per_user", no))
                })
                .transpose()?,
            refresh_reuse_window: config::parse_window(&window)
                .map_err(|_| corrupt_column("tenants", "refresh_reuse_window", no))?,
        },
        token_horizon: row.get(7).map(Timestamp::from_millis).map_err(map_error)?,
    })
}

/// Reads `key_no, kid, state, created_at_ms, drained_at_ms, wrapped_seed`.
pub(super) fn key(row: &Row<'_>) -> Result<KeyRecord, Failure> {
    let id = KeyId::from_bytes(row.get(1).map_err(map_error)?);
    let word: String = row.get(2).map_err(map_error)?;
    Ok(KeyRecord {
        no: row.get(0).map_err(map_error)?,
        id,
        state: word.parse().map_err(|_| corrupt_column("signing_keys", "state", id))?,
        created_at: row.get(3).map(Timestamp::from_millis).map_err(map_error)?,
        drained_at: row.get::<_, Option<i64>>(4).map_err(map_error)?.map(Timestamp::from_millis),
        wrapped_seed: row.get(5).map_err(map_error)?,
    })
}
