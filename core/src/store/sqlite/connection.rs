//! Opening connections and running transactions.

use std::cell::Cell;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Statement, ToSql, ffi};

use super::change_tracker::{ChangeTracker, Changes};
use super::map_error;
use crate::clock::Stopwatch;
use crate::error::{ErrorCode, Failure};
use crate::store::QueuedJob;
use crate::store::group_commit::{BatchEntry, CommitBatch};
use crate::store::{Database, Durability, StoreOptions};

/// Older releases can corrupt a WAL database when a checkpoint and a commit of two processes meet.
const OLDEST_SQLITE: i32 = 3_051_003;

/// How many prepared statements a connection keeps: more than this store has.
const STATEMENTS: usize = 64;

/// Pages in the log before a checkpoint; measured a third faster than SQLite's 1000 on random updates.
const CHECKPOINT_PAGES: i64 = 16_000;

/// One transaction on one connection.
pub(super) struct Tx<'a> {
    pub(super) connection: &'a Connection,
    pub(super) changed: Cell<bool>,
    /// Those of the whole transaction.
    pub(super) changes: &'a Changes,
}

/// What to do about a file that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenMode {
    CreateIfMissing,
    /// It was there before: an empty one in its place would answer that nobody is signed in.
    MustExist,
}

/// A connection that has not looked at the file's content yet.
pub(super) fn open(
    location: &Database,
    missing: OpenMode,
    options: &StoreOptions,
) -> Result<Connection, Failure> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Failure::internal("SQLite older than 3.51.3 corrupts write-ahead logs"));
    }
    let connection = match location {
        Database::Memory => Connection::open_in_memory(),
        Database::File(path) => {
            // Our own mutex guards each connection.
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            match missing {
                OpenMode::CreateIfMissing => {
                    Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_CREATE)
                        .map_err(|error| if may_not_be_created(path) { READ_ONLY } else { error })
                }
                OpenMode::MustExist => Connection::open_with_flags(path, flags),
            }
        }
    }
    .map_err(map_error)?;
    connection.busy_timeout(options.busy_timeout).map_err(map_error)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    if connection.is_readonly("main").map_err(map_error)? {
        return Err(Failure::new(ErrorCode::StorageReadOnly, "the database cannot be written"));
    }
    Ok(connection)
}

const READ_ONLY: rusqlite::Error = rusqlite::Error::SqliteFailure(
    ffi::Error { code: rusqlite::ErrorCode::ReadOnly, extended_code: ffi::SQLITE_READONLY_DIRECTORY },
    None,
);

/// Whether it is the folder or the disk that refuses a new file; SQLite only says that it cannot open one. An empty file
/// that this leaves behind is one that the next call makes a database of.
fn may_not_be_created(path: &Path) -> bool {
    std::fs::File::create_new(path).is_err_and(|error| {
        matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
    })
}

/// Settings of a connection to a database that is known to be ours.
pub(super) fn configure(connection: &Connection, options: &StoreOptions) -> Result<(), Failure> {
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        // Plans that do not depend on bound values: otherwise every execution prepares its statement anew.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        connection.set_db_config(setting, on).map_err(map_error)?;
    }
    set_durability(connection, options.durability)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(map_error)?;
    connection.pragma_update(None, "cell_size_check", true).map_err(map_error)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(map_error)
}

/// From the next transaction on.
pub(super) fn set_durability(connection: &Connection, durability: Durability) -> Result<(), Failure> {
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous).map_err(map_error)
}

/// How many pages the connection keeps in memory.
pub(super) fn limit_pages(connection: &Connection, most: i64) -> Result<(), Failure> {
    connection.pragma_update(None, "cache_size", most).map_err(map_error)
}

/// Sets the journal mode; SQLite answers with the mode that holds.
pub(super) fn use_write_ahead_log(connection: &Connection, options: &StoreOptions) -> Result<(), Failure> {
    // Another process that opens the file at the same moment makes this busy without consulting the busy handler.
    let waiting = Stopwatch::start();
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" || mode == "memory" => return Ok(()),
            Ok(_) => {
                return Err(Failure::new(
                    ErrorCode::StorageIo,
                    "the file system has no shared memory for a write-ahead log",
                ));
            }
            Err(error) if is_busy(&error) && waiting.elapsed() < options.busy_timeout => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(map_error(error)),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

/// The values of a statement's parameters, in the order in which the statement names them: looking 25 names up takes as long
/// as an update.
pub(super) type Parameters<'a> = &'a [(&'a str, &'a dyn ToSql)];

pub(super) fn bind(statement: &mut Statement<'_>, parameters: Parameters<'_>) -> rusqlite::Result<()> {
    if statement.parameter_count() != parameters.len() {
        return Err(rusqlite::Error::InvalidParameterCount(parameters.len(), statement.parameter_count()));
    }
    for (before, (name, value)) in parameters.iter().enumerate() {
        debug_assert_eq!(
            statement.parameter_name(before + 1),
            Some(*name),
            "another order than the statement's"
        );
        statement.raw_bind_parameter(before + 1, value)?;
    }
    Ok(())
}

/// Runs the job on one snapshot.
pub(super) fn read(
    connection: &Connection,
    job: &mut dyn FnMut(&Tx<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    run(connection, "BEGIN DEFERRED")?;
    let open = Open(connection);
    let changes = Changes::default();
    let outcome = job(&Tx { connection, changed: Cell::new(false), changes: &changes });
    let ended = run(connection, "COMMIT");
    drop(open);
    outcome.and(ended)
}

/// Commits what the job did, or rolls all of it back if it failed.
pub(super) fn write(
    connection: &Connection,
    history: Option<&ChangeTracker>,
    job: &mut dyn FnMut(&Tx<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    run(connection, BEGIN_WRITING)?;
    let open = Open(connection);
    let changes = Changes::default();
    let outcome = job(&Tx { connection, changed: Cell::new(false), changes: &changes })
        .and_then(|()| commit(connection, history, &changes));
    drop(open);
    outcome
}

/// Takes the write lock now, so that what the job reads cannot change before it writes.
const BEGIN_WRITING: &str = "BEGIN IMMEDIATE";

fn commit(
    connection: &Connection,
    history: Option<&ChangeTracker>,
    changes: &Changes,
) -> Result<(), Failure> {
    let Some(history) = history else { return run(connection, "COMMIT") };
    let committing = history.begin_commit();
    let before = pages_written(connection);
    run(connection, "COMMIT")?;
    committing.done((pages_written(connection) != before).then_some(changes));
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

/// How many jobs share a transaction at most: a bound for how long one of them waits for the others.
const MOST_JOBS: usize = 256;

/// Runs the jobs in the queue, also those that join meanwhile, and commits what they did. What a failing one did is
/// rolled back; it is that one's outcome. An error is the whole transaction's: none of it happened.
pub(super) fn write_shared(
    connection: &Connection,
    history: Option<&ChangeTracker>,
    batch: &mut CommitBatch<'_>,
) -> Result<(), Failure> {
    run(connection, BEGIN_WRITING)?;
    let open = Open(connection);
    let changes = Changes::default();
    while batch.joined.len() < MOST_JOBS {
        let alone = batch.joined.is_empty();
        let Some(BatchEntry { job, outcome, .. }) = batch.join() else { break };
        let tx = Tx { connection, changed: Cell::new(false), changes: &changes };
        if !alone {
            run(connection, "SAVEPOINT job")?;
        }
        *outcome = guarded(job, &tx);
        match (&outcome, alone) {
            (Ok(()), true) => {}
            (Ok(()), false) => run(connection, "RELEASE job")?,
            (Err(failure), true) => return Err(failure.clone()),
            (Err(_), false) => {
                run(connection, "ROLLBACK TO job")?;
                run(connection, "RELEASE job")?;
            }
        }
    }
    commit(connection, history, &changes)?;
    drop(open);
    Ok(())
}

/// Runs somebody's job. A panic in it, or in a clock of the host's, is that caller's failure only.
pub(super) fn guarded(job: &mut Box<QueuedJob>, tx: &Tx<'_>) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(|| job(tx))).unwrap_or_else(|payload| {
        std::mem::forget(payload); // it is foreign, and might panic when dropped
        Err(Failure::internal("a transaction's job panicked"))
    })
}

/// Runs `work` while the connection waits for other processes for at most this long, if that is less than usual.
pub(super) fn with_patience<T>(
    connection: &Connection,
    patience: Duration,
    options: &StoreOptions,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    if patience >= options.busy_timeout {
        return work();
    }
    connection.busy_timeout(patience).map_err(map_error)?;
    let outcome = work();
    let _ = connection.busy_timeout(options.busy_timeout); // cannot fail, and must not undo a commit
    outcome
}

/// Rolls back whatever is still open when the job failed, the commit failed, or the job panicked.
struct Open<'a>(&'a Connection);

impl Drop for Open<'_> {
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
        .map_err(map_error)
}
