//! SQLite's errors as rows of the engine's error table. A failure never reads as "no such session".

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode as Sqlite, ffi};

use crate::error::{ErrorCode, Failure};

/// What SQLite said, for the host's log: the source of a storage error. Its own source is the operating system's error,
/// where there was one.
#[derive(Debug)]
pub(super) struct SqliteError {
    /// The extended result code (sqlite.org/rescode.html), unless the error is the driver's.
    code: Option<i32>,
    message: String,
    /// The file that could not be opened.
    path: Option<PathBuf>,
    system: Option<io::Error>,
}

impl SqliteError {
    fn new(error: &rusqlite::Error) -> Self {
        let (code, message) = match error {
            rusqlite::Error::SqliteFailure(cause, message) => {
                (Some(cause.extended_code), message.clone().unwrap_or_else(|| cause.to_string()))
            }
            other => (None, other.to_string()),
        };
        SqliteError { code, message, path: None, system: None }
    }
}

impl fmt::Display for SqliteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "SQLite {code}: {}", self.message)?,
            None => f.write_str(&self.message)?,
        }
        match &self.path {
            Some(path) => write!(f, " ({})", path.display()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SqliteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.system.as_ref().map(|system| system as _)
    }
}

/// The failure for an error of a call on this connection. The operating system's error belongs to the connection's last
/// call, so this comes right after it.
pub(super) fn map_error(connection: &Connection, error: &rusqlite::Error) -> Failure {
    let system = is_system_error(error).then(|| system_error(connection)).flatten();
    to_failure(error, system.as_ref()).caused_by(SqliteError { system, ..SqliteError::new(error) })
}

/// The failure for a value that could not be taken out of a row: no file was touched for it.
#[allow(clippy::needless_pass_by_value)] // fits map_err
pub(super) fn map_value_error(error: rusqlite::Error) -> Failure {
    to_failure(&error, None).caused_by(SqliteError::new(&error))
}

/// The failure for a file that could not be opened.
pub(super) fn map_open_error(error: &rusqlite::Error, path: &Path, system: Option<io::Error>) -> Failure {
    let failure = to_failure(error, system.as_ref());
    failure.caused_by(SqliteError { path: Some(path.to_owned()), system, ..SqliteError::new(error) })
}

/// The failure for a file that is not there and that the operating system does not let us create.
pub(super) fn map_creation_error(error: io::Error, path: &Path) -> Failure {
    let code = match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => ErrorCode::StorageReadOnly,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ErrorCode::StorageFull,
        _ => ErrorCode::StorageIo,
    };
    Failure::new(code, format!("the database file cannot be opened: {error}")).caused_by(SqliteError {
        code: None,
        message: "the database file cannot be created".to_owned(),
        path: Some(path.to_owned()),
        system: Some(error),
    })
}

/// Whether SQLite notes the operating system's error for errors like this one.
fn is_system_error(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(Sqlite::SystemIoFailure | Sqlite::CannotOpen))
}

fn system_error(connection: &Connection) -> Option<io::Error> {
    // SAFETY: the connection is open.
    match unsafe { ffi::sqlite3_system_errno(connection.handle()) } {
        0 => None,
        number => Some(io::Error::from_raw_os_error(number)),
    }
}

/// Whether what was written to a file of the database may be lost: the operating system failed to bring it to the disk, and says so
/// once.
pub(super) fn is_failed_sync(failure: &Failure) -> bool {
    use std::error::Error as _;

    let cause = failure.as_error().source().and_then(|source| source.downcast_ref::<SqliteError>());
    let code = cause.and_then(|cause| cause.code);
    matches!(code, Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC))
}

fn to_failure(error: &rusqlite::Error, system: Option<&io::Error>) -> Failure {
    use rusqlite::Error;

    let (code, detail) = match error {
        Error::SqliteFailure(cause, _) => match cause.code {
            Sqlite::DatabaseBusy | Sqlite::DatabaseLocked | Sqlite::FileLockingProtocolFailed => {
                (ErrorCode::StorageBusy, "the database is busy")
            }
            Sqlite::DiskFull => (ErrorCode::StorageFull, "the disk is full"),
            Sqlite::DatabaseCorrupt => (ErrorCode::StorageCorrupt, "the database is damaged"),
            Sqlite::NotADatabase => (ErrorCode::StorageCorrupt, "the file is not a database"),
            Sqlite::ReadOnly => (ErrorCode::StorageReadOnly, "the database cannot be written"),
            Sqlite::CannotOpen => (ErrorCode::StorageIo, "the database file cannot be opened"),
            Sqlite::SystemIoFailure | Sqlite::PermissionDenied | Sqlite::NoLargeFileSupport => {
                (ErrorCode::StorageIo, "the operating system failed a file operation")
            }
            Sqlite::ConstraintViolation => {
                (ErrorCode::StorageCorrupt, "the tables contradict their own rules")
            }
            _ => (ErrorCode::Internal, "the database refused a statement"),
        },
        // On our own STRICT tables a value that does not convert means a damaged page.
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::Utf8Error(..)
        | Error::InvalidColumnType(..)
        | Error::QueryReturnedNoRows => (ErrorCode::StorageCorrupt, "a table holds an impossible value"),
        _ => (ErrorCode::Internal, "the database driver refused a call"),
    };
    match error {
        Error::SqliteFailure(cause, _) => {
            let reason = system.map(|error| format!(": {error}")).unwrap_or_default();
            Failure::new(code, format!("{detail}{reason} (SQLite {})", cause.extended_code))
        }
        _ => Failure::new(code, detail),
    }
}
