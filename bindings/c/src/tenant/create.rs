//! Signing a user in.

use super::hj_tenant;
use crate::abi::{OptionStruct, hj_str};
use crate::error::hj_error;
use crate::grant::hj_grant;
use crate::guard::call;
use crate::pending_write::hj_pending_write;
use crate::status::hj_status;

#[path = "../generated/create_options.rs"]
mod options;

pub use self::options::hj_create_options;
pub(crate) use self::options::read_request;

/// Signs a user in on a device: creates a session with its first tokens. The host has checked the credentials before.
/// The same transaction revokes the user's oldest sessions above max_sessions_per_user, but never the new one.
///
/// `user_id` is 1 to 255 bytes; `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the field, and
/// creates nothing then.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_create(
    tenant: *const hj_tenant,
    user_id: hj_str,
    options: *const hj_create_options,
    grant: *mut *mut hj_grant,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([grant], error, || {
        let grant = grant.require("grant")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (tenant, request) =
            unsafe { (hj_tenant::require(tenant)?, read_request(user_id, OptionStruct::read(options)?)?) };
        grant.give(hj_grant::new(&tenant.create(request)?));
        Ok(())
    })
}

/// Begins a hj_tenant_create, without waiting for the disk.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the field; every other error comes from hj_pending_write_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_create(
    tenant: *const hj_tenant,
    user_id: hj_str,
    options: *const hj_create_options,
    write: *mut *mut hj_pending_write,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([write], error, || {
        let write = write.require("write")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let ((tenant, threads), request) = unsafe {
            (hj_tenant::require_with_threads(tenant)?, read_request(user_id, OptionStruct::read(options)?)?)
        };
        write.give(hj_pending_write::of_grant(threads, tenant.begin_create(request)));
        Ok(())
    })
}
