//! A tenant's handle: its keys and settings as of one version of the database, and how operations reach the store.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::Core;
use super::pending_write::Pending;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Failure, Refusal};
use crate::key_wrapping::{SALT_BYTES, WrappingKey, refresh_key_purpose, signing_key_purpose};
use crate::model::config::Config;
use crate::model::id::{SessionId, TenantId};
use crate::model::session::{End, Session, SessionTimes, Status};
use crate::random::{self, Random};
use crate::secret::{SecretBytes, SecretKey};
use crate::store::{
    ClockMark, CommitVersion, KeyRecord, QueuedJob, ReadTransaction, SessionRecord, TenantNo, TenantRecord,
    WaitPolicy, WriteTransaction,
};
use crate::store::{Durability, would_block};
use crate::token::issuer::{self, AccessTokenParams, Subject, Unsigned};
use crate::token::keyring::{KeyRing, KeyState, RingKey};
use crate::token::refresh_token::RefreshKey;

/// One tenant of an open [`Engine`](crate::Engine): every operation on sessions starts here. Clones share keys and
/// settings; all of them may be used from any thread.
///
/// Each call may fail with `engine_closed`, `forked`, a `storage_…` code, or `invalid_api_key` after the tenant's secret
/// key was changed through another handle; the operations name only their own errors.
#[derive(Clone)]
pub struct Tenant {
    pub(super) core: Arc<Core>,
    pub(super) state: Arc<TenantState>,
    patience: WaitPolicy,
}

impl std::fmt::Debug for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tenant").field("id", &self.state.id).finish_non_exhaustive()
    }
}

pub(super) struct TenantState {
    id: TenantId,
    pub(super) no: TenantNo,
    /// Tells the handles of one engine apart.
    pub(super) handle: u64,
    pub(super) wrapping: RwLock<WrappingKey>,
    current: Mutex<Arc<TenantSnapshot>>,
    /// What the clock said, in ms, before the database was last asked whether `current` still holds.
    checked_at: AtomicI64,
    /// What [`Core::changes`] was before that.
    checked_changes: AtomicU64,
}

/// Settings and keys of one version of the tenant.
pub(super) struct TenantSnapshot {
    pub version: i64,
    pub config: Config,
    pub token_horizon: Timestamp,
    pub ring: KeyRing,
    pub refresh_key: RefreshKey,
}

/// How old what is known about the keys may get before local verification asks the database again, in ms. Bounds how
/// long another process's emergency retirement of a key stays unseen.
const KEYS_MAX_AGE_MS: i64 = 1_000;

/// A reading operation at work.
pub(super) struct ReadContext<'a> {
    pub store: &'a dyn ReadTransaction,
    pub tenant: TenantNo,
    pub now: Timestamp,
    pub current: Arc<TenantSnapshot>,
    pub mark: ClockMark,
    /// From before the snapshot, where the store can tell.
    pub commit_version: Option<CommitVersion>,
    clock_mark_pending: Cell<bool>,
}

impl ReadContext<'_> {
    /// The status function, for an answer. An end by the clock that the database's own mark has not passed yet makes the
    /// answer wait until it has: otherwise a clock that steps back, or a refresh that is about to commit, could bring
    /// back a session that somebody was told is dead.
    pub(super) fn effective_end(&self, life: &SessionTimes) -> Option<End> {
        let idle_timeout = self.current.config.idle_timeout;
        let end = life.end_at(self.now, idle_timeout);
        if end.is_some() && life.end_at(self.mark.highest, idle_timeout).is_none() {
            self.clock_mark_pending.set(true);
        }
        end
    }
}

/// A writing operation at work: alone, and able to change.
pub(super) struct WriteContext<'a> {
    pub store: &'a dyn WriteTransaction,
    pub tenant: TenantNo,
    pub now: Timestamp,
    pub current: Arc<TenantSnapshot>,
}

impl WriteContext<'_> {
    /// The status function; an end by the clock is written down on the way.
    pub(super) fn stamp_due_end(&self, id: SessionId, life: &SessionTimes) -> Result<Option<End>, Failure> {
        let end = life.end_at(self.now, self.current.config.idle_timeout);
        if let (Some(end), None) = (end, life.end) {
            self.store.end_session(self.tenant, id, end)?;
        }
        Ok(end)
    }
}

/// A rule's answer: a refusal commits, unlike a [`Failure`].
pub(super) type Verdict<T> = Result<T, Refusal>;

impl Tenant {
    pub(super) fn open(core: &Arc<Core>, id: &TenantId, secret: &SecretKey) -> Result<Self, Error> {
        core.usable()?;
        loop {
            // Before the snapshot: later values would claim more than it shows.
            let clock = core.clock_time()?;
            let checked_changes = AtomicU64::new(core.changes.load(Ordering::Acquire));
            let mut found = None;
            core.store.read(WaitPolicy::Block, &mut |store| {
                if let Some(no) = store.tenant_no(id)? {
                    found = Some((no, store.tenant_version(no)?, store.tenant(no)?, store.keys(no)?));
                }
                Ok(())
            })?;
            if let Some((no, head, row, keys)) = found {
                let wrapping = WrappingKey::stretch(secret, &row.salt)?;
                let current = TenantSnapshot::unlock(head.version, row, &keys, id, &wrapping)??;
                core.now(clock, head.mark);
                return Ok(Tenant {
                    core: Arc::clone(core),
                    state: Arc::new(TenantState {
                        id: id.clone(),
                        no,
                        handle: core.handles.fetch_add(1, Ordering::Relaxed),
                        wrapping: RwLock::new(wrapping),
                        current: Mutex::new(Arc::new(current)),
                        checked_at: AtomicI64::new(clock.as_millis()),
                        checked_changes,
                    }),
                    patience: WaitPolicy::Block,
                });
            }
            create_tenant(core, id, secret)?;
        }
    }

    /// The same tenant for callers who must not wait, an event loop above all: a read that could not be answered at once,
    /// for a lock of another process, a sync of the disk or a long walk, fails with `storage_busy`, to be asked again on
    /// a thread that may wait. Reading from a file that is not in memory still takes the time that it takes. Changes wait
    /// as ever.
    pub fn non_blocking(&self) -> Tenant {
        Tenant { patience: WaitPolicy::NonBlocking, ..self.clone() }
    }

    /// Fails if the caller could not wait for what comes now.
    pub(super) fn require_blocking(&self) -> Result<(), Failure> {
        match self.patience {
            WaitPolicy::Block => Ok(()),
            WaitPolicy::NonBlocking => Err(would_block()),
        }
    }

    /// Its id.
    pub fn id(&self) -> &TenantId {
        &self.state.id
    }

    /// Whether this text is the tenant's secret key, as this handle and its clones know it; in constant time.
    pub(crate) fn is_secret_key(&self, presented: &str) -> bool {
        self.state.wrapping.read().matches(presented)
    }

    /// The engine's source of randomness.
    pub(crate) fn random(&self) -> &dyn Random {
        &*self.core.random
    }

    /// Settings and keys as of `version`. Refuses with `invalid_api_key` once the secret key was changed elsewhere.
    fn current(
        &self,
        store: &dyn ReadTransaction,
        version: i64,
    ) -> Result<Verdict<Arc<TenantSnapshot>>, Failure> {
        let cached = Arc::clone(&self.state.current.lock());
        if cached.version == version {
            return Ok(Ok(cached));
        }
        let wrapping = match self.patience {
            WaitPolicy::Block => self.state.wrapping.read(),
            // A change of the secret key holds it until that is on disk.
            WaitPolicy::NonBlocking => self.state.wrapping.try_read().ok_or_else(would_block)?,
        };
        let fresh = TenantSnapshot::unlock(
            version,
            store.tenant(self.state.no)?,
            &store.keys(self.state.no)?,
            &self.state.id,
            &wrapping,
        )?;
        Ok(fresh.map(|fresh| {
            let fresh = Arc::new(fresh);
            let mut current = self.state.current.lock();
            if current.version < version {
                *current = Arc::clone(&fresh);
            }
            fresh
        }))
    }

    /// Settings and keys without a transaction, at most [`KEYS_MAX_AGE_MS`] behind other processes and never behind this
    /// one.
    pub(super) fn recent(&self) -> Result<Arc<TenantSnapshot>, Error> {
        self.core.usable()?;
        // By the bare clock: "now" stands still while a clock that stepped back catches up. A negative age is such a step.
        let age = self.core.clock_time()?.as_millis() - self.state.checked_at.load(Ordering::Acquire);
        let changes = self.core.changes.load(Ordering::Acquire);
        if self.state.checked_changes.load(Ordering::Acquire) == changes
            && (0..KEYS_MAX_AGE_MS).contains(&age)
        {
            return Ok(Arc::clone(&self.state.current.lock()));
        }
        self.latest()
    }

    /// Settings and keys as the database has them now.
    pub(super) fn latest(&self) -> Result<Arc<TenantSnapshot>, Error> {
        self.read(|reading| Ok(Ok(Arc::clone(&reading.current))))
    }

    /// Runs a reading operation on one snapshot.
    pub(super) fn read<T>(
        &self,
        job: impl Fn(&ReadContext<'_>) -> Result<Verdict<T>, Failure>,
    ) -> Result<T, Error> {
        self.core.usable()?;
        // What the database was made to see for the sake of this answer.
        let mut settled: Option<ClockMark> = None;
        loop {
            // All before the snapshot: with a later clock, a refresh that commits in between would look too late.
            let clock = self.core.clock_time()?;
            let changes = self.core.changes.load(Ordering::Acquire);
            let known_version = self.state.current.lock().version;
            let commit_version = self.core.store.commit_version();
            let mut answer = None;
            self.core.store.read(self.patience, &mut |store| {
                let head = store.tenant_version(self.state.no)?;
                let now = match settled {
                    Some(mark) if mark.epoch == head.mark.epoch => mark.highest.max(head.mark.highest),
                    _ => self.core.now(clock, head.mark),
                };
                let current = match self.current(store, head.version)? {
                    Ok(current) => current,
                    Err(refusal) => {
                        answer = Some((Err(refusal), None));
                        return Ok(());
                    }
                };
                self.state.checked_at.store(clock.as_millis(), Ordering::Release);
                self.state.checked_changes.fetch_max(changes, Ordering::AcqRel);
                let clock_mark_pending = Cell::new(false);
                let reading = ReadContext {
                    store,
                    tenant: self.state.no,
                    now,
                    current,
                    mark: head.mark,
                    commit_version,
                    clock_mark_pending,
                };
                let verdict = job(&reading)?;
                let mark = ClockMark { highest: now, ..head.mark };
                answer = Some((verdict, reading.clock_mark_pending.get().then_some(mark)));
                Ok(())
            })?;
            match answer {
                Some((_, Some(mark))) => {
                    self.require_blocking()?;
                    self.persist_clock_mark(mark)?;
                    settled = Some(mark);
                }
                // A clone of this handle has changed the secret key since the snapshot, which only the old one opens.
                Some((Err(_), None)) if self.state.current.lock().version != known_version => {}
                Some((verdict, None)) => return Ok(verdict?),
                None => return Err(Failure::internal("the store did not run the job").into()),
            }
        }
    }

    /// Makes the database see this time, unless its mark was lowered meanwhile.
    pub(super) fn persist_clock_mark(&self, seen: ClockMark) -> Result<(), Failure> {
        self.core.store.write_exclusive(&mut |store| {
            let mark = store.clock_mark()?;
            if mark.epoch == seen.epoch { raise_clock_mark(store, mark, seen.highest) } else { Ok(()) }
        })
    }

    /// Runs a writing operation, its changes all or none, a refusal's changes too. Other callers' may share the
    /// transaction.
    pub(super) fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&Tenant, &WriteContext<'_>) -> Result<Verdict<T>, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        self.begin(job).wait()
    }

    /// Queues a writing operation.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        job: impl Fn(&Tenant, &WriteContext<'_>) -> Result<Verdict<T>, Failure> + Send + 'static,
    ) -> Pending<T> {
        self.begin_as(Durability::Full, job)
    }

    /// Queues a writing operation. One of durability `Normal` waits for no disk even where the database's is full, for
    /// housekeeping, which a power loss may undo: its now is the database's mark, so that it tells nobody of an end that
    /// could be taken back with it.
    pub(super) fn begin_as<T: Send + 'static>(
        &self,
        durability: Durability,
        job: impl Fn(&Tenant, &WriteContext<'_>) -> Result<Verdict<T>, Failure> + Send + 'static,
    ) -> Pending<T> {
        if let Err(failure) = self.core.usable() {
            return Pending::answered(Err(failure.into()));
        }
        let answer = Arc::new(Mutex::new(None));
        let (tenant, kept) = (self.clone(), Arc::clone(&answer));
        let job: Box<QueuedJob> = Box::new(move |store| {
            let verdict = tenant.transact(store, durability, |w| job(&tenant, w))?;
            *kept.lock() = Some(verdict);
            Ok(())
        });
        let place = self.core.store.enqueue(job, durability);
        Pending::queued(Arc::clone(&self.core), place, move || answer.lock().take())
    }

    /// Like [`write`](Self::write), in a transaction of its own: for what takes long.
    pub(super) fn write_exclusive<T>(
        &self,
        mut job: impl FnMut(&WriteContext<'_>) -> Result<Verdict<T>, Failure>,
    ) -> Result<T, Error> {
        self.core.usable()?;
        let mut answer = None;
        self.core.store.write_exclusive(&mut |store| {
            answer = Some(self.transact(store, Durability::Full, &mut job)?);
            Ok(())
        })?;
        match answer {
            Some(verdict) => Ok(verdict?),
            None => Err(Failure::internal("the store did not run the job").into()),
        }
    }

    /// Like [`write_exclusive`](Self::write_exclusive), for changes of settings, keys or the secret, which nobody may see before
    /// they are committed: other handles of this engine notice.
    pub(super) fn write_settings<T>(
        &self,
        job: impl FnMut(&WriteContext<'_>) -> Result<Verdict<T>, Failure>,
    ) -> Result<T, Error> {
        let answer = self.write_exclusive(job);
        self.core.changes.fetch_add(1, Ordering::AcqRel);
        answer
    }

    /// A writing operation inside its transaction.
    fn transact<T>(
        &self,
        store: &dyn WriteTransaction,
        durability: Durability,
        job: impl FnOnce(&WriteContext<'_>) -> Result<Verdict<T>, Failure>,
    ) -> Result<Verdict<T>, Failure> {
        let head = store.tenant_version(self.state.no)?;
        let now = match durability {
            Durability::Full => self.core.now(self.core.clock_time()?, head.mark),
            Durability::Normal => head.mark.highest,
        };
        let current = match self.current(store, head.version)? {
            Ok(current) => current,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let verdict = job(&WriteContext { store, tenant: self.state.no, now, current })?;
        if store.has_changed() {
            raise_clock_mark(store, head.mark, now)?;
        }
        Ok(verdict)
    }

    /// A session as callers see it.
    pub(super) fn view(&self, row: SessionRecord, end: Option<End>) -> Session {
        let device_type = row.client.effective_device_type();
        let revoked_at = end.filter(|end| end.status() == Status::Revoked).map(|end| end.at);
        Session {
            id: row.id,
            user_id: row.user_id,
            tenant_id: self.state.id.clone(),
            status: end.map_or(Status::Active, End::status),
            last_ip_address: row.last_seen.ip_address.or(row.client.ip_address),
            last_user_agent: row.last_seen.user_agent.or_else(|| row.client.user_agent.clone()),
            user_agent: row.client.user_agent,
            ip_address: row.client.ip_address,
            country: row.client.country,
            device_type,
            device_fingerprint: row.client.device_fingerprint,
            created_at: row.life.created_at,
            last_active_at: row.life.last_active_at,
            expires_at: row.life.expires_at,
            access_expires_at: row.access.ticket.expires_at,
            revoked_at,
            end_reason: end.map(|end| end.reason),
            identity: row.identity,
        }
    }

    /// The access token that the row names, unsigned.
    pub(super) fn prepare_access_token(
        &self,
        row: &SessionRecord,
        ticket: AccessTokenParams,
        key: &Arc<RingKey>,
    ) -> Verdict<Unsigned> {
        let subject = Subject {
            issuer: &self.core.issuer,
            tenant_id: &self.state.id,
            user_id: &row.user_id,
            session_id: row.id,
            identity: &row.identity,
        };
        issuer::prepare(&subject, ticket, key).map_err(Refusal::because)
    }

    pub(super) fn mint_key(&self, no: i64, state: KeyState, now: Timestamp) -> Result<KeyRecord, Failure> {
        mint_key(&self.core, &self.state.id, &self.state.wrapping.read(), no, state, now)
    }
}

fn raise_clock_mark(store: &dyn WriteTransaction, mark: ClockMark, now: Timestamp) -> Result<(), Failure> {
    if now > mark.highest { store.raise_clock_mark(now) } else { Ok(()) }
}

/// First use: the tenant with its refresh key, an active and a next signing key, all wrapped.
fn create_tenant(core: &Core, id: &TenantId, secret: &SecretKey) -> Result<(), Error> {
    let salt = *random::bytes::<SALT_BYTES>(&*core.random)?;
    // Before the transaction: stretching takes long.
    let wrapping = WrappingKey::stretch(secret.require_well_formed()?, &salt)?;
    let refresh_key = random::bytes::<32>(&*core.random)?;
    let wrapped_refresh_key = wrapping.wrap(&refresh_key, &refresh_key_purpose(id), &*core.random)?;
    core.store.write_exclusive(&mut |store| {
        if store.tenant_no(id)?.is_some() {
            return Ok(()); // another thread or process was faster; its secret key counts
        }
        let mark = store.clock_mark()?;
        let now = core.now(core.clock_time()?, mark);
        let row = TenantRecord {
            config: Config::default(),
            salt,
            wrapped_refresh_key: wrapped_refresh_key.clone(),
            token_horizon: Timestamp::default(),
        };
        let no = store.add_tenant(id, &row, now)?;
        for (key_no, state) in [(1, KeyState::Active), (2, KeyState::Next)] {
            store.add_key(no, &mint_key(core, id, &wrapping, key_no, state, now)?)?;
        }
        raise_clock_mark(store, mark, now)
    })?;
    Ok(())
}

fn mint_key(
    core: &Core,
    tenant: &TenantId,
    wrapping: &WrappingKey,
    no: i64,
    state: KeyState,
    now: Timestamp,
) -> Result<KeyRecord, Failure> {
    let id = core.ids.key(now, &*core.random)?;
    let seed = random::bytes::<32>(&*core.random)?;
    let wrapped_seed = wrapping.wrap(&seed, &signing_key_purpose(tenant, id), &*core.random)?;
    Ok(KeyRecord { no, id, state, created_at: now, drained_at: None, wrapped_seed: Some(wrapped_seed) })
}

/// The seed of a key that is not retired.
pub(super) fn unwrap_seed(
    key: &KeyRecord,
    tenant: &TenantId,
    wrapping: &WrappingKey,
) -> Result<Option<SecretBytes>, Failure> {
    let Some(wrapped) = &key.wrapped_seed else { return Ok(None) };
    match wrapping.unwrap(wrapped, &signing_key_purpose(tenant, key.id)) {
        Some(seed) => Ok(Some(seed)),
        None => Err(Failure::corrupt(format!("signing_keys.wrapped_seed of {} does not open", key.id))),
    }
}

impl TenantSnapshot {
    /// Refuses with `invalid_api_key` if the wrapping key is not this tenant's.
    fn unlock(
        version: i64,
        row: TenantRecord,
        keys: &[KeyRecord],
        tenant: &TenantId,
        wrapping: &WrappingKey,
    ) -> Result<Verdict<Self>, Failure> {
        let Some(refresh_key) = wrapping.unwrap(&row.wrapped_refresh_key, &refresh_key_purpose(tenant))
        else {
            return Ok(Err(Refusal::new(ErrorCode::InvalidApiKey, "the secret key is not this tenant's")));
        };
        let mut ring = Vec::with_capacity(keys.len());
        for key in keys {
            if let Some(seed) = unwrap_seed(key, tenant, wrapping)? {
                ring.push(RingKey::new(key.no, key.id, key.state, key.drained_at.unwrap_or_default(), &seed));
            }
        }
        Ok(Ok(TenantSnapshot {
            version,
            config: row.config,
            token_horizon: row.token_horizon,
            ring: KeyRing::new(ring)
                .ok_or_else(|| Failure::corrupt("the tenant has no active signing key"))?,
            refresh_key: RefreshKey::new(&refresh_key),
        }))
    }
}
