//! Ending the sessions that a filter admits, with a look at them before.

use hellojohn_core::RevokeWhere;

use super::hj_tenant;
use crate::abi::{OptionStruct, hj_str};
use crate::error::hj_error;
use crate::filter::hj_session_filter;
use crate::guard::call;
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
        let (tenant, filter, plan) = unsafe {
            let options: hj_revoke_where_options = OptionStruct::read(options)?;
            let none = hj_str::NONE;
            (
                hj_tenant::require(tenant)?,
                hj_session_filter::read(filter, none, none)?,
                options.plan.parse("plan")?,
            )
        };
        revoked.put(tenant.revoke_where(RevokeWhere::new(filter).plan(plan))?);
        Ok(())
    })
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
