//! Transactions on one connection, and how a statement runs in one.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

use rusqlite::{CachedStatement, Connection, Row, ffi};

use super::change_tracker::{Change, ChangeTracker, Changes};
use super::columns::{Binder, Parameters};
use super::error::map_error;
use super::queried_row::{QueriedRow, RunningStatement};
use super::writer::Writer;
use crate::error::Failure;
use crate::store::group_commit::SavepointTransaction;

/// One transaction on one connection.
pub(super) struct Tx<'a> {
    connection: &'a Connection,
    /// Whether the present job has changed anything.
    has_changed: Cell<bool>,
    /// The changes of the whole transaction.
    changes: Changes,
    /// What [`query_often`](Self::query_often) ran last.
    last_query: RefCell<Option<LastQuery<'a>>>,
}

struct LastQuery<'a> {
    text: &'static str,
    prepared: CachedStatement<'a>,
    /// The same, once it has had a row.
    running: Option<RunningStatement>,
}

/// Runs the job on one snapshot.
pub(super) fn read(
    connection: &Connection,
    job: &mut dyn FnMut(&Tx<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    run(connection, "BEGIN DEFERRED")?;
    let guard = RollbackGuard(connection);
    #[cfg(test)]
    let steps_before = super::tests::steps::count(connection);
    let outcome = job(&Tx::new(connection));
    #[cfg(test)]
    super::tests::steps::record(connection, steps_before);
    let ended = run(connection, "COMMIT");
    drop(guard);
    outcome.and(ended)
}

/// Commits what the job did, or rolls all of it back if it failed.
pub(super) fn write(
    writer: &Writer,
    tracker: Option<&ChangeTracker>,
    job: &mut dyn FnMut(&Tx<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // Takes the write lock now, so that what the job reads cannot change before it writes.
    run(writer, "BEGIN IMMEDIATE")?;
    let guard = RollbackGuard(writer);
    let tx = Tx::new(writer);
    #[cfg(test)]
    let steps_before = super::tests::steps::count(writer);
    let outcome = job(&tx);
    #[cfg(test)]
    super::tests::steps::record(writer, steps_before);
    let outcome = outcome.and_then(|()| commit(writer, tracker, &tx.changes));
    drop(guard);
    writer.end_transaction();
    outcome
}

fn commit(writer: &Writer, tracker: Option<&ChangeTracker>, changes: &Changes) -> Result<(), Failure> {
    let Some(tracker) = tracker else { return run(writer, "COMMIT") };
    let guard = tracker.begin_commit();
    tracker.announce(writer, changes);
    let before = pages_written(writer);
    run(writer, "COMMIT")?;
    guard.finish((pages_written(writer) != before).then_some(changes));
    Ok(())
}

/// How many pages the connection has written so far.
fn pages_written(connection: &Connection) -> i32 {
    let (mut written, mut highest) = (0, 0);
    // SAFETY: the connection is open; SQLite writes both numbers.
    unsafe {
        ffi::sqlite3_db_status(
            connection.handle(),
            ffi::SQLITE_DBSTATUS_CACHE_WRITE,
            &mut written,
            &mut highest,
            0,
        )
    };
    written
}

/// Rolls back what is still open when the job failed, the commit failed, or the job panicked.
struct RollbackGuard<'a>(&'a Connection);

impl Drop for RollbackGuard<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            // If this fails the caller sees the connection still inside a transaction and gives it up.
            let _ = run(self.0, "ROLLBACK");
        }
    }
}

fn run(connection: &Connection, statement: &str) -> Result<(), Failure> {
    connection
        .prepare_cached(statement)
        .and_then(|mut prepared| prepared.execute([]))
        .map(drop)
        .map_err(|error| map_error(connection, &error))
}

impl SavepointTransaction for Tx<'_> {
    fn set_savepoint(&self) -> Result<(), Failure> {
        self.has_changed.set(false);
        run(self.connection, "SAVEPOINT job")
    }

    fn release_savepoint(&self) -> Result<(), Failure> {
        run(self.connection, "RELEASE job")
    }

    fn roll_back_to_savepoint(&self) -> Result<(), Failure> {
        run(self.connection, "ROLLBACK TO job")?;
        run(self.connection, "RELEASE job")
    }
}

impl<'a> Tx<'a> {
    fn new(connection: &'a Connection) -> Self {
        Tx {
            connection,
            has_changed: Cell::new(false),
            changes: Changes::default(),
            last_query: RefCell::default(),
        }
    }

    pub(super) fn job_has_changed(&self) -> bool {
        self.has_changed.get()
    }

    pub(super) fn last_insert_rowid(&self) -> i64 {
        self.connection.last_insert_rowid()
    }

    fn map_error(&self, error: rusqlite::Error) -> Failure {
        map_error(self.connection, &error)
    }

    /// The statement with its parameters, ready to run.
    fn prepare(&self, statement: &str, parameters: Parameters<'_>) -> Result<CachedStatement<'a>, Failure> {
        let prepared = self.connection.prepare_cached(statement).map_err(|error| self.map_error(error))?;
        self.bind(prepared, parameters)
    }

    fn bind(
        &self,
        mut prepared: CachedStatement<'a>,
        parameters: Parameters<'_>,
    ) -> Result<CachedStatement<'a>, Failure> {
        Binder::new(&mut prepared)
            .parameters(parameters)
            .and_then(Binder::finish)
            .map_err(|error| self.map_error(error))?;
        Ok(prepared)
    }

    /// Rows until the visitor breaks, of a query that often runs again and again in one transaction: looking its statement up by its text
    /// takes as long as a row.
    pub(super) fn query_often(
        &self,
        text: &'static str,
        parameters: Parameters<'_>,
        mut visit: impl FnMut(QueriedRow<'_>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        let last = self.last_query.take().filter(|last| std::ptr::eq(last.text, text));
        let (mut prepared, mut running) = match last {
            Some(last) => (self.bind(last.prepared, parameters)?, last.running),
            None => (self.prepare(text, parameters)?, None),
        };
        self.visit_rows(&mut prepared, |row| {
            running = running.or_else(|| RunningStatement::find(self.connection, text));
            // SAFETY: the one statement with this text that runs; the transaction keeps it.
            visit(unsafe { QueriedRow::of(running, row) })
        })?;
        self.last_query.replace(Some(LastQuery { text, prepared, running }));
        Ok(())
    }

    fn visit_rows(
        &self,
        prepared: &mut CachedStatement<'_>,
        mut visit: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        let mut rows = prepared.raw_query();
        while let Some(row) = rows.next().map_err(|e| self.map_error(e))? {
            if visit(row)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The first row of a lookup.
    pub(super) fn query_one<T>(
        &self,
        statement: &str,
        parameters: Parameters<'_>,
        read: impl FnOnce(&Row<'_>) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        let mut prepared = self.prepare(statement, parameters)?;
        let mut rows = prepared.raw_query();
        rows.next().map_err(|e| self.map_error(e))?.map(read).transpose()
    }

    /// Rows until the visitor breaks.
    pub(super) fn query_each(
        &self,
        statement: &str,
        parameters: Parameters<'_>,
        visit: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        self.visit_rows(&mut self.prepare(statement, parameters)?, visit)
    }

    pub(super) fn query_all<T>(
        &self,
        statement: &str,
        parameters: Parameters<'_>,
        read: impl Fn(&Row<'_>) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let mut values = Vec::new();
        self.query_each(statement, parameters, |row| {
            values.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(values)
    }

    /// Runs a statement that must change exactly one row: zero would be a lost write.
    pub(super) fn change(
        &self,
        what: Change,
        statement: &str,
        parameters: Parameters<'_>,
    ) -> Result<(), Failure> {
        self.change_with(what, statement, |binder| binder.parameters(parameters))
    }

    /// Like [`change`](Self::change), with parameters that the caller binds.
    pub(super) fn change_with(
        &self,
        what: Change,
        statement: &str,
        bind: impl for<'b, 'c> FnOnce(Binder<'b, 'c>) -> rusqlite::Result<Binder<'b, 'c>>,
    ) -> Result<(), Failure> {
        self.has_changed.set(true);
        self.changes.record(what);
        let changed = self
            .connection
            .prepare_cached(statement)
            .and_then(|mut prepared| {
                bind(Binder::new(&mut prepared))?.finish()?;
                prepared.raw_execute()
            })
            .map_err(|error| self.map_error(error))?;
        match changed {
            1 => Ok(()),
            n => Err(Failure::corrupt(format!("a change of one row changed {n}"))),
        }
    }
}
