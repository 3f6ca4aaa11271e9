//! Opening connections and their settings.

use std::ffi::CString;
use std::io;
use std::os::raw::c_int;
use std::path::Path;
use std::ptr;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use super::creation::create_missing;
use super::error::{map_creation_error, map_error, map_open_error};
use super::log::{LOG_BYTES, LOG_LIMITS};
use crate::clock::Stopwatch;
use crate::error::{ErrorCode, Failure};
use crate::store::contract::StoreOptions;
use crate::store::database::SqliteDatabase;
use crate::store::durability::Durability;

/// Older releases can corrupt a WAL database when a checkpoint and a commit of two processes meet.
const OLDEST_SQLITE: i32 = 3_051_003;

/// How many prepared statements a connection keeps: more than this store has.
const STATEMENTS: usize = 64;

/// What to do about a file that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenMode {
    CreateIfMissing,
    /// The file was there before: an empty one in its place would answer that no user is signed in.
    MustExist,
}

/// A connection that has not looked at the file's content yet.
pub(super) fn open(
    database: &SqliteDatabase,
    mode: OpenMode,
    options: &StoreOptions,
) -> Result<Connection, Failure> {
    require_sound_sqlite()?;
    let connection = match database {
        SqliteDatabase::Memory => Connection::open_in_memory()
            .map_err(|error| map_open_error(&error, Path::new(":memory:"), None))?,
        SqliteDatabase::File(path) => open_file(path, mode, options)?,
    };
    set_busy_timeout(&connection, options.busy_timeout)?;
    harden(&connection)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    if connection.is_readonly("main").map_err(|error| map_error(&connection, &error))? {
        return Err(Failure::new(ErrorCode::StorageReadOnly, "the database cannot be written"));
    }
    Ok(connection)
}

pub(super) fn require_sound_sqlite() -> Result<(), Failure> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Failure::internal("SQLite older than 3.51.3 corrupts write-ahead logs"));
    }
    Ok(())
}

pub(super) fn open_file(path: &Path, mode: OpenMode, options: &StoreOptions) -> Result<Connection, Failure> {
    if mode == OpenMode::CreateIfMissing {
        create_missing(path, options.file_access).map_err(|error| map_creation_error(error, path))?;
    }
    // Each connection is used by one thread at a time.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
        .map_err(|error| map_open_error(&error, path, open_system_error(path, flags)))
}

/// Why the operating system refused to open the file. The driver drops the connection that knows, so this opens the file
/// once more; through SQLite, because closing it otherwise would drop the locks of the process's other connections.
fn open_system_error(path: &Path, flags: OpenFlags) -> Option<io::Error> {
    let path = CString::new(path.as_os_str().as_encoded_bytes()).ok()?;
    let mut handle = ptr::null_mut();
    // SAFETY: the path ends with a NUL; SQLite sets the handle, to null if it has no memory for one, and takes null back.
    let number: c_int = unsafe {
        let result = ffi::sqlite3_open_v2(path.as_ptr(), &mut handle, flags.bits(), ptr::null());
        let number = match result {
            ffi::SQLITE_OK => 0,
            _ if handle.is_null() => 0,
            _ => ffi::sqlite3_system_errno(handle),
        };
        ffi::sqlite3_close(handle);
        number
    };
    (number != 0).then(|| io::Error::from_raw_os_error(number))
}

/// A further connection of an engine that has opened the file before.
pub(super) fn open_again(database: &SqliteDatabase, options: &StoreOptions) -> Result<Connection, Failure> {
    let connection = open(database, OpenMode::MustExist, options).map_err(|failure| match failure.as_error().code() {
        ErrorCode::StorageIo | ErrorCode::StorageReadOnly => failure.and_that(
            "the engine had it open before; open engines after chroot and setuid, and with descriptors to spare",
        ),
        _ => failure,
    })?;
    configure(&connection, options)?;
    Ok(connection)
}

/// Takes from what stands in the file the means to do harm: another program may have written it, also while it is open.
pub(super) fn harden(connection: &Connection) -> Result<(), Failure> {
    for (setting, on) in [
        // This library has no triggers and no views; one that is there does nothing.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        // Plans that do not depend on bound values: otherwise every execution prepares its statement anew.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        connection.set_db_config(setting, on).map_err(|error| map_error(connection, &error))?;
    }
    Ok(())
}

/// Settings of a connection to a database that is known to be ours.
pub(super) fn configure(connection: &Connection, options: &StoreOptions) -> Result<(), Failure> {
    require_write_ahead_log(connection)?;
    set_durability(connection, options.durability)?;
    set_pragma(connection, "foreign_keys", true)?;
    set_pragma(connection, "cell_size_check", true)?;
    // What is deleted or replaced is overwritten with zeros.
    set_pragma(connection, "secure_delete", true)?;
    set_pragma(connection, "journal_size_limit", LOG_BYTES)?;
    set_pragma(connection, "wal_autocheckpoint", LOG_LIMITS.checkpoint)
}

/// Leaves checkpoints to the [`LogKeeper`](super::log::LogKeeper).
pub(super) fn stop_checkpoints(connection: &Connection) -> Result<(), Failure> {
    set_pragma(connection, "wal_autocheckpoint", 0)
}

/// From the next transaction on.
pub(super) fn set_durability(connection: &Connection, durability: Durability) -> Result<(), Failure> {
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    set_pragma(connection, "synchronous", synchronous)
}

/// Bounds how many pages the connection keeps in memory.
pub(super) fn limit_pages(connection: &Connection, limit: i64) -> Result<(), Failure> {
    set_pragma(connection, "cache_size", limit)
}

/// Writes what the log holds into the database and truncates the log, so that it holds nothing that the database does not;
/// false while a reader needs the log. Most of it happens beside writers; the lock that keeps them out is taken for the
/// rest only.
pub(super) fn empty_log(connection: &Connection, options: &StoreOptions) -> Result<bool, Failure> {
    checkpoint_log(connection)?;
    with_busy_timeout(connection, LOG_LIMITS.patience, options, || {
        checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
    })
}

/// Writes what the log holds into the database, as far as readers allow, beside writers; false if another connection is at it.
pub(super) fn checkpoint_log(connection: &Connection) -> Result<bool, Failure> {
    checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)")
}

/// Makes the log begin anew with the next commit, at its full length, unless a reader needs it for longer than `patience`.
pub(super) fn restart_log(
    connection: &Connection,
    patience: Duration,
    options: &StoreOptions,
) -> Result<bool, Failure> {
    with_busy_timeout(connection, patience, options, || {
        checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)")
    })
}

/// Whether the checkpoint was complete.
fn checkpoint(connection: &Connection, statement: &str) -> Result<bool, Failure> {
    match connection.query_row(statement, [], |row| row.get::<_, i64>(0)) {
        Ok(busy) => Ok(busy == 0),
        Err(error) if is_busy(&error) => Ok(false),
        Err(error) => Err(map_error(connection, &error)),
    }
}

pub(super) fn set_pragma(
    connection: &Connection,
    name: &str,
    value: impl rusqlite::ToSql,
) -> Result<(), Failure> {
    connection.pragma_update(None, name, value).map_err(|error| map_error(connection, &error))
}

pub(super) fn set_busy_timeout(connection: &Connection, timeout: Duration) -> Result<(), Failure> {
    connection.busy_timeout(timeout).map_err(|error| map_error(connection, &error))
}

/// Everything rests on the log: readers beside writers, change tracking, and which syncs make a commit durable.
fn require_write_ahead_log(connection: &Connection) -> Result<(), Failure> {
    let mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .map_err(|error| map_error(connection, &error))?;
    if is_log_mode(&mode) {
        return Ok(());
    }
    Err(Failure::new(ErrorCode::StorageIo, "another program has taken the write-ahead log from the database"))
}

/// A database in memory has no log and needs none.
fn is_log_mode(mode: &str) -> bool {
    mode == "wal" || mode == "memory"
}

/// Sets the journal mode; SQLite answers with the mode that holds.
pub(super) fn use_write_ahead_log(connection: &Connection, options: &StoreOptions) -> Result<(), Failure> {
    // Another process that opens the file at the same moment makes this busy without consulting the busy handler.
    let waiting = Stopwatch::start();
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(mode) if is_log_mode(&mode) => return Ok(()),
            Ok(_) => {
                return Err(Failure::new(
                    ErrorCode::StorageIo,
                    "the file system has no shared memory for a write-ahead log",
                ));
            }
            Err(error) if is_busy(&error) && waiting.elapsed() < options.busy_timeout => {
                #[expect(clippy::disallowed_methods, reason = "SQLite gives nothing to wait on here")]
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(map_error(connection, &error)),
        }
    }
}

/// Keeps the connection from moving the log into the database, and from deleting it, when it is the last to close.
pub(super) fn leave_log(connection: &Connection) {
    // Cannot fail on an open connection.
    let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}

/// Lets the connection move the log into the database and delete it when it is the last to close, as every connection does at first.
pub(super) fn take_log(connection: &Connection) {
    // Cannot fail on an open connection.
    let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

/// Runs `work` while the connection waits at most this long for other processes, if that is less than usual.
pub(super) fn with_busy_timeout<T>(
    connection: &Connection,
    timeout: Duration,
    options: &StoreOptions,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    if timeout >= options.busy_timeout {
        return work();
    }
    set_busy_timeout(connection, timeout)?;
    let outcome = work();
    let _ = set_busy_timeout(connection, options.busy_timeout); // cannot fail, and must not undo a commit
    outcome
}
