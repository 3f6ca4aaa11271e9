//! Tracks commits for callers that cache what they read. Where the processes on the database tell each other what they change
//! (`shared_changes.rs`), by that; otherwise by which sessions, of which users, this store's own commits have changed, and whether another
//! process has committed at all.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use parking_lot::Mutex;

use super::bucket::Bucket;
use super::files::{BUCKETS, FileWatch};
use super::shared_changes::{Notes, is_shared};
use super::shared_slot::SharedSlot;
use super::wal_index::{Header, LogExtent, WalIndex};
use super::writer::Writer;
use crate::clock::Timestamp;
use crate::model::id::SessionId;
use crate::store::records::CommitVersion;
use crate::store::subject::{Subject, UserTag};

/// What a transaction changes.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Session {
        id: SessionId,
        user: UserTag,
    },
    /// Settings, keys or the epoch of the clock mark, which decide about many sessions.
    Everything,
    /// The time that the clock mark holds, which readers know without the database.
    ClockMark(Timestamp),
    /// What no cached answer depends on: failed sign-ins, events, seals, leases, revocations.
    Uncached,
}

/// The changes of one transaction.
#[derive(Default)]
pub(super) struct Changes {
    buckets: RefCell<Vec<Bucket>>,
    everything: Cell<bool>,
    clock_mark: Cell<Option<Timestamp>>,
}

impl Changes {
    pub(super) fn record(&self, change: Change) {
        match change {
            Change::Session { id, user } => {
                self.buckets.borrow_mut().extend([Bucket::of_session(id), Bucket::of_user(user)]);
            }
            Change::Everything => self.everything.set(true),
            Change::ClockMark(mark) => self.clock_mark.set(self.clock_mark.get().max(Some(mark))),
            Change::Uncached => {}
        }
    }
}

/// The commits to one database, as far as this store made or noticed them.
pub(super) struct ChangeTracker {
    wal_index: Arc<WalIndex>,
    state: Mutex<State>,
    /// Absent where commits of this process cannot be told to others.
    shared: Option<SharedSlot>,
}

struct State {
    /// As our last commit left it, or as it was when another process's commit was noticed.
    header: Header,
    /// Counts how often another process's commits were noticed, which may have changed anything, and our commits that
    /// changed everything. Shared epochs have their first bit set; this never comes so far.
    epoch: u64,
    /// Counts our commits.
    commits: u64,
    /// Whether a commit of ours is under way: the header may be the one that it writes.
    is_committing: bool,
    /// For each bucket the last of our commits that changed a session of it.
    last_changes: Vec<u64>,
}

impl State {
    /// Whether every commit up to this header is known. Begins an epoch if another process has committed.
    fn is_up_to_date(&mut self, header: Header) -> bool {
        if header != self.header {
            if self.is_committing {
                return false;
            }
            self.begin_epoch(header);
        }
        true
    }

    fn begin_epoch(&mut self, header: Header) {
        self.header = header;
        self.epoch += 1;
    }
}

impl ChangeTracker {
    /// `watch` where the writer of this store tells its changes.
    pub(super) fn new(wal_index: WalIndex, watch: Option<Arc<FileWatch>>) -> Self {
        let state = State {
            header: wal_index.header(),
            epoch: 0,
            commits: 0,
            is_committing: false,
            last_changes: vec![0; BUCKETS],
        };
        let shared = watch.map(SharedSlot::new);
        ChangeTracker { wal_index: Arc::new(wal_index), state: Mutex::new(state), shared }
    }

    pub(super) fn wal_index(&self) -> &WalIndex {
        &self.wal_index
    }

    /// The version that is committed now, where that can be told. A transaction that begins after this reads this version or a
    /// later one.
    pub(super) fn commit_version(&self) -> Option<CommitVersion> {
        if let Some(version) = self.shared_version() {
            return Some(version);
        }
        let mut state = self.state.lock();
        let up_to_date = state.is_up_to_date(self.wal_index.header());
        up_to_date.then_some(CommitVersion { epoch: state.epoch, commit: state.commits })
    }

    /// The version in the epoch that the processes share. Where something was committed that was not told, begins another one,
    /// unless a commit is under way: it may be about to be told.
    fn shared_version(&self) -> Option<CommitVersion> {
        let slot = self.shared.as_ref()?;
        let is_look_due = slot.is_look_due();
        if (is_look_due || slot.with_current(|shared| shared.is_behind().then_some(())).is_some())
            && let Some(_lock) = self.wal_index.try_write_lock()
        {
            if is_look_due {
                slot.look(&self.wal_index);
            }
            if let Some(shared) = slot.current() {
                shared.repair();
            }
        }
        slot.with_current(|shared| shared.version())
    }

    /// Whether the subject is certainly what it was at that version; then the highest clock mark that other processes are
    /// known to have set.
    pub(super) fn clock_mark_if_unchanged(
        &self,
        subject: Subject,
        since: CommitVersion,
    ) -> Option<Timestamp> {
        let bucket = Bucket::of(subject);
        if is_shared(since) {
            let slot = self.shared.as_ref()?;
            return slot.with_current(|shared| {
                let clock = shared.clock_if_unchanged(bucket, since);
                if clock.is_none()
                    && shared.has_early_note(bucket)
                    && let Some(lock) = self.wal_index.try_write_lock()
                {
                    shared.take_back(bucket, &lock);
                }
                clock.map(Timestamp::from_millis)
            });
        }
        let mut state = self.state.lock();
        let is_unchanged = state.is_up_to_date(self.wal_index.header())
            && state.epoch == since.epoch
            && state.last_changes.get(bucket.index()).is_some_and(|&commit| commit <= since.commit);
        is_unchanged.then(Timestamp::default)
    }

    /// Tells the other processes what the transaction is about to commit; the end of that happens when it lets the write lock
    /// go, which it holds.
    pub(super) fn announce(&self, writer: &Writer, changes: &Changes) {
        let Some(slot) = &self.shared else { return };
        if slot.is_look_due() {
            slot.look(&self.wal_index);
        }
        let Some(shared) = slot.current() else { return };
        let notes = Notes {
            buckets: &changes.buckets.borrow(),
            clock_mark: changes.clock_mark.get().map(Timestamp::as_millis),
            everything: changes.everything.get(),
        };
        if let Some(untold) = shared.note(notes) {
            writer.tell_at_unlock(untold);
        }
    }

    #[cfg(test)]
    pub(super) fn shared(&self) -> &SharedSlot {
        self.shared.as_ref().unwrap()
    }

    /// How far the log reaches; nothing while a commit writes that down.
    pub(super) fn log_extent(&self) -> Option<LogExtent> {
        self.wal_index.extent()
    }

    /// See [`WalIndex::leave_log`].
    pub(super) fn leave_log(&self) {
        self.wal_index.leave_log();
    }

    /// Called before our `COMMIT`, while we hold the write lock: every commit of another process comes before we got the lock
    /// or after we release it.
    pub(super) fn begin_commit(&self) -> CommitGuard<'_> {
        let mut state = self.state.lock();
        let header = self.wal_index.header();
        if header != state.header {
            state.begin_epoch(header);
        }
        state.is_committing = true;
        CommitGuard { tracker: self, counter: header.counter(), result: None }
    }
}

/// A commit of ours under way. Dropped before it is [finished](Self::finish), its effect is unknown.
pub(super) struct CommitGuard<'a> {
    tracker: &'a ChangeTracker,
    /// The header's counter before the commit.
    counter: u32,
    /// What a commit that succeeded wrote, if it wrote.
    result: Option<Option<&'a Changes>>,
}

impl<'a> CommitGuard<'a> {
    /// The commit succeeded and wrote these changes, or had nothing to write. From the end of this call on, a version from
    /// before it no longer counts as unchanged for the sessions that it changed.
    pub(super) fn finish(mut self, written: Option<&'a Changes>) {
        self.result = Some(written);
    }
}

impl Drop for CommitGuard<'_> {
    fn drop(&mut self) {
        let mut state = self.tracker.state.lock();
        state.is_committing = false;
        let header = self.tracker.wal_index.header();
        match self.result {
            // A commit that writes raises the counter by one: this header is ours, and no other commit came after it.
            Some(Some(changes)) if header.counter() == self.counter.wrapping_add(1) => {
                state.header = header;
                state.commits += 1;
                let commit = state.commits;
                for &bucket in changes.buckets.borrow().iter() {
                    if let Some(last_change) = state.last_changes.get_mut(bucket.index()) {
                        *last_change = commit;
                    }
                }
                if changes.everything.get() {
                    state.epoch += 1;
                }
            }
            // Nothing was written. A commit of another process after us shows in the header at the next question.
            Some(None) => {}
            // Another process committed after us, or the effect of our commit is unknown.
            _ => state.begin_epoch(header),
        }
    }
}
