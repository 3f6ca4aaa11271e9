//! The part of a check that reads rows: every one, as the engine reads it.

use std::ops::ControlFlow;

use rusqlite::types::Value;
use rusqlite::{Row, named_params};

use super::check::Check;
use super::codec::{
    self, bulk_end_columns, config_columns, event_columns, key_columns, lease_columns, revocation_columns,
    seal_columns, session_columns,
};
use super::error::map_value_error;
use super::transaction::{self, Tx};
use crate::clock::Timestamp;
use crate::error::{ErrorCode, Failure};
use crate::model::id::{SessionId, TenantId};
use crate::store::check_report::{CheckReport, ProblemKind};
use crate::store::records::{KeyRecord, SessionRecord, TenantNo};
use crate::store::transaction::ReadTransaction;
use crate::token::keyring::KeyState;

/// The columns that a migration added, what they held before, and the first version that has them.
const ADDED_COLUMNS: &[(&str, &str, usize)] = &[
    ("judged_by", "0", 2),
    ("identity_serial", "0", 4),
    ("event_retention", "NULL", 5),
    ("record_retention", "NULL", 5),
    ("actor", "NULL", 5),
    ("replaced_by_ulid", "NULL", 5),
    ("filter", "NULL", 6),
    ("revocation_list", "0", 7),
    ("factors", "NULL", 8),
    ("credential_sha256", "NULL", 9),
    ("external_id", "NULL", 9),
    ("acted_by", "NULL", 10),
    ("max_actor_duration", "'1h'", 10),
    ("spares_actors", "0", 10),
];

/// The statement for a file of this version, in which a column that it lacks holds what it held before.
fn at_version(statement: &str, version: usize) -> String {
    let added = ADDED_COLUMNS.iter().filter(|(_, _, since)| version < *since);
    added.fold(statement.to_owned(), |statement, (column, before, _)| {
        let is_other =
            |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
        let (bytes, length) = (statement.as_bytes(), column.len());
        // Not within the name of another column.
        let is_whole =
            |at: &usize| is_other(bytes.get(at.wrapping_sub(1))) && is_other(bytes.get(at + length));
        match statement.match_indices(column).map(|(at, _)| at).find(is_whole) {
            Some(at) => format!("{}{before} AS {column}{}", &statement[..at], &statement[at + length..]),
            None => statement,
        }
    })
}

/// How many rows one read transaction looks at.
const BATCH_ROWS: usize = 500;

impl Check<'_> {
    pub(super) fn check_clock_mark(&mut self) -> Result<(), Failure> {
        transaction::read(self.connection, &mut |tx| tx.clock_mark().map(drop))
    }

    pub(super) fn check_tenants(&mut self) -> Result<(), Failure> {
        let mut after = TenantNo::MIN;
        let version = self.version;
        loop {
            let mut numbers = Vec::new();
            let report = &mut self.report;
            transaction::read(self.connection, &mut |tx| {
                numbers = tenant_numbers(tx, after)?;
                for &no in &numbers {
                    check_tenant(tx, report, no, version)?;
                    if version >= 2 {
                        check_bulk_ends(tx, report, no, version)?;
                    }
                    if version >= 5 {
                        check_seals_and_leases(tx, report, no)?;
                    }
                    if version >= 7 {
                        check_revocations(tx, report, no)?;
                    }
                }
                Ok(())
            })?;
            match numbers.last() {
                Some(&last) if last > after => after = last,
                Some(_) => return Err(Failure::corrupt("tenants are out of order")),
                None => return Ok(()),
            }
        }
    }

    pub(super) fn check_events(&mut self) -> Result<(), Failure> {
        if self.version < 5 {
            return Ok(());
        }
        let mut after = (TenantNo::MIN, 0);
        loop {
            let (mut rows, mut last) = (0, after);
            let report = &mut self.report;
            transaction::read(self.connection, &mut |tx| {
                tx.query_each(
                    concat!(
                        "SELECT ",
                        event_columns!(all),
                        ",
                             tenant_no
                         FROM events
                         WHERE (tenant_no, seq) > (:tenant_no, :after)
                         ORDER BY tenant_no, seq
                         LIMIT :limit"
                    ),
                    named_params! {":tenant_no": after.0, ":after": after.1, ":limit": BATCH_ROWS as i64},
                    |row| {
                        rows += 1;
                        let key: (TenantNo, i64) = row
                            .get("tenant_no")
                            .and_then(|tenant| Ok((tenant, row.get("seq")?)))
                            .map_err(map_value_error)?;
                        if last >= key {
                            return Err(Failure::corrupt("events are out of order"));
                        }
                        if last.0 == key.0 && last.1 + 1 != key.1 {
                            let gap = format!("events {} to {} are missing", last.1 + 1, key.1 - 1);
                            report.add(ProblemKind::Row, &format!("events of tenant {}", key.0), &gap);
                        }
                        last = key;
                        note(report, codec::event(row).map(drop), || {
                            format!("event {} of tenant {}", key.1, key.0)
                        })?;
                        Ok(ControlFlow::Continue(()))
                    },
                )
            })?;
            if rows < BATCH_ROWS {
                return Ok(());
            }
            after = last;
        }
    }

    pub(super) fn check_sessions(&mut self) -> Result<(), Failure> {
        let statement = concat!(
            "SELECT ",
            session_columns!(all),
            ",
                 tenant_no
             FROM sessions
             WHERE (tenant_no, session_ulid) > (:tenant_no, :after)
             ORDER BY tenant_no, session_ulid
             LIMIT :limit"
        );
        let statement = at_version(statement, self.version);
        let mut after: Option<(TenantNo, Vec<u8>)> = None;
        loop {
            let mut rows = 0;
            let mut last = after.clone();
            let report = &mut self.report;
            transaction::read(self.connection, &mut |tx| {
                let (tenant, id) = after.clone().unwrap_or((TenantNo::MIN, Vec::new()));
                tx.query_each(
                    &statement,
                    named_params! {":tenant_no": tenant, ":after": id, ":limit": BATCH_ROWS as i64},
                    |row| {
                        rows += 1;
                        report.counts.sessions += 1;
                        let key = session_key(row)?;
                        if last.as_ref().is_some_and(|last| *last >= key) {
                            return Err(Failure::corrupt("sessions are out of order"));
                        }
                        let outcome = codec::session(row).and_then(|record| check_session(&record));
                        note(report, outcome, || session_name(&key.1))?;
                        last = Some(key);
                        Ok(ControlFlow::Continue(()))
                    },
                )
            })?;
            if rows < BATCH_ROWS {
                return Ok(());
            }
            after = last;
        }
    }
}

/// Adds a row's damage to the report; any other failure ends the check.
fn note(
    report: &mut CheckReport,
    outcome: Result<(), Failure>,
    object: impl FnOnce() -> String,
) -> Result<(), Failure> {
    match outcome {
        Err(failure) if failure.as_error().code() == ErrorCode::StorageCorrupt => {
            report.add(ProblemKind::Row, &object(), failure.as_error().detail());
            Ok(())
        }
        outcome => outcome,
    }
}

fn session_name(key: &[u8]) -> String {
    match key.try_into().map(SessionId::from_bytes) {
        Ok(id) => format!("sessions {id}"),
        Err(_) => "sessions".to_owned(),
    }
}

fn tenant_numbers(tx: &Tx<'_>, after: TenantNo) -> Result<Vec<TenantNo>, Failure> {
    tx.query_all(
        "SELECT tenant_no FROM tenants WHERE tenant_no > :after ORDER BY tenant_no LIMIT :limit",
        named_params! {":after": after, ":limit": BATCH_ROWS as i64},
        |row| row.get(0).map_err(map_value_error),
    )
}

/// Reads the row of a tenant and those of its keys.
fn check_tenant(tx: &Tx<'_>, report: &mut CheckReport, no: TenantNo, version: usize) -> Result<(), Failure> {
    report.counts.tenants += 1;
    let object = || format!("tenants {no}");
    let statement = concat!(
        "SELECT ",
        config_columns!(all),
        ",
                 salt,
                 wrapped_refresh_key,
                 token_horizon_at_ms,
                 tenant_id
             FROM tenants
             WHERE tenant_no = :tenant_no"
    );
    let readable = tx.query_one(&at_version(statement, version), named_params! {":tenant_no": no}, |row| {
        let id: String = row.get("tenant_id").map_err(map_value_error)?;
        id.parse::<TenantId>()
            .map_err(|_| Failure::corrupt("tenants.tenant_id holds an impossible value"))?;
        codec::tenant(row, no).map(drop)
    });
    note(report, readable.map(drop), object)?;
    let (mut active, mut next) = (0, 0);
    tx.query_each(
        concat!(
            "SELECT ",
            key_columns!(all),
            " FROM signing_keys WHERE tenant_no = :tenant_no ORDER BY key_no"
        ),
        named_params! {":tenant_no": no},
        |row| {
            report.counts.signing_keys += 1;
            let outcome = codec::key(row).map(|key: KeyRecord| {
                active += u32::from(key.state == KeyState::Active);
                next += u32::from(key.state == KeyState::Next);
            });
            note(report, outcome, || format!("signing_keys of tenant {no}"))?;
            Ok(ControlFlow::Continue(()))
        },
    )?;
    if (active, next) != (1, 1) {
        let found = format!("has {active} active and {next} next signing keys instead of one each");
        report.add(ProblemKind::Row, &object(), &found);
    }
    Ok(())
}

fn check_bulk_ends(
    tx: &Tx<'_>,
    report: &mut CheckReport,
    no: TenantNo,
    version: usize,
) -> Result<(), Failure> {
    let statement = concat!(
        "SELECT ",
        bulk_end_columns!(all),
        " FROM bulk_ends WHERE tenant_no = :tenant_no ORDER BY bulk_no"
    );
    tx.query_each(&at_version(statement, version), named_params! {":tenant_no": no}, |row| {
        note(report, codec::bulk_end(row).map(drop), || format!("bulk_ends of tenant {no}"))?;
        Ok(ControlFlow::Continue(()))
    })
}

fn check_seals_and_leases(tx: &Tx<'_>, report: &mut CheckReport, no: TenantNo) -> Result<(), Failure> {
    tx.query_each(
        concat!("SELECT ", seal_columns!(all), " FROM event_seals WHERE tenant_no = :tenant_no ORDER BY seq"),
        named_params! {":tenant_no": no},
        |row| {
            note(report, codec::seal(row).map(drop), || format!("event_seals of tenant {no}"))?;
            Ok(ControlFlow::Continue(()))
        },
    )?;
    tx.query_each(
        concat!("SELECT ", lease_columns!(all), " FROM leases WHERE tenant_no = :tenant_no ORDER BY name"),
        named_params! {":tenant_no": no},
        |row| {
            note(report, codec::lease(row).map(drop), || format!("leases of tenant {no}"))?;
            Ok(ControlFlow::Continue(()))
        },
    )
}

fn check_revocations(tx: &Tx<'_>, report: &mut CheckReport, no: TenantNo) -> Result<(), Failure> {
    tx.query_each(
        concat!(
            "SELECT ",
            revocation_columns!(all),
            " FROM revocations WHERE tenant_no = :tenant_no ORDER BY seq"
        ),
        named_params! {":tenant_no": no},
        |row| {
            note(report, codec::revocation(row).map(drop), || format!("revocations of tenant {no}"))?;
            Ok(ControlFlow::Continue(()))
        },
    )
}

/// The key of a session's row, also of one that is damaged.
fn session_key(row: &Row<'_>) -> Result<(TenantNo, Vec<u8>), Failure> {
    let (id, tenant): (Value, Value) =
        row.get("session_ulid").and_then(|id| Ok((id, row.get("tenant_no")?))).map_err(map_value_error)?;
    match (tenant, id) {
        (Value::Integer(tenant), Value::Blob(id)) => Ok((tenant, id)),
        _ => Err(Failure::corrupt("a key of sessions holds an impossible value")),
    }
}

/// What the engine never writes, whatever the clock did.
fn check_session(record: &SessionRecord) -> Result<(), Failure> {
    let times = &record.times;
    let is_possible = times.created_at >= Timestamp::default()
        && times.created_at <= Timestamp::LATEST_NOW
        && times.created_at < times.expires_at
        && times.last_active_at >= Timestamp::default()
        && times.last_active_at <= Timestamp::LATEST_NOW;
    if is_possible {
        Ok(())
    } else {
        Err(Failure::corrupt(format!("the times of {} are impossible", record.id)))
    }
}
