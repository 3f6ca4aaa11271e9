//! Adopting an imported session.

use super::hj_tenant;
use super::refresh::{hj_refresh_options, read_request};
use crate::abi::{OptionStruct, hj_str};
use crate::error::hj_error;
use crate::grant::hj_grant;
use crate::guard::call;
use crate::pending_write::hj_pending_write;
use crate::status::hj_status;

/// Exchanges the credential that an imported session had in its old system for the first tokens of the session: the value of
/// the old cookie, after percent-decoding, or the old refresh token. It stands for the session's first refresh token, and this
/// is its refresh: it moves last_active_at, it answers with the same tokens again for refresh_reuse_window, and presenting the
/// credential after that ends the session.
///
/// `options` may be NULL. Fails with HJ_ERR_MISSING_TOKEN, HJ_ERR_REFRESH_TOKEN_INVALID for a credential that was not imported
/// (no effect at all), HJ_ERR_SESSION_EXPIRED, HJ_ERR_SESSION_REVOKED, HJ_ERR_REFRESH_TOKEN_REUSED (the session has been
/// ended).
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_adopt(
    tenant: *const hj_tenant,
    credential: hj_str,
    options: *const hj_refresh_options,
    grant: *mut *mut hj_grant,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([grant], error, || {
        let grant = grant.require("grant")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (tenant, request, credential) = unsafe {
            (
                hj_tenant::require(tenant)?,
                read_request(OptionStruct::read(options)?)?,
                credential.read_token("credential")?,
            )
        };
        grant.give(hj_grant::new(&tenant.adopt(credential, request)?));
        Ok(())
    })
}

/// Begins a hj_tenant_adopt, without waiting for the disk.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from
/// hj_pending_write_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_adopt(
    tenant: *const hj_tenant,
    credential: hj_str,
    options: *const hj_refresh_options,
    write: *mut *mut hj_pending_write,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([write], error, || {
        let write = write.require("write")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let ((tenant, threads), request, credential) = unsafe {
            (
                hj_tenant::require_with_threads(tenant)?,
                read_request(OptionStruct::read(options)?)?,
                credential.read_token("credential")?,
            )
        };
        write.give(hj_pending_write::of_grant(threads, tenant.begin_adopt(credential, request)));
        Ok(())
    })
}
