//! Whether the tables and indexes of a file are those that the migrations make, and nothing else. A trigger that another
//! program planted could take back what a call acknowledged, a changed rule could let in what the engine never writes.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::error::map_error;
use crate::error::Failure;

/// Statistics for SQLite's planner, which an administrator's `ANALYZE` makes.
const STATISTICS: &[&str] = &["sqlite_stat1", "sqlite_stat4"];

/// What the migrations of this release make, in the order in which they make it.
const SCHEMA: &str = include_str!("schema.sql");

/// Whether the objects are those of this release, text for text. SQLite makes each of them from its text, whatever is written
/// beside that. What says no here may still be right: statistics may have been added, or the objects written in another order.
pub(super) fn is_current(connection: &Connection) -> Result<bool, Failure> {
    texts(connection).map(|texts| texts == SCHEMA).map_err(|error| map_error(connection, &error))
}

/// The text of every object that has one.
pub(super) fn texts(connection: &Connection) -> rusqlite::Result<String> {
    let mut objects =
        connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")?;
    let mut rows = objects.query([])?;
    let mut texts = Vec::new();
    while let Some(row) = rows.next()? {
        texts.push(row.get::<_, String>(0)?);
    }
    Ok(texts.join(";\n\n") + ";\n")
}

/// What SQLite keeps of a table, index, view or trigger. An index that belongs to a constraint has no text.
#[derive(PartialEq)]
struct Definition {
    table: String,
    sql: Option<String>,
}

/// Calls `report` with each object that differs from a database in memory that the same migrations made, and how; ends at the
/// first failure of `report`.
pub(super) fn compare(
    connection: &Connection,
    migrations: &[&str],
    mut report: impl FnMut(&str, &str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let ours = Connection::open_in_memory().map_err(map_own_error)?;
    for migration in migrations {
        ours.execute_batch(migration).map_err(map_own_error)?;
    }
    let mut expected = definitions(&ours)?;
    for ((kind, name), definition) in definitions(connection)? {
        if kind == "table" && STATISTICS.contains(&name.as_str()) {
            continue;
        }
        let object = format!("{kind} {name:?}");
        match expected.remove(&(kind, name)) {
            Some(ours) if ours == definition => {}
            Some(_) => report(&object, "is not as this library makes it")?,
            None => report(&object, "is none of this library's")?,
        }
    }
    for (kind, name) in expected.into_keys() {
        report(&format!("{kind} {name:?}"), "is missing")?;
    }
    Ok(())
}

/// Every object, named by kind and name.
fn definitions(connection: &Connection) -> Result<BTreeMap<(String, String), Definition>, Failure> {
    let map = |error| map_error(connection, &error);
    let mut objects =
        connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema").map_err(map)?;
    let mut rows = objects.query([]).map_err(map)?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next().map_err(map)? {
        let definition = Definition { table: row.get(2).map_err(map)?, sql: row.get(3).map_err(map)? };
        found.insert((row.get(0).map_err(map)?, row.get(1).map_err(map)?), definition);
    }
    Ok(found)
}

#[allow(clippy::needless_pass_by_value)] // fits map_err
fn map_own_error(error: rusqlite::Error) -> Failure {
    Failure::internal("the migrations cannot be run in memory").caused_by(error)
}
