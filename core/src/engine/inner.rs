//! What all handles of one engine share: the store, the clock and its high-water mark, randomness, the cache of answers.

use std::cmp::Ordering;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering as AtomicOrdering};

use parking_lot::Mutex;

use super::answer_cache::CacheLimits;
use super::observer::Observer;
use super::remembered::RememberedAnswers;
use super::waiting_threads::WaitingThreads;
use crate::clock::{ClockJumped, TimeSource, Timestamp};
use crate::error::{ErrorCode, Failure};
use crate::fork;
use crate::model::event::EventDetail;
use crate::model::id::IdMint;
use crate::model::sign_in_limit::SignInLimit;
use crate::random::Random;
use crate::secret::KeyStrength;
use crate::store::{ClockMark, Store, WriteTransaction};

pub(super) struct EngineInner {
    pub(super) store: ManuallyDrop<Box<dyn Store>>,
    pub(super) clock: TimeSource,
    pub(super) random: Box<dyn Random>,
    pub(super) ids: IdMint,
    pub(super) issuer: Box<str>,
    /// What a new or changed secret key must be.
    pub(super) key_strength: KeyStrength,
    /// How many sign-ins may fail; no limit if absent.
    pub(super) sign_in_limit: Option<SignInLimit>,
    /// The highest time seen here, within the epoch of the database's clock mark.
    seen: Mutex<ClockMark>,
    /// By how much the database's own clock was last ahead of the machine's, in ms; never by more than it is.
    database_ahead: AtomicI64,
    /// Counts the changes of settings and keys that were made through this engine.
    pub(super) settings_changes: AtomicU64,
    /// Counts the tenant handles.
    pub(super) handles: AtomicU64,
    pub(super) remembered: RememberedAnswers,
    /// Whether the files may still hold what was deleted or replaced and must not stay.
    owes_erasure: AtomicBool,
    /// How many sessions one transaction ends row by row; more are ended by a bulk end.
    pub(super) direct_ends_max: usize,
    /// How much is recorded of a tenant whose settings ask for events.
    pub(super) event_detail: EventDetail,
    pub(super) observer: Option<Box<dyn Observer>>,
    /// Make the calls whose answers are awaited.
    pub(super) threads: WaitingThreads,
}

/// What an engine was opened with, beside what a test replaces.
pub(super) struct EngineSettings {
    pub(super) issuer: Box<str>,
    pub(super) key_strength: KeyStrength,
    pub(super) sign_in_limit: Option<SignInLimit>,
    pub(super) answer_cache: CacheLimits,
    pub(super) direct_ends_max: usize,
    pub(super) event_detail: EventDetail,
    pub(super) observer: Option<Box<dyn Observer>>,
}

#[cfg(test)]
impl EngineSettings {
    /// Of an engine that limits nothing.
    pub(super) fn without_limits() -> Self {
        EngineSettings {
            issuer: "test".into(),
            key_strength: KeyStrength::Any,
            sign_in_limit: None,
            answer_cache: CacheLimits::default(),
            direct_ends_max: 500,
            event_detail: EventDetail::default(),
            observer: None,
        }
    }
}

impl EngineInner {
    pub(super) fn new(
        store: Box<dyn Store>,
        clock: TimeSource,
        random: Box<dyn Random>,
        settings: EngineSettings,
    ) -> Self {
        let EngineSettings {
            issuer,
            key_strength,
            sign_in_limit,
            answer_cache,
            direct_ends_max,
            event_detail,
            observer,
        } = settings;
        EngineInner {
            store: ManuallyDrop::new(store),
            clock,
            random,
            ids: IdMint::new(),
            issuer,
            key_strength,
            sign_in_limit,
            seen: Mutex::new(ClockMark { highest: Timestamp::default(), epoch: 0 }),
            database_ahead: AtomicI64::new(0),
            settings_changes: AtomicU64::new(0),
            handles: AtomicU64::new(0),
            remembered: RememberedAnswers::new(answer_cache),
            owes_erasure: AtomicBool::new(false),
            direct_ends_max,
            event_detail,
            observer,
            threads: WaitingThreads::new(),
        }
    }

    /// Fails in a forked child, which must not touch connections, locks or files of its parent, and after `close`.
    pub(super) fn require_open(&self) -> Result<(), Failure> {
        fork::require_same_process()?;
        self.store.check_open()
    }

    /// Takes what a committed call has deleted or replaced (former keys, deleted records) out of the files. The call stands
    /// whatever comes of this: what cannot be done now is done by a later [`erase_what_is_owed`](Self::erase_what_is_owed).
    pub(super) fn erase_deleted(&self) {
        self.owes_erasure.store(true, AtomicOrdering::Release);
        self.erase_what_is_owed();
    }

    /// Does what [`erase_deleted`](Self::erase_deleted) could not, because a reader held the log.
    pub(super) fn erase_what_is_owed(&self) {
        if self.owes_erasure.swap(false, AtomicOrdering::AcqRel)
            && !self.store.erase_deleted().unwrap_or(false)
        {
            self.owes_erasure.store(true, AtomicOrdering::Release);
        }
    }

    /// The clock's time, which may have stepped back.
    pub(super) fn clock_time(&self) -> Result<Timestamp, Failure> {
        let now = self.clock.now().map_err(|ClockJumped| {
            let problem = "the machine's clock was set ahead while this process ran; set it right, or call \
                           lower_clock_mark (or restart) if it is right now";
            Failure::new(ErrorCode::ClockJump, problem)
        })?;
        if now > Timestamp::LATEST_NOW {
            return Err(Failure::internal("the clock is past the year 9800"));
        }
        Ok(now)
    }

    /// The database's own time where it has one and a host has not injected its clock: machines that share a database then
    /// go by one clock. Otherwise `clock`.
    pub(super) fn shared_time(&self, clock: Timestamp, database: Option<Timestamp>) -> Timestamp {
        match (&self.clock, database) {
            (TimeSource::Machine(machine), Some(time)) => {
                // Read after the database's: what passed in between makes the difference smaller.
                if let Ok(now) = machine.now() {
                    let ahead = time.as_millis().saturating_sub(now.as_millis());
                    self.database_ahead.store(ahead, AtomicOrdering::Relaxed);
                }
                time
            }
            _ => clock,
        }
    }

    /// The time at which a write transaction happens, before the clock mark is looked at.
    pub(super) fn transaction_time(&self, transaction: &dyn WriteTransaction) -> Result<Timestamp, Failure> {
        Ok(self.shared_time(self.clock_time()?, transaction.database_time()))
    }

    /// What the database's clock shows by now where it has one, else the clock's time.
    pub(super) fn estimated_time(&self) -> Result<Timestamp, Failure> {
        let ahead = self.database_ahead.load(AtomicOrdering::Relaxed);
        Ok(Timestamp::from_millis(self.clock_time()?.as_millis().saturating_add(ahead)))
    }

    /// Now: the clock's time, but never before the highest time that this database has seen.
    pub(super) fn now(&self, clock: Timestamp, mark: ClockMark) -> Timestamp {
        let mut seen = self.seen.lock();
        match mark.epoch.cmp(&seen.epoch) {
            Ordering::Greater => *seen = mark,
            // A snapshot from before the mark was lowered; its time counts for this one answer.
            Ordering::Less => return clock.max(mark.highest),
            Ordering::Equal => {}
        }
        seen.highest = clock.max(seen.highest).max(mark.highest);
        seen.highest
    }

    /// Now, for a caller that knows how far other processes may have raised the database's mark since it read it, and has a
    /// database to go by. That is not remembered: a commit that raised the mark may have failed.
    pub(super) fn now_under_raised_mark(&self, mark: Timestamp) -> Result<Timestamp, Failure> {
        let clock = self.clock_time()?;
        self.store.confirm_files(clock)?;
        let mut seen = self.seen.lock();
        seen.highest = clock.max(seen.highest);
        Ok(seen.highest.max(mark))
    }

    /// Now, for an answer that is remembered and is judged by the latest time that the database's clock can show. Nothing
    /// remembers it: it may lie ahead.
    pub(super) fn now_at_latest(&self, latest: Timestamp) -> Result<Timestamp, Failure> {
        let clock = self.clock_time()?;
        let time = match &self.clock {
            TimeSource::Machine(_) => latest,
            TimeSource::Injected(_) => clock,
        };
        Ok(time.max(self.seen.lock().highest))
    }

    /// Now, without reading the database and without raising the mark.
    pub(super) fn now_from_memory(&self) -> Result<Timestamp, Failure> {
        let clock = self.estimated_time()?;
        Ok(clock.max(self.seen.lock().highest))
    }
}

impl Drop for EngineInner {
    fn drop(&mut self) {
        if !fork::is_child() {
            self.store.close();
            // SAFETY: `store` is not used again: this is its owner's drop.
            unsafe { ManuallyDrop::drop(&mut self.store) }
        }
        // In a forked child the store is leaked: closing it would checkpoint and delete the log under the parent.
    }
}

/// Makes the database remember the time `now`, if its mark has not passed it yet.
pub(super) fn raise_clock_mark(
    transaction: &dyn WriteTransaction,
    mark: ClockMark,
    now: Timestamp,
) -> Result<(), Failure> {
    if now > mark.highest { transaction.raise_clock_mark(now) } else { Ok(()) }
}
