//! The writers' queue. A database has one writer at a time; whoever's turn it is runs the jobs of all who wait in one
//! transaction, so that they share one sync of the disk. Nobody waits for others to join: a lone caller finds the queue
//! empty and goes ahead.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::QueuedJob;
use super::durability::Durability;
use crate::clock::Stopwatch;
use crate::error::{ErrorCode, Failure};

/// A caller's place in the queue.
pub(crate) struct QueuedWrite {
    inner: Mutex<Inner>,
    called: Condvar,
    waiting: Stopwatch,
    patience: Duration,
    durability: Durability,
}

impl QueuedWrite {
    /// How long this caller may still wait.
    pub(super) fn patience_left(&self) -> Duration {
        self.waiting.left_of(self.patience)
    }
}

struct Inner {
    job: Option<Box<QueuedJob>>,
    /// Whether a thread waits here, which can be called to take its turn.
    watched: bool,
    answer: Option<Result<(), Failure>>,
}

#[derive(Default)]
pub(super) struct GroupCommit(Mutex<State>);

#[derive(Default)]
struct State {
    /// Whether somebody has his turn.
    taken: bool,
    line: VecDeque<Arc<QueuedWrite>>,
}

impl GroupCommit {
    /// A place at the end of the line; without a job it is one for [`wait`](Self::wait)'s own doing.
    pub(super) fn join(
        &self,
        job: Option<Box<QueuedJob>>,
        durability: Durability,
        patience: Duration,
    ) -> Arc<QueuedWrite> {
        let place = Arc::new(QueuedWrite {
            inner: Mutex::new(Inner { job, watched: false, answer: None }),
            called: Condvar::new(),
            waiting: Stopwatch::start(),
            patience,
            durability,
        });
        self.0.lock().line.push_back(Arc::clone(&place));
        place
    }

    /// Waits until the place has its answer. Whenever nobody has his turn, takes it: calls `turn` with the time that is
    /// left to wait for other processes. `turn` is to answer this place or jobs before it.
    pub(super) fn wait(
        &self,
        place: &Arc<QueuedWrite>,
        mut turn: impl FnMut(Duration),
    ) -> Result<(), Failure> {
        let mut state = self.0.lock();
        place.inner.lock().watched = true;
        loop {
            if let Some(answer) = place.inner.lock().answer.take() {
                return answer;
            }
            if !state.taken {
                state.taken = true;
                drop(state);
                let mut ending = LeaderGuard { queue: self, place, panicked: true };
                turn(place.patience_left());
                ending.panicked = false;
                drop(ending);
                state = self.0.lock();
            } else if place.called.wait_for(&mut state, place.patience_left()).timed_out() && state.taken {
                if leave(&mut state, place) {
                    return Err(Failure::new(ErrorCode::StorageBusy, "the database is busy"));
                }
                // Its job is being run: the answer is on its way.
                while place.inner.lock().answer.is_none() {
                    place.called.wait(&mut state);
                }
            }
        }
    }

    /// Gives up the place; a job that has not begun never will.
    pub(super) fn leave(&self, place: &Arc<QueuedWrite>) {
        leave(&mut self.0.lock(), place);
    }

    /// How durable the first job in the line is to be.
    fn durability(&self) -> Option<Durability> {
        let state = self.0.lock();
        state.line.iter().find(|place| place.inner.lock().job.is_some()).map(|place| place.durability)
    }

    /// The next place with a job of this durability, taken out of the line.
    fn next(&self, durability: Durability) -> Option<(Arc<QueuedWrite>, Box<QueuedJob>)> {
        let mut state = self.0.lock();
        let is_next =
            |place: &Arc<QueuedWrite>| place.durability == durability && place.inner.lock().job.is_some();
        let at = state.line.iter().position(is_next)?;
        let place = state.line.remove(at)?;
        let job = place.inner.lock().job.take()?;
        Some((place, job))
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().line.is_empty()
    }

    /// Answers one that is in the line.
    pub(super) fn answer(&self, place: &Arc<QueuedWrite>, answer: Result<(), Failure>) {
        let mut state = self.0.lock();
        leave(&mut state, place);
        place.inner.lock().answer = Some(answer);
        place.called.notify_one();
    }

    /// Answers all of these, whom [`next`](Self::next) took out of the line, at once.
    fn answer_all(&self, answers: Vec<(Arc<QueuedWrite>, Result<(), Failure>)>) {
        let _state = self.0.lock(); // or somebody could be about to wait who has just seen no answer
        for (place, answer) in answers {
            place.inner.lock().answer = Some(answer);
            place.called.notify_one();
        }
    }
}

/// Whether the place was still in the line.
fn leave(state: &mut MutexGuard<'_, State>, place: &Arc<QueuedWrite>) -> bool {
    let at = state.line.iter().position(|other| Arc::ptr_eq(other, place));
    at.is_some_and(|at| state.line.remove(at).is_some())
}

/// Ends a turn, also by a panic, and calls the next one who waits.
struct LeaderGuard<'a> {
    queue: &'a GroupCommit,
    place: &'a Arc<QueuedWrite>,
    panicked: bool,
}

impl Drop for LeaderGuard<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.0.lock();
        state.taken = false;
        if self.panicked {
            leave(&mut state, self.place); // nobody will wait there any more
        }
        if let Some(next) = state.line.iter().find(|place| place.inner.lock().watched) {
            next.called.notify_one();
        }
    }
}

/// The jobs of one transaction, all of one durability: who waits for the disk waits for nobody's job who does not. Answered
/// when dropped, also by a panic.
pub(super) struct CommitBatch<'a> {
    queue: &'a GroupCommit,
    pub(super) durability: Durability,
    pub(super) joined: Vec<BatchEntry>,
}

/// A job that is being run for the caller at this place.
pub(super) struct BatchEntry {
    pub(super) place: Arc<QueuedWrite>,
    pub(super) job: Box<QueuedJob>,
    /// What the job said. The caller is told only what was committed.
    pub(super) outcome: Result<(), Failure>,
    pub(super) is_final: bool,
}

impl BatchEntry {
    pub(super) fn end_with(&mut self, outcome: Result<(), Failure>) {
        self.outcome = outcome;
        self.is_final = true;
    }
}

impl<'a> CommitBatch<'a> {
    /// Of the durability of whoever is first in the line, so that everybody's turn comes.
    pub(super) fn new(queue: &'a GroupCommit) -> Self {
        CommitBatch { queue, durability: queue.durability().unwrap_or_default(), joined: Vec::new() }
    }

    /// Takes the next job out of the line.
    pub(super) fn join(&mut self) -> Option<&mut BatchEntry> {
        let (place, job) = self.queue.next(self.durability)?;
        self.joined.push(BatchEntry { place, job, outcome: Ok(()), is_final: false });
        self.joined.last_mut()
    }
}

impl Drop for CommitBatch<'_> {
    fn drop(&mut self) {
        // The jobs go last: what they hold is not to be dropped under the queue's lock.
        let (answers, _jobs): (Vec<_>, Vec<_>) = mem::take(&mut self.joined)
            .into_iter()
            .map(|BatchEntry { place, job, outcome, is_final }| {
                let abandoned = || Err(Failure::internal("the transaction was abandoned"));
                ((place, if is_final { outcome } else { abandoned() }), job)
            })
            .unzip();
        self.queue.answer_all(answers);
    }
}
