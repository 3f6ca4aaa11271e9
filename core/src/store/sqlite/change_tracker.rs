//! What has been committed since: which sessions this engine's own commits have changed, and whether anybody else has
//! committed. For those who remember what they read.

use std::cell::{Cell, RefCell};

use parking_lot::Mutex;

use super::wal_index::{Header, WalIndex};
use crate::model::id::SessionId;
use crate::store::CommitVersion;

/// What a transaction changes.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Session(SessionId),
    /// What decides about many sessions: settings, keys, an epoch of the clock.
    Everything,
    /// What readers know without the database: the time that this engine has seen.
    Seen,
}

/// The changes of one transaction.
#[derive(Default)]
pub(super) struct Changes {
    buckets: RefCell<Vec<u16>>,
    everything: Cell<bool>,
}

impl Changes {
    pub(super) fn record(&self, change: Change) {
        match change {
            Change::Session(id) => self.buckets.borrow_mut().push(bucket(id)),
            Change::Everything => self.everything.set(true),
            Change::Seen => {}
        }
    }
}

/// How many places there are for sessions. Sessions that share one only ask the store once more than they had to.
const BUCKETS: usize = 1 << 16;

/// The place of a session: the end of its ULID is random.
fn bucket(id: SessionId) -> u16 {
    let [.., high, low] = id.to_bytes();
    u16::from_be_bytes([high, low])
}

/// The commits to one database, as far as this engine made or noticed them.
pub(super) struct ChangeTracker {
    watch: WalIndex,
    state: Mutex<State>,
}

struct State {
    /// As our last commit left it, or as it was when somebody else's was noticed.
    header: Header,
    /// Counts how often somebody else's commits were noticed: nobody here knows what they changed.
    epoch: u64,
    /// Counts our commits.
    commits: u64,
    /// Whether one of ours is under way: the header may be that one's already.
    committing: bool,
    /// The last of our commits that changed a session of this place.
    changed: Vec<u64>,
}

impl State {
    /// Whether the header says that everything committed is known; one that says otherwise begins an epoch.
    fn is_up_to_date(&mut self, header: Header) -> bool {
        if header != self.header {
            if self.committing {
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
    pub(super) fn watched_by(watch: WalIndex) -> Self {
        let state = State {
            header: watch.header(),
            epoch: 0,
            commits: 0,
            committing: false,
            changed: vec![0; BUCKETS],
        };
        ChangeTracker { watch, state: Mutex::new(state) }
    }

    /// The present moment, unless a commit of ours is under way. What is read in a transaction that begins after this
    /// is of this moment or a later one.
    pub(super) fn commit_version(&self) -> Option<CommitVersion> {
        let mut state = self.state.lock();
        let up_to_date = state.is_up_to_date(self.watch.header());
        up_to_date.then_some(CommitVersion { epoch: state.epoch, commit: state.commits })
    }

    /// Whether this session is certainly what it was at that moment.
    pub(super) fn is_unchanged_since(&self, id: SessionId, since: CommitVersion) -> bool {
        let mut state = self.state.lock();
        state.is_up_to_date(self.watch.header())
            && state.epoch == since.epoch
            && state.changed.get(usize::from(bucket(id))).is_some_and(|&commit| commit <= since.commit)
    }

    /// Before our `COMMIT`, while we hold the write lock: others have committed before we got it or will after we let it go.
    pub(super) fn begin_commit(&self) -> CommitGuard<'_> {
        let mut state = self.state.lock();
        let header = self.watch.header();
        if header != state.header {
            state.begin_epoch(header);
        }
        state.committing = true;
        CommitGuard { history: self, counter: header.counter(), done: None }
    }
}

/// A commit of ours under way. Dropped before it is [done](Self::done), nobody knows what it did.
pub(super) struct CommitGuard<'a> {
    history: &'a ChangeTracker,
    /// What the header counted before.
    counter: u32,
    done: Option<Option<&'a Changes>>,
}

impl<'a> CommitGuard<'a> {
    /// It happened, and wrote these changes: from the end of this call on, who remembers one of those sessions asks the
    /// store. `None` if it had nothing to write.
    pub(super) fn done(mut self, written: Option<&'a Changes>) {
        self.done = Some(written);
    }
}

impl Drop for CommitGuard<'_> {
    fn drop(&mut self) {
        let mut state = self.history.state.lock();
        state.committing = false;
        let header = self.history.watch.header();
        match self.done {
            // A commit that writes counts one further: this is ours, and nobody's came after it.
            Some(Some(changes)) if header.counter() == self.counter.wrapping_add(1) => {
                state.header = header;
                state.commits += 1;
                let commit = state.commits;
                for &place in changes.buckets.borrow().iter() {
                    if let Some(changed) = state.changed.get_mut(usize::from(place)) {
                        *changed = commit;
                    }
                }
                if changes.everything.get() {
                    state.epoch += 1;
                }
            }
            Some(None) if header == state.header => {}
            // Somebody else's came after it, or nobody knows.
            _ => state.begin_epoch(header),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Timestamp;
    use crate::store::Store;
    use crate::store::sqlite::SqliteStore;
    use crate::store::{Database, Durability, StoreOptions};

    /// Two stores on one file, as of two processes.
    fn stores(folder: &tempfile::TempDir) -> [SqliteStore; 2] {
        let options = StoreOptions { durability: Durability::Normal, busy_timeout: Duration::from_secs(5) };
        [(); 2].map(|()| SqliteStore::open(Database::File(folder.path().join("s.db")), options).unwrap())
    }

    fn commit(store: &SqliteStore, millis: i64) {
        store.write_exclusive(&mut |tx| tx.raise_clock_mark(Timestamp::from_millis(millis))).unwrap();
    }

    #[test]
    fn somebody_elses_commit_is_never_taken_for_ours() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, theirs] = stores(&folder);
        let history = ours.history.read().clone().unwrap();
        let session = SessionId::from_bytes([7; 16]);

        // Ours had nothing to write and let the write lock go; theirs came before that was noted.
        let before = history.commit_version().unwrap();
        let committing = history.begin_commit();
        commit(&theirs, 1);
        committing.done(None);
        assert!(!history.is_unchanged_since(session, before));

        // Ours wrote, and theirs came before that was noted.
        let before = history.commit_version().unwrap();
        let changes = Changes::default();
        let committing = history.begin_commit();
        commit(&theirs, 2);
        commit(&theirs, 3);
        committing.done(Some(&changes));
        assert!(!history.is_unchanged_since(session, before));

        // Ours failed.
        let before = history.commit_version().unwrap();
        drop(history.begin_commit());
        assert!(!history.is_unchanged_since(session, before));

        // Nothing happened, or it was ours and about other sessions.
        let before = history.commit_version().unwrap();
        ours.write_exclusive(&mut |_| Ok(())).unwrap();
        commit(&ours, 4);
        assert!(history.is_unchanged_since(session, before));
        assert_eq!(before.commit + 1, history.commit_version().unwrap().commit);
        let committing = history.begin_commit();
        assert!(history.is_unchanged_since(session, before));
        changes.record(Change::Session(session));
        commit(&theirs, 5); // stands for ours
        assert_eq!(history.commit_version(), None);
        assert!(!history.is_unchanged_since(session, before));
        committing.done(Some(&changes));
        assert!(!history.is_unchanged_since(session, before));
        assert!(history.is_unchanged_since(SessionId::from_bytes([8; 16]), before));
    }
}
