//! The three ways to verify.

use hellojohn_core::{Error, LocalVerification};

use super::hj_tenant;
use crate::abi::{OptionStruct, hj_str};
use crate::claims::hj_claims;
use crate::error::hj_error;
use crate::guard::call;
use crate::pending_read::{ReadAnswer, hj_pending_read};
use crate::session::hj_session;
use crate::status::hj_status;
use crate::verified::{give_ended, give_verified};

/// Verifies an access token and its session against the store: from the moment that a call which ended a session has
/// returned, every thread and every process on the database refuses the session.
///
/// `session` is the session as it is now: decide by its role, organisation, second factor and claims. `claims` is what the
/// token says; hj_claims_outdated tells whether the session was updated since.
///
/// `session` and `claims` may be NULL. Fails with HJ_ERR_MISSING_TOKEN, HJ_ERR_INVALID_TOKEN, HJ_ERR_TOKEN_EXPIRED,
/// HJ_ERR_SESSION_NOT_FOUND; with HJ_ERR_SESSION_REVOKED or HJ_ERR_SESSION_EXPIRED, and then `session` still holds the
/// ended session.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_verify_access_token(
    tenant: *const hj_tenant,
    token: hj_str,
    session: *mut *mut hj_session,
    claims: *mut *mut hj_claims,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([session, claims], error, || {
        // SAFETY: the caller keeps "Objects" and "Strings".
        let (tenant, token) = unsafe { (hj_tenant::require(tenant)?, token.read_token("token")?) };
        let verified = tenant.verify_access_token(token).map_err(|error| give_ended(error, session))?;
        give_verified(&verified, session, claims);
        Ok(())
    })
}

/// Verifies by session id against the store, as hj_tenant_verify_access_token does. The id is a name, not a credential:
/// take it from a place where the user cannot change it.
///
/// `session` may be NULL. Fails with HJ_ERR_SESSION_NOT_FOUND; with HJ_ERR_SESSION_REVOKED or HJ_ERR_SESSION_EXPIRED,
/// and then `session` still holds the ended session.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_verify_session(
    tenant: *const hj_tenant,
    session_id: hj_str,
    session: *mut *mut hj_session,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([session], error, || {
        // SAFETY: the caller keeps "Objects" and "Strings".
        let (tenant, id) = unsafe { (hj_tenant::require(tenant)?, session_id.require("session_id")?) };
        let verified = tenant.verify_session(id).map_err(|error| give_ended(error, session))?;
        if session.is_wanted() {
            session.give(hj_session::new(&verified));
        }
        Ok(())
    })
}

/// Begins a hj_tenant_verify_access_token. The session that the token names is looked up before its signature is checked; the
/// answer is given after the check only.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from hj_pending_read_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_verify_access_token(
    tenant: *const hj_tenant,
    token: hj_str,
    read: *mut *mut hj_pending_read,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([read], error, || {
        let read = read.require("read")?;
        // SAFETY: the caller keeps "Objects" and "Strings".
        let ((tenant, threads), token) =
            unsafe { (hj_tenant::require_with_threads(tenant)?, token.read_token("token")?) };
        let begun = tenant.begin_verify_access_token(token);
        read.give(hj_pending_read::new(threads, || Ok(ReadAnswer::Access(begun.wait()?))));
        Ok(())
    })
}

/// Begins a hj_tenant_verify_session.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read, and with HJ_ERR_SESSION_NOT_FOUND for a text that is no session id;
/// every other error comes from hj_pending_read_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_verify_session(
    tenant: *const hj_tenant,
    session_id: hj_str,
    read: *mut *mut hj_pending_read,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([read], error, || {
        let read = read.require("read")?;
        // SAFETY: the caller keeps "Objects" and "Strings".
        let ((tenant, threads), id) =
            unsafe { (hj_tenant::require_with_threads(tenant)?, session_id.require("session_id")?) };
        let begun = tenant.begin_verify_session(id);
        read.give(hj_pending_read::new(threads, || Ok(ReadAnswer::Session(Box::new(begun.wait()?)))));
        Ok(())
    })
}

/// How to verify locally; everything is optional. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_verify_options {
    /// sizeof(hj_verify_options).
    pub struct_size: usize,
    /// The "aud" to expect; by default the tenant's id, which the tenant's tokens carry.
    pub audience: hj_str,
    /// For how many seconds after its end a token is still good, 0 to 60; default 0.
    pub leeway_s: u64,
}

// SAFETY: repr(C), starts with its size; zero is "not given" and 0.
unsafe impl OptionStruct for hj_verify_options {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Verifies signature and claims of an access token without looking at its session: the token stays valid until it
/// expires, also when its session is revoked before.
///
/// `options` and `claims` may be NULL. Fails with HJ_ERR_MISSING_TOKEN, HJ_ERR_INVALID_TOKEN, HJ_ERR_TOKEN_EXPIRED.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_verify_locally(
    tenant: *const hj_tenant,
    token: hj_str,
    options: *const hj_verify_options,
    claims: *mut *mut hj_claims,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([claims], error, || {
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (tenant, token, verification) = unsafe {
            let (tenant, options) = (hj_tenant::require(tenant)?, OptionStruct::read(options)?);
            (tenant, token.read_token("token")?, read_verification(options)?)
        };
        let verified = tenant.verify_locally(token, &verification)?;
        if claims.is_wanted() {
            claims.give(hj_claims::new(&verified));
        }
        Ok(())
    })
}

/// # Safety
/// Section "Strings" of the contract holds for all texts.
unsafe fn read_verification(options: hj_verify_options) -> Result<LocalVerification, Error> {
    // SAFETY: the caller keeps "Strings".
    let audience = unsafe { options.audience.read_text("audience") }?;
    Ok(LocalVerification { audience: audience.map(str::to_owned), leeway_secs: options.leeway_s })
}
