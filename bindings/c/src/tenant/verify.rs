//! The three ways to verify.

use hellojohn_core::{Error, LocalVerification, SessionId, VerifyError};

use super::hj_tenant;
use crate::abi::{OptionStruct, Output, hj_str};
use crate::claims::hj_claims;
use crate::error::hj_error;
use crate::guard::call;
use crate::session::hj_session;
use crate::status::hj_status;

/// Hands out the ended session beside the error.
fn refused(refused: VerifyError, session: Output<*mut hj_session>) -> Error {
    if let (Some(ended), true) = (&refused.session, session.is_wanted()) {
        session.give(hj_session::new(ended));
    }
    refused.error
}

/// Verifies an access token and its session against the store: refuses a session from the instant that the call which
/// ended it returned, in every thread and every process on the database.
///
/// `session` and `claims` may be NULL. Fails with HJ_ERR_MISSING_TOKEN, HJ_ERR_INVALID_TOKEN, HJ_ERR_TOKEN_EXPIRED,
/// HJ_ERR_SESSION_NOT_FOUND; with HJ_ERR_SESSION_REVOKED or HJ_ERR_SESSION_EXPIRED, and then `session` is set to the
/// ended session all the same.
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
        // SAFETY: the caller promises NULL or a live tenant ("Objects").
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        // SAFETY: the caller promises readable text ("Strings").
        let token = unsafe { token.read_token("token") }?;
        let verified = tenant.verify_access_token(token).map_err(|error| refused(error, session))?;
        if claims.is_wanted() {
            claims.give(hj_claims::new(&verified.claims)?);
        }
        if session.is_wanted() {
            session.give(hj_session::new(&verified.session));
        }
        Ok(())
    })
}

/// Verifies by session id against the store, as hj_tenant_verify_access_token does. The id is a name, not a credential:
/// take it from where the user cannot change it.
///
/// `session` may be NULL. Fails with HJ_ERR_SESSION_NOT_FOUND; with HJ_ERR_SESSION_REVOKED or HJ_ERR_SESSION_EXPIRED,
/// and then `session` is set to the ended session all the same.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_verify_session(
    tenant: *const hj_tenant,
    session_id: hj_str,
    session: *mut *mut hj_session,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([session], error, || {
        // SAFETY: the caller promises NULL or a live tenant ("Objects").
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        // SAFETY: the caller promises readable text ("Strings").
        let id: SessionId = unsafe { session_id.require("session_id") }?;
        let verified = tenant.verify_session(id).map_err(|error| refused(error, session))?;
        if session.is_wanted() {
            session.give(hj_session::new(&verified));
        }
        Ok(())
    })
}

/// What local verification may be told; everything is optional. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_verify_options {
    /// sizeof(hj_verify_options).
    pub struct_size: usize,
    /// The "aud" to expect; by default the tenant's id, which is what the tenant's tokens have.
    pub audience: hj_str,
    /// For how many seconds after its end a token is still good, 0 to 60; default 0.
    pub leeway_s: u64,
}

// SAFETY: repr(C), starts with its size; zero is "not given" and 0.
unsafe impl OptionStruct for hj_verify_options {
    const NAME: &'static str = "options";
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
        // SAFETY: the caller promises NULL or a live tenant ("Objects").
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        // SAFETY: the caller promises NULL or a struct of `struct_size` bytes ("Option structs").
        let options: hj_verify_options = unsafe { OptionStruct::read(options) }?;
        // SAFETY: the caller promises readable texts ("Strings").
        let (token, audience) =
            unsafe { (token.read_token("token")?, options.audience.read_text("audience")?) };
        let told = LocalVerification { audience: audience.map(str::to_owned), leeway_secs: options.leeway_s };
        let verified = tenant.verify_locally(token, &told)?;
        if claims.is_wanted() {
            claims.give(hj_claims::new(&verified)?);
        }
        Ok(())
    })
}
