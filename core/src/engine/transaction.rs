//! How an operation reaches the store: the context that it works in, and the runners that open, commit and roll back.
//!
//! An operation returns `Result<T, OpError>`. The runner commits a write that answered or was refused, and rolls back one
//! that failed; nothing else in the engine decides about a transaction.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::cache_validator::CacheValidator;
use super::inner::{EngineInner, raise_clock_mark};
use super::pending::Pending;
use super::tenant::Tenant;
use super::tenant_snapshot::TenantSnapshot;
use crate::clock::Timestamp;
use crate::error::{Error, Failure, OpError, Refusal};
use crate::model::id::{Actor, UserId};
use crate::model::session::{End, SessionTimes};
use crate::store::{
    ClockMark, CommitVersion, Durability, LeaseStart, NeededSessions, Needs, QueuedJob, QueuedRead,
    ReadTransaction, SessionRecord, Subject, TenantNo, UserTag, VerifyLease, WriteTransaction,
};

/// How old the last confirmed snapshot may get before local verification reads the database again, in ms. Bounds how long
/// another process's emergency retirement of a key stays unseen.
const SNAPSHOT_MAX_AGE_MS: i64 = 1_000;

/// What a reading operation works with: one snapshot of the database.
pub(super) struct ReadContext<'a> {
    pub transaction: &'a dyn ReadTransaction,
    pub tenant: TenantNo,
    pub now: Timestamp,
    pub snapshot: Arc<TenantSnapshot>,
    /// The clock mark of the database; never ahead of `now`.
    pub mark: ClockMark,
    handle: u64,
    /// From before the transaction began; `None` if the store cannot tell.
    commit_version: Option<CommitVersion>,
    /// From before the transaction began; `None` where no answer is remembered for a time.
    lease_start: Option<LeaseStart>,
    /// Whether an answer waits until the clock mark has passed the end that it tells of.
    pub(super) clock_mark_pending: Cell<bool>,
}

impl ReadContext<'_> {
    /// The store's version from before the transaction began; `None` if the store cannot tell.
    pub(super) fn commit_version(&self) -> Option<CommitVersion> {
        self.commit_version
    }

    /// The right to give a verification's answer again, where the store has one to give.
    pub(super) fn verify_lease(&self) -> Option<VerifyLease> {
        let (start, told) = (self.lease_start?, self.transaction.database_time()?);
        Some(VerifyLease::new(start, self.transaction.allowed_lease_ms(), told))
    }

    /// What an answer about this session depends on; `token_expires_at` for an answer about an access token.
    pub(super) fn cache_validator(
        &self,
        record: &SessionRecord,
        end: Option<End>,
        token_expires_at: Option<Timestamp>,
    ) -> CacheValidator {
        let ended_from = SessionTimes { end, ..record.times }.ended_from(self.snapshot.config.idle_timeout);
        self.validator(Subject::Session(record.id), earliest(ended_from, token_expires_at))
    }

    /// What a list of the user's sessions depends on, of which an active one ends by the clock at `ended_from`.
    pub(super) fn list_validator(&self, user: &UserId, ended_from: Option<Timestamp>) -> CacheValidator {
        let user = UserTag::of(self.tenant, user.as_str());
        self.validator(Subject::SessionsOf(user), ended_from)
    }

    fn validator(&self, subject: Subject, holds_until: Option<Timestamp>) -> CacheValidator {
        CacheValidator {
            handle: self.handle,
            snapshot_version: self.snapshot.version,
            commit_version: self.commit_version,
            lease: None,
            subject,
            holds_until,
        }
    }
}

/// The earlier of two times, where there are two.
pub(super) fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// What a writing operation works with: the database, exclusively.
pub(super) struct WriteContext<'a> {
    pub transaction: &'a dyn WriteTransaction,
    pub tenant: TenantNo,
    pub now: Timestamp,
    pub snapshot: Arc<TenantSnapshot>,
    /// The epoch of the clock mark.
    pub epoch: i64,
    /// Whether no other caller's job shares the transaction, so that settings, keys and bulk ends may change.
    pub is_alone: bool,
    /// How many sessions one transaction ends row by row.
    pub direct_ends_max: usize,
    pub inner: &'a EngineInner,
    /// Who makes the change.
    pub actor: Option<&'a Actor>,
}

impl WriteContext<'_> {
    /// The same for a change that a session makes by itself: the person who acts in it makes the change, unless the host has
    /// named another one.
    pub(super) fn made_in<'b>(&'b self, acting: Option<&'b Actor>) -> WriteContext<'b> {
        WriteContext { actor: self.actor.or(acting), snapshot: Arc::clone(&self.snapshot), ..*self }
    }
}

/// The mark that an answer needs the database to have reached.
type PendingMark = Option<ClockMark>;

/// What a read has to know from before its transaction: with a later clock, a refresh that commits in between would look too
/// late.
struct BeforeRead {
    clock: Timestamp,
    settings_changes: u64,
    known: Arc<TenantSnapshot>,
    commit_version: Option<CommitVersion>,
    lease_start: Option<LeaseStart>,
}

/// A read that stands in line for a round trip of the store.
pub(super) struct BegunRead {
    before: BeforeRead,
    queued: QueuedRead,
}

impl Tenant {
    /// Settings and keys without a transaction: at most [`SNAPSHOT_MAX_AGE_MS`] behind other processes and never behind
    /// this engine.
    pub(super) fn recent_snapshot(&self) -> Result<Arc<TenantSnapshot>, Error> {
        self.inner.require_open()?;
        // By the bare clock, because "now" stands still while a clock that stepped back catches up. A negative age is such
        // a step.
        let age = self.inner.clock_time()?.as_millis() - self.state.checked_at.load(Ordering::Acquire);
        let changes = self.inner.settings_changes.load(Ordering::Acquire);
        if self.state.checked_changes.load(Ordering::Acquire) == changes
            && (0..SNAPSHOT_MAX_AGE_MS).contains(&age)
        {
            return Ok(Arc::clone(&self.state.snapshot.lock()));
        }
        self.latest_snapshot()
    }

    /// Settings and keys as the database has them now.
    pub(super) fn latest_snapshot(&self) -> Result<Arc<TenantSnapshot>, Error> {
        self.read(|ctx| Ok(Arc::clone(&ctx.snapshot)))
    }

    /// Runs a reading operation on one snapshot of the database. It may run more than once.
    pub(super) fn read<T>(&self, job: impl Fn(&ReadContext<'_>) -> Result<T, OpError>) -> Result<T, Error> {
        self.read_about(NeededSessions::None, job)
    }

    /// [`read`](Self::read) that will ask for these sessions.
    pub(super) fn read_about<T>(
        &self,
        sessions: NeededSessions,
        job: impl Fn(&ReadContext<'_>) -> Result<T, OpError>,
    ) -> Result<T, Error> {
        self.finish_read(None, sessions, job)
    }

    /// Whether every read waits for a network, as over a database server: reads that are begun together share a round trip.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// assert!(!tenant.reads_over_network()); // a file, or memory
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn reads_over_network(&self) -> bool {
        self.inner.store.is_over_network()
    }

    /// Queues a read of these sessions; nothing if it has to be made, or refused, when its answer is wanted.
    pub(super) fn begin_read(&self, sessions: &NeededSessions) -> Option<BegunRead> {
        if !self.reads_over_network() {
            return None;
        }
        self.inner.require_open().ok()?;
        let before = self.look_before_read().ok()?;
        let needs = Needs { tenant: Some(self.state.no), sessions: sessions.clone() };
        let queued = self.inner.store.enqueue_read(&needs)?;
        Some(BegunRead { before, queued })
    }

    fn look_before_read(&self) -> Result<BeforeRead, Error> {
        let clock = self.inner.clock_time()?;
        self.inner.store.confirm_files(clock)?;
        let settings_changes = self.inner.settings_changes.load(Ordering::Acquire);
        let known = Arc::clone(&self.state.snapshot.lock());
        let commit_version = self.inner.store.commit_version();
        let lease_start = self.inner.store.begin_lease();
        Ok(BeforeRead { clock, settings_changes, known, commit_version, lease_start })
    }

    /// [`read_about`](Self::read_about), begun before or not.
    pub(super) fn finish_read<T>(
        &self,
        mut begun: Option<BegunRead>,
        sessions: NeededSessions,
        job: impl Fn(&ReadContext<'_>) -> Result<T, OpError>,
    ) -> Result<T, Error> {
        self.inner.require_open()?;
        let needs = Needs { tenant: Some(self.state.no), sessions };
        // The mark that the database was made to reach for this answer.
        let mut persisted: PendingMark = None;
        loop {
            let (before, queued) = match begun.take() {
                Some(BegunRead { before, queued }) => (before, Some(queued)),
                None => (self.look_before_read()?, None),
            };
            let BeforeRead { clock, settings_changes, known, commit_version, lease_start } = before;
            let mut outcome: Option<(Result<T, Refusal>, PendingMark)> = None;
            let mut run = |transaction: &dyn ReadTransaction| {
                let version = transaction.tenant_version(self.state.no)?;
                let now = match persisted {
                    Some(mark) if mark.epoch == version.mark.epoch => mark.highest.max(version.mark.highest),
                    _ => self
                        .inner
                        .now(self.inner.shared_time(clock, transaction.database_time()), version.mark),
                };
                let found = separate(self.snapshot_at(transaction, version.version, &known))?;
                let (snapshot, is_newest) = match found {
                    Ok(found) => found,
                    Err(refusal) => {
                        outcome = Some((Err(refusal), None));
                        return Ok(());
                    }
                };
                if is_newest {
                    self.state.checked_at.store(clock.as_millis(), Ordering::Release);
                    self.state.checked_changes.fetch_max(settings_changes, Ordering::AcqRel);
                }
                let ctx = ReadContext {
                    transaction,
                    tenant: self.state.no,
                    now,
                    snapshot,
                    mark: version.mark,
                    handle: self.state.handle,
                    commit_version,
                    lease_start,
                    clock_mark_pending: Cell::new(false),
                };
                let answer = separate(job(&ctx))?;
                let pending = ctx.clock_mark_pending.get();
                outcome = Some((answer, pending.then_some(ClockMark { highest: now, ..version.mark })));
                Ok(())
            };
            match queued {
                Some(queued) => self.inner.store.read_queued(queued, &needs, &mut run)?,
                None => self.inner.store.read(self.wait_policy, &needs, &mut run)?,
            }
            match outcome {
                Some((_, Some(mark))) => {
                    self.require_blocking()?;
                    self.persist_clock_mark(mark)?;
                    persisted = Some(mark);
                }
                // A clone of this handle has changed the secret key since: the transaction shows keys that only the old
                // secret key opens.
                Some((Err(_), None)) if self.state.snapshot.lock().version != known.version => {}
                Some((answer, None)) => return Ok(answer?),
                None => return Err(job_not_run().into()),
            }
        }
    }

    /// Makes the database remember this time, unless its mark was lowered meanwhile.
    pub(super) fn persist_clock_mark(&self, seen: ClockMark) -> Result<(), Failure> {
        self.inner.store.write_exclusive(&mut |transaction| {
            let mark = transaction.clock_mark()?;
            if mark.epoch == seen.epoch { raise_clock_mark(transaction, mark, seen.highest) } else { Ok(()) }
        })
    }

    /// Runs a writing operation: its changes are committed all or none, a refusal's changes too. It may share the
    /// transaction with other callers' writes, and may run more than once.
    pub(super) fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&Tenant, &WriteContext<'_>) -> Result<T, OpError> + Send + 'static,
    ) -> Result<T, Error> {
        self.begin_write(job).wait()
    }

    /// Queues a writing operation.
    pub(super) fn begin_write<T: Send + 'static>(
        &self,
        job: impl Fn(&Tenant, &WriteContext<'_>) -> Result<T, OpError> + Send + 'static,
    ) -> Pending<T> {
        self.begin_write_about(NeededSessions::None, job)
    }

    /// [`begin_write`](Self::begin_write) that will ask for these sessions.
    pub(super) fn begin_write_about<T: Send + 'static>(
        &self,
        sessions: NeededSessions,
        job: impl Fn(&Tenant, &WriteContext<'_>) -> Result<T, OpError> + Send + 'static,
    ) -> Pending<T> {
        self.begin_write_as(Durability::Full, sessions, job)
    }

    /// Queues a writing operation of this durability. `Normal` waits for no sync even where the database's durability is
    /// full. It is for housekeeping, which a power loss may undo: its "now" is the database's mark, so that it writes down
    /// no end that could be taken back with it.
    pub(super) fn begin_write_as<T: Send + 'static>(
        &self,
        durability: Durability,
        sessions: NeededSessions,
        job: impl Fn(&Tenant, &WriteContext<'_>) -> Result<T, OpError> + Send + 'static,
    ) -> Pending<T> {
        if let Err(failure) = self.inner.require_open() {
            return Pending::ready(Err(failure.into()));
        }
        let answer = Arc::new(Mutex::new(None));
        let (tenant, slot) = (self.clone(), Arc::clone(&answer));
        let job: Box<QueuedJob> = Box::new(move |transaction| {
            let outcome = tenant.run_write(transaction, durability, false, |ctx| job(&tenant, ctx))?;
            *slot.lock() = Some(outcome);
            Ok(())
        });
        let queued =
            self.inner.store.enqueue(job, durability, Needs { tenant: Some(self.state.no), sessions });
        Pending::queued(Arc::clone(&self.inner), queued, move || answer.lock().take())
    }

    /// Like [`write`](Self::write), in a transaction of its own: for operations that take long.
    pub(super) fn write_exclusive<T>(
        &self,
        mut job: impl FnMut(&WriteContext<'_>) -> Result<T, OpError>,
    ) -> Result<T, Error> {
        self.inner.require_open()?;
        let mut answer = None;
        self.inner.store.write_exclusive(&mut |transaction| {
            answer = Some(self.run_write(transaction, Durability::Full, true, &mut job)?);
            Ok(())
        })?;
        match answer {
            Some(answer) => Ok(answer?),
            None => Err(job_not_run().into()),
        }
    }

    /// Like [`write_exclusive`](Self::write_exclusive), for changes of settings, keys, the secret key or bulk ends, which no
    /// other caller may see before they are committed. Tells the other handles of this engine to read them again.
    pub(super) fn write_settings<T>(
        &self,
        job: impl FnMut(&WriteContext<'_>) -> Result<T, OpError>,
    ) -> Result<T, Error> {
        let answer = self.write_exclusive(job);
        self.inner.settings_changes.fetch_add(1, Ordering::AcqRel);
        answer
    }

    /// Makes durable what reads have shown of other calls, which a failover may take back until then. False if the write that does it
    /// was lost and made again, perhaps after a failover.
    pub(super) fn is_durable_by_now(&self) -> Result<bool, Error> {
        let runs = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&runs);
        self.write(move |_, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })?;
        Ok(runs.load(Ordering::Relaxed) == 1)
    }

    /// Runs a writing operation inside its transaction. An `Err` rolls the transaction back.
    fn run_write<T>(
        &self,
        transaction: &dyn WriteTransaction,
        durability: Durability,
        is_alone: bool,
        job: impl FnOnce(&WriteContext<'_>) -> Result<T, OpError>,
    ) -> Result<Result<T, Refusal>, Failure> {
        let version = transaction.tenant_version(self.state.no)?;
        let now = match durability {
            Durability::Full => self.inner.now(self.inner.transaction_time(transaction)?, version.mark),
            Durability::Normal => version.mark.highest,
        };
        let known = Arc::clone(&self.state.snapshot.lock());
        let (tenant, epoch) = (self.state.no, version.mark.epoch);
        let (inner, direct_ends_max) = (&*self.inner, self.inner.direct_ends_max);
        let actor = self.actor.as_deref();
        let outcome = self.snapshot_at(transaction, version.version, &known).and_then(|(snapshot, _)| {
            let ctx = WriteContext {
                transaction,
                tenant,
                now,
                snapshot,
                epoch,
                is_alone,
                direct_ends_max,
                inner,
                actor,
            };
            job(&ctx)
        });
        let answer = separate(outcome)?;
        if transaction.has_changed() {
            raise_clock_mark(transaction, version.mark, now)?;
        }
        Ok(answer)
    }
}

/// Takes a refusal, which commits, and a failure, which rolls back, apart again.
fn separate<T>(outcome: Result<T, OpError>) -> Result<Result<T, Refusal>, Failure> {
    match outcome {
        Ok(answer) => Ok(Ok(answer)),
        Err(OpError::Refused(refusal)) => Ok(Err(refusal)),
        Err(OpError::Failed(failure)) => Err(failure),
    }
}

fn job_not_run() -> Failure {
    Failure::internal("the store did not run the job")
}
