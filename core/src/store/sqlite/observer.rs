//! A connection that changes nothing, to a file that may be anything: for a look at a database beside its engines.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::connection::{self, OpenMode};
use super::error::{map_error, map_open_error};
use super::files::FileClaim;
use super::log;
use crate::error::{ErrorCode, Failure};
use crate::store::contract::StoreOptions;

pub(super) struct Observer {
    connection: Connection,
    /// Whether the account may not write the file.
    opened_to_read: bool,
    /// Released last.
    _file_claim: FileClaim,
}

impl Observer {
    /// Opens a file that must exist. Where the account may not write beside the file, and no process has it open (there is
    /// no log), the file is read as one that does not change.
    pub(super) fn open(path: &Path, options: &StoreOptions) -> Result<Self, Failure> {
        connection::require_sound_sqlite()?;
        let ((connection, opened_to_read), file_claim) =
            FileClaim::claim(path, options.busy_timeout, || open_observing(path, options))?;
        Ok(Observer { connection, opened_to_read, _file_claim: file_claim })
    }

    /// Whether the file's header names a format that SQLite reads and does not write, and in which it finds nothing wrong. Known
    /// after the first read, of a file that the account may write.
    pub(super) fn finds_header_read_only(&self) -> bool {
        !self.opened_to_read && is_read_only(&self.connection)
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// The connection, and whether the account may not write the file.
fn open_observing(path: &Path, options: &StoreOptions) -> Result<(Connection, bool), Failure> {
    let has_log = log::size(path) > 0;
    let connection = connection::open_file(path, OpenMode::MustExist, options)?;
    let opened_to_read = is_read_only(&connection);
    restrict(&connection, options)?;
    // The last connection to close would write a log that a crash has left into the database.
    if has_log {
        connection::leave_log(&connection);
    }
    match connection.query_row("PRAGMA schema_version", [], |_| Ok(())) {
        Ok(()) => Ok((connection, opened_to_read)),
        Err(error) => {
            let failure = map_error(&connection, &error);
            let is_refused =
                matches!(failure.as_error().code(), ErrorCode::StorageIo | ErrorCode::StorageReadOnly);
            if has_log || !is_refused {
                // Damage is not this function's business.
                return if failure.as_error().code() == ErrorCode::StorageCorrupt {
                    Ok((connection, opened_to_read))
                } else {
                    Err(failure)
                };
            }
            drop(connection);
            let unchanging = open_unchanging(path)?;
            restrict(&unchanging, options)?;
            Ok((unchanging, true))
        }
    }
}

fn is_read_only(connection: &Connection) -> bool {
    connection.is_readonly("main").unwrap_or(true)
}

/// No statement writes, no trigger and no view of the file takes part, no function of the schema is trusted.
fn restrict(connection: &Connection, options: &StoreOptions) -> Result<(), Failure> {
    connection::harden(connection)?;
    connection::set_busy_timeout(connection, options.busy_timeout)?;
    connection::set_pragma(connection, "query_only", true)?;
    connection::set_pragma(connection, "cell_size_check", true)
}

fn open_unchanging(path: &Path) -> Result<Connection, Failure> {
    let mut uri = "file:".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(byte.into()),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri, flags).map_err(|error| map_open_error(&error, path, None))
}
