//! The operations (SPEC 4), one file each, all in the same order: parse → transaction → now → decide → apply → commit →
//! answer.

mod cache_validator;
mod create;
mod maintenance;
mod pending_write;
mod query;
mod refresh;
mod revoke;
mod settings;
mod signing_keys;
mod tenant;
mod token_cache;
mod update;
mod verify;

use std::ffi::OsStr;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;

pub use self::cache_validator::CacheValidator;
pub use self::create::{CreateSession, Grant};
pub use self::maintenance::{PurgeBefore, SessionCounts, Stats};
pub use self::pending_write::Pending;
pub use self::query::ListQuery;
pub use self::refresh::RefreshRequest;
pub use self::revoke::SignOutScope;
pub use self::signing_keys::Jwks;
pub use self::tenant::Tenant;
use self::token_cache::TokenCache;
pub use self::update::UpdatedSession;
pub use self::verify::{LocalVerification, VerifiedAccess, VerifyError};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::error::{Error, ErrorCode, Failure};
use crate::model::id::{IdMint, TenantId};
use crate::random::{OsRandom, Random};
use crate::secret::SecretKey;
use crate::store::{self, ClockMark, Database, Durability, Store, StoreOptions};
use crate::text;

/// The issuer of access tokens unless the host sets its own (SPEC 3).
const DEFAULT_ISSUER: &str = "https://api.hellojohn.dev";

/// SQLite counts milliseconds in 32 bits; nobody waits this long anyway.
const LONGEST_BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60 * 60);

/// How many verified tokens are remembered unless the host says otherwise.
const TOKEN_CACHE_CAPACITY: usize = 8192;
const TOKEN_CACHE_CAPACITY_MAX: usize = 1_000_000;

/// An open database of sessions. Clones are handles of the same engine; all of them may be used from any thread.
///
/// The engine closes with [`close`](Self::close) or when the last handle, tenants included, is dropped.
#[derive(Clone)]
pub struct Engine {
    core: Arc<Core>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("issuer", &self.core.issuer).finish_non_exhaustive()
    }
}

/// How to open an [`Engine`]; every option has a default.
#[must_use]
pub struct EngineBuilder {
    issuer: Box<str>,
    durability: Durability,
    busy_timeout: std::time::Duration,
    token_cache_capacity: usize,
    clock: Box<dyn Clock>,
    random: Box<dyn Random>,
}

impl EngineBuilder {
    /// `iss` of every access token, 1 to 255 bytes; default `https://api.hellojohn.dev`. Tokens of another issuer are
    /// refused, so all processes on one database use the same.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.issuer = issuer.into();
        self
    }

    /// When an answer counts as kept; default [`Durability::Full`].
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long a call waits for other writers before it fails with `storage_busy`; default 5 seconds, at most 1 hour.
    pub fn busy_timeout(mut self, timeout: std::time::Duration) -> Self {
        self.busy_timeout = timeout.min(LONGEST_BUSY_TIMEOUT);
        self
    }

    /// How many access tokens the engine remembers as verified; default 8192, 0 for none, at most 1,000,000. One takes some
    /// 3 KB.
    pub fn token_cache_capacity(mut self, most: usize) -> Self {
        self.token_cache_capacity = most.min(TOKEN_CACHE_CAPACITY_MAX);
        self
    }

    /// Another clock than the machine's, for tests.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Another source of randomness than the operating system's, for tests.
    pub fn random(mut self, random: impl Random + 'static) -> Self {
        self.random = Box::new(random);
        self
    }

    /// Opens the database at this path (`:memory:` for one that lives with the engine), creating it if it is not there.
    ///
    /// # Errors
    /// `storage_corrupt` for a file that is not ours or corrupt_column, `storage_too_new`, `storage_read_only`, `storage_io`,
    /// `storage_busy` (also when another library in this process has the file open), `validation_error`, `forked` for a
    /// file that was open when the process forked.
    pub fn open(self, database: impl AsRef<OsStr>) -> Result<Engine, Error> {
        let issuer = text::bounded("issuer", &self.issuer, 255)?;
        let database = Database::parse(database.as_ref())?;
        let options = StoreOptions { durability: self.durability, busy_timeout: self.busy_timeout };
        let store = store::open(database, options)?;
        Ok(Engine {
            core: Arc::new(Core {
                store: ManuallyDrop::new(store),
                clock: self.clock,
                random: self.random,
                ids: IdMint::new(),
                issuer,
                process: std::process::id(),
                seen: Mutex::new(ClockMark { highest: Timestamp::default(), epoch: 0 }),
                changes: AtomicU64::new(0),
                handles: AtomicU64::new(0),
                known: TokenCache::new(self.token_cache_capacity),
            }),
        })
    }
}

impl Engine {
    /// Opens a database with the defaults; see [`EngineBuilder::open`].
    ///
    /// # Errors
    /// As [`EngineBuilder::open`].
    pub fn open(database: impl AsRef<OsStr>) -> Result<Engine, Error> {
        Engine::builder().open(database)
    }

    /// The options.
    pub fn builder() -> EngineBuilder {
        EngineBuilder {
            issuer: DEFAULT_ISSUER.into(),
            durability: Durability::default(),
            busy_timeout: std::time::Duration::from_secs(5),
            token_cache_capacity: TOKEN_CACHE_CAPACITY,
            clock: Box::new(SystemClock),
            random: Box::new(OsRandom),
        }
    }

    /// A handle for one tenant. On first use the tenant and its keys are made; afterwards the secret key must be the
    /// same. Stretching it costs some 20 ms: keep the handle.
    ///
    /// # Errors
    /// `invalid_api_key` for a wrong secret key: nothing is created; `validation_error` for a new tenant's key that does
    /// not start with `sk_`; `storage_…`, `engine_closed`, `forked`.
    pub fn tenant(&self, id: &TenantId, secret_key: &SecretKey) -> Result<Tenant, Error> {
        Tenant::open(&self.core, id, secret_key)
    }

    /// Closes the engine: waits for the call that is writing, releases the files. Later calls on every handle fail with
    /// `engine_closed`; closing again does nothing.
    ///
    /// # Errors
    /// `forked` in a child process, where the files are left alone.
    pub fn close(&self) -> Result<(), Error> {
        self.core.same_process()?;
        self.core.store.close();
        Ok(())
    }
}

/// What all handles share.
pub(crate) struct Core {
    store: ManuallyDrop<Box<dyn Store>>,
    clock: Box<dyn Clock>,
    random: Box<dyn Random>,
    ids: IdMint,
    issuer: Box<str>,
    process: u32,
    /// The highest time seen here, for the epoch of the database's mark.
    seen: Mutex<ClockMark>,
    /// Counts the changes of settings and keys made through this engine.
    changes: AtomicU64,
    /// Counts the handles of tenants.
    handles: AtomicU64,
    known: TokenCache,
}

impl Core {
    /// After a fork the child must not touch connections, locks or files of its parent.
    fn same_process(&self) -> Result<(), Failure> {
        if std::process::id() == self.process {
            return Ok(());
        }
        Err(Failure::new(ErrorCode::Forked, "the process forked after the engine was opened"))
    }

    fn usable(&self) -> Result<(), Failure> {
        self.same_process()?;
        self.store.check_open()
    }

    /// The clock's time, which may have stepped back.
    fn clock_time(&self) -> Result<Timestamp, Failure> {
        let now = self.clock.now();
        if now > Timestamp::LATEST_NOW {
            return Err(Failure::internal("the clock is past the year 9800"));
        }
        Ok(now)
    }

    /// Now: the clock, but never before the highest time that this database has seen.
    fn now(&self, clock: Timestamp, mark: ClockMark) -> Timestamp {
        let mut seen = self.seen.lock();
        match mark.epoch.cmp(&seen.epoch) {
            std::cmp::Ordering::Greater => *seen = mark,
            // A snapshot from before the mark was lowered; its time counts for this one answer.
            std::cmp::Ordering::Less => return clock.max(mark.highest),
            std::cmp::Ordering::Equal => {}
        }
        seen.highest = clock.max(seen.highest).max(mark.highest);
        seen.highest
    }

    /// Now, for who knows that the database's mark is what it was.
    fn now_of_known_mark(&self) -> Result<Timestamp, Failure> {
        let clock = self.clock_time()?;
        let mut seen = self.seen.lock();
        seen.highest = clock.max(seen.highest);
        Ok(seen.highest)
    }

    /// Now, without asking the database.
    fn now_from_memory(&self) -> Result<Timestamp, Failure> {
        let clock = self.clock_time()?;
        Ok(clock.max(self.seen.lock().highest))
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        if self.same_process().is_ok() {
            // SAFETY: `store` is not used again: this is its owner's drop.
            unsafe { ManuallyDrop::drop(&mut self.store) }
        }
        // In a forked child the store is leaked: closing it would checkpoint and delete the log under the parent.
    }
}
