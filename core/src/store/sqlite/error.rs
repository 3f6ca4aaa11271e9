//! What SQLite says, in the words of our error table. A failure never reads as "no such session".

use rusqlite::{Error, ErrorCode as Sqlite};

use crate::error::{ErrorCode, Failure};

pub(super) fn failed(error: &Error) -> Failure {
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
    let number = match error {
        Error::SqliteFailure(cause, _) => cause.extended_code,
        _ => return Failure::new(code, detail),
    };
    Failure::new(code, format!("{detail} (SQLite {number})"))
}
