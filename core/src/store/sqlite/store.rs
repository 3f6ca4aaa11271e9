//! The store itself: its connections, who holds them, and closing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use rusqlite::Connection;

use super::change_tracker::ChangeTracker;
use super::connection::{self, OpenMode};
use super::files::{self, FileClaim, FileWatch};
use super::log::{self, Due, LOG_LIMITS, LogKeeper};
use super::readers::Readers;
use super::wal_index::WalIndex;
use super::writer::Writer;
use super::{error, migrate, transaction};
use crate::clock::Timestamp;
use crate::error::{ErrorCode, Failure};
use crate::store::contract::{Store, StoreOptions};
use crate::store::database::SqliteDatabase;
use crate::store::durability::Durability;
use crate::store::group_commit::{
    ExclusiveWriter, GroupCommit, QueuedWrite, SavepointTransaction, TransactionError,
};
use crate::store::needs::Needs;
use crate::store::records::CommitVersion;
use crate::store::subject::Subject;
use crate::store::transaction::{QueuedJob, ReadJob, ReadTransaction, WriteJob};
use crate::store::wait_policy::{WaitPolicy, would_block};

/// How long the thread that keeps the log short waits for the write under way, with the answer to its own caller.
const OWN_WRITE_PATIENCE: Duration = Duration::from_millis(500);

pub(in crate::store) struct SqliteStore {
    database: SqliteDatabase,
    options: StoreOptions,
    group_commit: GroupCommit,
    /// Lent to one leader at a time; its lock makes [`close`](Store::close) wait for that leader.
    writer: Mutex<Option<Writer>>,
    readers: Readers,
    change_tracker: RwLock<Option<Arc<ChangeTracker>>>,
    log_keeper: LogKeeper,
    /// Absent for a database in memory.
    file_watch: Option<Arc<FileWatch>>,
    is_closed: AtomicBool,
    /// Released last; absent for a database in memory.
    file_claim: Option<FileClaim>,
}

impl SqliteStore {
    pub(in crate::store) fn open(database: SqliteDatabase, options: StoreOptions) -> Result<Self, Failure> {
        let open_writer = || {
            let writer = connection::open(&database, OpenMode::CreateIfMissing, &options)?;
            migrate::migrate(&writer, &options)?;
            connection::configure(&writer, &options)?;
            Ok(Writer::new(writer))
        };
        let (mut writer, file_claim) = match &database {
            SqliteDatabase::File(path) => {
                if !options.allow_network_file_system {
                    files::require_local(path)?;
                }
                let (writer, claim) = FileClaim::claim(path, options.busy_timeout, open_writer)?;
                (writer, Some(claim))
            }
            SqliteDatabase::Memory => (open_writer()?, None),
        };
        let readers = Readers::default();
        let (change_tracker, file_watch) = match (&database, &file_claim) {
            (SqliteDatabase::File(path), Some(claim)) => {
                readers.open_first(&database, &options)?;
                let watcher = connection::open(&database, OpenMode::MustExist, &options)?;
                connection::configure(&watcher, &options)?;
                transaction::read(&watcher, &mut |tx| tx.clock_mark().map(drop))?;
                let watch = claim.watch(path)?;
                let told = writer.install_hook().then(|| Arc::clone(&watch));
                let tracker =
                    WalIndex::map(watcher).map(|wal_index| Arc::new(ChangeTracker::new(wal_index, told)));
                (tracker, Some(watch))
            }
            _ => (None, None),
        };
        if change_tracker.is_some() {
            connection::stop_checkpoints(&writer)?;
        }
        Ok(SqliteStore {
            database,
            options,
            group_commit: GroupCommit::default(),
            writer: Mutex::new(Some(writer)),
            readers,
            change_tracker: RwLock::new(change_tracker),
            log_keeper: LogKeeper::new(LOG_LIMITS),
            file_watch,
            is_closed: AtomicBool::new(false),
            file_claim,
        })
    }

    /// Lends out the writing connection, with the time that is left to wait for other processes.
    fn with_writer<T>(
        &self,
        time_left: Duration,
        durability: Durability,
        work: impl FnOnce(&Writer, Option<&ChangeTracker>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        // Not under the next lock: close() may wait for the thread that keeps the log short, which may wait for this one.
        let tracker = self.change_tracker.read().clone();
        let mut guard = self.writer.lock();
        self.check_open()?;
        if guard.is_none() {
            // The connection before was given up after a failure that it could not roll back.
            let mut fresh = Writer::new(connection::open_again(&self.database, &self.options)?);
            if tracker.is_some() {
                connection::stop_checkpoints(&fresh)?;
                fresh.install_hook();
            }
            *guard = Some(fresh);
        }
        let run = |writer: &Writer| {
            connection::with_busy_timeout(writer, time_left, &self.options, || {
                work(writer, tracker.as_deref())
            })
        };
        if self.database == SqliteDatabase::Memory {
            return guard.as_ref().ok_or_else(closed).and_then(run);
        }
        // It comes back only as it was: outside of every transaction, and as durable as the next leader expects it.
        let writer = guard.take().ok_or_else(closed)?;
        let is_relaxed = durability == Durability::Normal && self.options.durability == Durability::Full;
        if is_relaxed {
            connection::set_durability(&writer, durability)?;
        }
        let outcome = run(&writer);
        let is_restored = !is_relaxed || connection::set_durability(&writer, self.options.durability).is_ok();
        if is_restored && writer.is_autocommit() {
            *guard = Some(writer);
        }
        outcome
    }

    /// On the thread of a caller whose write is done, while other callers go on.
    fn keep_log_short(&self) {
        // Held to the end, so that close() waits for it.
        let tracker = self.change_tracker.read();
        if self.is_lost() || self.require_synced().is_err() {
            return;
        }
        let Some(wal_index) = tracker.as_deref().map(ChangeTracker::wal_index) else { return };
        self.log_keeper.keep_short(wal_index.header().log_pages(), |due| {
            // Not through `lend_reader`, which would take the lock of the tracker again.
            let confirm = || Ok(());
            let moved = self.readers.lend(
                WaitPolicy::NonBlocking,
                &self.database,
                &self.options,
                confirm,
                |reader| {
                    connection::checkpoint_log(reader)?;
                    if let Due::Restart { patience } = due {
                        // Or this process's own next write takes the lock first, again and again. A write that waits
                        // for another process is not waited for.
                        if let Some(_no_write) = self.writer.try_lock_for(OWN_WRITE_PATIENCE) {
                            connection::restart_log(reader, patience, &self.options)?;
                        }
                    }
                    Ok(())
                },
            );
            moved.inspect_err(|failure| self.note_failed_sync(failure))
        });
    }

    /// Runs `read` with a reading connection.
    fn lend_reader<T>(
        &self,
        wait_policy: WaitPolicy,
        read: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        // A fresh connection may have opened another file than the others have.
        let confirm = || self.look_at_files();
        self.readers
            .lend(wait_policy, &self.database, &self.options, confirm, read)
            .map_err(|failure| self.explain(failure))
    }

    /// Fails if the files at the path are no longer the ones that are open. Once the store is being closed, its log may be gone, and that at
    /// its path another's.
    fn look_at_files(&self) -> Result<(), Failure> {
        self.require_not_closed()?;
        self.compare_files().or_else(|loss| self.require_not_closed().and(Err(loss)))
    }

    fn compare_files(&self) -> Result<(), Failure> {
        let Some(watch) = &self.file_watch else { return Ok(()) };
        watch.look(|| self.change_tracker.read().as_ref()?.log_extent())
    }

    fn require_not_closed(&self) -> Result<(), Failure> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        Ok(())
    }

    /// A failure of a transaction, or what has happened to the files if that explains it.
    fn explain(&self, failure: Failure) -> Failure {
        match failure.as_error().code() {
            ErrorCode::StorageCorrupt | ErrorCode::StorageIo => self.look_at_files().err().unwrap_or(failure),
            _ => failure,
        }
    }

    fn note_failed_sync(&self, failure: &Failure) {
        if let Some(claim) = self.file_claim.as_ref().filter(|_| error::is_failed_sync(failure)) {
            claim.note_failed_sync();
        }
    }

    /// Nothing is written on top of what a failed sync may have lost: after a power loss the log would end there, and take
    /// along what was acknowledged later.
    fn require_synced(&self) -> Result<(), Failure> {
        if self.file_claim.as_ref().is_some_and(FileClaim::has_failed_sync) {
            return Err(Failure::new(
                ErrorCode::StorageIo,
                "the disk has failed to keep what was written; close the database and open it again",
            ));
        }
        Ok(())
    }

    fn is_lost(&self) -> bool {
        self.file_watch.as_ref().is_some_and(|watch| watch.is_lost())
    }
}

impl ExclusiveWriter for SqliteStore {
    fn transact(
        &self,
        time_left: Duration,
        durability: Durability,
        work: &mut dyn FnMut(&dyn SavepointTransaction) -> Result<(), Failure>,
    ) -> Result<(), TransactionError> {
        self.require_synced()?;
        self.with_writer(time_left, durability, |writer, tracker| {
            transaction::write(writer, tracker, &mut |tx| {
                work(tx)?;
                // Nothing is acknowledged that no other process can see.
                let look = |watch: &Arc<FileWatch>| watch.look_before_commit(|| tracker?.log_extent());
                self.file_watch.as_ref().map_or(Ok(()), look)
            })
        })
        .inspect_err(|failure| self.note_failed_sync(failure))
        .map_err(|failure| self.explain(failure).into())
    }
}

impl Store for SqliteStore {
    fn read(&self, wait_policy: WaitPolicy, _: &Needs, job: &mut ReadJob<'_>) -> Result<(), Failure> {
        self.check_open()?;
        if self.database == SqliteDatabase::Memory {
            // The one connection is the writer's.
            return match wait_policy {
                WaitPolicy::Block => self.write_exclusive(&mut |tx| job(tx)),
                WaitPolicy::NonBlocking => Err(would_block()),
            };
        }
        self.lend_reader(wait_policy, |reader| transaction::read(reader, &mut |tx| job(tx)))
    }

    fn write_exclusive(&self, job: &mut WriteJob<'_>) -> Result<(), Failure> {
        self.check_open()?;
        let outcome = self.group_commit.write_exclusive(self, self.options.busy_timeout, job);
        self.keep_log_short();
        outcome
    }

    fn enqueue(&self, job: Box<QueuedJob>, durability: Durability, needs: Needs) -> Arc<QueuedWrite> {
        self.group_commit.push(job, durability, needs, self.options.busy_timeout)
    }

    fn wait(&self, write: &Arc<QueuedWrite>) -> Result<(), Failure> {
        let outcome = self.group_commit.wait(write, self);
        self.keep_log_short();
        outcome
    }

    fn cancel(&self, write: &Arc<QueuedWrite>) {
        self.group_commit.cancel(write);
    }

    fn has_waiting_writes(&self) -> bool {
        self.group_commit.has_waiting_writes()
    }

    fn log_bytes(&self) -> Result<u64, Failure> {
        let SqliteDatabase::File(path) = &self.database else { return Ok(0) };
        Ok(log::size(path))
    }

    fn commit_version(&self) -> Option<CommitVersion> {
        self.change_tracker.read().as_ref()?.commit_version()
    }

    fn clock_mark_if_unchanged(&self, subject: Subject, since: CommitVersion) -> Option<Timestamp> {
        self.change_tracker.read().as_ref()?.clock_mark_if_unchanged(subject, since)
    }

    fn erase_deleted(&self) -> Result<bool, Failure> {
        self.check_open()?;
        if self.database == SqliteDatabase::Memory {
            return Ok(true);
        }
        self.require_synced()?;
        self.lend_reader(WaitPolicy::Block, |reader| connection::empty_log(reader, &self.options))
            .inspect_err(|failure| self.note_failed_sync(failure))
    }

    fn check_open(&self) -> Result<(), Failure> {
        self.require_not_closed()?;
        self.file_watch.as_ref().map_or(Ok(()), |watch| watch.require_files())
    }

    fn confirm_files(&self, clock: Timestamp) -> Result<(), Failure> {
        match &self.file_watch {
            Some(watch) if watch.is_look_due(clock) => self.look_at_files(),
            _ => Ok(()),
        }
    }

    fn close(&self) {
        if !self.is_closed.swap(true, Ordering::AcqRel) {
            // What is lost is left alone, also where no call has noticed it yet.
            let _ = self.compare_files();
        }
        let is_lost = self.is_lost();
        self.readers.close(is_lost);
        // Waits for the leader at work; the last connection to close checkpoints the log.
        if let Some(writer) = self.writer.lock().take()
            && is_lost
        {
            connection::leave_log(&writer);
        }
        // With it go its connection, and the memory that is shared with other processes.
        if let Some(tracker) = self.change_tracker.write().take()
            && is_lost
        {
            tracker.leave_log();
        }
        if let Some(watch) = self.file_watch.as_ref().filter(|_| !is_lost) {
            watch.shared_words().remove_after_log();
            watch.end();
        }
        if let Some(claim) = &self.file_claim {
            claim.end();
        }
    }
}

#[cfg(test)]
impl SqliteStore {
    pub(super) fn set_busy_timeout(&mut self, busy_timeout: Duration) {
        self.options.busy_timeout = busy_timeout;
        self.with_idle_writer(|writer| writer.busy_timeout(busy_timeout).unwrap());
    }

    /// Runs `look` on the writing connection while no leader has it.
    pub(super) fn with_idle_writer<T>(&self, look: impl FnOnce(&Writer) -> T) -> T {
        look(self.writer.lock().as_ref().unwrap())
    }

    pub(super) fn has_empty_queue(&self) -> bool {
        !self.group_commit.has_waiting_writes()
    }

    /// Makes the limits of the log small enough for a test to reach.
    pub(super) fn set_log_limits(&mut self, limits: log::LogLimits) {
        self.log_keeper = LogKeeper::new(limits);
        let bytes = i64::from(limits.checkpoint) * (4096 + 24);
        self.with_idle_writer(|writer| writer.pragma_update(None, "journal_size_limit", bytes).unwrap());
    }

    pub(super) fn change_tracker(&self) -> Arc<ChangeTracker> {
        self.change_tracker.read().clone().unwrap()
    }
}

fn closed() -> Failure {
    Failure::new(ErrorCode::EngineClosed, "the engine was closed")
}
