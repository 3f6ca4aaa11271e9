//! The threads that make calls whose answers are awaited, so that a future never blocks the thread that polls it. They belong to an
//! engine, start when there is work for them, and end after ten seconds without any or with the engine's last handle.

use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::fork;
use crate::store::lease_wait::LeaseWait;

/// How long a thread waits for work before it ends.
const IDLE_TIME: Duration = Duration::from_secs(10);

/// What a thread does, and what is left to do when a wait is over with which the thread need not be kept.
pub(super) type Job = Box<dyn FnOnce() -> Option<Late> + Send>;

/// Something that is done when a wait is over.
pub(super) struct Late {
    pub(super) after: LeaseWait,
    pub(super) deliver: Box<dyn FnOnce() + Send>,
}

/// What a call is: each kind has threads of its own, so that a read waits for no commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallKind {
    /// A write in the queue: one thread commits for all that are queued by then, while others sign.
    Write,
    /// A look-up or a list.
    Read,
    /// Any calls of the host.
    Other,
}

/// The threads of one engine.
pub(super) struct WaitingThreads {
    writes: Lane,
    reads: Lane,
    others: Lane,
}

impl WaitingThreads {
    pub(super) fn new() -> Self {
        WaitingThreads {
            writes: Lane::new("hellojohn-write", 4),
            reads: Lane::new("hellojohn-read", 8),
            // Each may wait for a commit that it shares with the others: the more there are, the more share one.
            others: Lane::new("hellojohn-call", 64),
        }
    }

    /// Queues a job, or gives it back where there is no thread and the system refuses one.
    pub(super) fn submit(&self, kind: CallKind, job: Job) -> Result<(), Job> {
        match kind {
            CallKind::Write => self.writes.submit(job),
            CallKind::Read => self.reads.submit(job),
            CallKind::Other => self.others.submit(job),
        }
    }

    #[cfg(test)]
    fn running(&self, kind: CallKind) -> usize {
        let lane = match kind {
            CallKind::Write => &self.writes,
            CallKind::Read => &self.reads,
            CallKind::Other => &self.others,
        };
        lane.queue.state.lock().threads
    }
}

/// A queue of jobs with the threads that do them.
struct Lane {
    name: &'static str,
    max_threads: usize,
    queue: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    /// Wakes an idle thread.
    work: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    late: Vec<Late>,
    threads: usize,
    idle: usize,
    is_closing: bool,
}

impl Lane {
    fn new(name: &'static str, max_threads: usize) -> Self {
        Lane { name, max_threads, queue: Arc::default() }
    }

    fn submit(&self, job: Job) -> Result<(), Job> {
        let mut state = self.queue.state.lock();
        state.jobs.push_back(job);
        if state.jobs.len() <= state.idle {
            self.queue.work.notify_one();
        } else if state.threads < self.max_threads {
            let queue = Arc::clone(&self.queue);
            let started = thread::Builder::new().name(self.name.to_owned()).spawn(move || queue.work());
            match started {
                Ok(_) => state.threads += 1,
                Err(_) if state.threads == 0 => return state.jobs.pop_back().map_or(Ok(()), Err),
                Err(_) => {}
            }
        }
        Ok(())
    }
}

impl Drop for Lane {
    /// Tells the threads to end. They are not waited for: the last handle of an engine may be dropped on one of them.
    fn drop(&mut self) {
        // A forked child has no such threads, and the lock may be taken for ever.
        if !fork::is_child() {
            self.queue.state.lock().is_closing = true;
            self.queue.work.notify_all();
        }
    }
}

impl Queue {
    /// Does jobs until there are none for a while, or the lane closes.
    fn work(&self) {
        let mut state = self.state.lock();
        loop {
            let due = take_due(&mut state.late);
            if !due.is_empty() {
                MutexGuard::unlocked(&mut state, || {
                    due.into_iter().for_each(|late| contain(late.deliver).unwrap_or_default());
                });
            } else if let Some(job) = state.jobs.pop_front() {
                let late = MutexGuard::unlocked(&mut state, || contain(job)).flatten();
                if let Some(late) = late {
                    state.late.push(late);
                    self.work.notify_one(); // this thread may be busy with a job when it is due
                }
            } else if state.is_closing && state.late.is_empty() {
                break;
            } else {
                let next = state.late.iter().map(|late| late.after.remaining()).min();
                state.idle += 1;
                let waited = self.work.wait_for(&mut state, next.unwrap_or(IDLE_TIME));
                state.idle -= 1;
                if waited.timed_out() && state.jobs.is_empty() && state.late.is_empty() {
                    break;
                }
            }
        }
        state.threads -= 1;
    }
}

/// Takes out what is not to be waited for any longer.
fn take_due(late: &mut Vec<Late>) -> Vec<Late> {
    if late.is_empty() {
        return Vec::new();
    }
    let (due, rest) = mem::take(late).into_iter().partition(|late| late.after.remaining().is_zero());
    *late = rest;
    due
}

/// Runs what may call the host's code, such as a waker, whose panic must not end the thread.
fn contain<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(mem::forget).ok() // dropping what a panic carries could panic again
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_thread_does_many_jobs_and_outlives_a_panic() {
        let threads = WaitingThreads::new();
        let (sender, receiver) = channel();
        for number in 0..20 {
            let sender = sender.clone();
            let job: Job = Box::new(move || {
                assert_ne!(number, 7, "of the host's");
                sender.send(number).unwrap();
                None
            });
            assert!(threads.submit(CallKind::Write, job).is_ok());
        }
        drop(sender);
        let mut done: Vec<i32> = receiver.iter().collect();
        done.sort_unstable();
        assert_eq!(done, (0..20).filter(|number| *number != 7).collect::<Vec<_>>());
        assert!((1..=4).contains(&threads.running(CallKind::Write)));
        assert_eq!(threads.running(CallKind::Read), 0);
    }

    #[test]
    fn what_is_late_holds_up_no_job_and_is_delivered_after_the_lane_is_closed() {
        let lane = Lane::new("hellojohn-test", 1);
        let (sender, receiver) = channel();
        let told = sender.clone();
        let late: Job = Box::new(move || {
            let after = LeaseWait::from_now(Duration::from_millis(50));
            Some(Late { after, deliver: Box::new(move || told.send("late").unwrap()) })
        });
        let job: Job = Box::new(move || {
            sender.send("job").unwrap();
            None
        });
        assert!(lane.submit(late).is_ok() && lane.submit(job).is_ok());
        drop(lane);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), ["job", "late"]);
    }
}
