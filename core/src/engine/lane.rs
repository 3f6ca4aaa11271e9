//! A queue of jobs with the threads that do them, which start when there is work: for calls whose answers are awaited in Rust, and
//! for those that a binding has begun.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::mem::{self, ManuallyDrop};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::fork;
use crate::store::lease_wait::LeaseWait;

/// How long a thread that is not kept waits for work before it ends.
const IDLE_TIME: Duration = Duration::from_secs(10);

/// What a thread does, and what is left to do when a wait is over with which the thread need not be kept.
pub type Job = Box<dyn FnOnce() -> Option<Late> + Send>;

/// Starts a thread that does this work.
pub type StartThread = fn(thread::Builder, Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>>;

/// Something that is done when a wait is over.
pub struct Late {
    pub(super) after: LeaseWait,
    pub(super) deliver: Box<dyn FnOnce() + Send>,
}

/// A queue of jobs with the threads that do them.
pub struct Lane {
    name: &'static str,
    max_threads: usize,
    start: StartThread,
    /// Not dropped in a forked child, where jobs must not be touched.
    queue: ManuallyDrop<Arc<Queue>>,
}

struct Queue {
    state: Mutex<State>,
    /// Wakes an idle thread.
    work: Condvar,
    /// Whether threads live until the lane is dropped, which waits for them.
    keeps_threads: bool,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    late: Vec<Late>,
    threads: usize,
    kept: Vec<JoinHandle<()>>,
    idle: usize,
    is_closing: bool,
}

thread_local! {
    /// The queue that this thread works for, if any. Never looked into. (The id of a thread would not do: the standard library
    /// allocates it on a thread of the host, and keeps that until the thread ends.)
    static WORKS_FOR: Cell<*const Queue> = const { Cell::new(ptr::null()) };
}

impl Lane {
    /// A lane whose threads end after ten seconds without work. Dropping it tells them to end and does not wait for them: what is
    /// queued or late by then is still done.
    pub fn new(name: &'static str, max_threads: usize) -> Self {
        Self::with_threads(name, max_threads, thread::Builder::spawn, false)
    }

    /// A lane whose threads, started by `start`, live until it is dropped. That waits for what they do, but for a thread of its
    /// own that drops it: this one ends by itself.
    pub fn keeping_threads(name: &'static str, max_threads: usize, start: StartThread) -> Self {
        Self::with_threads(name, max_threads, start, true)
    }

    fn with_threads(name: &'static str, max_threads: usize, start: StartThread, keeps_threads: bool) -> Self {
        let queue = Queue { state: Mutex::default(), work: Condvar::new(), keeps_threads };
        Lane { name, max_threads, start, queue: ManuallyDrop::new(Arc::new(queue)) }
    }

    /// Queues a job, or gives it back where there is no thread and the system refuses one. Not in a forked child.
    ///
    /// # Errors
    /// The job.
    pub fn submit(&self, job: Job) -> Result<(), Job> {
        // A thread may come before anything else that a forked child must not touch.
        if fork::notice_forks().is_err() {
            return Err(job);
        }
        let mut state = self.queue.state.lock();
        state.jobs.push_back(job);
        if state.jobs.len() <= state.idle {
            self.queue.work.notify_one();
        } else if state.threads < self.max_threads {
            let queue = Arc::clone(&self.queue);
            let builder = thread::Builder::new().name(self.name.to_owned());
            match (self.start)(builder, Box::new(move || queue.work())) {
                Ok(thread) => {
                    state.threads += 1;
                    if self.queue.keeps_threads {
                        state.kept.push(thread);
                    }
                }
                Err(_) if state.threads == 0 => return state.jobs.pop_back().map_or(Ok(()), Err),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// How many threads there are.
    #[cfg(test)]
    pub(super) fn running(&self) -> usize {
        self.queue.state.lock().threads
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // A forked child has no such threads, and the lock may be taken for ever.
        if fork::is_child() {
            return;
        }
        let kept = {
            let mut state = self.queue.state.lock();
            state.is_closing = true;
            self.queue.work.notify_all();
            mem::take(&mut state.kept)
        };
        let is_own = WORKS_FOR.get() == Arc::as_ptr(&self.queue);
        for thread in kept {
            if !is_own || thread.thread().id() != thread::current().id() {
                let _ = thread.join(); // it catches the panics of its jobs
            }
        }
        // SAFETY: dropped once, here.
        unsafe { ManuallyDrop::drop(&mut self.queue) }
    }
}

impl Queue {
    /// Does jobs until the lane closes; where threads are not kept, also until there are none for a while.
    fn work(&self) {
        WORKS_FOR.set(ptr::from_ref(self));
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
            } else if state.late.is_empty() && state.is_closing || self.is_idle_for_long(&mut state) {
                break;
            }
        }
        state.threads -= 1;
    }

    /// Waits for work, or until something is due; whether there was none for so long that the thread shall end.
    fn is_idle_for_long(&self, state: &mut MutexGuard<'_, State>) -> bool {
        let next = state.late.iter().map(|late| late.after.remaining()).min();
        let idle_time = (!self.keeps_threads).then_some(IDLE_TIME);
        state.idle += 1;
        let is_over = match next.or(idle_time) {
            Some(time) => self.work.wait_for(state, time).timed_out(),
            None => {
                self.work.wait(state);
                false
            }
        };
        state.idle -= 1;
        is_over && !self.keeps_threads && state.jobs.is_empty() && state.late.is_empty()
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
mod tests;
