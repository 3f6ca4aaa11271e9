//! One engine and tenant, opened by the first call that needs them.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hellojohn::{Engine, Error, ErrorCode, Tenant};

use crate::guard::catch_panic;
use crate::options::Options;
use crate::thread_pool::{READS, ThreadPool};
use crate::validator_table::ValidatorTable;

/// How long a call may queue and still wait for a locked database. One that has queued for longer would answer late.
const GRACE: Duration = Duration::from_secs(1);

/// Whether the last call that waited for the lock of a database gave up. One flag for each file, because calls on one file
/// wait for the same lock, whichever object they belong to.
fn find_lock_flag(database: &OsStr) -> Arc<AtomicBool> {
    static FILES: Mutex<BTreeMap<OsString, Weak<AtomicBool>>> = Mutex::new(BTreeMap::new());
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    files.retain(|_, flag| flag.strong_count() > 0);
    files.get(database).and_then(Weak::upgrade).unwrap_or_else(|| {
        let flag = Arc::default();
        files.insert(database.to_owned(), Arc::downgrade(&flag));
        flag
    })
}

/// An open engine with the tenant of one `HelloJohn` object.
#[derive(Clone)]
pub(crate) struct OpenTenant {
    pub engine: Engine,
    pub tenant: Tenant,
    /// For JavaScript's own thread.
    pub non_blocking: Tenant,
}

struct State {
    open: Option<OpenTenant>,
    is_opening: bool,
    is_closed: bool,
    attempts: u64,
    /// How the last attempt failed.
    failure: Option<Error>,
}

pub(crate) struct LazyEngine {
    options: Options,
    state: Mutex<State>,
    attempt_ended: Condvar,
    lock_timed_out: Arc<AtomicBool>,
    /// Waits for the writes that were begun.
    pub(crate) commits: Arc<ThreadPool>,
    /// The validators of the answers that JavaScript caches.
    pub(crate) validators: ValidatorTable,
}

impl LazyEngine {
    pub(crate) fn new(options: Options) -> Self {
        let state = State { open: None, is_opening: false, is_closed: false, attempts: 0, failure: None };
        let lock_timed_out = find_lock_flag(&options.engine.database);
        LazyEngine {
            options,
            state: Mutex::new(state),
            attempt_ended: Condvar::new(),
            lock_timed_out,
            commits: ThreadPool::for_commits(),
            validators: ValidatorTable::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for_attempt<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.attempt_ended.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine and tenant, opened by this call if they are not open yet. Calls that come during an attempt share its
    /// outcome, so that no call waits for longer than one attempt; a later call tries again. `queued` is how long ago
    /// JavaScript made the call.
    pub(crate) fn open(&self, queued: Duration) -> Result<OpenTenant, Error> {
        let mut state = self.state();
        loop {
            if state.is_closed {
                return Err(closed_error());
            }
            if let Some(open) = &state.open {
                return Ok(open.clone());
            }
            if !state.is_opening {
                break;
            }
            let attempt = state.attempts;
            while state.is_opening && state.attempts == attempt {
                state = self.wait_for_attempt(state);
            }
            if let (true, Some(failure)) = (state.attempts == attempt, &state.failure) {
                return Err(failure.clone());
            }
        }
        self.refuse_if_late(queued)?;
        state.is_opening = true;
        state.attempts += 1;
        drop(state);
        let outcome = catch_panic(|| self.open_now());
        if is_busy(&outcome) {
            self.lock_timed_out.store(true, Ordering::Relaxed);
        }
        let mut state = self.state();
        state.is_opening = false;
        state.failure = outcome.as_ref().err().cloned();
        state.open = outcome.as_ref().ok().cloned();
        self.attempt_ended.notify_all();
        outcome
    }

    /// The engine and tenant, if they are open; never waits.
    pub(crate) fn if_open(&self) -> Option<OpenTenant> {
        let state = self.state();
        if state.is_closed { None } else { state.open.clone() }
    }

    fn open_now(&self) -> Result<OpenTenant, Error> {
        let engine = self.options.builder().open(&self.options.engine.database)?;
        let tenant = engine.tenant(&self.options.engine.tenant_id, &self.options.secret_key)?;
        if let Some(patch) = &self.options.engine.config {
            tenant.update_config(patch)?;
        }
        Ok(OpenTenant { engine, non_blocking: tenant.non_blocking(), tenant })
    }

    /// Refuses a call that would probably wait for the lock in vain and answer late.
    fn refuse_if_late(&self, queued: Duration) -> Result<(), Error> {
        if queued > GRACE && self.lock_timed_out.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorCode::StorageBusy, "the database is busy"));
        }
        Ok(())
    }

    /// Runs a write that JavaScript made `queued` ago.
    pub(crate) fn write<T>(
        &self,
        queued: Duration,
        body: impl FnOnce(&OpenTenant) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.refuse_if_late(queued)?;
        let outcome = self.open(queued).and_then(|open| body(&open));
        self.lock_timed_out.store(is_busy(&outcome), Ordering::Relaxed);
        outcome
    }

    /// Refuses calls from now on, queued ones included.
    pub(crate) fn refuse_calls(&self) {
        self.state().is_closed = true;
    }

    /// Releases the files, after an attempt to open or a write that is running.
    pub(crate) fn close(&self) -> Result<(), Error> {
        let mut state = self.state();
        state.is_closed = true;
        while state.is_opening {
            state = self.wait_for_attempt(state);
        }
        let open = state.open.take();
        drop(state);
        open.map_or(Ok(()), |open| open.engine.close())
    }
}

impl Drop for LazyEngine {
    /// Releases the files of an object that was not closed. On the pool, because this may run in the garbage collector.
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = state.open.take() {
            // A job that the pool refuses is dropped here: late is better than never.
            drop(READS.submit(Box::new(move || drop(open))));
        }
    }
}

fn is_busy<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(error) if error.code() == ErrorCode::StorageBusy)
}

fn closed_error() -> Error {
    Error::new(ErrorCode::EngineClosed, "the engine was closed")
}
