//! `hj_engine`: an open database.

use std::ffi::c_void;
use std::mem::offset_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hellojohn_core::{
    Durability, Engine, EngineBuilder, Error, EventDetail, FileAccess, SecretKey, SignInLimit, TenantId,
};

use crate::abi::{OptionStruct, hj_str, require_object};
use crate::clock::hj_clock;
use crate::error::hj_error;
use crate::guard::call;
use crate::observer::{HostObserver, hj_observer, hj_observer_free};
use crate::signals::SignalHold;
use crate::status::hj_status;
use crate::tenant::hj_tenant;
use crate::threads::Threads;
use crate::unwind;

/// An open database of sessions. Several engines, in this process and in others, may share one file; those on several machines
/// share one PostgreSQL database.
pub struct hj_engine {
    engine: Engine,
    threads: Arc<Threads>,
}

impl hj_engine {
    /// The engine that a call works on.
    ///
    /// # Safety
    /// As [`require_object`].
    unsafe fn require<'a>(engine: *const Self) -> Result<&'a Engine, Error> {
        // SAFETY: passed on to the caller.
        Ok(unsafe { Self::require_with_threads(engine) }?.0)
    }

    /// The engine with the threads that wait for what is begun on it.
    ///
    /// # Safety
    /// As [`require_object`].
    pub(crate) unsafe fn require_with_threads<'a>(
        engine: *const Self,
    ) -> Result<(&'a Engine, &'a Arc<Threads>), Error> {
        // SAFETY: passed on to the caller.
        let engine = unsafe { require_object(engine, "engine") }?;
        Ok((&engine.engine, &engine.threads))
    }

    /// Opens the database at this path or URL.
    pub(crate) fn open(builder: EngineBuilder, database: &str, threads: Arc<Threads>) -> Result<Self, Error> {
        let engine = SignalHold::begin().during(|| builder.open(database))?; // a server's thread inherits it
        Ok(hj_engine { engine, threads })
    }
}

/// How safe a change is when its call returns: one of HJ_DURABILITY_….
pub type hj_durability = i32;

/// A change is on disk before its call returns: a power loss takes nothing back. The default.
pub const HJ_DURABILITY_FULL: hj_durability = 0;
/// A change survives a crash of the process. A power loss may take back the last moments, but never corrupts the file.
pub const HJ_DURABILITY_NORMAL: hj_durability = 1;

/// Which accounts of the system may open the files that the engine creates (the database, its log and the log's index): one
/// of HJ_FILE_ACCESS_…. The mask of the process (umask) plays no part. A file that was there before keeps its mode, and the
/// log and its index take theirs from the database. On Windows the folder's access list decides.
pub type hj_file_access = i32;

/// Only the account that runs the process: mode 0600. The default.
pub const HJ_FILE_ACCESS_OWNER: hj_file_access = 0;
/// The members of the file's group, too: mode 0660. Every process on a database has to write to it.
pub const HJ_FILE_ACCESS_GROUP: hj_file_access = 1;

/// How much is recorded of a tenant whose setting event_retention is set: one of HJ_EVENTS_….
pub type hj_event_detail = i32;

/// Every change but the rotations of refresh tokens, which are many. The default.
pub const HJ_EVENTS_CHANGES: hj_event_detail = 0;
/// Every change.
pub const HJ_EVENTS_ALL: hj_event_detail = 1;

/// How to open an engine; see "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_open_options {
    /// sizeof(hj_open_options).
    pub struct_size: usize,
    /// "iss" of every access token, 1 to 255 bytes; default "https://api.hellojohn.dev". The engine refuses tokens of
    /// another issuer, so all processes on one database must use the same.
    pub issuer: hj_str,
    /// How long a call waits for other writers, in this process and in others, before it fails with
    /// HJ_ERR_STORAGE_BUSY, in milliseconds; 0 means the default of 5 seconds, more than an hour means an hour. No
    /// number means "do not wait at all"; 1 comes close.
    pub busy_timeout_ms: u64,
    /// Another clock than the machine's, for tests; default NULL.
    pub clock: *const hj_clock,
    /// How safe a change is when its call returns; default HJ_DURABILITY_FULL.
    pub durability: hj_durability,
    /// How many verified access tokens and lists of users' sessions the engine keeps in memory; 0 means the default of 8192, a
    /// negative number means none, more than 1,000,000 means 1,000,000. Without claims of the host's own, a token takes some 4 KB of
    /// `token_cache_bytes`.
    pub token_cache_capacity: i32,
    /// Which accounts of the system may open the files that the engine creates; default HJ_FILE_ACCESS_OWNER. Anything else
    /// together with a URL is HJ_ERR_VALIDATION_ERROR.
    pub file_access: hj_file_access,
    /// How many sign-ins to one account may fail within `sign_in_window_s` before further ones are refused with
    /// HJ_ERR_TOO_MANY_REQUESTS, at most 1000; 0 means the default of 10.
    pub sign_in_account_limit: u32,
    /// The same for sign-ins from one address (an IPv6 address counts by its first 64 bits), at most 1000; 0 means the
    /// default of 100.
    pub sign_in_address_limit: u32,
    /// For how many seconds a failed sign-in counts, at most a day; 0 means the default of 15 minutes.
    pub sign_in_window_s: u32,
    /// 1 lets any number of sign-ins fail; default 0.
    pub sign_in_unlimited: i32,
    /// By how many seconds the machine's clock may be set ahead while the engine is open; 0 means the default of an hour.
    /// After a larger step every call fails with HJ_ERR_CLOCK_JUMP until the clock is set back, hj_engine_lower_clock_mark
    /// is called or the process restarts. Sleep of the machine is no step.
    pub max_clock_jump_s: u64,
    /// How many bytes of memory the kept tokens and lists may occupy; 0 means the default of 32 MiB. Lists take at most a quarter of
    /// this and of `token_cache_capacity`, and displace no token. What does not fit is not kept.
    pub token_cache_bytes: u64,
    /// 1 opens a database on a network file system or one in user space (NFS, SMB, sshfs, virtiofs, …); 0, the default,
    /// makes that fail with HJ_ERR_STORAGE_IO. Processes that open it on more than one machine, or through more than one
    /// mount, corrupt it. Together with a URL, 1 is HJ_ERR_VALIDATION_ERROR.
    pub allow_network_file_system: i32,
    /// How much is recorded of a tenant whose setting event_retention is set; default HJ_EVENTS_CHANGES.
    pub events: hj_event_detail,
    /// Told after each operation; default NULL: no function is, and nothing is measured.
    pub observer: hj_observer,
    /// What the library passes to `observer`. It must be good until `observer_free` gets it, or without one until the engine and all
    /// its tenants and REST APIs are freed.
    pub observer_data: *mut c_void,
    /// Gets `observer_data` once, when no call can reach the observer any more, on the thread that frees the last handle;
    /// default NULL. The data of an engine that hj_engine_open has not opened stay the host's.
    pub observer_free: hj_observer_free,
    /// How verifications over PostgreSQL are answered: "store", the default, asks the database each time; "lease:250ms" answers
    /// for 250 milliseconds from memory what the database has confirmed, calls that end a session return so much later, and
    /// no machine accepts the session after that; "stale:250ms" is the same without waiting, so that other processes may accept an ended
    /// session for 250 milliseconds. 25 to 5000 milliseconds. The parameter `verify` of the URL says the same: the two must not
    /// differ. For a file, anything but "store" is HJ_ERR_VALIDATION_ERROR.
    pub verify: hj_str,
}

// SAFETY: repr(C), starts with its size; zero is "not given", 0, NULL, no function, HJ_DURABILITY_FULL, HJ_FILE_ACCESS_OWNER,
// HJ_EVENTS_CHANGES.
unsafe impl OptionStruct for hj_open_options {
    const FIRST_SIZE: usize = offset_of!(Self, file_access);
}

/// Opens the database file at this path and creates it if it does not exist; ":memory:" is a database that lives only
/// as long as the engine. Or opens the PostgreSQL database at this URL, which several machines may share, and makes its tables if
/// they are not there: "postgres://user:password@host:5432,standby:5432/name?schema=hellojohn".
///
/// `options` may be NULL. Fails with HJ_ERR_STORAGE_CORRUPT for a file that is damaged or not a database of HelloJohn,
/// HJ_ERR_STORAGE_TOO_NEW, HJ_ERR_STORAGE_READ_ONLY, HJ_ERR_STORAGE_IO (also on a network file system),
/// HJ_ERR_STORAGE_BUSY (also when another copy of SQLite in this process has the file open), HJ_ERR_FORKED,
/// HJ_ERR_VALIDATION_ERROR. For a URL, HJ_ERR_VALIDATION_ERROR also means an option about files, a URL that is not well formed and a
/// server that is no PostgreSQL of release 14 or later; HJ_ERR_STORAGE_IO means that the server refuses the login, or that none takes
/// writes within 30 seconds (or `busy_timeout_ms`, if that is longer). No error shows the password.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_engine_open(
    database: hj_str,
    options: *const hj_open_options,
    engine: *mut *mut hj_engine,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([engine], error, || {
        let engine = engine.require("engine")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (path, (builder, observer)) = unsafe {
            let options = OptionStruct::read(options)?;
            (database.require_text("database")?, read_builder(options)?)
        };
        let opened = hj_engine::open(builder, path, Threads::new())?;
        if let Some(observer) = observer {
            observer.store(true, Ordering::Release);
        }
        engine.give(opened);
        Ok(())
    })
}

/// The builder, and the flag that hands the observer's data over to the library.
///
/// # Safety
/// Sections "Objects" and "Strings" of the contract hold for the clock and the texts.
pub(crate) unsafe fn read_builder(
    options: hj_open_options,
) -> Result<(EngineBuilder, Option<Arc<AtomicBool>>), Error> {
    let mut builder = Engine::builder().durability(match options.durability {
        HJ_DURABILITY_FULL => Durability::Full,
        HJ_DURABILITY_NORMAL => Durability::Normal,
        _ => return Err(Error::validation("durability", "must be one of HJ_DURABILITY_…")),
    });
    builder = builder.file_access(match options.file_access {
        HJ_FILE_ACCESS_OWNER => FileAccess::Owner,
        HJ_FILE_ACCESS_GROUP => FileAccess::Group,
        _ => return Err(Error::validation("file_access", "must be one of HJ_FILE_ACCESS_…")),
    });
    builder = builder.events(match options.events {
        HJ_EVENTS_CHANGES => EventDetail::Changes,
        HJ_EVENTS_ALL => EventDetail::All,
        _ => return Err(Error::validation("events", "must be one of HJ_EVENTS_…")),
    });
    // SAFETY: the caller keeps "Strings".
    if let Some(issuer) = unsafe { options.issuer.read_text("issuer") }? {
        builder = builder.issuer(issuer);
    }
    // SAFETY: as above.
    if let Some(mode) = unsafe { options.verify.parse("verify") }? {
        builder = builder.verify(mode);
    }
    match usize::try_from(options.token_cache_capacity) {
        Ok(0) => {}
        Ok(tokens) => builder = builder.token_cache_capacity(tokens),
        Err(_) => builder = builder.token_cache_capacity(0),
    }
    if options.token_cache_bytes > 0 {
        builder = builder.token_cache_bytes(usize::try_from(options.token_cache_bytes).unwrap_or(usize::MAX));
    }
    if read_switch("allow_network_file_system", options.allow_network_file_system)? {
        builder = builder.allow_network_file_system(true);
    }
    if options.busy_timeout_ms > 0 {
        builder = builder.busy_timeout(Duration::from_millis(options.busy_timeout_ms));
    }
    if options.max_clock_jump_s > 0 {
        builder = builder.max_clock_jump(hellojohn_core::Duration::from_secs(options.max_clock_jump_s)?);
    }
    builder = builder.sign_in_limit(read_sign_in_limit(&options)?);
    // SAFETY: the caller keeps "Objects".
    if let Some(clock) = unsafe { options.clock.as_ref() } {
        builder = builder.clock(clock.0.clone());
    }
    Ok(match HostObserver::new(options.observer, options.observer_data, options.observer_free) {
        Some((observer, handed_over)) => (builder.observer(observer), Some(handed_over)),
        None => (builder, None),
    })
}

/// Not a `bool`: C may leave any byte there.
fn read_switch(name: &'static str, value: i32) -> Result<bool, Error> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::validation(name, "must be 0 or 1")),
    }
}

fn read_sign_in_limit(options: &hj_open_options) -> Result<Option<SignInLimit>, Error> {
    if read_switch("sign_in_unlimited", options.sign_in_unlimited)? {
        return Ok(None);
    }
    let mut limit = SignInLimit::default();
    if options.sign_in_account_limit > 0 {
        limit = limit.account(options.sign_in_account_limit);
    }
    if options.sign_in_address_limit > 0 {
        limit = limit.address(options.sign_in_address_limit);
    }
    if options.sign_in_window_s > 0 {
        limit = limit.window(hellojohn_core::Duration::from_secs(options.sign_in_window_s.into())?);
    }
    Ok(Some(limit))
}

/// Opens a handle for one tenant. The first use creates the tenant and its keys; afterwards the secret key ("sk_…", at
/// most 255 bytes) must be the same. Stretching the key takes some 20 ms: keep the handle. The handle keeps the
/// database open, also when the host frees the engine first.
///
/// A new tenant in a file needs a key of at least 22 characters after its prefix ("sk_live_", "sk_test_", else "sk_").
/// Make one with: echo "sk_live_$(openssl rand -hex 16)"
///
/// Fails with HJ_ERR_INVALID_API_KEY for a wrong secret key: nothing is created then; with HJ_ERR_VALIDATION_ERROR for
/// a new tenant's weak one.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_engine_tenant(
    engine: *const hj_engine,
    tenant_id: hj_str,
    secret_key: hj_str,
    tenant: *mut *mut hj_tenant,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([tenant], error, || {
        let tenant = tenant.require("tenant")?;
        // SAFETY: the caller keeps "Objects" and "Strings".
        let ((engine, threads), id, key): (_, TenantId, SecretKey) = unsafe {
            let opener = hj_engine::require_with_threads(engine)?;
            (opener, tenant_id.require("tenant_id")?, secret_key.require("secret_key")?)
        };
        tenant.give(hj_tenant::new(engine.tenant(&id, &key)?, threads));
        Ok(())
    })
}

/// Returns to the time of the machine's clock after the clock had jumped forward by mistake: from now on every process
/// takes "now" from the clock again, which counts as right (HJ_ERR_CLOCK_JUMP ends). Sessions that the false time ended stay ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_engine_lower_clock_mark(
    engine: *const hj_engine,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Objects".
        unsafe { hj_engine::require(engine) }?.lower_clock_mark()
    })
}

/// Closes the engine: waits for the call that is writing, then releases the files. Later calls on the engine and its
/// tenants fail with HJ_ERR_ENGINE_CLOSED; closing again does nothing. The host still has to free the handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_engine_close(engine: *const hj_engine, error: *mut *mut hj_error) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Objects".
        unsafe { hj_engine::require(engine) }?.close()
    })
}

/// Frees an engine; NULL is allowed. If it was not closed, the database closes when its last tenant is freed too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_engine_free(engine: *mut hj_engine) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(engine) }
}
