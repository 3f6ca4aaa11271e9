//! One engine and tenant, opened by the first call that needs them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hellojohn::{Actor, DatabaseText, Engine, Error, ErrorCode, Tenant};

use crate::attempt::Attempt;
use crate::guard::catch_panic;
use crate::options::Options;
use crate::shared_engine::{Lease, LeasedEngine};
use crate::thread_pool::{LOOKUPS, ThreadPool};
use crate::validator_table::ValidatorTable;

/// How long a call may queue and still wait for a locked database. One that has queued for longer would answer late.
const GRACE: Duration = Duration::from_secs(1);

/// Whether the last call that waited for the lock of a database gave up. One flag for each file, because calls on one file
/// wait for the same lock, whichever object they belong to.
fn find_lock_flag(database: &DatabaseText) -> Arc<AtomicBool> {
    static FILES: Mutex<BTreeMap<DatabaseText, Weak<AtomicBool>>> = Mutex::new(BTreeMap::new());
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    files.retain(|_, flag| flag.strong_count() > 0);
    files.get(database).and_then(Weak::upgrade).unwrap_or_else(|| {
        let flag = Arc::default();
        files.insert(database.clone(), Arc::downgrade(&flag));
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
    /// Waits for the writes that were begun.
    pub commits: Arc<ThreadPool>,
    /// Waits for the reads that were begun.
    pub round_trips: Arc<ThreadPool>,
}

impl OpenTenant {
    /// The same tenant for changes that this actor makes.
    pub(crate) fn with_actor(&self, actor: Actor) -> Self {
        OpenTenant { tenant: self.tenant.with_actor(Some(actor)), ..self.clone() }
    }
}

pub(crate) struct LazyEngine {
    options: Arc<Options>,
    /// Counted, because every call takes it.
    open_tenant: Attempt<Arc<OpenTenant>>,
    /// This object's share of the engine, while the tenant is open.
    lease: Mutex<Option<Lease>>,
    lock_timed_out: Arc<AtomicBool>,
    /// The validators of the answers that JavaScript caches.
    pub(crate) validators: ValidatorTable,
}

impl LazyEngine {
    pub(crate) fn new(options: Options) -> Self {
        let lock_timed_out = find_lock_flag(&options.engine.database);
        LazyEngine {
            options: Arc::new(options),
            open_tenant: Attempt::default(),
            lease: Mutex::new(None),
            lock_timed_out,
            validators: ValidatorTable::default(),
        }
    }

    /// The engine and tenant, opened by this call if they are not open yet. `queued` is how long ago JavaScript made the call.
    pub(crate) fn open(&self, queued: Duration) -> Result<Arc<OpenTenant>, Error> {
        self.open_tenant.get_or_make(
            || self.refuse_if_late(queued),
            || {
                let outcome = catch_panic(|| self.open_now().map(Arc::new));
                if is_busy(&outcome) {
                    self.lock_timed_out.store(true, Ordering::Relaxed);
                }
                outcome
            },
        )
    }

    /// How often the host wants a round of maintenance.
    pub(crate) fn maintenance_interval(&self) -> Option<Option<hellojohn::Duration>> {
        self.options.engine.maintenance_interval
    }

    /// The engine and tenant, if they are open; never waits.
    pub(crate) fn if_open(&self) -> Option<Arc<OpenTenant>> {
        self.open_tenant.get()
    }

    fn open_now(&self) -> Result<OpenTenant, Error> {
        let LeasedEngine { lease, engine, commits, round_trips } = Lease::take(&self.options)?;
        let tenant = engine.tenant(&self.options.engine.tenant_id, &self.options.secret_key)?;
        if let Some(patch) = &self.options.engine.config {
            tenant.update_config(patch)?;
        }
        *self.lease() = Some(lease);
        Ok(OpenTenant { engine, non_blocking: tenant.non_blocking(), tenant, commits, round_trips })
    }

    fn lease(&self) -> MutexGuard<'_, Option<Lease>> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Refuses calls from now on, queued ones included. Whether there is an engine to close.
    pub(crate) fn refuse_calls(&self) -> bool {
        self.open_tenant.refuse()
    }

    /// Refuses calls from now on and ends this object's share of the engine, after an attempt to open that is running. The
    /// last share closes the engine, after the write that is running.
    pub(crate) fn close(&self) -> Result<(), Error> {
        drop(self.open_tenant.take());
        let lease = self.lease().take();
        lease.map_or(Ok(()), Lease::end)
    }
}

impl Drop for LazyEngine {
    /// Ends the share of an object that was not closed. On the pool, because this may run in the garbage collector.
    fn drop(&mut self) {
        if let Some(lease) = self.lease().take() {
            // A job that the pool refuses is dropped here: late is better than never.
            drop(LOOKUPS.submit(Box::new(move || drop(lease))));
        }
    }
}

fn is_busy<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(error) if error.code() == ErrorCode::StorageBusy)
}
