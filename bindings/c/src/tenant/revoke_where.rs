//! Ending the sessions that a filter admits, with a look at them before.

use hellojohn_core::{Error, RevokeWhere};

use super::hj_tenant;
use crate::abi::{OptionStruct, hj_str};
use crate::error::hj_error;
use crate::filter::hj_session_filter;
use crate::guard::call;
use crate::pending_count::{CountAnswer, hj_pending_count};
use crate::pending_write::hj_pending_write;
use crate::revoke_preview::hj_revoke_preview;
use crate::status::hj_status;

/// What a call that ends the sessions of a filter knows besides; everything is optional. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_revoke_where_options {
    /// sizeof(hj_revoke_where_options).
    pub struct_size: usize,
    /// hj_revoke_preview_plan of a preview with the same filter: only sessions that were there then end, and none does if
    /// more match now than the preview counted.
    pub plan: hj_str,
}

// SAFETY: repr(C), starts with its size; zero is "not given".
unsafe impl OptionStruct for hj_revoke_where_options {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Ends every active session that the filter admits (reason "revoked"). One commit ends all of them, however many they are,
/// and other callers wait for it no longer than for any write.
///
/// `options` may be NULL. `revoked` may be NULL and counts the sessions that this call ended. Fails with
/// HJ_ERR_VALIDATION_ERROR for a filter without a member besides `status` (ending the whole tenant is
/// hj_tenant_revoke_tenant), for one that asks for ended sessions, for a plan of another filter, and for a plan that more
/// sessions match now; no session ends then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_revoke_where(
    tenant: *const hj_tenant,
    filter: *const hj_session_filter,
    options: *const hj_revoke_where_options,
    revoked: *mut u64,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([revoked], error, || {
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (tenant, request) = unsafe { (hj_tenant::require(tenant)?, read_request(filter, options)?) };
        revoked.put(tenant.revoke_where(request)?);
        Ok(())
    })
}

/// Begins a hj_tenant_revoke_where, without waiting for the disk. The answer is the number of sessions that ended.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from
/// hj_pending_write_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_revoke_where(
    tenant: *const hj_tenant,
    filter: *const hj_session_filter,
    options: *const hj_revoke_where_options,
    write: *mut *mut hj_pending_write,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([write], error, || {
        let write = write.require("write")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let ((tenant, threads), request) =
            unsafe { (hj_tenant::require_with_threads(tenant)?, read_request(filter, options)?) };
        let tenant = tenant.clone();
        write.give(hj_pending_write::of_many(threads, move || tenant.revoke_where(request)));
        Ok(())
    })
}

/// # Safety
/// Sections "Option structs" and "Strings" of the contract hold for the filter and the options.
unsafe fn read_request(
    filter: *const hj_session_filter,
    options: *const hj_revoke_where_options,
) -> Result<RevokeWhere, Error> {
    // SAFETY: passed on to the caller.
    unsafe {
        let options: hj_revoke_where_options = OptionStruct::read(options)?;
        let filter = hj_session_filter::read(filter, hj_str::NONE, hj_str::NONE)?;
        Ok(RevokeWhere::new(filter).plan(options.plan.parse("plan")?))
    }
}

/// Shows what hj_tenant_revoke_where would end with this filter, and ends nothing. Looks at each session of the filter's user
/// or of the tenant.
///
/// Fails with HJ_ERR_VALIDATION_ERROR as hj_tenant_revoke_where does.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_preview_revoke_where(
    tenant: *const hj_tenant,
    filter: *const hj_session_filter,
    preview: *mut *mut hj_revoke_preview,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([preview], error, || {
        let preview = preview.require("preview")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (tenant, filter) = unsafe {
            (hj_tenant::require(tenant)?, hj_session_filter::read(filter, hj_str::NONE, hj_str::NONE)?)
        };
        preview.give(hj_revoke_preview::new(&tenant.preview_revoke_where(&filter)?));
        Ok(())
    })
}

/// Begins a hj_tenant_preview_revoke_where, without waiting for the disk.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from hj_pending_count_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_preview_revoke_where(
    tenant: *const hj_tenant,
    filter: *const hj_session_filter,
    counting: *mut *mut hj_pending_count,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([counting], error, || {
        let counting = counting.require("counting")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let ((tenant, threads), filter) = unsafe {
            (
                hj_tenant::require_with_threads(tenant)?,
                hj_session_filter::read(filter, hj_str::NONE, hj_str::NONE)?,
            )
        };
        let tenant = tenant.clone();
        counting.give(hj_pending_count::new(threads, move || {
            Ok(CountAnswer::Preview(Box::new(tenant.preview_revoke_where(&filter)?)))
        }));
        Ok(())
    })
}
