//! Reading a database file of another program.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};
use serde_json::{Map, Number, Value};

use super::error::{map_error, map_open_error};
use crate::error::Failure;
use crate::store::foreign_tables::{ForeignTables, RowVisitor};

/// How long a question waits for a writer of the other program that keeps readers out.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

pub(in crate::store) struct ForeignFile {
    connection: Connection,
}

impl ForeignFile {
    /// Opens the file for reading only.
    pub(in crate::store) fn open(path: &Path) -> Result<Self, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|error| map_open_error(&error, path, std::fs::metadata(path).err()))?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(|error| map_error(&connection, &error))?;
        Ok(ForeignFile { connection })
    }

    fn map(&self, error: &rusqlite::Error) -> Failure {
        map_error(&self.connection, error)
    }
}

impl ForeignTables for ForeignFile {
    fn is_on_server(&self) -> bool {
        false
    }

    fn has_table(&self, name: &str) -> Result<bool, Failure> {
        let sql =
            "SELECT count(*) FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE";
        let found = self.connection.query_row(sql, [name], |row| row.get::<_, i64>(0));
        found.map(|found| found > 0).map_err(|error| self.map(&error))
    }

    fn visit(&self, query: &str, visit: &mut RowVisitor<'_>) -> Result<(), Failure> {
        let mut statement = self.connection.prepare(query).map_err(|error| self.map(&error))?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([]).map_err(|error| self.map(&error))?;
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    if visit(object_of(&names, row)).is_break() {
                        return Ok(());
                    }
                }
                Ok(None) => return Ok(()),
                Err(error) => return Err(self.map(&error)),
            }
        }
    }
}

fn object_of(names: &[String], row: &Row<'_>) -> Map<String, Value> {
    let value_of = |(index, name): (usize, &String)| {
        let value = row.get_ref(index).map_or(Value::Null, to_json);
        (name.clone(), value)
    };
    names.iter().enumerate().map(value_of).collect()
}

/// Bytes that are text become a text: SQLite's columns hold what was put into them.
fn to_json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            str::from_utf8(bytes).map_or(Value::Null, Value::from)
        }
    }
}
