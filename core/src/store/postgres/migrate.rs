//! Whether a schema holds our tables, of this release, and the migrations that bring older ones up to date.

use super::attempt::{Attempt, is_worth_another};
use super::connection::{Connection, Deadline};
use super::error::WireError;
use super::pool::Pool;
use super::statements::quote_name;
use super::url::Isolation;
use super::value::{Row, Statement, Value};
use crate::error::{ErrorCode, Failure};

/// One migration a version; the array's length is the version of this release.
pub(in crate::store) const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_create_tables.sql")];

/// The lock of all that make or change our tables in this database ("hejo").
const MIGRATION_LOCK: i64 = 0x6865_6a6f;

/// The tables without which a schema is not ours.
const TABLES: &[&str] = &[
    "bulk_ends",
    "clock_mark",
    "event_seals",
    "events",
    "leases",
    "revocations",
    "sessions",
    "sign_in_failures",
    "signing_keys",
    "tenants",
    "writers",
];

/// Brings the schema up to date. Takes no right to create anything where that is done already.
///
/// # Errors
/// `storage_io` if the tables must exist and do not; `storage_corrupt`, `storage_too_new`, and those of the server.
pub(super) fn migrate(
    pool: &Pool,
    deadline: &Deadline,
    schema: &str,
    isolation: Isolation,
    must_exist: bool,
) -> Result<(), Failure> {
    loop {
        let outcome = pool
            .with_alone(deadline, |connection| bring_up_to_date(connection, schema, isolation, must_exist));
        match outcome {
            Ok(()) => return Ok(()),
            Err(Attempt::Job(failure)) => return Err(failure),
            // Without a lock, of those that open at once all but one begin again.
            Err(Attempt::Wire(WireError::Refused(cause)))
                if isolation == Isolation::Serializable
                    && (cause.is_conflict() || cause.is_made_already())
                    && !deadline.remaining().is_zero() => {}
            // Of a commit whose answer was lost, the tables tell.
            Err(Attempt::Wire(error)) if is_worth_another(&error, deadline) => {}
            Err(Attempt::Wire(error) | Attempt::Unknown(_, error)) => return Err(error.into()),
        }
    }
}

fn bring_up_to_date(
    connection: &mut Connection<'_>,
    schema: &str,
    isolation: Isolation,
    must_exist: bool,
) -> Result<(), Attempt> {
    match inspect(connection, schema)? {
        Some(version) if version == MIGRATIONS.len() => return Ok(()),
        None if must_exist => {
            let detail = "the schema of the database holds no sessions";
            return Err(Failure::new(ErrorCode::StorageIo, detail).into());
        }
        _ => {}
    }
    // Others may be opening the same database: one at a time looks again and goes on from there.
    match isolation {
        Isolation::ReadCommitted => {
            let lock = "SELECT pg_advisory_xact_lock($1)".into();
            connection.begin(&"BEGIN".into(), vec![Statement::new(&lock, vec![MIGRATION_LOCK.into()])])?
        }
        Isolation::Serializable => {
            connection.begin(&"BEGIN ISOLATION LEVEL SERIALIZABLE".into(), Vec::new())?
        }
    };
    let found = inspect(connection, schema)?;
    if found == Some(MIGRATIONS.len()) {
        return Ok(());
    }
    let mut steps = steps(schema, found);
    // Who owns a schema need not have the right to create others.
    if query(connection, "SELECT 1::bigint FROM pg_namespace WHERE nspname = $1", schema)?.is_empty() {
        steps.insert(0, format!("CREATE SCHEMA {}", quote_name(schema)));
    }
    let last = steps.pop();
    let statement = |sql: String| Statement::new(&sql.into(), Vec::new());
    // One by one: a statement is understood only when the tables that it names are there.
    for sql in steps {
        connection.ask(vec![statement(sql)])?;
    }
    connection.commit(last.map(statement).into_iter().collect())?;
    Ok(())
}

/// The version of our tables in the schema; nothing if there are none.
fn inspect(connection: &mut Connection<'_>, schema: &str) -> Result<Option<usize>, Attempt> {
    let tables = query(connection, "SELECT tablename::text FROM pg_tables WHERE schemaname = $1", schema)?;
    let tables: Vec<&str> = tables.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    let ours = TABLES.iter().filter(|table| tables.contains(table)).count();
    if !tables.contains(&"meta") {
        return match ours {
            0 => Ok(None),
            _ => Err(corrupt("the schema holds tables of these names that are not this engine's").into()),
        };
    }
    let version = format!("SELECT schema_version FROM {}.meta WHERE only_row = 1", quote_name(schema));
    let answers = connection.ask(vec![Statement::new(&version.into(), Vec::new())])?;
    let row = answers.first().and_then(|answer| answer.rows.first());
    let version: i64 =
        row.ok_or_else(|| corrupt("the schema does not say of which version it is"))?.get(0)?;
    match usize::try_from(version) {
        Ok(version) if version > MIGRATIONS.len() => {
            let detail = "the database was written by a newer release";
            Err(Failure::new(ErrorCode::StorageTooNew, detail).into())
        }
        Ok(version) if version > 0 && ours == TABLES.len() => Ok(Some(version)),
        _ => Err(corrupt("tables of the schema are missing").into()),
    }
}

fn corrupt(detail: &str) -> Failure {
    Failure::new(ErrorCode::StorageCorrupt, detail)
}

fn query(connection: &mut Connection<'_>, sql: &str, parameter: &str) -> Result<Vec<Row>, WireError> {
    let parameter: Value = parameter.into();
    let answers = connection.ask(vec![Statement::new(&sql.into(), vec![parameter])])?;
    Ok(answers.into_iter().next().map_or_else(Vec::new, |answer| answer.rows))
}

/// The statements that bring tables of this version to that of this release.
fn steps(schema: &str, found: Option<usize>) -> Vec<String> {
    let prefix = format!("{}.", quote_name(schema));
    let mut steps = Vec::new();
    if found.is_none() {
        steps.push(format!(
            "CREATE TABLE {prefix}meta (only_row bigint PRIMARY KEY CHECK (only_row = 1), \
             schema_version bigint NOT NULL)"
        ));
        steps.push(format!("INSERT INTO {prefix}meta VALUES (1, 0)"));
    }
    for migration in &MIGRATIONS[found.unwrap_or(0)..] {
        let text = migration.replace('@', &prefix);
        steps.extend(
            text.split_inclusive(";\n").map(str::trim).filter(|sql| !sql.is_empty()).map(str::to_owned),
        );
    }
    steps.push(format!("UPDATE {prefix}meta SET schema_version = {} WHERE only_row = 1", MIGRATIONS.len()));
    steps
}
