//! Everything that the tables of a database file hold, as numbers.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// A number for each table, which two databases have in common if every row of the table is the same, in the order of the keys, but for
/// these columns (`table.column`).
///
/// # Errors
/// SQLite's own.
///
/// ```
/// let [one, other] = ["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"].map(|insert| {
///     let connection = rusqlite::Connection::open_in_memory().unwrap();
///     connection.execute_batch("CREATE TABLE t (x)").unwrap();
///     connection.execute_batch(insert).unwrap();
///     hellojohn_tests::dump::dump(&connection, &[]).unwrap()
/// });
/// assert_ne!(one["t"], other["t"]);
/// ```
pub fn dump(connection: &Connection, except: &[&str]) -> rusqlite::Result<BTreeMap<String, u64>> {
    let mut tables = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1",
    )?;
    let names = tables.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    names.into_iter().map(|name| Ok((name.clone(), rows(connection, &name, except)?))).collect()
}

fn rows(connection: &Connection, table: &str, except: &[&str]) -> rusqlite::Result<u64> {
    let mut hasher = DefaultHasher::new();
    let mut statement = connection.prepare(&format!("SELECT * FROM {table}"))?;
    let is_wanted = |name: &str| !except.contains(&format!("{table}.{name}").as_str());
    let columns = statement.column_names().enumerate();
    let columns: Vec<usize> = columns.filter(|(_, name)| is_wanted(name)).map(|(at, _)| at).collect();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for column in &columns {
            match row.get_ref(*column)? {
                ValueRef::Null => 0_u8.hash(&mut hasher),
                ValueRef::Integer(number) => (1_u8, number).hash(&mut hasher),
                ValueRef::Real(number) => (2_u8, number.to_bits()).hash(&mut hasher),
                ValueRef::Text(text) => (3_u8, text).hash(&mut hasher),
                ValueRef::Blob(bytes) => (4_u8, bytes).hash(&mut hasher),
            }
        }
    }
    Ok(hasher.finish())
}
