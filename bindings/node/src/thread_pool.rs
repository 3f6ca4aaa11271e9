//! The threads that calls run on. Not libuv's: four writes that wait for another process's lock would stop every
//! `fs`, `dns` and `zlib` call of the host. Writes and reads have lanes of their own, so that no read waits behind a
//! blocked write. A lane grows while all of its threads are at work and shrinks when they have nothing to do.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use hellojohn::Error;

use crate::guard::guarded;

pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// For writes that are begun and waited for in one. Many, because concurrent writers share a commit, and because a writer
/// that waits does nothing else.
pub(crate) static WRITES: LazyLock<Arc<ThreadPool>> =
    LazyLock::new(|| ThreadPool::new("hellojohn-write", 64));

/// Enough to go on reading while some of the reads settle an end on a busy disk.
pub(crate) static READS: LazyLock<Arc<ThreadPool>> = LazyLock::new(|| ThreadPool::new("hellojohn-read", 16));

/// For what only computes: more threads than processors would do no more.
pub(crate) static CHECKS: LazyLock<Arc<ThreadPool>> = LazyLock::new(|| {
    ThreadPool::new("hellojohn-check", thread::available_parallelism().map_or(2, usize::from))
});

/// How many threads wait for the writes that an object has begun: one commits for all of them while others sign.
const COMMITTERS: usize = 4;

/// How long a thread waits for more work before it ends.
const IDLE: Duration = Duration::from_secs(10);

/// The engine's deepest call is a parser with a depth limit; the default of 2 MiB a thread is not needed.
const STACK_BYTES: usize = 1 << 20;

/// A queue and the threads that work it off.
pub(crate) struct ThreadPool {
    name: &'static str,
    most_threads: usize,
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

impl ThreadPool {
    fn new(name: &'static str, most_threads: usize) -> Arc<Self> {
        Arc::new(ThreadPool {
            name,
            most_threads,
            state: Mutex::new(State { queue: VecDeque::new(), threads: 0, idle: 0 }),
            work: Condvar::new(),
        })
    }

    /// For the writes that one object has begun: those of another must not wait behind a lock that is not theirs.
    pub(crate) fn of_commits() -> Arc<Self> {
        ThreadPool::new("hellojohn-commit", COMMITTERS)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues the job. Gives it back if the system refuses even a single thread.
    pub(crate) fn submit(self: &Arc<Self>, job: Job) -> Result<(), Job> {
        let mut state = self.state();
        state.queue.push_back(job);
        if state.queue.len() <= state.idle {
            self.work.notify_one();
        } else if state.threads < self.most_threads {
            let lane = Arc::clone(self);
            let started = thread::Builder::new()
                .name(self.name.to_owned())
                .stack_size(STACK_BYTES)
                .spawn(move || lane.run())
                .is_ok();
            if started {
                state.threads += 1;
            } else if state.threads == 0 {
                return state.queue.pop_back().map_or(Ok(()), Err);
            }
        }
        Ok(())
    }

    fn run(&self) {
        let mut state = self.state();
        loop {
            if let Some(job) = state.queue.pop_front() {
                drop(state);
                // Jobs guard themselves and answer; this only keeps a bug there from losing the thread.
                let _: Result<(), Error> = guarded(|| {
                    job();
                    Ok(())
                });
                state = self.state();
                continue;
            }
            state.idle += 1;
            let (woken, wait) = self.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if wait.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}
