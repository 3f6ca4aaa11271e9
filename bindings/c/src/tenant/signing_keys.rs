//! The tenant's signing keys: list, rotate, retire, publish.

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
        // SAFETY: the caller keeps "Objects".
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        keys.give(hj_keys::new(&tenant.keys()?));
        Ok(())
    })
}

/// Rotates the signing keys: the next key becomes active, the active key becomes retiring, and the engine mints a new
/// next key. No session ends, and tokens stay good. `kid` may be NULL and gets the id of the key that signs from now
/// on. Of the retired keys the newest 100 are kept.
///
/// Fails with HJ_ERR_TOO_MANY_REQUESTS while 100 keys are retiring; the error says after how many seconds the first leaves.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_rotate_keys(
    tenant: *const hj_tenant,
    kid: *mut *mut hj_text,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([kid], error, || {
        // SAFETY: the caller keeps "Objects".
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        kid.give(hj_text::new(tenant.rotate_keys()?));
        Ok(())
    })
}

/// Retires a retiring or next key at once, for emergencies: tokens that it signed are refused from now on. The engine
/// replaces a retired next key by a new one; retiring a retired key does nothing.
///
/// Fails with HJ_ERR_NOT_FOUND, and with HJ_ERR_VALIDATION_ERROR for the active key: rotate first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_retire_key(
    tenant: *const hj_tenant,
    kid: hj_str,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Objects" and "Strings".
        let (tenant, kid) = unsafe { (hj_tenant::require(tenant)?, kid.require("kid")?) };
        tenant.retire_key(kid)
    })
}

/// The public keys as a JWK Set (RFC 7517) in JSON, with which other services verify access tokens.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_jwks(
    tenant: *const hj_tenant,
    jwks_json: *mut *mut hj_text,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([jwks_json], error, || {
        let jwks_json = jwks_json.require("jwks_json")?;
        // SAFETY: the caller keeps "Objects".
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        jwks_json.give(hj_text::new(tenant.jwks()?));
        Ok(())
    })
}
