//! Group commit: writes that are queued at the same time share one transaction, and so one sync of the disk.
//!
//! A database has one writer at a time. A caller queues its write and waits for it. The first waiter that finds no leader
//! becomes the leader: it runs the queued writes of one durability in one transaction, commits, and hands every caller its
//! outcome. Then the next waiter leads. A leader never waits for more writes to arrive, so a lone caller finds the queue
//! empty and commits at once.
//!
//! The whole procedure is here; a store supplies only the transaction, as an [`ExclusiveWriter`].

use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::durability::Durability;
use super::lease_wait::LeaseWait;
use super::needs::Needs;
use super::transaction::{QueuedJob, WriteJob, WriteTransaction};
use crate::clock::Stopwatch;
use crate::error::{ErrorCode, Failure};

/// How many jobs share a transaction at most: a bound for how long one of them waits for the others.
const MAX_BATCH_JOBS: usize = 256;

/// The one writer of a database. Only a leader uses it, so calls come one at a time.
pub(super) trait ExclusiveWriter {
    /// Begins a write transaction, waiting at most `time_left` for writers of other processes, runs `work`, and commits
    /// with this durability. If `work` fails or panics, or the commit fails, everything is rolled back. A store whose
    /// transaction was lost on the way may run `work` again in another one.
    fn transact(
        &self,
        time_left: Duration,
        durability: Durability,
        work: &mut dyn FnMut(&dyn SavepointTransaction) -> Result<(), Failure>,
    ) -> Result<(), TransactionError>;
}

/// What became of a transaction that was not acknowledged.
pub(super) enum TransactionError {
    /// Nothing of it happened.
    RolledBack(Failure),
    /// It may have happened: no job of it may run again.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "for a store over a network"))]
    Unknown(Failure),
}

impl From<Failure> for TransactionError {
    fn from(failure: Failure) -> Self {
        TransactionError::RolledBack(failure)
    }
}

impl From<TransactionError> for Failure {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::RolledBack(failure) | TransactionError::Unknown(failure) => failure,
        }
    }
}

/// A write transaction that can take back the changes of its last job alone. It has at most one savepoint.
pub(super) trait SavepointTransaction: WriteTransaction {
    /// Whether another job joins a transaction that has run so many. A store that fetches what jobs need before the first
    /// of them runs leaves later jobs to the next transaction.
    fn takes_job(&self, _jobs: usize) -> bool {
        true
    }

    /// Begins the next job: [`has_changed`](WriteTransaction::has_changed) counts from here.
    fn set_savepoint(&self) -> Result<(), Failure>;
    /// Keeps what the job changed.
    fn release_savepoint(&self) -> Result<(), Failure>;
    /// Takes back what the job changed, and nothing else.
    fn roll_back_to_savepoint(&self) -> Result<(), Failure>;

    /// For how long after the commit the present job's caller waits for what other machines remember.
    fn lease_wait(&self) -> Option<Duration> {
        None
    }
}

/// A write in the queue, as its caller holds it.
pub(crate) struct QueuedWrite {
    progress: Mutex<Progress>,
    /// Wakes the caller: its outcome is there, or it is to lead.
    wake: Condvar,
    queued_for: Stopwatch,
    busy_timeout: Duration,
    durability: Durability,
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "for a store over a network"))]
    needs: Needs,
}

struct Progress {
    /// Absent once a leader runs it, and for an exclusive write, whose caller runs its own job.
    job: Option<Box<QueuedJob>>,
    /// Whether a thread waits here, so that it can be woken to lead.
    has_waiter: bool,
    outcome: Option<Result<(), Failure>>,
    /// What the caller waits for once it has the outcome, with nothing held.
    lease_wait: Option<LeaseWait>,
}

impl QueuedWrite {
    /// What is left of the busy time-out, which bounds the wait for other threads and for other processes together.
    fn time_left(&self) -> Duration {
        self.queued_for.remaining(self.busy_timeout)
    }

    /// On the caller's thread, which has the outcome and leads no more.
    fn wait_for_leases(&self) {
        let lease_wait = self.progress.lock().lease_wait.take();
        if let Some(lease_wait) = lease_wait {
            lease_wait.wait();
        }
    }
}

/// The queue of writers. Locks are taken in one order: the queue's, then one write's.
#[derive(Default)]
pub(super) struct GroupCommit(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    has_leader: bool,
    waiters: VecDeque<Arc<QueuedWrite>>,
}

impl Queue {
    /// Whether the write was still in the queue.
    fn remove(&mut self, write: &Arc<QueuedWrite>) -> bool {
        let position = self.waiters.iter().position(|other| Arc::ptr_eq(other, write));
        position.is_some_and(|position| self.waiters.remove(position).is_some())
    }
}

impl GroupCommit {
    /// Adds a job to the end of the queue.
    pub(super) fn push(
        &self,
        job: Box<QueuedJob>,
        durability: Durability,
        needs: Needs,
        busy_timeout: Duration,
    ) -> Arc<QueuedWrite> {
        self.push_write(Some(job), durability, needs, busy_timeout)
    }

    fn push_write(
        &self,
        job: Option<Box<QueuedJob>>,
        durability: Durability,
        needs: Needs,
        busy_timeout: Duration,
    ) -> Arc<QueuedWrite> {
        let write = Arc::new(QueuedWrite {
            progress: Mutex::new(Progress { job, has_waiter: false, outcome: None, lease_wait: None }),
            wake: Condvar::new(),
            queued_for: Stopwatch::start(),
            busy_timeout,
            durability,
            needs,
        });
        self.0.lock().waiters.push_back(Arc::clone(&write));
        write
    }

    /// Whether writes are queued behind the one that is being run.
    pub(super) fn has_waiting_writes(&self) -> bool {
        !self.0.lock().waiters.is_empty()
    }

    /// What the jobs of the next transaction with this durability need, as far as they are queued by now.
    #[cfg(feature = "postgres")]
    pub(super) fn waiting_needs(&self, durability: Durability) -> Vec<Needs> {
        let queue = self.0.lock();
        let is_next =
            |write: &&Arc<QueuedWrite>| write.durability == durability && write.progress.lock().job.is_some();
        queue.waiters.iter().filter(is_next).take(MAX_BATCH_JOBS).map(|write| write.needs.clone()).collect()
    }

    /// Takes a write out of the queue; a job that has not begun never runs.
    pub(super) fn cancel(&self, write: &Arc<QueuedWrite>) {
        self.0.lock().remove(write);
    }

    /// Waits for the outcome of a queued job, leading commits where no other caller does.
    pub(super) fn wait(
        &self,
        write: &Arc<QueuedWrite>,
        writer: &impl ExclusiveWriter,
    ) -> Result<(), Failure> {
        self.wait_or_lead(write, |time_left| self.lead_commit(write, time_left, writer))
            .inspect(|()| write.wait_for_leases())
    }

    /// Runs the job on this thread in a transaction of its own, when the writes before it are done.
    pub(super) fn write_exclusive(
        &self,
        writer: &impl ExclusiveWriter,
        busy_timeout: Duration,
        job: &mut WriteJob<'_>,
    ) -> Result<(), Failure> {
        let write = self.push_write(None, Durability::Full, Needs::default(), busy_timeout);
        self.wait_or_lead(&write, |time_left| {
            let mut lease_wait = None;
            let outcome = writer.transact(time_left, Durability::Full, &mut |tx| {
                job(tx)?;
                lease_wait = tx.lease_wait();
                Ok(())
            });
            if outcome.is_ok() {
                write.progress.lock().lease_wait = lease_wait.map(LeaseWait::from_now);
            }
            self.finish(&write, outcome.map_err(Failure::from));
        })
        .inspect(|()| write.wait_for_leases())
    }

    /// Waits until the write has its outcome. Whenever there is no leader, calls `lead` with what is left of the busy
    /// time-out; `lead` gives an outcome to this write or to writes before it.
    fn wait_or_lead(&self, write: &Arc<QueuedWrite>, mut lead: impl FnMut(Duration)) -> Result<(), Failure> {
        let mut queue = self.0.lock();
        write.progress.lock().has_waiter = true;
        loop {
            if let Some(outcome) = write.progress.lock().outcome.take() {
                return outcome;
            }
            if !queue.has_leader {
                queue.has_leader = true;
                drop(queue);
                let mut guard = LeaderGuard { group_commit: self, write, has_panicked: true };
                lead(write.time_left());
                guard.has_panicked = false;
                drop(guard);
                queue = self.0.lock();
            } else if write.wake.wait_for(&mut queue, write.time_left()).timed_out() && queue.has_leader {
                if queue.remove(write) {
                    return Err(Failure::new(ErrorCode::StorageBusy, "the database is busy"));
                }
                // The leader is running this job already, and will give it an outcome.
                while write.progress.lock().outcome.is_none() {
                    write.wake.wait(&mut queue);
                }
            }
        }
    }

    /// Runs queued jobs of one durability in one transaction and gives each its outcome.
    fn lead_commit(&self, leader: &Arc<QueuedWrite>, time_left: Duration, writer: &impl ExclusiveWriter) {
        let mut batch = CommitBatch::new(self);
        let durability = batch.durability;
        let committed = writer.transact(time_left, durability, &mut |tx| batch.run(tx));
        match committed {
            Ok(()) => batch.entries.iter_mut().for_each(|entry| entry.is_final = true),
            // Nothing was begun. The other writes have time left to try.
            Err(error) if batch.entries.is_empty() => self.finish(leader, Err(error.into())),
            Err(TransactionError::Unknown(failure)) => {
                batch.entries.iter_mut().for_each(|entry| entry.conclude(Err(failure.clone())));
            }
            Err(TransactionError::RolledBack(failure)) if batch.entries.len() == 1 => {
                batch.entries[0].conclude(Err(failure));
            }
            // The transaction was lost, and every job's changes with it. In a transaction of its own each job gets the
            // outcome that is its own.
            Err(TransactionError::RolledBack(_)) => {
                for entry in &mut batch.entries {
                    let time_left = entry.write.time_left();
                    let BatchEntry { job, lease_wait, .. } = entry;
                    let outcome = writer.transact(time_left, durability, &mut |tx| {
                        run_job(job, tx)?;
                        *lease_wait = tx.lease_wait();
                        Ok(())
                    });
                    entry.conclude(outcome.map_err(Failure::from));
                }
            }
        }
    }

    /// Gives a write that is in the queue its outcome.
    fn finish(&self, write: &Arc<QueuedWrite>, outcome: Result<(), Failure>) {
        let mut queue = self.0.lock();
        queue.remove(write);
        write.progress.lock().outcome = Some(outcome);
        write.wake.notify_one();
    }

    /// The durability of the first job in the queue.
    fn next_durability(&self) -> Option<Durability> {
        let queue = self.0.lock();
        queue.waiters.iter().find(|write| write.progress.lock().job.is_some()).map(|write| write.durability)
    }

    /// Takes the first job of this durability out of the queue.
    fn take_next(&self, durability: Durability) -> Option<(Arc<QueuedWrite>, Box<QueuedJob>)> {
        let mut queue = self.0.lock();
        let is_next =
            |write: &Arc<QueuedWrite>| write.durability == durability && write.progress.lock().job.is_some();
        let position = queue.waiters.iter().position(is_next)?;
        let write = queue.waiters.remove(position)?;
        let job = write.progress.lock().job.take()?;
        Some((write, job))
    }
}

/// Ends a leader's work, also after a panic, and wakes the next waiter to lead.
struct LeaderGuard<'a> {
    group_commit: &'a GroupCommit,
    write: &'a Arc<QueuedWrite>,
    has_panicked: bool,
}

impl Drop for LeaderGuard<'_> {
    fn drop(&mut self) {
        let mut queue = self.group_commit.0.lock();
        queue.has_leader = false;
        if self.has_panicked {
            queue.remove(self.write); // its thread is unwinding and waits no longer
        }
        if let Some(next) = queue.waiters.iter().find(|write| write.progress.lock().has_waiter) {
            next.wake.notify_one();
        }
    }
}

/// The jobs of one transaction. They have one durability, so that a durable write never delays a relaxed one. Dropping the
/// batch gives every caller its outcome, also after a panic.
struct CommitBatch<'a> {
    group_commit: &'a GroupCommit,
    durability: Durability,
    entries: Vec<BatchEntry>,
}

/// A job that the leader took out of the queue.
struct BatchEntry {
    write: Arc<QueuedWrite>,
    job: Box<QueuedJob>,
    /// What the job answered. Its caller is told so only once that is final: committed, or failed for good.
    outcome: Result<(), Failure>,
    is_final: bool,
    /// For how long its caller waits after the commit.
    lease_wait: Option<Duration>,
}

impl BatchEntry {
    fn conclude(&mut self, outcome: Result<(), Failure>) {
        self.outcome = outcome;
        self.is_final = true;
    }
}

impl<'a> CommitBatch<'a> {
    /// A batch of the durability of the first job in the queue, so that both durabilities make progress.
    fn new(group_commit: &'a GroupCommit) -> Self {
        let durability = group_commit.next_durability().unwrap_or_default();
        CommitBatch { group_commit, durability, entries: Vec::new() }
    }

    /// Runs the queued jobs of the batch's durability, those that are queued meanwhile too. A failing job's changes are
    /// taken back and its failure is its own outcome; an error of this function is one of the whole transaction. Run again, it
    /// begins with the jobs that it has taken already.
    fn run(&mut self, tx: &dyn SavepointTransaction) -> Result<(), Failure> {
        for position in 0..MAX_BATCH_JOBS {
            let Some(entry) = self.entry(position, tx) else { break };
            // The first job needs no savepoint: if it fails, the transaction holds nothing else.
            if position == 0 {
                run_job(&mut entry.job, tx)?;
                entry.lease_wait = tx.lease_wait();
                continue;
            }
            tx.set_savepoint()?;
            entry.outcome = run_job(&mut entry.job, tx);
            entry.lease_wait = tx.lease_wait();
            match entry.outcome {
                Ok(()) => tx.release_savepoint()?,
                Err(_) => tx.roll_back_to_savepoint()?,
            }
        }
        Ok(())
    }

    /// The job at this position, taken out of the queue unless it was before.
    fn entry(&mut self, position: usize, tx: &dyn SavepointTransaction) -> Option<&mut BatchEntry> {
        if position == self.entries.len() && tx.takes_job(position) {
            let (write, job) = self.group_commit.take_next(self.durability)?;
            self.entries.push(BatchEntry { write, job, outcome: Ok(()), is_final: false, lease_wait: None });
        }
        self.entries.get_mut(position)
    }
}

impl Drop for CommitBatch<'_> {
    fn drop(&mut self) {
        // The jobs are dropped last: what they hold must not be dropped under the queue's lock.
        let mut jobs = Vec::with_capacity(self.entries.len());
        // Without the queue's lock a waiter that has just seen no outcome would miss being woken.
        let queue = self.group_commit.0.lock();
        for BatchEntry { write, job, outcome, is_final, lease_wait } in mem::take(&mut self.entries) {
            let abandoned = || Err(Failure::internal("the transaction was abandoned"));
            let mut progress = write.progress.lock();
            // Counted from here: the transaction is known to be committed.
            progress.lease_wait = lease_wait.map(LeaseWait::from_now);
            progress.outcome = Some(if is_final { outcome } else { abandoned() });
            drop(progress);
            write.wake.notify_one();
            jobs.push((write, job));
        }
        drop(queue);
    }
}

/// Runs one queued job; a panic in it, or in a clock of the host's, fails only that job.
fn run_job(job: &mut Box<QueuedJob>, tx: &dyn SavepointTransaction) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(|| job(tx))).unwrap_or_else(|payload| {
        mem::forget(payload); // foreign code made it, and it might panic when dropped
        Err(Failure::internal("a transaction's job panicked"))
    })
}
