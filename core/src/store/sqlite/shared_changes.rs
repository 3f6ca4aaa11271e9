//! What the processes on one database tell each other of their commits, so that what one of them remembers outlives the others' commits
//! about other sessions and other users. The words that they share are in `files/shared_words.rs`; `docs/DATABASE-FILE.md` tells the whole, and
//! `tests/rust/cache_model/` searches every order of these steps.
//!
//! A writer **notes**, before it commits, the sessions that it changes and their users: it sets the counter of each one's bucket to the
//! number that the commit will have in the WAL index's header. It **tells**, after the commit and before it lets the write lock go, the
//! new header. So a told header says that every change up to it is noted. A commit that is not told (of another program, of a
//! process that was killed, of a change that concerns every session) leaves the header unequal to the told one: then every
//! process asks the database, until one of them, holding the write lock, **repairs**: draws a new epoch and tells the header as it is.
//! What was remembered in an older epoch is worth nothing.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use super::bucket::Bucket;
use super::files::SharedWords;
use super::wal_index::{Header, WalIndex, WriteLock};
use crate::random::{OsRandom, draw_bytes};
use crate::store::records::CommitVersion;

/// How many counters a commit sets one by one: those of 4,096 sessions and their users. One that changes more is not told.
const NOTES_MAX: usize = 8_192;

/// Marks the epochs that processes share: those that a store counts for itself stay below.
const SHARED: u64 = 0x8000_0000_0000_0000;

/// Whether a version is one of those that processes share.
pub(super) fn is_shared(version: CommitVersion) -> bool {
    version.epoch & SHARED != 0
}

pub(super) struct SharedChanges {
    shared: SharedWords,
    index: Arc<WalIndex>,
}

/// The half of the epoch that is mixed into this word of a told header, so that the two cannot be taken apart.
fn half(epoch: u64, word: usize) -> u32 {
    let [a, b, c, d, e, f, g, h] = epoch.to_le_bytes();
    if word & 1 == 0 { u32::from_le_bytes([a, b, c, d]) } else { u32::from_le_bytes([e, f, g, h]) }
}

impl SharedChanges {
    pub(super) fn new(shared: SharedWords, index: Arc<WalIndex>) -> Self {
        SharedChanges { shared, index }
    }

    pub(super) fn words(&self) -> &SharedWords {
        &self.shared
    }

    fn epoch(&self) -> u64 {
        self.shared.words().epoch.load(Ordering::Acquire)
    }

    /// The version that an answer is remembered with. Taken before its snapshot begins: the snapshot holds every commit up to this
    /// counter, also one whose header is just being written, because SQLite waits for that.
    pub(super) fn version(&self) -> Option<CommitVersion> {
        fence(Ordering::SeqCst);
        let epoch = self.epoch();
        let counter = self.index.header_unfenced().counter();
        fence(Ordering::SeqCst);
        // A header that counts nothing may come back word for word when the index is built anew.
        (epoch & SHARED != 0 && counter != 0).then_some(CommitVersion { epoch, commit: counter.into() })
    }

    /// The highest clock mark that was told, in ms, if no commit up to now concerns what this bucket stands for. No system call,
    /// no mutex.
    pub(super) fn clock_if_unchanged(&self, bucket: Bucket, since: CommitVersion) -> Option<i64> {
        // What returned before this call is seen after it.
        fence(Ordering::SeqCst);
        let words = self.shared.words();
        let noted = words.buckets[bucket.index()].load(Ordering::Acquire);
        let clock = words.clock.load(Ordering::Acquire);
        // After these: a repair that has set them back has drawn another epoch before, which shows in what is read now. The
        // header before the told one: a header that is told later than it was read is found unequal.
        let header = self.index.header_unfenced().words();
        let is_told = self.is_told(&header, since.epoch);
        fence(Ordering::SeqCst);
        (is_told && u64::from(noted) <= since.commit).then_some(clock)
    }

    /// Whether the told header is this one, in this epoch.
    fn is_told(&self, header: &[u32; 12], epoch: u64) -> bool {
        let told = &self.shared.words().told;
        let differs = told.iter().enumerate().fold(0, |differs, (at, word)| {
            differs | (word.load(Ordering::Acquire) ^ half(epoch, at) ^ header[at])
        });
        differs == 0 && epoch & SHARED != 0
    }

    /// Whether something was committed that was not told, or a commit is under way.
    pub(super) fn is_behind(&self) -> bool {
        !self.is_told(&self.index.header().words(), self.epoch())
    }

    /// Whether a commit that changes this bucket is under way, or never came.
    pub(super) fn has_early_note(&self, bucket: Bucket) -> bool {
        self.shared.words().buckets[bucket.index()].load(Ordering::Acquire) > self.index.header().counter()
    }

    /// Takes back a note whose commit never came: under the lock no commit is under way.
    pub(super) fn take_back(&self, bucket: Bucket, _lock: &WriteLock<'_>) {
        self.lower(bucket, self.index.header().counter());
    }

    fn lower(&self, bucket: Bucket, counter: u32) {
        self.shared.words().buckets[bucket.index()].fetch_min(counter, Ordering::SeqCst);
    }

    /// Begins an epoch if something was committed that was not told. The caller holds the write lock. Returns the header, which is
    /// the told one then; nothing happens, and `None` is returned, while the header counts no commit, or SQLite has yet to recover it.
    pub(super) fn repair(&self) -> Option<Header> {
        let header = self.index.header();
        if header.counter() == 0 || !self.index.is_whole() {
            return None;
        }
        if self.is_told(&header.words(), self.epoch()) {
            return Some(header);
        }
        let random = draw_bytes::<8>(&OsRandom).ok()?;
        let words = self.shared.words();
        // Cut short anywhere, the told header is unequal and the next process repeats it.
        words.epoch.store(u64::from_le_bytes(*random) | SHARED, Ordering::SeqCst);
        pause("repair: epoch");
        fence(Ordering::SeqCst);
        words.clock.store(0, Ordering::Relaxed);
        for bucket in &words.buckets {
            bucket.store(0, Ordering::Relaxed);
        }
        pause("repair: buckets");
        fence(Ordering::SeqCst);
        self.tell(header);
        Some(header)
    }

    /// Says that every change up to this header is noted. The caller holds the write lock.
    fn tell(&self, header: Header) {
        let epoch = self.epoch();
        let words = header.words();
        fence(Ordering::SeqCst);
        for (at, word) in self.shared.words().told.iter().enumerate() {
            word.store(words[at] ^ half(epoch, at), Ordering::Release);
            if at == 5 {
                pause("tell: half");
            }
        }
        fence(Ordering::SeqCst);
    }

    /// Notes what a commit is about to change. The caller's transaction holds the write lock. `None` where it cannot be
    /// told: then the commit is one of those that end every answer.
    pub(super) fn note(self: &Arc<Self>, notes: Notes<'_>) -> Option<Untold> {
        let header = self.repair()?;
        let next = header.counter().checked_add(1)?;
        pause("note: begun");
        let words = self.shared.words();
        let clock = words.clock.load(Ordering::Acquire);
        let is_told = !notes.everything && notes.buckets.len() <= NOTES_MAX;
        if is_told {
            for &bucket in notes.buckets {
                words.buckets[bucket.index()].store(next, Ordering::SeqCst);
            }
            if let Some(mark) = notes.clock_mark {
                words.clock.fetch_max(mark, Ordering::SeqCst);
            }
        }
        // A process that can see the commit must find the notes.
        fence(Ordering::SeqCst);
        pause("note: done");
        let buckets = if is_told { notes.buckets.to_vec() } else { Vec::new() };
        Some(Untold { changes: Arc::clone(self), buckets, clock, counter: header.counter(), is_told })
    }
}

/// What a commit changes.
pub(super) struct Notes<'a> {
    pub buckets: &'a [Bucket],
    /// The clock mark, in ms, where it is raised.
    pub clock_mark: Option<i64>,
    /// Whether it concerns every session.
    pub everything: bool,
}

/// A commit whose notes are made, and whose header is to be told before the write lock is let go.
pub(super) struct Untold {
    changes: Arc<SharedChanges>,
    buckets: Vec<Bucket>,
    /// The clock word before.
    clock: i64,
    /// The header's counter before.
    counter: u32,
    is_told: bool,
}

impl Untold {
    /// Called while the transaction still holds the write lock, after it was committed or rolled back.
    pub(super) fn tell(self) {
        pause("tell: begun");
        let header = self.changes.index.header();
        if header.counter() == self.counter {
            // Nothing was committed: what was noted counts as of now.
            for &bucket in &self.buckets {
                self.changes.lower(bucket, self.counter);
            }
            self.changes.shared.words().clock.store(self.clock, Ordering::SeqCst);
        } else if !self.is_told || header.counter() != self.counter.wrapping_add(1) {
            return;
        }
        self.changes.tell(header);
        pause("tell: done");
    }
}

#[cfg(test)]
use super::tests::pause::pause;

/// Where a test may stop the process.
#[cfg(not(test))]
#[inline]
fn pause(_step: &str) {}
