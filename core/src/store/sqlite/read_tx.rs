//! One function per question.

use std::ops::ControlFlow;

use rusqlite::{Row, named_params};

use super::connection::{Parameters, Tx, bind};
use super::{codec, map_error};
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::model::id::{SessionId, TenantId};
use crate::store::{
    ClockMark, KeyRecord, ReadTransaction, SessionLifetime, SessionRecord, SessionScope, TenantNo,
    TenantRecord, TenantVersion, Visitor,
};

impl Tx<'_> {
    /// The one row of a keyed lookup.
    fn one<T>(
        &self,
        statement: &str,
        parameters: Parameters<'_>,
        read: impl FnOnce(&Row<'_>) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let mut prepared = self.connection.prepare_cached(statement).map_err(map_error)?;
        bind(&mut prepared, parameters).map_err(map_error)?;
        let mut rows = prepared.raw_query();
        rows.next().map_err(map_error)?.map(read).transpose()
    }

    /// Rows until the visitor breaks.
    fn each(
        &self,
        statement: &str,
        parameters: Parameters<'_>,
        mut visit: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        let mut prepared = self.connection.prepare_cached(statement).map_err(map_error)?;
        bind(&mut prepared, parameters).map_err(map_error)?;
        let mut rows = prepared.raw_query();
        while let Some(row) = rows.next().map_err(map_error)? {
            if visit(row)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn all<T>(
        &self,
        statement: &str,
        parameters: Parameters<'_>,
        read: impl Fn(&Row<'_>) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let mut values = Vec::new();
        self.each(statement, parameters, |row| {
            values.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(values)
    }
}

fn gone(what: &str) -> Failure {
    Failure::corrupt(format!("{what} is missing"))
}

/// Above every ULID, for a walk back from the newest.
const NEWEST: [u8; 17] = [0xff; 17];
/// Below every ULID, for a walk forward from the oldest.
const OLDEST: [u8; 0] = [];

impl ReadTransaction for Tx<'_> {
    fn clock_mark(&self) -> Result<ClockMark, Failure> {
        self.one("SELECT highest_at_ms, era FROM clock_mark", &[], |row| mark(row, 0))?
            .ok_or_else(|| gone("the clock mark"))
    }

    fn tenant_no(&self, id: &TenantId) -> Result<Option<TenantNo>, Failure> {
        self.one(
            "SELECT tenant_no FROM tenants WHERE tenant_id = :tenant_id",
            named_params! {":tenant_id": id.as_str()},
            |row| row.get(0).map_err(map_error),
        )
    }

    fn tenant_numbers(&self) -> Result<Vec<TenantNo>, Failure> {
        self.all("SELECT tenant_no FROM tenants ORDER BY tenant_no", &[], |row| row.get(0).map_err(map_error))
    }

    fn tenant_version(&self, tenant: TenantNo) -> Result<TenantVersion, Failure> {
        self.one(
            "SELECT version, highest_at_ms, era FROM tenants, clock_mark WHERE tenant_no = :tenant_no",
            named_params! {":tenant_no": tenant},
            |row| Ok(TenantVersion { version: row.get(0).map_err(map_error)?, mark: mark(row, 1)? }),
        )?
        .ok_or_else(|| gone("the tenant"))
    }

    fn tenant(&self, tenant: TenantNo) -> Result<TenantRecord, Failure> {
        self.one(
            "SELECT salt, wrapped_refresh_key, session_duration, access_token_ttl, idle_timeout, max_sessions_per_user,
                    refresh_reuse_window, token_horizon_at_ms
             FROM tenants WHERE tenant_no = :tenant_no",
            named_params! {":tenant_no": tenant},
            |row| codec::tenant(row, tenant),
        )?
        .ok_or_else(|| gone("the tenant"))
    }

    fn keys(&self, tenant: TenantNo) -> Result<Vec<KeyRecord>, Failure> {
        self.all(
            "SELECT key_no, kid, state, created_at_ms, drained_at_ms, wrapped_seed
             FROM signing_keys WHERE tenant_no = :tenant_no ORDER BY key_no",
            named_params! {":tenant_no": tenant},
            codec::key,
        )
    }

    fn session(&self, tenant: TenantNo, id: SessionId) -> Result<Option<SessionRecord>, Failure> {
        self.one(
            concat!(
                "SELECT ",
                codec::session_columns!(),
                " FROM sessions WHERE tenant_no = :tenant_no AND session_ulid = :session_ulid"
            ),
            named_params! {":tenant_no": tenant, ":session_ulid": id.to_bytes()},
            |row| match codec::session(row)? {
                found if found.id == id => Ok(found),
                // SQLite trusts the order of its pages: where they are corrupt_column, a search can end at a neighbour.
                _ => Err(Failure::corrupt(format!("another session stands in the place of {id}"))),
            },
        )
    }

    fn open_sessions(
        &self,
        tenant: TenantNo,
        whose: SessionScope<'_>,
    ) -> Result<Vec<SessionLifetime>, Failure> {
        match whose {
            SessionScope::Tenant => self.all(
                concat!("SELECT ", codec::life_columns!(), " FROM sessions WHERE tenant_no = :tenant_no AND ended_at_ms IS NULL ORDER BY session_ulid"),
                named_params! {":tenant_no": tenant},
                codec::life,
            ),
            SessionScope::User(user) => self.all(
                concat!("SELECT ", codec::life_columns!(), " FROM sessions INDEXED BY sessions_of_user WHERE tenant_no = :tenant_no AND user_id = :user_id AND ended = 0 ORDER BY session_ulid"),
                named_params! {":tenant_no": tenant, ":user_id": user.as_str()},
                codec::life,
            ),
        }
    }

    fn scan_newest_first(
        &self,
        tenant: TenantNo,
        whose: SessionScope<'_>,
        before: Option<SessionId>,
        visit: &mut Visitor<'_>,
    ) -> Result<(), Failure> {
        let before = before.map(SessionId::to_bytes);
        let before = before.as_ref().map_or(NEWEST.as_slice(), |bytes| bytes.as_slice());
        match whose {
            SessionScope::Tenant => self.each(
                concat!("SELECT ", codec::session_columns!(), " FROM sessions WHERE tenant_no = :tenant_no AND session_ulid < :before ORDER BY session_ulid DESC"),
                named_params! {":tenant_no": tenant, ":before": before},
                |row| visit(codec::life(row)?, &|| codec::session(row)),
            ),
            // The user's unended and ended sessions are two runs of the index; SQLite merges them as it goes.
            SessionScope::User(user) => self.each(
                concat!("SELECT ", codec::session_columns!(), " FROM sessions INDEXED BY sessions_of_user WHERE tenant_no = :tenant_no AND user_id = :user_id AND ended = 0 AND session_ulid < :before UNION ALL SELECT ", codec::session_columns!(), " FROM sessions INDEXED BY sessions_of_user WHERE tenant_no = :tenant_no AND user_id = :user_id AND ended = 1 AND session_ulid < :before ORDER BY session_ulid DESC"),
                named_params! {":tenant_no": tenant, ":user_id": user.as_str(), ":before": before},
                |row| visit(codec::life(row)?, &|| codec::session(row)),
            ),
        }
    }

    fn scan_oldest_first(
        &self,
        tenant: TenantNo,
        after: Option<SessionId>,
        most: usize,
    ) -> Result<Vec<SessionLifetime>, Failure> {
        let after = after.map(SessionId::to_bytes);
        let bytes = after.as_ref().map_or(OLDEST.as_slice(), |bytes| bytes.as_slice());
        let lives = self.all(
            concat!("SELECT ", codec::life_columns!(), " FROM sessions WHERE tenant_no = :tenant_no AND session_ulid > :after ORDER BY session_ulid LIMIT :most"),
            named_params! {":tenant_no": tenant, ":after": bytes, ":most": most as i64},
            codec::life,
        )?;
        // In a damaged file they need not be newer, and whoever walks on from the last one would walk for ever.
        let mut before = after.map(SessionId::from_bytes);
        for life in &lives {
            if before.replace(life.id).is_some_and(|before| before >= life.id) {
                return Err(Failure::corrupt("sessions are out of order"));
            }
        }
        Ok(lives)
    }

    fn database_bytes(&self) -> Result<u64, Failure> {
        self.one("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", &[], |row| {
            row.get::<_, i64>(0).map_err(map_error)
        })?
        .and_then(|bytes| u64::try_from(bytes).ok())
        .ok_or_else(|| gone("the page count"))
    }
}

fn mark(row: &Row<'_>, first: usize) -> Result<ClockMark, Failure> {
    Ok(ClockMark {
        highest: row.get(first).map(Timestamp::from_millis).map_err(map_error)?,
        epoch: row.get(first + 1).map_err(map_error)?,
    })
}
