//! A row of a query that often runs. The driver asks SQLite four times for the value of a column: for the statement's width, the value's
//! type, the value and its length. A row whose statement is known to SQLite by its pointer is asked once.

use std::ffi::{CStr, c_int};
use std::ptr::{self, NonNull};
use std::slice;

use rusqlite::types::{FromSql, ValueRef};
use rusqlite::{Connection, Row, ffi};

use super::error::map_value_error;
use crate::error::Failure;

/// A prepared statement that is running: the driver keeps its pointer to itself.
#[derive(Clone, Copy)]
pub(super) struct RunningStatement(NonNull<ffi::sqlite3_stmt>);

impl RunningStatement {
    /// The one of the connection that is running and has this text; nothing if there is not exactly one.
    pub(super) fn find(connection: &Connection, text: &str) -> Option<Self> {
        let mut found = None;
        let mut statement = ptr::null_mut();
        loop {
            // SAFETY: the connection is open and used by this thread alone, and `statement` is null or one of its statements.
            statement = unsafe { ffi::sqlite3_next_stmt(connection.handle(), statement) };
            let Some(candidate) = NonNull::new(statement) else { return found };
            // SAFETY: a statement that SQLite has just named.
            let is_running = unsafe { ffi::sqlite3_stmt_busy(statement) } != 0;
            if is_running && has_text(candidate, text) && found.replace(RunningStatement(candidate)).is_some()
            {
                return None;
            }
        }
    }
}

fn has_text(statement: NonNull<ffi::sqlite3_stmt>, text: &str) -> bool {
    // SAFETY: a statement of an open connection. Its text stands as long as it, and ends with a NUL.
    let kept = unsafe {
        match ffi::sqlite3_sql(statement.as_ptr()) {
            kept if kept.is_null() => return false,
            kept => CStr::from_ptr(kept),
        }
    };
    kept.to_bytes() == text.trim().as_bytes()
}

/// A row, by its statement where that is known.
#[derive(Clone, Copy)]
pub(super) struct QueriedRow<'a> {
    row: &'a Row<'a>,
    statement: Option<RunningStatement>,
}

impl<'a> From<&'a Row<'a>> for QueriedRow<'a> {
    fn from(row: &'a Row<'a>) -> Self {
        QueriedRow { row, statement: None }
    }
}

impl<'a> QueriedRow<'a> {
    /// # Safety
    /// The row is one of this statement.
    pub(super) unsafe fn of(statement: Option<RunningStatement>, row: &'a Row<'a>) -> Self {
        QueriedRow { row, statement }
    }

    pub(super) fn get<T: FromSql>(self, index: usize) -> Result<T, Failure> {
        match T::column_result(self.value(index)?) {
            Ok(value) => Ok(value),
            // What is wrong with it the driver says.
            Err(_) => self.row.get(index).map_err(map_value_error),
        }
    }

    /// The value of a column, counted from 0.
    pub(super) fn value(self, index: usize) -> Result<ValueRef<'a>, Failure> {
        let known = match (self.statement, c_int::try_from(index)) {
            // SAFETY: the row is the statement's present one, and stands as long as it is borrowed.
            (Some(statement), Ok(index)) => unsafe { read(statement, index) },
            _ => None,
        };
        match known {
            Some(value) => Ok(value),
            None => self.row.get_ref(index).map_err(map_value_error),
        }
    }
}

/// The value of a column; nothing for what no column of ours holds, and where there is no memory for it.
///
/// # Safety
/// The statement stands at a row for `'a`. The connection was opened without SQLite's mutexes: such values need no protection.
#[inline]
unsafe fn read<'a>(statement: RunningStatement, index: c_int) -> Option<ValueRef<'a>> {
    // SAFETY: as above. SQLite answers an index that is too large with a NULL, and the bytes of a text with their length.
    unsafe {
        let value = ffi::sqlite3_column_value(statement.0.as_ptr(), index);
        match ffi::sqlite3_value_type(value) {
            ffi::SQLITE_NULL => Some(ValueRef::Null),
            ffi::SQLITE_INTEGER => Some(ValueRef::Integer(ffi::sqlite3_value_int64(value))),
            ffi::SQLITE_TEXT => {
                let text = NonNull::new(ffi::sqlite3_value_text(value).cast_mut())?;
                let length = usize::try_from(ffi::sqlite3_value_bytes(value)).ok()?;
                Some(ValueRef::Text(slice::from_raw_parts(text.as_ptr(), length)))
            }
            ffi::SQLITE_BLOB => {
                let bytes = NonNull::new(ffi::sqlite3_value_blob(value).cast_mut())?;
                let length = usize::try_from(ffi::sqlite3_value_bytes(value)).ok()?;
                Some(ValueRef::Blob(slice::from_raw_parts(bytes.as_ptr().cast(), length)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = " SELECT a, b FROM pairs ORDER BY rowid ";

    #[test]
    fn a_statement_is_found_while_it_runs_once() {
        let connection = pairs();
        let mut first = connection.prepare_cached(TEXT).unwrap();
        assert!(RunningStatement::find(&connection, TEXT).is_none());
        let mut rows = first.query([]).unwrap();
        rows.next().unwrap().unwrap();
        let found = RunningStatement::find(&connection, TEXT).unwrap();
        assert!(RunningStatement::find(&connection, "SELECT 1").is_none());

        let mut second = connection.prepare_cached(TEXT).unwrap();
        assert_eq!(RunningStatement::find(&connection, TEXT).unwrap().0, found.0);
        let mut others = second.query([]).unwrap();
        others.next().unwrap().unwrap();
        assert!(RunningStatement::find(&connection, TEXT).is_none());
        drop(others);
        assert_eq!(RunningStatement::find(&connection, TEXT).unwrap().0, found.0);
    }

    #[test]
    fn every_value_is_the_one_that_the_driver_reads() {
        let connection = pairs();
        let mut prepared = connection.prepare_cached(TEXT).unwrap();
        let mut rows = prepared.query([]).unwrap();
        let mut compared = 0;
        while let Some(row) = rows.next().unwrap() {
            let statement = RunningStatement::find(&connection, TEXT);
            assert!(statement.is_some());
            // SAFETY: the one statement that runs.
            let queried = unsafe { QueriedRow::of(statement, row) };
            for column in 0..2 {
                assert_eq!(queried.value(column).unwrap(), row.get_ref(column).unwrap());
                compared += 1;
            }
            let problem = |read: Result<i64, Failure>| read.map_err(|failure| failure.as_error().to_string());
            assert_eq!(problem(queried.get(1)), problem(row.get(1).map_err(map_value_error)));
            assert!(queried.value(2).is_ok_and(|value| value == ValueRef::Null) || queried.value(2).is_err());
        }
        assert_eq!(compared, 16);
    }

    fn pairs() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE pairs (a, b);
                 INSERT INTO pairs VALUES
                     (1, 'x'), (-9223372036854775808, ''), (NULL, 'h\u{e9}'), (1.5, NULL), (x'00ff', x''), ('a', 9), ('a' || char(0) || 'b', 2),
                     (zeroblob(4), 'the end')",
            )
            .unwrap();
        connection
    }
}
