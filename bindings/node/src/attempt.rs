//! A value that the first caller makes, and that callers share.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use hellojohn::{Error, ErrorCode};

/// Callers that come while the value is being made share the outcome, so that no call waits for longer than one attempt;
/// after a failure, a later call tries again.
pub(crate) struct Attempt<T> {
    state: Mutex<State<T>>,
    ended: Condvar,
}

struct State<T> {
    value: Option<T>,
    is_running: bool,
    is_closed: bool,
    attempts: u64,
    /// How the last attempt failed.
    failure: Option<Error>,
}

impl<T> Default for Attempt<T> {
    fn default() -> Self {
        let state = State { value: None, is_running: false, is_closed: false, attempts: 0, failure: None };
        Attempt { state: Mutex::new(state), ended: Condvar::new() }
    }
}

impl<T: Clone> Attempt<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        self.ended.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// The value, made by this call if it is not there yet and `check` lets this call try. Neither may panic.
    ///
    /// # Errors
    /// `engine_closed` after [`refuse`](Self::refuse), and those of `check` and `make`.
    pub(crate) fn get_or_make(
        &self,
        check: impl FnOnce() -> Result<(), Error>,
        make: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut state = self.state();
        loop {
            if state.is_closed {
                return Err(Error::new(ErrorCode::EngineClosed, "the engine was closed"));
            }
            if let Some(value) = &state.value {
                return Ok(value.clone());
            }
            if !state.is_running {
                break;
            }
            let attempt = state.attempts;
            while state.is_running && state.attempts == attempt {
                state = self.wait(state);
            }
            if let (true, Some(failure)) = (state.attempts == attempt, &state.failure) {
                return Err(failure.clone());
            }
        }
        check()?;
        state.is_running = true;
        state.attempts += 1;
        drop(state);
        let outcome = make();
        let mut state = self.state();
        state.is_running = false;
        state.failure = outcome.as_ref().err().cloned();
        state.value = outcome.as_ref().ok().cloned();
        self.ended.notify_all();
        outcome
    }

    /// The value, if it is there; never waits.
    pub(crate) fn get(&self) -> Option<T> {
        let state = self.state();
        if state.is_closed { None } else { state.value.clone() }
    }

    /// Refuses every call from now on. Whether there is a value to [`take`](Self::take), or will be.
    pub(crate) fn refuse(&self) -> bool {
        let mut state = self.state();
        state.is_closed = true;
        state.is_running || state.value.is_some()
    }

    /// Refuses every call from now on and gives the value away, after an attempt that is running.
    pub(crate) fn take(&self) -> Option<T> {
        let mut state = self.state();
        state.is_closed = true;
        while state.is_running {
            state = self.wait(state);
        }
        state.value.take()
    }
}
