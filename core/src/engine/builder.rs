//! Opening and closing an engine.

use std::ffi::OsStr;
use std::fmt;
use std::sync::Arc;

use super::answer_cache::CacheLimits;
use super::inner::{EngineInner, EngineSettings};
use super::observer::Observer;
use super::tenant::Tenant;
use crate::clock::{Clock, MachineTime, TimeSource};
use crate::duration::Duration;
use crate::error::Error;
use crate::fork;
use crate::model::event::EventDetail;
use crate::model::id::TenantId;
use crate::model::operation::Operation;
use crate::model::sign_in_limit::SignInLimit;
use crate::random::{OsRandom, Random};
use crate::secret::{KeyStrength, SecretKey};
use crate::store::{self, Database, Durability, FileAccess, SqliteDatabase, StoreOptions, VerifyMode};
use crate::text;

/// The issuer of access tokens unless the host sets its own (SPEC 3).
pub(super) const DEFAULT_ISSUER: &str = "https://api.hellojohn.dev";

/// Stores count the time-out in milliseconds in 32 bits.
const BUSY_TIMEOUT_MAX: std::time::Duration = std::time::Duration::from_secs(60 * 60);

pub(super) const DEFAULT_TOKEN_CACHE_CAPACITY: usize = 8192;

/// A few milliseconds of the write lock.
const DEFAULT_DIRECT_ENDS_MAX: usize = 500;

/// An open database of sessions. Clones are handles of the same engine; all of them may be used from any thread.
///
/// The engine closes with [`close`](Self::close) or when the last handle, tenants included, is dropped.
///
/// ```
/// use hellojohn::Engine;
///
/// let engine = Engine::open(":memory:")?; // an application opens a file, "hellojohn.db"
/// let other = Engine::builder().issuer("https://auth.example.com").open(":memory:")?;
/// engine.clone().close()?; // of both handles
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine {
    pub(super) inner: Arc<EngineInner>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("issuer", &self.inner.issuer).finish_non_exhaustive()
    }
}

/// How to open an [`Engine`]; every option has a default.
///
/// ```
/// use hellojohn::{Durability, Engine, EventDetail, FileAccess, ManualClock, SeededRandom, SignInLimit, Timestamp};
/// # struct Silent;
/// # impl hellojohn::Observer for Silent {
/// #     fn observe(&self, _: &hellojohn::OperationReport<'_>) {}
/// # }
///
/// let engine = Engine::builder()
///     .issuer("https://auth.example.com")
///     .durability(Durability::Normal)
///     .busy_timeout(std::time::Duration::from_secs(2))
///     .file_access(FileAccess::Owner)
///     .token_cache_capacity(1_000)
///     .sign_in_limit(Some(SignInLimit::default().account(10)))
///     .events(EventDetail::All)
///     .max_clock_jump("5m".parse()?)
///     .allow_network_file_system(false)
///     .observer(Silent)
///     .clock(ManualClock::new(Timestamp::from_millis(1_705_314_600_000))) // in a test
///     .random(SeededRandom::new(1)) // in a test
///     .open(":memory:")?;
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[must_use]
pub struct EngineBuilder {
    issuer: Box<str>,
    store: StoreOptions,
    token_cache: CacheLimits,
    direct_ends_max: usize,
    sign_in_limit: Option<SignInLimit>,
    event_detail: EventDetail,
    max_clock_jump: Duration,
    clock: Option<Box<dyn Clock>>,
    random: Box<dyn Random>,
    observer: Option<Box<dyn Observer>>,
}

impl EngineBuilder {
    /// The bytes that the token cache may occupy unless the host says otherwise.
    ///
    /// ```
    /// assert_eq!(hellojohn::EngineBuilder::TOKEN_CACHE_BYTES_DEFAULT, 32 << 20);
    /// ```
    pub const TOKEN_CACHE_BYTES_DEFAULT: usize = 32 << 20;

    /// The largest capacity of the token cache.
    ///
    /// ```
    /// let capacity = hellojohn::EngineBuilder::TOKEN_CACHE_CAPACITY_MAX;
    /// let engine = hellojohn::Engine::builder().token_cache_capacity(capacity).open(":memory:")?;
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub const TOKEN_CACHE_CAPACITY_MAX: usize = 1_000_000;

    /// `iss` of every access token, 1 to 255 bytes; default `https://api.hellojohn.dev`. Tokens of another issuer are
    /// refused, so all processes on one database use the same.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.issuer = issuer.into();
        self
    }

    /// When an acknowledged write counts as kept; default [`Durability::Full`].
    pub fn durability(mut self, durability: Durability) -> Self {
        self.store.durability = durability;
        self
    }

    /// How long a call waits for other writers before it fails with `storage_busy`; default 5 seconds, at most 1 hour.
    pub fn busy_timeout(mut self, timeout: std::time::Duration) -> Self {
        self.store.busy_timeout = timeout.min(BUSY_TIMEOUT_MAX);
        self
    }

    /// Which accounts of the system may open the files that the engine creates; default [`FileAccess::Owner`]. A database on a
    /// server has none: with another value it does not open.
    pub fn file_access(mut self, access: FileAccess) -> Self {
        self.store.file_access = access;
        self
    }

    /// How many verified access tokens and first pages of users' lists the engine caches; default 8192, 0 for none, at most 1,000,000. Lists
    /// take at most a quarter of it, and displace no token.
    /// Without claims of the host's own, a token takes about 4 KB of [`token_cache_bytes`](Self::token_cache_bytes).
    pub fn token_cache_capacity(mut self, tokens: usize) -> Self {
        self.token_cache.answers = tokens.min(Self::TOKEN_CACHE_CAPACITY_MAX);
        self
    }

    /// How many bytes of memory the cached access tokens and lists may occupy; default 32 MiB. Lists take at most a quarter of it, and
    /// displace no token. What does not fit is not cached: the oldest answers leave, a token whose claims alone would take a third
    /// is verified anew each time, and a list that alone would take a twelfth is read anew.
    ///
    /// ```
    /// use hellojohn::Engine;
    ///
    /// let engine = Engine::builder().token_cache_capacity(100_000).token_cache_bytes(256 << 20).open(":memory:")?;
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn token_cache_bytes(mut self, bytes: usize) -> Self {
        self.token_cache.bytes = bytes;
        self
    }

    /// How many sessions one call ends row by row, in one transaction that every other writer waits for; default 500. A
    /// call that ends more writes one small record instead, which ends all of them at once, and their rows are stamped
    /// later. No answer depends on it; tests set it to meet such records with few sessions.
    #[doc(hidden)]
    pub fn direct_ends_max(mut self, sessions: usize) -> Self {
        self.direct_ends_max = sessions;
        self
    }

    /// How many sign-ins may fail before further ones are refused, for each tenant; `None` for no limit. Default:
    /// [`SignInLimit::default`]. All processes on one database should use the same.
    pub fn sign_in_limit(mut self, limit: Option<SignInLimit>) -> Self {
        self.sign_in_limit = limit;
        self
    }

    /// How much is recorded of a tenant whose setting `event_retention` is set; default [`EventDetail::Changes`].
    pub fn events(mut self, detail: EventDetail) -> Self {
        self.event_detail = detail;
        self
    }

    /// By how much the machine's clock may be set ahead while the engine is open; default 1 hour. After a larger step every
    /// call fails with `clock_jump`, so that a false time neither ends sessions nor stretches new ones, until the clock is
    /// set back, [`Engine::lower_clock_mark`] is called or the process restarts. Sleep of the machine is no step.
    pub fn max_clock_jump(mut self, step: Duration) -> Self {
        self.max_clock_jump = step;
        self
    }

    /// Whether to open a database on a network file system or one in user space (NFS, SMB, sshfs, virtiofs, …); default
    /// false: opening one fails. Processes that open it on more than one machine, or through more than one mount, corrupt
    /// it. One process alone may use it where the file system keeps what it was told to sync. A database on a server does not
    /// open with it.
    pub fn allow_network_file_system(mut self, allow: bool) -> Self {
        self.store.allow_network_file_system = allow;
        self
    }

    /// How verifications over PostgreSQL are answered; default [`VerifyMode::Store`]. The parameter `verify` of the URL says the same:
    /// the two must not differ. A file knows no other mode than the default: with one it does not open.
    ///
    /// ```
    /// use std::time::Duration;
    /// use hellojohn::{Engine, ErrorCode, VerifyMode};
    ///
    /// let opened = Engine::builder().verify(VerifyMode::Lease(Duration::from_millis(250))).open(":memory:");
    /// assert_eq!(opened.unwrap_err().code(), ErrorCode::ValidationError); // not on a server
    /// ```
    pub fn verify(mut self, mode: VerifyMode) -> Self {
        self.store.verify = Some(mode);
        self
    }

    /// Another clock than the machine's, for tests.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// Another source of randomness than the operating system's, for tests.
    pub fn random(mut self, random: impl Random + 'static) -> Self {
        self.random = Box::new(random);
        self
    }

    /// Who is told after each operation; by default no observer is, and nothing is measured. What has no engine (`copy_database`,
    /// `check_database` and the like) and [`open`](Self::open) itself are not told. Neither is an argument that is refused before an
    /// operation gets it, such as a text that is no id, nor anything in a forked child.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Opens the database that `database` names: the path of a file, created if it is not there, `:memory:` for one
    /// that lives as long as the engine, or, with the crate's feature `postgres`, the URL of a PostgreSQL database
    /// (`postgres://user@host/name?schema=hellojohn`), which several machines may share.
    ///
    /// Open engines after `chroot`, after giving up rights (`setuid`), and with descriptors to spare: the engine opens the
    /// file again when several threads read at once. Where the system refuses that, readers wait for each other instead.
    ///
    /// # Errors
    /// What the operating system said is in the error's detail; [`source`](std::error::Error::source) names the file, too.
    /// `storage_corrupt` for a file that is not ours, damaged or changed by another program, `storage_too_new`,
    /// `storage_read_only`, `storage_io` (also on a network file system),
    /// `storage_busy` (also when another library in this process has the file open), `validation_error` (also for a
    /// URL that is not well formed or for which no store is built in, for an option about files together with a URL, and for [`verify`](Self::verify) together with a file), `forked` in a
    /// child of a process that had used the library before the fork. Over PostgreSQL also `storage_io` if no server takes writes
    /// within 30 seconds (or `busy_timeout`, if that is longer) or the login is refused.
    pub fn open(self, database: impl AsRef<OsStr>) -> Result<Engine, Error> {
        let issuer = text::bounded("issuer", &self.issuer, 255)?;
        self.sign_in_limit.as_ref().map_or(Ok(()), SignInLimit::validate)?;
        let database = Database::parse(database.as_ref())?;
        require_fitting_options(&database, &self.store)?;
        let is_in_memory = database == Database::Sqlite(SqliteDatabase::Memory);
        let key_strength = if is_in_memory { KeyStrength::Any } else { KeyStrength::Full };
        let store = store::open(database, self.store)?;
        let inner = EngineInner::new(
            store,
            match self.clock {
                Some(clock) => TimeSource::Injected(clock),
                None => TimeSource::Machine(MachineTime::new(self.max_clock_jump)),
            },
            self.random,
            EngineSettings {
                issuer,
                key_strength,
                sign_in_limit: self.sign_in_limit,
                answer_cache: self.token_cache,
                direct_ends_max: self.direct_ends_max,
                event_detail: self.event_detail,
                observer: self.observer,
            },
        );
        Ok(Engine { inner: Arc::new(inner) })
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

    /// The options, each at its default.
    pub fn builder() -> EngineBuilder {
        EngineBuilder {
            issuer: DEFAULT_ISSUER.into(),
            store: StoreOptions::default(),
            token_cache: CacheLimits {
                answers: DEFAULT_TOKEN_CACHE_CAPACITY,
                bytes: EngineBuilder::TOKEN_CACHE_BYTES_DEFAULT,
            },
            direct_ends_max: DEFAULT_DIRECT_ENDS_MAX,
            sign_in_limit: Some(SignInLimit::default()),
            event_detail: EventDetail::default(),
            max_clock_jump: Duration::HOUR_1,
            clock: None,
            random: Box::new(OsRandom),
            observer: None,
        }
    }

    /// A handle for one tenant. On first use the tenant and its keys are made; afterwards the secret key must be the
    /// same. Stretching the secret key takes about 20 ms: keep the handle.
    ///
    /// ```
    /// let engine = hellojohn::Engine::open(":memory:")?;
    /// let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// assert_eq!(tenant.id().as_str(), "tnt_acme");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `invalid_api_key` for a wrong secret key: nothing is created; `validation_error` for a new tenant's key that does
    /// not start with `sk_` or is weaker than [`SecretKey`] asks for; `storage_…`, `engine_closed`, `forked`.
    pub fn tenant(&self, id: &TenantId, secret_key: &SecretKey) -> Result<Tenant, Error> {
        let open = || Tenant::open(&self.inner, id, secret_key, true);
        self.inner.observe(Operation::OpenTenant, Some(id), |_| 1, open)
    }

    /// A handle for a tenant that is there: for programs of operators, where a mistyped id must not make a tenant.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// let error = engine.existing_tenant(&"tnt_acmee".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?).unwrap_err();
    /// assert_eq!(error.code(), hellojohn::ErrorCode::NotFound);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `not_found` for a tenant that the database does not have; otherwise as [`tenant`](Self::tenant).
    pub fn existing_tenant(&self, id: &TenantId, secret_key: &SecretKey) -> Result<Tenant, Error> {
        let open = || Tenant::open(&self.inner, id, secret_key, false);
        self.inner.observe(Operation::OpenTenant, Some(id), |_| 1, open)
    }

    /// Closes the engine: waits for the write that is under way, then releases the files. Later calls on every handle fail
    /// with `engine_closed`; closing again does nothing.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// engine.close()?;
    /// assert_eq!(tenant.stats().unwrap_err().code(), hellojohn::ErrorCode::EngineClosed);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `forked` in a child process, where the files are left alone.
    pub fn close(&self) -> Result<(), Error> {
        fork::require_same_process()?;
        self.inner.observe(
            Operation::Close,
            None,
            |()| 0,
            || {
                self.inner.store.close();
                Ok(())
            },
        )
    }
}

/// Refuses options about files for a database that is none, and those about a server for a file.
fn require_fitting_options(database: &Database, options: &StoreOptions) -> Result<(), Error> {
    let verify = options.verify.unwrap_or_default().validate()?;
    if matches!(database, Database::Sqlite(_)) {
        return match verify {
            VerifyMode::Store => Ok(()),
            _ => Err(Error::validation(
                "verify",
                "is about a database on a server; this one is a file or in memory",
            )),
        };
    }
    let problem = "is about files; the database is on a server";
    if options.file_access != FileAccess::default() {
        return Err(Error::validation("file_access", problem));
    }
    if options.allow_network_file_system {
        return Err(Error::validation("allow_network_file_system", problem));
    }
    Ok(())
}

#[cfg(test)]
impl Engine {
    /// An engine over a store that a test has opened.
    pub(crate) fn over(store: Box<dyn store::Store>, clock: impl Clock + 'static) -> Engine {
        let (clock, random, issuer) = (Box::new(clock), Box::new(OsRandom), DEFAULT_ISSUER.into());
        let inner = EngineInner::new(
            store,
            TimeSource::Injected(clock),
            random,
            EngineSettings { issuer, ..EngineSettings::without_limits() },
        );
        Engine { inner: Arc::new(inner) }
    }
}
