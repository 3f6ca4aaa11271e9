//! One engine and tenant, opened by the first call that needs them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hellojohn::{CacheValidator, Engine, Error, ErrorCode, Tenant};

use crate::guard::guarded;
use crate::options::Options;
use crate::thread_pool::{READS, ThreadPool};

/// How long a call waits for other writers of the database.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How much longer it may take, for its way through the queue. A call that has queued for longer than this and then waits
/// for a locked database as well would be late.
const GRACE: Duration = Duration::from_secs(1);

/// Whether the last call that waited for the lock of a database gave up. Calls on one file queue together, whichever
/// object they belong to.
fn lock_of(database: &str) -> Arc<AtomicBool> {
    static FILES: Mutex<BTreeMap<String, Weak<AtomicBool>>> = Mutex::new(BTreeMap::new());
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    files.retain(|_, lock| lock.strong_count() > 0);
    files.get(database).and_then(Weak::upgrade).unwrap_or_else(|| {
        let lock = Arc::default();
        files.insert(database.to_owned(), Arc::downgrade(&lock));
        lock
    })
}

/// An open engine with the tenant of one `HelloJohn` object.
#[derive(Clone)]
pub(crate) struct Opened {
    pub engine: Engine,
    pub tenant: Tenant,
    /// For JavaScript's own thread.
    pub hurried: Tenant,
}

struct State {
    opened: Option<Opened>,
    opening: bool,
    closed: bool,
    attempts: u64,
    /// How the last attempt failed.
    failure: Option<Error>,
}

pub(crate) struct LazyEngine {
    options: Options,
    state: Mutex<State>,
    settled: Condvar,
    stuck: Arc<AtomicBool>,
    /// Waits for the writes that were begun.
    pub(crate) commits: Arc<ThreadPool>,
    /// What the answers rest on that JavaScript keeps in mind.
    pub(crate) bases: ValidatorTable,
}

/// How many of them there are: twice as many as JavaScript keeps of tokens, and of sessions.
const VALIDATORS_MAX: i64 = 8192;

/// What the last [`VALIDATORS_MAX`] answers rest on, by number.
#[derive(Default)]
pub(crate) struct ValidatorTable(Mutex<Numbered>);

#[derive(Default)]
struct Numbered {
    /// JavaScript's numbers are exact up to 2^53, which no process reaches.
    next: i64,
    kept: Vec<(i64, CacheValidator)>,
}

impl ValidatorTable {
    fn numbered(&self) -> MutexGuard<'_, Numbered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one, in place of the oldest: its number.
    pub(crate) fn keep(&self, basis: CacheValidator) -> i64 {
        let mut numbered = self.numbered();
        let number = numbered.next;
        numbered.next += 1;
        match numbered.kept.get_mut((number % VALIDATORS_MAX) as usize) {
            Some(oldest) => *oldest = (number, basis),
            None => numbered.kept.push((number, basis)),
        }
        number
    }

    /// Whether the one with this number is kept and still holds for the tenant.
    pub(crate) fn is_fresh(&self, number: i64, tenant: &Tenant) -> Result<bool, Error> {
        let numbered = self.numbered();
        let place = usize::try_from(number % VALIDATORS_MAX).ok().and_then(|place| numbered.kept.get(place));
        match place {
            Some((kept, basis)) if *kept == number => tenant.is_fresh(basis),
            _ => Ok(false),
        }
    }
}

impl LazyEngine {
    pub(crate) fn new(options: Options) -> Self {
        let state = State { opened: None, opening: false, closed: false, attempts: 0, failure: None };
        let stuck = lock_of(&options.database);
        LazyEngine {
            options,
            state: Mutex::new(state),
            settled: Condvar::new(),
            stuck,
            commits: ThreadPool::of_commits(),
            bases: ValidatorTable::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.settled.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine and tenant, opened now if they are not yet. Calls that come while somebody is opening share his
    /// outcome, so that none waits for longer than one attempt; a later call tries again. The call was asked for `waited`
    /// ago.
    pub(crate) fn opened(&self, waited: Duration) -> Result<Opened, Error> {
        let mut state = self.state();
        loop {
            if state.closed {
                return Err(closed());
            }
            if let Some(opened) = &state.opened {
                return Ok(opened.clone());
            }
            if !state.opening {
                break;
            }
            let attempt = state.attempts;
            while state.opening && state.attempts == attempt {
                state = self.wait(state);
            }
            if let (true, Some(failure)) = (state.attempts == attempt, &state.failure) {
                return Err(failure.clone());
            }
        }
        self.in_time(waited)?;
        state.opening = true;
        state.attempts += 1;
        drop(state);
        let outcome = guarded(|| self.open());
        if is_busy(&outcome) {
            self.stuck.store(true, Ordering::Relaxed);
        }
        let mut state = self.state();
        state.opening = false;
        state.failure = outcome.as_ref().err().cloned();
        state.opened = outcome.as_ref().ok().cloned();
        self.settled.notify_all();
        outcome
    }

    /// The engine and tenant, if they are open. Waits for nothing.
    pub(crate) fn if_open(&self) -> Option<Opened> {
        let state = self.state();
        if state.closed { None } else { state.opened.clone() }
    }

    fn open(&self) -> Result<Opened, Error> {
        let engine = self.options.builder().open(&self.options.database)?;
        let tenant = engine.tenant(&self.options.tenant_id, &self.options.secret_key)?;
        if let Some(patch) = &self.options.config {
            tenant.update_config(patch)?;
        }
        Ok(Opened { engine, hurried: tenant.non_blocking(), tenant })
    }

    /// Refuses a call that was asked for `waited` ago if it would probably wait for the lock in vain and answer late.
    fn in_time(&self, waited: Duration) -> Result<(), Error> {
        if waited > GRACE && self.stuck.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorCode::StorageBusy, "the database is busy"));
        }
        Ok(())
    }

    /// Runs a write that was asked for `waited` ago.
    pub(crate) fn write<T>(
        &self,
        waited: Duration,
        body: impl FnOnce(&Opened) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.in_time(waited)?;
        let outcome = self.opened(waited).and_then(|opened| body(&opened));
        self.stuck.store(is_busy(&outcome), Ordering::Relaxed);
        outcome
    }

    /// From now on calls are refused, also those that are queued.
    pub(crate) fn refuse_calls(&self) {
        self.state().closed = true;
    }

    /// Releases the files, after whoever is opening or writing.
    pub(crate) fn close(&self) -> Result<(), Error> {
        let mut state = self.state();
        state.closed = true;
        while state.opening {
            state = self.wait(state);
        }
        let opened = state.opened.take();
        drop(state);
        opened.map_or(Ok(()), |opened| opened.engine.close())
    }
}

impl Drop for LazyEngine {
    /// An object that nobody closed: its files are released on the pool, because this may run in the garbage collector.
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = state.opened.take() {
            // Given back, it is dropped here: better late than never.
            drop(READS.submit(Box::new(move || drop(opened))));
        }
    }
}

fn is_busy<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(error) if error.code() == ErrorCode::StorageBusy)
}

fn closed() -> Error {
    Error::new(ErrorCode::EngineClosed, "the engine was closed")
}
