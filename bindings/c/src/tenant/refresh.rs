//! Refreshing a session.

use hellojohn_core::{Error, RefreshRequest};

use super::hj_tenant;
use crate::abi::{OptionStruct, hj_str};
use crate::error::hj_error;
use crate::grant::hj_grant;
use crate::guard::call;
use crate::pending_write::hj_pending_write;
use crate::status::hj_status;

/// Where a refresh comes from; everything is optional. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_refresh_options {
    /// sizeof(hj_refresh_options).
    pub struct_size: usize,
    /// The address of the client, recorded as last seen.
    pub ip_address: hj_str,
    /// The User-Agent header of the client, recorded as last seen.
    pub user_agent: hj_str,
}

// SAFETY: repr(C), starts with its size; zero is "not given".
unsafe impl OptionStruct for hj_refresh_options {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Exchanges the session's live refresh token for its successor and a fresh access token, and moves last_active_at. For
/// refresh_reuse_window the former token still gets the same successor, so that parallel tabs and lost answers
/// converge; after that, presenting it ends the session.
///
/// `options` may be NULL. Fails with HJ_ERR_MISSING_TOKEN, HJ_ERR_REFRESH_TOKEN_INVALID (no effect at all),
/// HJ_ERR_SESSION_EXPIRED, HJ_ERR_SESSION_REVOKED, HJ_ERR_REFRESH_TOKEN_REUSED (the session has been ended),
/// HJ_ERR_REFRESH_TOKEN_AHEAD.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_refresh(
    tenant: *const hj_tenant,
    refresh_token: hj_str,
    options: *const hj_refresh_options,
    grant: *mut *mut hj_grant,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([grant], error, || {
        let grant = grant.require("grant")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (tenant, request, token) = unsafe {
            (
                hj_tenant::require(tenant)?,
                read_request(OptionStruct::read(options)?)?,
                refresh_token.read_token("refresh_token")?,
            )
        };
        grant.give(hj_grant::new(&tenant.refresh(token, request)?));
        Ok(())
    })
}

/// Begins a hj_tenant_refresh, without waiting for the disk.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from
/// hj_pending_write_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_refresh(
    tenant: *const hj_tenant,
    refresh_token: hj_str,
    options: *const hj_refresh_options,
    write: *mut *mut hj_pending_write,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([write], error, || {
        let write = write.require("write")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let ((tenant, threads), request, refresh_token) = unsafe {
            (
                hj_tenant::require_with_threads(tenant)?,
                read_request(OptionStruct::read(options)?)?,
                refresh_token.read_token("refresh_token")?,
            )
        };
        write.give(hj_pending_write::of_grant(threads, tenant.begin_refresh(refresh_token, request)));
        Ok(())
    })
}

/// # Safety
/// Section "Strings" of the contract holds for all texts.
pub(super) unsafe fn read_request(options: hj_refresh_options) -> Result<RefreshRequest, Error> {
    // SAFETY: the caller keeps "Strings".
    unsafe {
        Ok(RefreshRequest::default()
            .ip_address(options.ip_address.parse("ip_address")?)
            .user_agent(options.user_agent.parse("user_agent")?))
    }
}
