//! `hj_tenant`: every operation on sessions starts here. The operations have the same file names as in core.

pub mod mfa;

pub mod create;

pub mod sign_in;

pub mod refresh;

pub mod adopt;

pub mod import;

pub mod update;

pub mod verify;

pub mod require_auth;

pub mod query;

pub mod explain;

pub mod revoke;

pub mod revoke_where;

pub mod settings;

pub mod signing_keys;

pub mod revocations;

pub mod events;

pub mod maintenance;

use std::ffi::c_char;
use std::sync::Arc;

use hellojohn_core::{Error, Tenant};

use crate::abi::{get, hj_str, require_object};
use crate::error::hj_error;
use crate::guard::call;
use crate::status::hj_status;
use crate::texts::{TextOffset, Texts};
use crate::threads::Threads;
use crate::unwind;

/// One tenant of an open engine: every operation on sessions starts here. Any number of threads may use it at once.
///
/// Besides its own errors, every call on it may fail with HJ_ERR_ENGINE_CLOSED, HJ_ERR_FORKED, HJ_ERR_STORAGE_…,
/// HJ_ERR_VALIDATION_ERROR for an argument that it cannot read, and HJ_ERR_INVALID_API_KEY after another handle changed
/// the tenant's secret key.
pub struct hj_tenant {
    tenant: Tenant,
    threads: Arc<Threads>,
    texts: Texts,
    id: TextOffset,
}

impl hj_tenant {
    pub(crate) fn new(tenant: Tenant, threads: &Arc<Threads>) -> Self {
        let mut texts = Texts::default();
        hj_tenant { id: texts.add(tenant.id()), tenant, threads: Arc::clone(threads), texts }
    }

    /// The tenant that a call works on.
    ///
    /// # Safety
    /// As [`require_object`].
    pub(crate) unsafe fn require<'a>(tenant: *const Self) -> Result<&'a Tenant, Error> {
        // SAFETY: passed on to the caller.
        Ok(&unsafe { require_object(tenant, "tenant") }?.tenant)
    }

    /// The tenant with the threads that wait for what is begun on it.
    ///
    /// # Safety
    /// As [`require_object`].
    pub(crate) unsafe fn require_with_threads<'a>(
        tenant: *const Self,
    ) -> Result<(&'a Tenant, &'a Arc<Threads>), Error> {
        // SAFETY: passed on to the caller.
        let tenant = unsafe { require_object(tenant, "tenant") }?;
        Ok((&tenant.tenant, &tenant.threads))
    }
}

/// The id of the tenant; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_id(tenant: *const hj_tenant) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(tenant, |tenant| tenant.texts.c_str(tenant.id)) }
}

/// Hands out another handle of the same tenant, for changes that this actor makes: the events of every change through the
/// handle name it. `actor` is 1 to 255 bytes ("admin:ada"); "not given" makes a handle that names no actor. The handle
/// costs next to nothing; free it as any other.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an empty or too long actor.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_with_actor(
    tenant: *const hj_tenant,
    actor: hj_str,
    acting: *mut *mut hj_tenant,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([acting], error, || {
        let acting = acting.require("acting")?;
        // SAFETY: the caller keeps "Objects" and "Strings".
        let ((tenant, threads), actor) =
            unsafe { (hj_tenant::require_with_threads(tenant)?, actor.parse("actor")?) };
        acting.give(hj_tenant::new(tenant.with_actor(actor), threads));
        Ok(())
    })
}

/// Hands out another handle of the same tenant, for a thread that must not wait, such as that of an event loop: a read that would
/// have to wait, for a lock of another process, a sync of the disk, the answer of a server or a long scan, fails with
/// HJ_ERR_STORAGE_BUSY; begin it then on the other handle, with a completion (hj_tenant_begin_get and its kin). Reading from a
/// file that is not in memory still takes the time of the disk. Changes wait as always. The handle costs next to nothing; free
/// it as any other.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_non_blocking(
    tenant: *const hj_tenant,
    non_blocking: *mut *mut hj_tenant,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([non_blocking], error, || {
        let non_blocking = non_blocking.require("non_blocking")?;
        // SAFETY: the caller keeps "Objects".
        let (tenant, threads) = unsafe { hj_tenant::require_with_threads(tenant)? };
        non_blocking.give(hj_tenant::new(tenant.non_blocking(), threads));
        Ok(())
    })
}

/// Frees a tenant; NULL is allowed. Freeing the last handle of a tenant wipes its keys from memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_free(tenant: *mut hj_tenant) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(tenant) }
}
