//! A tenant's handle: its keys and settings as of one version of the database, and how operations reach the store.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::Core;
use super::pending::Pending;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::error::{Error, ErrorCode, Failure, Refusal};
use crate::id::{KeyId, SessionId, TenantId};
use crate::random::{self, Random};
use crate::secret::{SALT_BYTES, SecretBytes, SecretKey, WrappingKey};
use crate::session::{End, Lifetime, Session, Status};
use crate::store::sqlite::{Durability, would_wait};
use crate::store::{
    ClockMark, KeyRow, Moment, Patience, Questions, SessionRow, SharedJob, TenantNo, TenantRow, Transitions,
};
use crate::token::issuer::{self, Subject, Ticket, Unsigned};
use crate::token::keyring::{KeyRing, KeyState, RingKey};
use crate::token::refresh::RefreshKey;

/// One tenant of an open [`Engine`](crate::Engine): every operation on sessions starts here. Clones share keys and
/// settings; all of them may be used from any thread.
///
/// Each call may fail with `engine_closed`, `forked`, a `storage_…` code, or `invalid_api_key` after the tenant's secret
/// key was changed through another handle; the operations name only their own errors.
#[derive(Clone)]
pub struct Tenant {
    pub(super) core: Arc<Core>,
    pub(super) state: Arc<TenantState>,
    patience: Patience,
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
    current: Mutex<Arc<Current>>,
    /// What the clock said, in ms, before the database was last asked whether `current` still holds.
    checked_at: AtomicI64,
    /// What [`Core::changes`] was before that.
    checked_changes: AtomicU64,
}

/// Settings and keys of one version of the tenant.
pub(super) struct Current {
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
pub(super) struct Reading<'a> {
    pub store: &'a dyn Questions,
    pub tenant: TenantNo,
    pub now: Timestamp,
    pub current: Arc<Current>,
    pub mark: ClockMark,
    /// From before the snapshot, where the store can tell.
    pub moment: Option<Moment>,
    unsettled: Cell<bool>,
}

impl Reading<'_> {
    /// The status function, for an answer. An end by the clock that the database's own mark has not passed yet makes the
    /// answer wait until it has: otherwise a clock that steps back, or a refresh that is about to commit, could bring
    /// back a session that somebody was told is dead.
    pub(super) fn end_of(&self, life: &Lifetime) -> Option<End> {
        let idle_timeout = self.current.config.idle_timeout;
        let end = life.end_at(self.now, idle_timeout);
        if end.is_some() && life.end_at(self.mark.highest, idle_timeout).is_none() {
            self.unsettled.set(true);
        }
        end
    }
}

/// A writing operation at work: alone, and able to change.
pub(super) struct Writing<'a> {
    pub store: &'a dyn Transitions,
    pub tenant: TenantNo,
    pub now: Timestamp,
    pub current: Arc<Current>,
}

impl Writing<'_> {
    /// The status function; an end by the clock is written down on the way.
    pub(super) fn settle(&self, id: SessionId, life: &Lifetime) -> Result<Option<End>, Failure> {
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
            core.store.read(Patience::Waits, &mut |store| {
                if let Some(no) = store.tenant_no(id)? {
                    found = Some((no, store.head(no)?, store.tenant(no)?, store.keys(no)?));
                }
                Ok(())
            })?;
            if let Some((no, head, row, keys)) = found {
                let wrapping = WrappingKey::stretch(secret, &row.salt)?;
                let current = Current::unlock(head.version, row, &keys, id, &wrapping)??;
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
                    patience: Patience::Waits,
                });
            }
            create_tenant(core, id, secret)?;
        }
    }

    /// The same tenant for callers who must not wait, an event loop above all: a read that could not be answered at once,
    /// for a lock of another process, a sync of the disk or a long walk, fails with `storage_busy`, to be asked again on
    /// a thread that may wait. Reading from a file that is not in memory still takes the time that it takes. Changes wait
    /// as ever.
    pub fn hurried(&self) -> Tenant {
        Tenant { patience: Patience::Hurries, ..self.clone() }
    }

    /// Fails if the caller could not wait for what comes now.
    pub(super) fn may_wait(&self) -> Result<(), Failure> {
        match self.patience {
            Patience::Waits => Ok(()),
            Patience::Hurries => Err(would_wait()),
        }
    }

    /// Its id.
    pub fn id(&self) -> &TenantId {
        &self.state.id
    }

    /// Whether this text is the tenant's secret key, as this handle and its clones know it; in constant time.
    pub(crate) fn is_secret_key(&self, presented: &str) -> bool {
        self.state.wrapping.read().is_of(presented)
    }

    /// The engine's source of randomness.
    pub(crate) fn random(&self) -> &dyn Random {
        &*self.core.random
    }

    /// Settings and keys as of `version`. Refuses with `invalid_api_key` once the secret key was changed elsewhere.
    fn current(&self, store: &dyn Questions, version: i64) -> Result<Verdict<Arc<Current>>, Failure> {
        let cached = Arc::clone(&self.state.current.lock());
        if cached.version == version {
            return Ok(Ok(cached));
        }
        let wrapping = match self.patience {
            Patience::Waits => self.state.wrapping.read(),
            // A change of the secret key holds it until that is on disk.
            Patience::Hurries => self.state.wrapping.try_read().ok_or_else(would_wait)?,
        };
        let fresh = Current::unlock(
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
    pub(super) fn recent(&self) -> Result<Arc<Current>, Error> {
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
    pub(super) fn latest(&self) -> Result<Arc<Current>, Error> {
        self.read(|reading| Ok(Ok(Arc::clone(&reading.current))))
    }

    /// Runs a reading operation on one snapshot.
    pub(super) fn read<T>(
        &self,
        job: impl Fn(&Reading<'_>) -> Result<Verdict<T>, Failure>,
    ) -> Result<T, Error> {
        self.core.usable()?;
        // What the database was made to see for the sake of this answer.
        let mut settled: Option<ClockMark> = None;
        loop {
            // All before the snapshot: with a later clock, a refresh that commits in between would look too late.
            let clock = self.core.clock_time()?;
            let changes = self.core.changes.load(Ordering::Acquire);
            let known_version = self.state.current.lock().version;
            let moment = self.core.store.moment();
            let mut answer = None;
            self.core.store.read(self.patience, &mut |store| {
                let head = store.head(self.state.no)?;
                let now = match settled {
                    Some(mark) if mark.era == head.mark.era => mark.highest.max(head.mark.highest),
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
                let unsettled = Cell::new(false);
                let reading = Reading {
                    store,
                    tenant: self.state.no,
                    now,
                    current,
                    mark: head.mark,
                    moment,
                    unsettled,
                };
                let verdict = job(&reading)?;
                let mark = ClockMark { highest: now, ..head.mark };
                answer = Some((verdict, reading.unsettled.get().then_some(mark)));
                Ok(())
            })?;
            match answer {
                Some((_, Some(mark))) => {
                    self.may_wait()?;
                    self.settle_clock_mark(mark)?;
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
    pub(super) fn settle_clock_mark(&self, seen: ClockMark) -> Result<(), Failure> {
        self.core.store.write_alone(&mut |store| {
            let mark = store.clock_mark()?;
            if mark.era == seen.era { raise_clock_mark(store, mark, seen.highest) } else { Ok(()) }
        })
    }

    /// Runs a writing operation, its changes all or none, a refusal's changes too. Other callers' may share the
    /// transaction.
    pub(super) fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&Tenant, &Writing<'_>) -> Result<Verdict<T>, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        self.begin(job).wait()
    }

    /// Queues a writing operation.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        job: impl Fn(&Tenant, &Writing<'_>) -> Result<Verdict<T>, Failure> + Send + 'static,
    ) -> Pending<T> {
        self.begin_as(Durability::Full, job)
    }

    /// Queues a writing operation. One of durability `Normal` waits for no disk even where the database's is full, for
    /// housekeeping, which a power loss may undo: its now is the database's mark, so that it tells nobody of an end that
    /// could be taken back with it.
    pub(super) fn begin_as<T: Send + 'static>(
        &self,
        durability: Durability,
        job: impl Fn(&Tenant, &Writing<'_>) -> Result<Verdict<T>, Failure> + Send + 'static,
    ) -> Pending<T> {
        if let Err(failure) = self.core.usable() {
            return Pending::answered(Err(failure.into()));
        }
        let answer = Arc::new(Mutex::new(None));
        let (tenant, kept) = (self.clone(), Arc::clone(&answer));
        let job: Box<SharedJob> = Box::new(move |store| {
            let verdict = tenant.transact(store, durability, |w| job(&tenant, w))?;
            *kept.lock() = Some(verdict);
            Ok(())
        });
        let place = self.core.store.enqueue(job, durability);
        Pending::queued(Arc::clone(&self.core), place, move || answer.lock().take())
    }

    /// Like [`write`](Self::write), in a transaction of its own: for what takes long.
    pub(super) fn write_alone<T>(
        &self,
        mut job: impl FnMut(&Writing<'_>) -> Result<Verdict<T>, Failure>,
    ) -> Result<T, Error> {
        self.core.usable()?;
        let mut answer = None;
        self.core.store.write_alone(&mut |store| {
            answer = Some(self.transact(store, Durability::Full, &mut job)?);
            Ok(())
        })?;
        match answer {
            Some(verdict) => Ok(verdict?),
            None => Err(Failure::internal("the store did not run the job").into()),
        }
    }

    /// Like [`write_alone`](Self::write_alone), for changes of settings, keys or the secret, which nobody may see before
    /// they are committed: other handles of this engine notice.
    pub(super) fn write_settings<T>(
        &self,
        job: impl FnMut(&Writing<'_>) -> Result<Verdict<T>, Failure>,
    ) -> Result<T, Error> {
        let answer = self.write_alone(job);
        self.core.changes.fetch_add(1, Ordering::AcqRel);
        answer
    }

    /// A writing operation inside its transaction.
    fn transact<T>(
        &self,
        store: &dyn Transitions,
        durability: Durability,
        job: impl FnOnce(&Writing<'_>) -> Result<Verdict<T>, Failure>,
    ) -> Result<Verdict<T>, Failure> {
        let head = store.head(self.state.no)?;
        let now = match durability {
            Durability::Full => self.core.now(self.core.clock_time()?, head.mark),
            Durability::Normal => head.mark.highest,
        };
        let current = match self.current(store, head.version)? {
            Ok(current) => current,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let verdict = job(&Writing { store, tenant: self.state.no, now, current })?;
        if store.has_changed() {
            raise_clock_mark(store, head.mark, now)?;
        }
        Ok(verdict)
    }

    /// A session as callers see it.
    pub(super) fn view(&self, row: SessionRow, end: Option<End>) -> Session {
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
    pub(super) fn draft(&self, row: &SessionRow, ticket: Ticket, key: &Arc<RingKey>) -> Verdict<Unsigned> {
        let subject = Subject {
            issuer: &self.core.issuer,
            tenant_id: &self.state.id,
            user_id: &row.user_id,
            session_id: row.id,
            identity: &row.identity,
        };
        issuer::draft(&subject, ticket, key).map_err(Refusal::because)
    }

    pub(super) fn mint_key(&self, no: i64, state: KeyState, now: Timestamp) -> Result<KeyRow, Failure> {
        mint_key(&self.core, &self.state.id, &self.state.wrapping.read(), no, state, now)
    }
}

fn raise_clock_mark(store: &dyn Transitions, mark: ClockMark, now: Timestamp) -> Result<(), Failure> {
    if now > mark.highest { store.raise_clock_mark(now) } else { Ok(()) }
}

/// First use: the tenant with its refresh key, an active and a next signing key, all wrapped.
fn create_tenant(core: &Core, id: &TenantId, secret: &SecretKey) -> Result<(), Error> {
    let salt = *random::bytes::<SALT_BYTES>(&*core.random)?;
    // Before the transaction: stretching takes long.
    let wrapping = WrappingKey::stretch(secret.well_made()?, &salt)?;
    let refresh_key = random::bytes::<32>(&*core.random)?;
    let wrapped_refresh_key = wrapping.wrap(&refresh_key, &refresh_key_purpose(id), &*core.random)?;
    core.store.write_alone(&mut |store| {
        if store.tenant_no(id)?.is_some() {
            return Ok(()); // another thread or process was faster; its secret key counts
        }
        let mark = store.clock_mark()?;
        let now = core.now(core.clock_time()?, mark);
        let row = TenantRow {
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
) -> Result<KeyRow, Failure> {
    let id = core.ids.key(now, &*core.random)?;
    let seed = random::bytes::<32>(&*core.random)?;
    let wrapped_seed = wrapping.wrap(&seed, &signing_key_purpose(tenant, id), &*core.random)?;
    Ok(KeyRow { no, id, state, created_at: now, drained_at: None, wrapped_seed: Some(wrapped_seed) })
}

/// What a wrapped key is bound to: moved to another tenant or another key's row it does not open.
pub(super) fn refresh_key_purpose(tenant: &TenantId) -> Vec<u8> {
    [b"hellojohn refresh key\0", tenant.as_str().as_bytes()].concat()
}

pub(super) fn signing_key_purpose(tenant: &TenantId, kid: KeyId) -> Vec<u8> {
    [b"hellojohn signing key\0", kid.to_bytes().as_slice(), tenant.as_str().as_bytes()].concat()
}

/// The seed of a key that is not retired.
pub(super) fn unwrap_seed(
    key: &KeyRow,
    tenant: &TenantId,
    wrapping: &WrappingKey,
) -> Result<Option<SecretBytes>, Failure> {
    let Some(wrapped) = &key.wrapped_seed else { return Ok(None) };
    match wrapping.unwrap(wrapped, &signing_key_purpose(tenant, key.id)) {
        Some(seed) => Ok(Some(seed)),
        None => Err(Failure::corrupt(format!("signing_keys.wrapped_seed of {} does not open", key.id))),
    }
}

impl Current {
    /// Refuses with `invalid_api_key` if the wrapping key is not this tenant's.
    fn unlock(
        version: i64,
        row: TenantRow,
        keys: &[KeyRow],
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
        Ok(Ok(Current {
            version,
            config: row.config,
            token_horizon: row.token_horizon,
            ring: KeyRing::new(ring)
                .ok_or_else(|| Failure::corrupt("the tenant has no active signing key"))?,
            refresh_key: RefreshKey::new(&refresh_key),
        }))
    }
}
