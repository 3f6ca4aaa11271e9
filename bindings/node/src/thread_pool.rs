//! The threads that calls run on. Not libuv's: four writes that wait for another process's lock would stop every
//! `fs`, `dns` and `zlib` call of the host. Each kind of work has a pool of its own, so that short work never waits behind
//! long work: a verification does not wait for lists, nor a list for a purge. A pool grows while all of its threads are
//! busy and shrinks when they are idle.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use hellojohn::Error;

use crate::guard::catch_panic;

pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// For writes that one job begins and waits for. Many threads, because concurrent writers share a commit, and because a
/// waiting writer does nothing else.
pub(crate) static WRITES: LazyLock<Arc<ThreadPool>> =
    LazyLock::new(|| ThreadPool::new("hellojohn-write", 64));

/// For work on a few rows, such as verifying a token. Enough threads to go on while some of them stamp an end on a busy disk.
pub(crate) static LOOKUPS: LazyLock<Arc<ThreadPool>> =
    LazyLock::new(|| ThreadPool::new("hellojohn-read", 16));

/// For lists. They only compute, and pass on what would wait. One processor is left for JavaScript's thread, so that it does not
/// lose its own to the lists of one user who asks for many.
pub(crate) static LISTS: LazyLock<Arc<ThreadPool>> =
    LazyLock::new(|| ThreadPool::new("hellojohn-list", (processors() - 1).max(1)));

/// For work on every session of a tenant: counting, sweeping, purging. It may take minutes.
pub(crate) static SURVEYS: LazyLock<Arc<ThreadPool>> = LazyLock::new(|| ThreadPool::new("hellojohn-walk", 4));

/// For jobs that only compute: more threads than processors would do no more.
pub(crate) static CHECKS: LazyLock<Arc<ThreadPool>> =
    LazyLock::new(|| ThreadPool::new("hellojohn-check", processors()));

fn processors() -> usize {
    thread::available_parallelism().map_or(2, usize::from)
}

/// How many threads wait for the writes, and how many for the reads, that were begun on one database: one commits, or makes the
/// round trip, for all of them while others sign or check signatures.
const ENGINE_THREADS: usize = 4;

/// How long an idle thread waits for work before it ends.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Enough, because the engine's deepest call is a parser with a depth limit; the default is 2 MiB for each thread.
const STACK_BYTES: usize = 1 << 20;

/// A queue of jobs and the threads that run them.
pub(crate) struct ThreadPool {
    name: &'static str,
    max_threads: usize,
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

impl ThreadPool {
    fn new(name: &'static str, max_threads: usize) -> Arc<Self> {
        Arc::new(ThreadPool {
            name,
            max_threads,
            state: Mutex::new(State { queue: VecDeque::new(), threads: 0, idle: 0 }),
            work: Condvar::new(),
        })
    }

    /// Makes a pool for the writes that were begun on one database: they must not wait behind the lock of another.
    pub(crate) fn for_commits() -> Arc<Self> {
        ThreadPool::new("hellojohn-commit", ENGINE_THREADS)
    }

    /// Makes a pool for the reads that were begun on one server: they must not wait for another that does not answer.
    pub(crate) fn for_round_trips() -> Arc<Self> {
        ThreadPool::new("hellojohn-trip", ENGINE_THREADS)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job. Returns it if the pool has no thread and the system refuses one.
    pub(crate) fn submit(self: &Arc<Self>, job: Job) -> Result<(), Job> {
        let mut state = self.state();
        state.queue.push_back(job);
        if state.queue.len() <= state.idle {
            self.work.notify_one();
        } else if state.threads < self.max_threads {
            let pool = Arc::clone(self);
            let started = thread::Builder::new()
                .name(self.name.to_owned())
                .stack_size(STACK_BYTES)
                .spawn(move || pool.run_jobs())
                .is_ok();
            if started {
                state.threads += 1;
            } else if state.threads == 0 {
                return state.queue.pop_back().map_or(Ok(()), Err);
            }
        }
        Ok(())
    }

    fn run_jobs(&self) {
        let mut state = self.state();
        loop {
            if let Some(job) = state.queue.pop_front() {
                drop(state);
                // Jobs catch their own panics and answer; this guard only keeps the thread if a job has a bug there.
                let _: Result<(), Error> = catch_panic(|| {
                    job();
                    Ok(())
                });
                state = self.state();
                continue;
            }
            state.idle += 1;
            let (woken, wait) =
                self.work.wait_timeout(state, IDLE_TIMEOUT).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if wait.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}
