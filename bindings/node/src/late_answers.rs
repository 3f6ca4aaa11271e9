//! Answers that are known and may not be told yet, because other machines remember what the call has changed (`verify: "lease:…"`). One
//! thread holds them all, so that no thread of a pool stands still for each.

use std::collections::BTreeMap;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::thread_pool::Job;

/// How long the thread waits for another answer before it ends.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

static LATE_ANSWERS: LazyLock<LateAnswers> = LazyLock::new(LateAnswers::default);

#[derive(Default)]
struct LateAnswers {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// By the time at which each is due; the number tells those of one instant apart.
    due: BTreeMap<(Instant, u64), Job>,
    next_number: u64,
    has_thread: bool,
}

/// Runs the job, which gives an answer and does not wait, after this time.
pub(crate) fn tell_after(delay: Duration, job: Job) {
    #[expect(clippy::disallowed_methods, reason = "when an answer is due that is decided already")]
    let due = Instant::now() + delay;
    let mut state = LATE_ANSWERS.state();
    state.next_number += 1;
    let number = state.next_number;
    state.due.insert((due, number), job);
    if !state.has_thread {
        let started = thread::Builder::new().name("hellojohn-lease".to_owned()).spawn(|| LATE_ANSWERS.run());
        state.has_thread = started.is_ok();
    }
    if state.has_thread {
        LATE_ANSWERS.changed.notify_one();
    } else if let Some(job) = state.due.remove(&(due, number)) {
        // Without a thread of its own it is told late by this one.
        drop(state);
        #[expect(
            clippy::disallowed_methods,
            reason = "a thread of a pool, which has nothing else to do then"
        )]
        thread::sleep(delay);
        job();
    }
}

impl LateAnswers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.state();
        loop {
            let first = state.due.first_key_value().map(|(key, _)| *key);
            let Some(key) = first else {
                let (woken, wait) =
                    self.changed.wait_timeout(state, IDLE_TIMEOUT).unwrap_or_else(PoisonError::into_inner);
                state = woken;
                if wait.timed_out() && state.due.is_empty() {
                    state.has_thread = false;
                    return;
                }
                continue;
            };
            #[expect(clippy::disallowed_methods, reason = "when an answer is due that is decided already")]
            let left = key.0.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            } else if let Some(job) = state.due.remove(&key) {
                drop(state);
                job();
                state = self.state();
            }
        }
    }
}
