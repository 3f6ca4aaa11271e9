//! The store over one SQLite file in WAL mode: one writing connection, a few reading ones.

mod connection;
mod failure;
mod history;
mod migrate;
#[cfg(test)]
mod plans;
mod presence;
mod questions;
mod rows;
#[cfg(test)]
mod sharing;
mod transitions;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use rusqlite::Connection;

use self::connection::{Missing, Tx};
use self::failure::failed;
use self::history::History;
use self::watch::Watch;
use super::queue::{Batch, Place, Queue};
use super::{Moment, Patience, Questions, ReadJob, SharedJob, Store, WriteJob};
use crate::error::{ErrorCode, Failure};
use crate::id::SessionId;

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

/// How many pages a reading connection keeps, of 4 KB: the upper levels of the trees of millions of sessions. Rows come from
/// the system's own cache of files. There may be as many of these connections as threads that read at once.
const READERS_PAGES: i64 = 128;

pub(crate) struct SqliteStore {
    location: Location,
    options: Options,
    queue: Queue,
    /// Used in turns; its lock keeps [`close`](Store::close) from taking it away in the middle of one.
    writer: Mutex<Option<Connection>>,
    idle_readers: Mutex<Vec<Connection>>,
    history: RwLock<Option<Arc<History>>>,
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
        let history = match &location {
            Location::File(_) => {
                let watching = connection::open(&location, Missing::Refuse, &options)?;
                connection::harden(&watching, &options)?;
                connection::read(&watching, &mut |tx| tx.clock_mark().map(drop))?;
                Watch::over(watching).map(|watch| Arc::new(History::watched_by(watch)))
            }
            Location::Memory => None,
        };
        Ok(SqliteStore {
            location,
            options,
            queue: Queue::default(),
            writer: Mutex::new(Some(writer)),
            idle_readers: Mutex::new(Vec::new()),
            history: RwLock::new(history),
            closed: AtomicBool::new(false),
            _presence: presence,
        })
    }

    /// Lends out the writing connection for a turn, with the time that is left to wait for other processes.
    fn with_writer<T>(
        &self,
        patience: Duration,
        durability: Durability,
        work: impl FnOnce(&Connection, Option<&History>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut guard = self.writer.lock();
        self.check_open()?;
        if guard.is_none() {
            // The connection before was given up after a failure that it could not roll back.
            let fresh = connection::open(&self.location, Missing::Refuse, &self.options)?;
            connection::harden(&fresh, &self.options)?;
            *guard = Some(fresh);
        }
        // Waiting for other threads and for other processes has one limit, not two.
        let history = self.history.read().clone();
        let run = |writer: &Connection| {
            connection::with_patience(writer, patience, &self.options, || work(writer, history.as_deref()))
        };
        if self.location == Location::Memory {
            return guard.as_ref().ok_or_else(closed).and_then(run);
        }
        // It comes back only as it was: out of every transaction, and as durable as all expect it.
        let writer = guard.take().ok_or_else(closed)?;
        let relaxed = durability == Durability::Normal && self.options.durability == Durability::Full;
        if relaxed {
            connection::set_durability(&writer, durability)?;
        }
        let outcome = run(&writer);
        let restored = !relaxed || connection::set_durability(&writer, self.options.durability).is_ok();
        if restored && writer.is_autocommit() {
            *guard = Some(writer);
        }
        outcome
    }

    /// Waits for a turn to run this job alone in its transaction.
    fn alone(&self, job: &mut dyn FnMut(&Tx<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
        let place = self.queue.join(None, Durability::Full, self.options.busy_timeout);
        self.queue.wait(&place, |patience| {
            let outcome = self.with_writer(patience, Durability::Full, |writer, history| {
                connection::write(writer, history, job)
            });
            self.queue.answer(&place, outcome);
        })
    }

    /// A turn: runs the jobs of all who wait in one transaction.
    fn take_turn(&self, place: &Arc<Place>, patience: Duration) {
        let mut batch = Batch::new(&self.queue);
        let durability = batch.durability;
        let shared = self.with_writer(patience, durability, |writer, history| {
            connection::write_shared(writer, history, &mut batch)
        });
        match shared {
            Ok(()) => batch.joined.iter_mut().for_each(|joined| joined.is_final = true),
            // Nothing was begun. Others still have time left to try.
            Err(failure) if batch.joined.is_empty() => self.queue.answer(place, Err(failure)),
            Err(failure) if batch.joined.len() == 1 => batch.joined[0].end_with(Err(failure)),
            // The transaction was lost, and with it everybody's changes. On his own, each gets his own right answer.
            Err(_) => {
                for joined in &mut batch.joined {
                    let patience = joined.place.patience_left();
                    let outcome = self.with_writer(patience, durability, |writer, history| {
                        connection::write(writer, history, &mut |tx| connection::guarded(&mut joined.job, tx))
                    });
                    joined.end_with(outcome);
                }
            }
        }
    }
}

impl Store for SqliteStore {
    fn read(&self, patience: Patience, job: &mut ReadJob<'_>) -> Result<(), Failure> {
        self.check_open()?;
        if self.location == Location::Memory {
            return match patience {
                Patience::Waits => self.alone(&mut |tx| job(tx)),
                Patience::Hurries => Err(would_wait()),
            };
        }
        let patience = match patience {
            Patience::Waits => self.options.busy_timeout,
            Patience::Hurries => Duration::ZERO,
        };
        let idle = self.idle_readers.lock().pop();
        let reader = match idle {
            Some(reader) => reader,
            None => {
                let options = Options { busy_timeout: patience, ..self.options };
                let fresh = connection::open(&self.location, Missing::Refuse, &options)?;
                connection::harden(&fresh, &options)?;
                connection::limit_pages(&fresh, READERS_PAGES)?;
                fresh
            }
        };
        let outcome = connection::with_patience(&reader, patience, &self.options, || {
            connection::read(&reader, &mut |tx| job(tx))
        });
        let mut idle_readers = self.idle_readers.lock();
        // Under the lock, so that close() either drains this connection or has happened before.
        if reader.is_autocommit() && idle_readers.len() < IDLE_READERS && self.check_open().is_ok() {
            idle_readers.push(reader);
        }
        outcome
    }

    fn write_alone(&self, job: &mut WriteJob<'_>) -> Result<(), Failure> {
        self.check_open()?;
        self.alone(&mut |tx| job(tx))
    }

    fn enqueue(&self, job: Box<SharedJob>, durability: Durability) -> Arc<Place> {
        self.queue.join(Some(job), durability, self.options.busy_timeout)
    }

    fn wait(&self, place: &Arc<Place>) -> Result<(), Failure> {
        self.queue.wait(place, |patience| self.take_turn(place, patience))
    }

    fn forget(&self, place: &Arc<Place>) {
        self.queue.leave(place);
    }

    fn moment(&self) -> Option<Moment> {
        self.history.read().as_ref()?.moment()
    }

    fn unchanged(&self, session: SessionId, since: Moment) -> bool {
        self.history.read().as_ref().is_some_and(|history| history.unchanged(session, since))
    }

    fn check_open(&self) -> Result<(), Failure> {
        if self.closed.load(Ordering::Acquire) { Err(closed()) } else { Ok(()) }
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.idle_readers.lock().clear();
        // Waits for the writer that is at work; the last connection to go checkpoints the log.
        self.writer.lock().take();
        self.history.write().take();
    }
}

/// What a caller is told who hurries and would have to wait.
pub(crate) fn would_wait() -> Failure {
    Failure::new(ErrorCode::StorageBusy, "the answer is not to be had without waiting")
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
