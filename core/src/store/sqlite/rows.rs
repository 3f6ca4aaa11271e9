//! Rows to values and back. A value that our own tables cannot hold is damage, named by table, column and id.

use std::fmt::Display;
use std::str::FromStr;

use rusqlite::Row;

use super::sql;
use crate::client::ClientInfo;
use crate::clock::Timestamp;
use crate::config::{self, Config};
use crate::duration::Duration;
use crate::error::Failure;
use crate::id::{KeyId, SessionId};
use crate::identity::Identity;
use crate::rules::refresh::Rotation;
use crate::session::{End, EndReason, Lifetime};
use crate::store::{IssuedToken, KeyRow, LastSeen, Life, SessionRow, TenantRow};
use crate::token::issuer::Ticket;
use crate::token::keyring::KeyState;

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
            $crate::store::sqlite::rows::life_columns!(),
            ", user_id, generation, replays, nonce, access_serial, access_issued_at_ms, access_expires_at_ms, ",
            "access_key_no, device_type, user_agent, ip_address, country, device_fingerprint, last_ip_address, ",
            "last_user_agent, mfa_verified, org_id, role, email, claims"
        )
    };
}
pub(super) use session_columns;

pub(super) fn damaged(table: &str, column: &str, id: impl Display) -> Failure {
    Failure::corrupt(format!("{table}.{column} of {id} holds an impossible value"))
}

pub(super) fn life(row: &Row<'_>) -> Result<Life, Failure> {
    let id = SessionId::from_bytes(row.get(0).map_err(sql)?);
    let time = |column: usize| row.get(column).map(Timestamp::from_millis).map_err(sql);
    let end = match row
        .get_ref(4)
        .and_then(|ended_at| ended_at.as_i64_or_null().map_err(Into::into))
        .map_err(sql)?
    {
        None => None,
        Some(at) => {
            let word = row.get_ref(5).map_err(sql)?;
            let word = word.as_str().map_err(|_| damaged("sessions", "end_reason", id))?;
            let reason = EndReason::ALL
                .into_iter()
                .find(|reason| reason.as_str() == word)
                .ok_or_else(|| damaged("sessions", "end_reason", id))?;
            Some(End { at: Timestamp::from_millis(at), reason })
        }
    };
    Ok(Life {
        id,
        times: Lifetime { created_at: time(1)?, last_active_at: time(2)?, expires_at: time(3)?, end },
    })
}

/// Reads text columns of one row and says which one is damaged.
struct Texts<'a> {
    row: &'a Row<'a>,
    id: SessionId,
}

impl Texts<'_> {
    fn optional<T: FromStr>(&self, column: usize, name: &str) -> Result<Option<T>, Failure> {
        let value = self.row.get_ref(column).map_err(sql)?;
        value
            .as_str_or_null()
            .ok()
            .and_then(|text| text.map(str::parse).transpose().ok())
            .ok_or_else(|| damaged("sessions", name, self.id))
    }

    fn required<T: FromStr>(&self, column: usize, name: &str) -> Result<T, Failure> {
        self.optional(column, name)?.ok_or_else(|| damaged("sessions", name, self.id))
    }
}

pub(super) fn session(row: &Row<'_>) -> Result<SessionRow, Failure> {
    let Life { id, times } = life(row)?;
    let texts = Texts { row, id };
    let number = |column: usize| row.get::<_, i64>(column).map_err(sql);
    let small = |column: usize, name: &str| {
        number(column).and_then(|n| u32::try_from(n).map_err(|_| damaged("sessions", name, id)))
    };
    Ok(SessionRow {
        id,
        life: times,
        user_id: texts.required(6, "user_id")?,
        rotation: Rotation { generation: small(7, "generation")?, replays: small(8, "replays")? },
        nonce: row.get(9).map_err(sql)?,
        access: IssuedToken {
            ticket: Ticket {
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
            mfa_verified: row.get(21).map_err(sql)?,
            org_id: texts.optional(22, "org_id")?,
            role: texts.optional(23, "role")?,
            email: texts.optional(24, "email")?,
            claims: texts.optional(25, "claims")?.unwrap_or_default(),
        },
    })
}

/// Reads `salt, wrapped_refresh_key, session_duration, access_token_ttl, idle_timeout, max_sessions_per_user,
/// refresh_reuse_window, token_horizon_at_ms`.
pub(super) fn tenant(row: &Row<'_>, no: i64) -> Result<TenantRow, Failure> {
    let duration = |column: usize, name: &str| {
        let text: Option<String> = row.get(column).map_err(sql)?;
        text.map(|text| text.parse::<Duration>().map_err(|_| damaged("tenants", name, no))).transpose()
    };
    let required =
        |column: usize, name: &str| duration(column, name)?.ok_or_else(|| damaged("tenants", name, no));
    let cap: Option<i64> = row.get(5).map_err(sql)?;
    let window: String = row.get(6).map_err(sql)?;
    Ok(TenantRow {
        salt: row.get(0).map_err(sql)?,
        wrapped_refresh_key: row.get(1).map_err(sql)?,
        config: Config {
            session_duration: required(2, "session_duration")?,
            access_token_ttl: required(3, "access_token_ttl")?,
            idle_timeout: duration(4, "idle_timeout")?,
            max_sessions_per_user: cap
                .map(|cap| u64::try_from(cap).map_err(|_| damaged("tenants", "max_sessions_per_user", no)))
                .transpose()?,
            refresh_reuse_window: config::parse_window(&window)
                .map_err(|_| damaged("tenants", "refresh_reuse_window", no))?,
        },
        token_horizon: row.get(7).map(Timestamp::from_millis).map_err(sql)?,
    })
}

/// Reads `key_no, kid, state, created_at_ms, drained_at_ms, wrapped_seed`.
pub(super) fn key(row: &Row<'_>) -> Result<KeyRow, Failure> {
    let id = KeyId::from_bytes(row.get(1).map_err(sql)?);
    let word: String = row.get(2).map_err(sql)?;
    Ok(KeyRow {
        no: row.get(0).map_err(sql)?,
        id,
        state: KeyState::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| damaged("signing_keys", "state", id))?,
        created_at: row.get(3).map(Timestamp::from_millis).map_err(sql)?,
        drained_at: row.get::<_, Option<i64>>(4).map_err(sql)?.map(Timestamp::from_millis),
        wrapped_seed: row.get(5).map_err(sql)?,
    })
}
