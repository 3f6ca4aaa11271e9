//! Counts the work of transactions in steps of SQLite's virtual machine: a measure that does not depend on the machine.

use std::cell::Cell;
use std::ptr;

use rusqlite::{Connection, ffi};

thread_local! {
    static LONGEST: Cell<i32> = const { Cell::new(0) };
}

/// Called at the end of each transaction, with what [`count`] answered at its beginning.
pub(in crate::store::sqlite) fn record(connection: &Connection, before: i32) {
    LONGEST.set(LONGEST.get().max(count(connection) - before));
}

/// The steps of all statements that the connection keeps.
pub(in crate::store::sqlite) fn count(connection: &Connection) -> i32 {
    let mut steps = 0;
    // SAFETY: the connection is open and no other thread uses it; its statements are looked at.
    unsafe {
        let mut statement = ffi::sqlite3_next_stmt(connection.handle(), ptr::null_mut());
        while !statement.is_null() {
            steps += ffi::sqlite3_stmt_status(statement, ffi::SQLITE_STMTSTATUS_VM_STEP, 0);
            statement = ffi::sqlite3_next_stmt(connection.handle(), statement);
        }
    }
    steps
}

/// The steps of the longest transaction that this thread has run since the last call.
pub(super) fn take_longest() -> i32 {
    LONGEST.take()
}
