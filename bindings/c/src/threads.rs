//! The threads that wait for the answers of calls that were begun with a completion. They belong to an engine, start when there
//! is work for them and end when its last handle is freed.

use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use hellojohn_core::is_forked_child;

use crate::signals::SignalHold;
use crate::unwind;

pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Tells threads that run at the same time from each other. The standard library's id would allocate on a thread of the host, and
/// keep that until the thread ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ThreadMark(usize);

impl ThreadMark {
    pub(crate) fn current() -> Self {
        thread_local!(static MARK: u8 = const { 0 });
        ThreadMark(MARK.with(|mark| std::ptr::from_ref(mark).addr()))
    }
}

/// Enough, because the engine's deepest call is a parser with a depth limit; a completion of the host's has the rest.
const STACK_BYTES: usize = 1 << 20;

/// The threads of one engine. Each kind of work has its own, so that a read does not wait for a commit, nor either for a sign-in
/// over REST.
pub(crate) struct Threads {
    /// One reads, or makes the round trip, for all that were begun together; others go on beside a long list.
    pub(crate) reads: Lane,
    /// One commits for all that were begun together, while others sign.
    pub(crate) writes: Lane,
    /// Each waits for one request, and for the host's check of credentials.
    pub(crate) requests: Lane,
}

impl Threads {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Threads {
            reads: Lane::new("hellojohn-read", 4),
            writes: Lane::new("hellojohn-write", 4),
            requests: Lane::new("hellojohn-rest", 16),
        })
    }
}

/// A queue of jobs with the threads that run them.
pub(crate) struct Lane {
    name: &'static str,
    max_threads: usize,
    /// Not dropped in a forked child, whose locks may be taken for ever.
    queue: ManuallyDrop<Arc<Queue>>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: Vec<JoinHandle<()>>,
    /// The same threads, once they run.
    marks: Vec<ThreadMark>,
    idle: usize,
    is_closing: bool,
}

impl Lane {
    fn new(name: &'static str, max_threads: usize) -> Self {
        Lane { name, max_threads, queue: ManuallyDrop::default() }
    }

    /// Queues a job. Returns it if there is no thread and the system refuses one. Not in a forked child.
    pub(crate) fn submit(&self, job: Job) -> Result<(), Job> {
        let mut state = self.queue.lock();
        state.jobs.push_back(job);
        if state.jobs.len() <= state.idle {
            self.queue.work.notify_one();
        } else if state.threads.len() < self.max_threads {
            let queue = Arc::clone(&self.queue);
            let _hold = SignalHold::begin(); // which the thread inherits
            let started = thread::Builder::new()
                .name(self.name.to_owned())
                .stack_size(STACK_BYTES)
                .spawn(move || queue.run_jobs());
            match started {
                Ok(thread) => state.threads.push(thread),
                Err(_) if state.threads.is_empty() => return state.jobs.pop_back().map_or(Ok(()), Err),
                Err(_) => {}
            }
        }
        Ok(())
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs jobs until the lane closes.
    fn run_jobs(&self) {
        let mut state = self.lock();
        state.marks.push(ThreadMark::current());
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                if let Err(panic) = catch_unwind(AssertUnwindSafe(job)) {
                    unwind::forget(panic);
                }
                state = self.lock();
            } else if state.is_closing {
                return;
            } else {
                state.idle += 1;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }
}

impl Drop for Lane {
    /// Ends the threads and waits for them, but for the one that frees the last handle in a completion: it ends by itself.
    fn drop(&mut self) {
        if is_forked_child() {
            return;
        }
        let (threads, is_own) = {
            let mut state = self.queue.lock();
            state.is_closing = true;
            self.queue.work.notify_all();
            let is_own = state.marks.contains(&ThreadMark::current());
            (std::mem::take(&mut state.threads), is_own)
        };
        for thread in threads {
            if !is_own || thread.thread().id() != thread::current().id() {
                let _ = thread.join(); // it catches the panics of its jobs
            }
        }
        // SAFETY: dropped once, here.
        unsafe { ManuallyDrop::drop(&mut self.queue) }
    }
}
