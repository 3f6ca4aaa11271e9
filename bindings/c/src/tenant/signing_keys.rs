//! Signing keys: list, rotate, retire, publish.

use super::hj_tenant;
use crate::abi::hj_str;
use crate::error::hj_error;
use crate::guard::call;
use crate::keys::hj_keys;
use crate::status::hj_status;
use crate::text::hj_text;

/// Lists all signing keys, oldest first, retired ones included.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_keys(
    tenant: *const hj_tenant,
    keys: *mut *mut hj_keys,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([keys], error, || {
        let keys = keys.require("keys")?;
        // SAFETY: the caller promises NULL or a live tenant ("Objects").
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        keys.give(hj_keys::new(&tenant.keys()?));
        Ok(())
    })
}

/// Rotates the signing keys: the next key becomes active, the active one retiring, a new next one is minted. No session
/// ends and no token dies. `kid` may be NULL and gets the id of the key that signs from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_rotate_keys(
    tenant: *const hj_tenant,
    kid: *mut *mut hj_text,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([kid], error, || {
        // SAFETY: the caller promises NULL or a live tenant ("Objects").
        let active = unsafe { hj_tenant::require(tenant) }?.rotate_keys()?;
        kid.give(hj_text::new(active));
        Ok(())
    })
}

/// Retires a retiring or next key at once, for emergencies: its tokens die. A next key is replaced by a new one; retiring
/// a retired key does nothing.
///
/// Fails with HJ_ERR_NOT_FOUND, and with HJ_ERR_VALIDATION_ERROR for the active key: rotate first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_retire_key(
    tenant: *const hj_tenant,
    kid: hj_str,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller promises NULL or a live tenant ("Objects").
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        // SAFETY: the caller promises readable text ("Strings").
        tenant.retire_key(unsafe { kid.require("kid") }?)
    })
}

/// The public keys as a JWK Set (RFC 7517) in JSON: what other services verify access tokens with.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_jwks(
    tenant: *const hj_tenant,
    jwks_json: *mut *mut hj_text,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([jwks_json], error, || {
        let jwks_json = jwks_json.require("jwks_json")?;
        // SAFETY: the caller promises NULL or a live tenant ("Objects").
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        jwks_json.give(hj_text::new(tenant.jwks()?));
        Ok(())
    })
}
