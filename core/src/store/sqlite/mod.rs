//! The store over one SQLite file in WAL mode: one writing connection, a few reading ones.

mod connection;
mod failure;
mod migrate;
#[cfg(test)]
mod plans;
mod presence;
mod questions;
mod rows;
mod transitions;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::Connection;

use self::connection::{Missing, Tx};
use self::failure::failed;
use super::{ReadJob, Store, WriteJob};
use crate::clock::Stopwatch;
use crate::error::{ErrorCode, Failure};

/// When an answer counts as kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Durability {
    /// Every answer is on disk before it is given: a power loss takes nothing back. The default.
    #[default]
    Full,
    /// Answers survive a crash of the process; a power loss may take back the last moments, never corrupt.
    Normal,
}

/// Where the database lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// An absolute path: SQLite would read `file:…` as a URI otherwise.
    File(PathBuf),
    Memory,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub durability: Durability,
    pub busy_timeout: Duration,
}

/// How many idle reading connections are kept for the next readers.
const IDLE_READERS: usize = 8;

pub(crate) struct SqliteStore {
    location: Location,
    options: Options,
    writer: Mutex<Option<Connection>>,
    idle_readers: Mutex<Vec<Connection>>,
    closed: AtomicBool,
    /// Says to other copies of this library in the process that the file is taken; released last.
    _presence: Option<presence::Presence>,
}

impl SqliteStore {
    pub(crate) fn open(location: Location, options: Options) -> Result<Self, Failure> {
        let open = || {
            let mut writer = connection::open(&location, Missing::Create, &options)?;
            migrate::bring_up_to_date(&mut writer, &options)?;
            connection::harden(&writer, &options)?;
            Ok(writer)
        };
        let (writer, presence) = match &location {
            Location::File(path) => presence::Presence::claim(path, options.busy_timeout, open)?,
            Location::Memory => (open()?, None),
        };
        Ok(SqliteStore {
            location,
            options,
            writer: Mutex::new(Some(writer)),
            idle_readers: Mutex::new(Vec::new()),
            closed: AtomicBool::new(false),
            _presence: presence,
        })
    }

    /// Runs the job on the writing connection, alone in this process.
    fn with_writer(&self, job: &mut dyn FnMut(&Tx<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
        let patience = self.options.busy_timeout;
        let (mut guard, left) = match self.writer.try_lock() {
            Some(guard) => (guard, patience),
            None => {
                let waiting = Stopwatch::start();
                let guard = self
                    .writer
                    .try_lock_for(patience)
                    .ok_or_else(|| Failure::new(ErrorCode::StorageBusy, "the database is busy"))?;
                (guard, patience.saturating_sub(waiting.elapsed()))
            }
        };
        self.check_open()?;
        if guard.is_none() {
            // The connection before was given up after a failure that it could not roll back.
            let fresh = connection::open(&self.location, Missing::Refuse, &self.options)?;
            connection::harden(&fresh, &self.options)?;
            *guard = Some(fresh);
        }
        let Some(writer) = guard.as_ref() else { return Err(closed()) };
        // Waiting for other threads and for other processes has one limit, not two.
        let limit = |limit| if left < patience { writer.busy_timeout(limit).map_err(sql) } else { Ok(()) };
        limit(left)?;
        let outcome = connection::in_transaction(writer, connection::Kind::Writing, job);
        let _ = limit(patience); // cannot fail, and must not turn a commit into an error
        if !writer.is_autocommit() && self.location != Location::Memory {
            *guard = None;
        }
        outcome
    }
}

impl Store for SqliteStore {
    fn read(&self, job: &mut ReadJob<'_>) -> Result<(), Failure> {
        self.check_open()?;
        if self.location == Location::Memory {
            return self.with_writer(&mut |tx| job(tx));
        }
        let idle = self.idle_readers.lock().pop();
        let reader = match idle {
            Some(reader) => reader,
            None => {
                let fresh = connection::open(&self.location, Missing::Refuse, &self.options)?;
                connection::harden(&fresh, &self.options)?;
                fresh
            }
        };
        let outcome = connection::in_transaction(&reader, connection::Kind::Reading, &mut |tx| job(tx));
        let mut idle_readers = self.idle_readers.lock();
        // Under the lock, so that close() either drains this connection or has happened before.
        if reader.is_autocommit() && idle_readers.len() < IDLE_READERS && self.check_open().is_ok() {
            idle_readers.push(reader);
        }
        outcome
    }

    fn write(&self, job: &mut WriteJob<'_>) -> Result<(), Failure> {
        self.check_open()?;
        self.with_writer(&mut |tx| job(tx))
    }

    fn check_open(&self) -> Result<(), Failure> {
        if self.closed.load(Ordering::Acquire) { Err(closed()) } else { Ok(()) }
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.idle_readers.lock().clear();
        // Waits for the writer that is at work; the last connection to go checkpoints the log.
        self.writer.lock().take();
    }
}

fn closed() -> Failure {
    Failure::new(ErrorCode::EngineClosed, "the engine was closed")
}

/// The location that a host's text names: `:memory:` or a path.
pub(crate) fn locate(database: &Path) -> Result<Location, Failure> {
    if database.as_os_str() == ":memory:" {
        return Ok(Location::Memory);
    }
    if database.as_os_str().is_empty() {
        return Err(Failure::new(ErrorCode::ValidationError, "database: must not be empty"));
    }
    let absolute = std::path::absolute(database).map_err(|_| {
        Failure::new(ErrorCode::StorageIo, "the path of the database cannot be made absolute")
    })?;
    if absolute.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(Failure::new(ErrorCode::ValidationError, "database: must not contain a NUL character"));
    }
    Ok(Location::File(absolute))
}

#[allow(clippy::needless_pass_by_value)] // fits map_err
pub(super) fn sql(error: rusqlite::Error) -> Failure {
    failed(&error)
}
