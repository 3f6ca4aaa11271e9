//! `hj_engine`: an open database.

use std::time::Duration;

use hellojohn_core::{Durability, Engine, Error, SecretKey, TenantId};

use crate::abi::{OptionStruct, hj_str, require_object};
use crate::clock::hj_clock;
use crate::error::hj_error;
use crate::guard::call;
use crate::status::hj_status;
use crate::tenant::hj_tenant;
use crate::unwind;

/// An open database of sessions. Several engines, here and in other processes, may share one file.
pub struct hj_engine(Engine);

/// When an answer counts as kept: one of HJ_DURABILITY_….
pub type hj_durability = i32;

/// Every answer is on disk before it is given: a power loss takes nothing back. The default.
pub const HJ_DURABILITY_FULL: hj_durability = 0;
/// Answers survive a crash of the process; a power loss may take back the last moments, never corrupt.
pub const HJ_DURABILITY_NORMAL: hj_durability = 1;

/// How to open an engine; see "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_open_options {
    /// sizeof(hj_open_options).
    pub struct_size: usize,
    /// "iss" of every access token, 1 to 255 bytes; default "https://api.hellojohn.dev". Tokens of another issuer are
    /// refused, so all processes on one database use the same.
    pub issuer: hj_str,
    /// How long a call waits for other writers, in this process and in others, before it fails with
    /// HJ_ERR_STORAGE_BUSY, in milliseconds; 0 means the default of 5 seconds, more than an hour is an hour. There is no
    /// number for not waiting at all; 1 is as good.
    pub busy_timeout_ms: u64,
    /// Another clock than the machine's, for tests; default NULL.
    pub clock: *const hj_clock,
    /// When an answer counts as kept; default HJ_DURABILITY_FULL.
    pub durability: hj_durability,
    /// How many access tokens the engine remembers as verified; 0 means the default of 8192, a negative number none, more
    /// than 1,000,000 are 1,000,000. One takes some 3 KB.
    pub token_cache_capacity: i32,
}

// SAFETY: repr(C), starts with its size; zero is "not given", 0, NULL and HJ_DURABILITY_FULL.
unsafe impl OptionStruct for hj_open_options {
    const NAME: &'static str = "options";
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Opens the database file at this path, creating it if it is not there; ":memory:" lives with the engine only.
///
/// `options` may be NULL. Fails with HJ_ERR_STORAGE_CORRUPT for a file that is not ours or damaged,
/// HJ_ERR_STORAGE_TOO_NEW, HJ_ERR_STORAGE_READ_ONLY, HJ_ERR_STORAGE_IO, HJ_ERR_STORAGE_BUSY (also when another copy of
/// SQLite in this process has the file open), HJ_ERR_VALIDATION_ERROR.
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
        // SAFETY: the caller promises NULL or a struct of `struct_size` bytes ("Option structs").
        let options = unsafe { OptionStruct::read(options) }?;
        // SAFETY: the caller promises readable text ("Strings") and NULL or a live clock ("Objects").
        let (path, builder) = unsafe { (database.read_text("database")?, opening(options)?) };
        let path = path.ok_or_else(|| Error::validation("database", "is required"))?;
        engine.give(hj_engine(builder.open(path)?));
        Ok(())
    })
}

/// # Safety
/// The members of `options` are readable text ("Strings") and NULL or a live clock ("Objects").
unsafe fn opening(options: hj_open_options) -> Result<hellojohn_core::EngineBuilder, Error> {
    let mut builder = Engine::builder().durability(match options.durability {
        HJ_DURABILITY_FULL => Durability::Full,
        HJ_DURABILITY_NORMAL => Durability::Normal,
        _ => return Err(Error::validation("durability", "must be one of HJ_DURABILITY_…")),
    });
    // SAFETY: readable text, as the caller of this function promises.
    if let Some(issuer) = unsafe { options.issuer.read_text("issuer") }? {
        builder = builder.issuer(issuer);
    }
    match usize::try_from(options.token_cache_capacity) {
        Ok(0) => {}
        Ok(most) => builder = builder.token_cache_capacity(most),
        Err(_) => builder = builder.token_cache_capacity(0),
    }
    if options.busy_timeout_ms > 0 {
        builder = builder.busy_timeout(Duration::from_millis(options.busy_timeout_ms));
    }
    // SAFETY: NULL or a live clock, as the caller of this function promises.
    if let Some(clock) = unsafe { options.clock.as_ref() } {
        builder = builder.clock(clock.0.clone());
    }
    Ok(builder)
}

/// Opens a handle for one tenant. On first use the tenant and its keys are made; afterwards the secret key ("sk_…", at
/// most 255 bytes) must be the same. Stretching it costs some 20 ms: keep the handle. It keeps the engine's database open
/// also when the engine is freed before it.
///
/// Fails with HJ_ERR_INVALID_API_KEY for a wrong secret key: nothing is created then.
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
        // SAFETY: the caller promises NULL or a live engine ("Objects").
        let engine = unsafe { require_object(engine, "engine") }?;
        // SAFETY: the caller promises readable texts ("Strings").
        let (id, key): (TenantId, SecretKey) =
            unsafe { (tenant_id.require("tenant_id")?, secret_key.require("secret_key")?) };
        tenant.give(hj_tenant::new(engine.0.tenant(&id, &key)?));
        Ok(())
    })
}

/// Lets time go back to the clock after a false jump forward: from now on "now" is the clock's again, in every process.
/// What the false time had ended stays ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_engine_lower_clock_mark(
    engine: *const hj_engine,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller promises NULL or a live engine ("Objects").
        unsafe { require_object(engine, "engine") }?.0.lower_clock_mark()
    })
}

/// Closes the engine: waits for the call that is writing, releases the files. Later calls on it and on its tenants fail
/// with HJ_ERR_ENGINE_CLOSED; closing again does nothing. The handles are still to be freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_engine_close(engine: *const hj_engine, error: *mut *mut hj_error) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller promises NULL or a live engine ("Objects").
        unsafe { require_object(engine, "engine") }?.0.close()
    })
}

/// Frees an engine; NULL is allowed. Without hj_engine_close its database closes when its last tenant is freed too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_engine_free(engine: *mut hj_engine) {
    // SAFETY: the caller promises NULL or an engine that nobody uses any more ("Objects").
    unsafe { unwind::free(engine) }
}
