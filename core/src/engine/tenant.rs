//! The handle of a tenant, and which version of the tenant's settings, keys and bulk ends it works with.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::cache_validator::CacheValidator;
use super::inner::EngineInner;
use super::provisioning::create_tenant;
use super::tenant_snapshot::{TenantSnapshot, bulk_ends_of};
use crate::error::{Error, ErrorCode, Failure, OpError};
use crate::key_wrapping::WrappingKey;
use crate::model::id::{Actor, SessionId, TenantId};
use crate::model::session::BulkNo;
use crate::random::Random;
use crate::secret::SecretKey;
use crate::store::{Needs, ReadTransaction, Subject, TenantNo, WaitPolicy, would_block};

/// One tenant of an open [`Engine`](crate::Engine): every operation on sessions starts here. Clones share keys and
/// settings; all of them may be used from any thread.
///
/// Each call may fail with `engine_closed`, `forked`, a `storage_…` code, or `invalid_api_key` after the tenant's secret
/// key was changed through another handle; the operations name only their own errors.
///
/// ```
/// use hellojohn::{CreateSession, Engine, SessionFilter};
///
/// let engine = Engine::open(":memory:")?;
/// let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// assert_eq!(tenant.id().as_str(), "tnt_acme");
///
/// let worker = std::thread::spawn({
///     let tenant = tenant.clone();
///     move || tenant.create(CreateSession::new("usr_1".parse()?))
/// });
/// let grant = worker.join().expect("it does not panic")?;
/// assert_eq!(tenant.count(&SessionFilter::of_user(grant.session.user_id))?, 1);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Clone)]
pub struct Tenant {
    pub(super) inner: Arc<EngineInner>,
    pub(super) state: Arc<TenantState>,
    pub(super) wait_policy: WaitPolicy,
    /// Who makes the changes of this handle.
    pub(super) actor: Option<Arc<Actor>>,
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant").field("id", &self.state.id).finish_non_exhaustive()
    }
}

pub(super) struct TenantState {
    pub(super) id: TenantId,
    pub(super) no: TenantNo,
    /// Tells the handles of one engine apart.
    pub(super) handle: u64,
    pub(super) wrapping: RwLock<WrappingKey>,
    /// The newest version that this handle has seen.
    pub(super) snapshot: Mutex<Arc<TenantSnapshot>>,
    /// The clock's time, in ms, from before the database last confirmed `snapshot`.
    pub(super) checked_at: AtomicI64,
    /// [`EngineInner::settings_changes`] from before the database last confirmed `snapshot`.
    pub(super) checked_changes: AtomicU64,
    /// The newest event of which is known that no failover takes it back.
    pub(super) kept_events: AtomicU64,
    /// Where the next round of maintenance goes on, and the bulk ends that were pending when its walk through all sessions
    /// began.
    pub(super) maintenance_walk: Mutex<(Option<SessionId>, Vec<BulkNo>)>,
}

impl Tenant {
    /// `iss` of its access tokens.
    pub(crate) fn issuer(&self) -> &str {
        &self.inner.issuer
    }

    /// Opens the handle; on first use makes the tenant if `may_create` says so.
    pub(super) fn open(
        inner: &Arc<EngineInner>,
        id: &TenantId,
        secret: &SecretKey,
        may_create: bool,
    ) -> Result<Self, Error> {
        inner.require_open()?;
        let mut made = None;
        loop {
            // Read before the database: later values would claim more than the transaction shows.
            let clock = inner.clock_time()?;
            let checked_changes = AtomicU64::new(inner.settings_changes.load(Ordering::Acquire));
            let mut found = None;
            inner.store.read(WaitPolicy::Block, &Needs::default(), &mut |transaction| {
                found = None;
                if let Some(no) = transaction.tenant_no(id)? {
                    let version = transaction.tenant_version(no)?;
                    let bulk_ends = bulk_ends_of(transaction.bulk_ends(no)?);
                    let time = inner.shared_time(clock, transaction.database_time());
                    found =
                        Some((no, version, time, transaction.tenant(no)?, transaction.keys(no)?, bulk_ends));
                }
                Ok(())
            })?;
            let Some((no, version, time, record, keys, bulk_ends)) = found else {
                if !may_create {
                    return Err(Error::new(ErrorCode::NotFound, "the database has no such tenant"));
                }
                made = Some(create_tenant(inner, id, secret)?);
                continue;
            };
            let wrapping = match made {
                Some((salt, wrapping)) if salt == record.salt => wrapping,
                _ => WrappingKey::stretch(secret, &record.salt, &*inner.random)?,
            };
            let snapshot = TenantSnapshot::unlock(version.version, record, &keys, bulk_ends, id, &wrapping)?;
            inner.now(time, version.mark);
            return Ok(Tenant {
                inner: Arc::clone(inner),
                state: Arc::new(TenantState {
                    id: id.clone(),
                    no,
                    handle: inner.handles.fetch_add(1, Ordering::Relaxed),
                    wrapping: RwLock::new(wrapping),
                    snapshot: Mutex::new(Arc::new(snapshot)),
                    checked_at: AtomicI64::new(clock.as_millis()),
                    checked_changes,
                    kept_events: AtomicU64::new(0),
                    maintenance_walk: Mutex::default(),
                }),
                wait_policy: WaitPolicy::Block,
                actor: None,
            });
        }
    }

    /// The same tenant for callers that must not wait, such as an event loop: a read that would have to wait, for a lock of
    /// another process, a sync of the disk or a long scan, fails with `storage_busy`; repeat it on a thread that may
    /// wait. Reading from a file that is not in memory still takes the time of the disk. Writes wait as always.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// use hellojohn::ErrorCode;
    ///
    /// let page = match tenant.non_blocking().list(&Default::default()) {
    ///     Err(error) if error.code() == ErrorCode::StorageBusy => tenant.list(&Default::default()), // on a worker
    ///     answer => answer,
    /// }?;
    /// # assert!(page.data.is_empty());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn non_blocking(&self) -> Tenant {
        Tenant { wait_policy: WaitPolicy::NonBlocking, ..self.clone() }
    }

    /// The same tenant for changes that this actor makes, `None` for an actor that is not known: the events of every change
    /// through the handle name it.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// tenant.with_actor(Some("admin:ada".parse()?)).revoke(grant.session.id)?;
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn with_actor(&self, actor: Option<Actor>) -> Tenant {
        Tenant { actor: actor.map(Arc::new), ..self.clone() }
    }

    /// Fails with `storage_busy` on a non-blocking handle.
    pub(super) fn require_blocking(&self) -> Result<(), Failure> {
        match self.wait_policy {
            WaitPolicy::Block => Ok(()),
            WaitPolicy::NonBlocking => Err(would_block()),
        }
    }

    /// The tenant's id.
    pub fn id(&self) -> &TenantId {
        &self.state.id
    }

    /// Whether a cached answer of this handle is certainly what the handle would answer now. Takes no read of the
    /// database, and a look at the names of its files once a second. True as long as no process has changed the session (for a list: a session of its user), its tenant's
    /// settings or keys, no other program has committed, and the clock has ended nothing; over PostgreSQL as long as a verification may be remembered ([`VerifyMode`](crate::VerifyMode)). False says only that the caller has to ask again.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let (session, validator) = tenant.get_cacheable(grant.session.id)?;
    /// // Later: is `session` still what `get` would answer?
    /// let session = if tenant.is_fresh(&validator)? { session } else { tenant.get(session.id)? };
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `engine_closed`, `forked`.
    pub fn is_fresh(&self, validator: &CacheValidator) -> Result<bool, Error> {
        self.inner.require_open()?;
        if validator.handle != self.state.handle {
            return Ok(false);
        }
        let store = &**self.inner.store;
        let now = match (&validator.lease, validator.subject) {
            (Some(lease), Subject::Session(id)) => match store.check_lease(id, lease) {
                Some(latest) => self.inner.now_at_latest(latest)?,
                None => return Ok(false),
            },
            // No list is remembered for a time.
            (Some(_), Subject::SessionsOf(_)) => return Ok(false),
            (None, _) => match validator.clock_mark_if_unchanged(store) {
                Some(mark) => self.inner.now_under_raised_mark(mark)?,
                None => return Ok(false),
            },
        };
        Ok(validator.holds_at(now))
    }

    /// Whether this text is the tenant's secret key, as this handle and its clones know it. Compares in constant time.
    pub(crate) fn is_secret_key(&self, presented: &str) -> bool {
        self.state.wrapping.read().matches(presented)
    }

    /// The engine's source of randomness.
    pub(crate) fn random(&self) -> &dyn Random {
        &*self.inner.random
    }

    /// Settings and keys as of `version`, and whether the handle now has them as its newest. `known` is what it had before
    /// the transaction began. Refuses with `invalid_api_key` if the secret key was changed through another handle.
    pub(super) fn snapshot_at(
        &self,
        transaction: &dyn ReadTransaction,
        version: i64,
        known: &Arc<TenantSnapshot>,
    ) -> Result<(Arc<TenantSnapshot>, bool), OpError> {
        let cached = Arc::clone(&self.state.snapshot.lock());
        if cached.version == version {
            return Ok((cached, true));
        }
        let wrapping = match self.wait_policy {
            WaitPolicy::Block => self.state.wrapping.read(),
            // A change of the secret key holds the lock until it is on disk.
            WaitPolicy::NonBlocking => self.state.wrapping.try_read().ok_or_else(would_block)?,
        };
        let fresh = Arc::new(TenantSnapshot::unlock(
            version,
            transaction.tenant(self.state.no)?,
            &transaction.keys(self.state.no)?,
            bulk_ends_of(transaction.bulk_ends(self.state.no)?),
            &self.state.id,
            &wrapping,
        )?);
        let mut newest = self.state.snapshot.lock();
        // Versions have no order. What another transaction has put here since may be later than this one's; what was here
        // before this one began is not.
        let is_newest = Arc::ptr_eq(&newest, known);
        if is_newest {
            *newest = Arc::clone(&fresh);
        }
        Ok((fresh, is_newest))
    }
}
