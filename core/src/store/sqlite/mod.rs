//! The store over one SQLite file in WAL mode: one writing connection, a few reading ones.

mod change_tracker;
mod codec;
mod connection;
mod error;
mod file_claim;
mod migrate;
mod read_tx;
#[cfg(test)]
mod tests;
mod wal_index;
mod write_tx;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use rusqlite::Connection;

use self::change_tracker::ChangeTracker;
use self::connection::{OpenMode, Tx};
use self::error::failed;
use self::wal_index::WalIndex;
use super::group_commit::{CommitBatch, GroupCommit, QueuedWrite};
use super::{
    CommitVersion, Database, Durability, QueuedJob, ReadJob, ReadTransaction, Store, StoreOptions,
    WaitPolicy, WriteJob, would_block,
};
use crate::error::{ErrorCode, Failure};
use crate::model::id::SessionId;

/// How many idle reading connections are kept for the next readers.
const IDLE_READERS: usize = 8;

/// How many pages a reading connection keeps, of 4 KB: the upper levels of the trees of millions of sessions. Rows come from
/// the system's own cache of files. There may be as many of these connections as threads that read at once.
const READERS_PAGES: i64 = 128;

pub(crate) struct SqliteStore {
    location: Database,
    options: StoreOptions,
    queue: GroupCommit,
    /// Used in turns; its lock keeps [`close`](Store::close) from taking it away in the middle of one.
    writer: Mutex<Option<Connection>>,
    idle_readers: Mutex<Vec<Connection>>,
    history: RwLock<Option<Arc<ChangeTracker>>>,
    closed: AtomicBool,
    /// Says to other copies of this library in the process that the file is taken; released last.
    _presence: Option<file_claim::FileClaim>,
}

impl SqliteStore {
    pub(crate) fn open(location: Database, options: StoreOptions) -> Result<Self, Failure> {
        let open = || {
            let mut writer = connection::open(&location, OpenMode::CreateIfMissing, &options)?;
            migrate::migrate(&mut writer, &options)?;
            connection::configure(&writer, &options)?;
            Ok(writer)
        };
        let (writer, presence) = match &location {
            Database::File(path) => file_claim::FileClaim::claim(path, options.busy_timeout, open)?,
            Database::Memory => (open()?, None),
        };
        let history = match &location {
            Database::File(_) => {
                let watching = connection::open(&location, OpenMode::MustExist, &options)?;
                connection::configure(&watching, &options)?;
                connection::read(&watching, &mut |tx| tx.clock_mark().map(drop))?;
                WalIndex::over(watching).map(|watch| Arc::new(ChangeTracker::watched_by(watch)))
            }
            Database::Memory => None,
        };
        Ok(SqliteStore {
            location,
            options,
            queue: GroupCommit::default(),
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
        work: impl FnOnce(&Connection, Option<&ChangeTracker>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut guard = self.writer.lock();
        self.check_open()?;
        if guard.is_none() {
            // The connection before was given up after a failure that it could not roll back.
            let fresh = connection::open(&self.location, OpenMode::MustExist, &self.options)?;
            connection::configure(&fresh, &self.options)?;
            *guard = Some(fresh);
        }
        // Waiting for other threads and for other processes has one limit, not two.
        let history = self.history.read().clone();
        let run = |writer: &Connection| {
            connection::with_patience(writer, patience, &self.options, || work(writer, history.as_deref()))
        };
        if self.location == Database::Memory {
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
    fn run_exclusive(&self, job: &mut dyn FnMut(&Tx<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
        let place = self.queue.join(None, Durability::Full, self.options.busy_timeout);
        self.queue.wait(&place, |patience| {
            let outcome = self.with_writer(patience, Durability::Full, |writer, history| {
                connection::write(writer, history, job)
            });
            self.queue.answer(&place, outcome);
        })
    }

    /// A turn: runs the jobs of all who wait in one transaction.
    fn lead_commit(&self, place: &Arc<QueuedWrite>, patience: Duration) {
        let mut batch = CommitBatch::new(&self.queue);
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
    fn read(&self, patience: WaitPolicy, job: &mut ReadJob<'_>) -> Result<(), Failure> {
        self.check_open()?;
        if self.location == Database::Memory {
            return match patience {
                WaitPolicy::Block => self.run_exclusive(&mut |tx| job(tx)),
                WaitPolicy::NonBlocking => Err(would_block()),
            };
        }
        let patience = match patience {
            WaitPolicy::Block => self.options.busy_timeout,
            WaitPolicy::NonBlocking => Duration::ZERO,
        };
        let idle = self.idle_readers.lock().pop();
        let reader = match idle {
            Some(reader) => reader,
            None => {
                let options = StoreOptions { busy_timeout: patience, ..self.options };
                let fresh = connection::open(&self.location, OpenMode::MustExist, &options)?;
                connection::configure(&fresh, &options)?;
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

    fn write_exclusive(&self, job: &mut WriteJob<'_>) -> Result<(), Failure> {
        self.check_open()?;
        self.run_exclusive(&mut |tx| job(tx))
    }

    fn enqueue(&self, job: Box<QueuedJob>, durability: Durability) -> Arc<QueuedWrite> {
        self.queue.join(Some(job), durability, self.options.busy_timeout)
    }

    fn wait(&self, place: &Arc<QueuedWrite>) -> Result<(), Failure> {
        self.queue.wait(place, |patience| self.lead_commit(place, patience))
    }

    fn cancel(&self, place: &Arc<QueuedWrite>) {
        self.queue.leave(place);
    }

    fn commit_version(&self) -> Option<CommitVersion> {
        self.history.read().as_ref()?.commit_version()
    }

    fn is_unchanged_since(&self, session: SessionId, since: CommitVersion) -> bool {
        self.history.read().as_ref().is_some_and(|history| history.is_unchanged_since(session, since))
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

fn closed() -> Failure {
    Failure::new(ErrorCode::EngineClosed, "the engine was closed")
}

#[allow(clippy::needless_pass_by_value)] // fits map_err
pub(super) fn map_error(error: rusqlite::Error) -> Failure {
    failed(&error)
}
