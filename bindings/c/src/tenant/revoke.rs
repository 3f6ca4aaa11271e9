//! Ending sessions by decision: signing out; revoking one session, a user's, a tenant's.

use hellojohn_core::{SignOutScope, UserId};
use zeroize::Zeroizing;

use super::hj_tenant;
use crate::abi::hj_str;
use crate::error::hj_error;
use crate::guard::call;
use crate::pending_write::{WriteAnswer, hj_pending_write};
use crate::status::hj_status;

/// Signs out with an access token or a refresh token of the session. Signing out of a session that has ended does
/// nothing; ending the user's other sessions takes the token of a live session. An access token signs out also after it
/// has expired.
///
/// `scope` is "local" (the session of the token; the default) or "global" (all sessions of its user). `ended` may be
/// NULL and counts the sessions that this call ended. Fails for an access token with HJ_ERR_INVALID_TOKEN or
/// HJ_ERR_SESSION_NOT_FOUND, for a refresh token as hj_tenant_refresh does; for "global" also with
/// HJ_ERR_SESSION_REVOKED, HJ_ERR_SESSION_EXPIRED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_sign_out(
    tenant: *const hj_tenant,
    token: hj_str,
    scope: hj_str,
    ended: *mut u64,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([ended], error, || {
        // SAFETY: the caller keeps "Objects" and "Strings".
        let (tenant, token, scope): (_, _, Option<SignOutScope>) =
            unsafe { (hj_tenant::require(tenant)?, token.read_token("token")?, scope.parse("scope")?) };
        ended.put(tenant.sign_out(token, scope.unwrap_or_default())?);
        Ok(())
    })
}

/// Begins a hj_tenant_sign_out, without waiting for the disk.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from hj_pending_write_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_sign_out(
    tenant: *const hj_tenant,
    token: hj_str,
    scope: hj_str,
    write: *mut *mut hj_pending_write,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([write], error, || {
        let write = write.require("write")?;
        // SAFETY: the caller keeps "Objects" and "Strings".
        let ((tenant, threads), token, scope): (_, _, Option<SignOutScope>) = unsafe {
            (hj_tenant::require_with_threads(tenant)?, token.read_token("token")?, scope.parse("scope")?)
        };
        let (tenant, token) = (tenant.clone(), Zeroizing::new(token.to_owned()));
        write.give(hj_pending_write::new(threads, move || {
            Ok(WriteAnswer::Ended(tenant.sign_out(&token, scope.unwrap_or_default())?))
        }));
        Ok(())
    })
}

/// Revokes one session. When this call has returned, no thread and no process verifies or refreshes the session any
/// more. Revoking a session that has ended changes nothing.
///
/// Fails with HJ_ERR_SESSION_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_revoke(
    tenant: *const hj_tenant,
    session_id: hj_str,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Objects" and "Strings".
        let (tenant, id) = unsafe { (hj_tenant::require(tenant)?, session_id.require("session_id")?) };
        tenant.revoke(id)
    })
}

/// Begins a hj_tenant_revoke, without waiting for the disk.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read, and with HJ_ERR_SESSION_NOT_FOUND for a text that is no session id;
/// every other error comes from hj_pending_write_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_revoke(
    tenant: *const hj_tenant,
    session_id: hj_str,
    write: *mut *mut hj_pending_write,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([write], error, || {
        let write = write.require("write")?;
        // SAFETY: the caller keeps "Objects" and "Strings".
        let ((tenant, threads), id) =
            unsafe { (hj_tenant::require_with_threads(tenant)?, session_id.require("session_id")?) };
        let begun = tenant.begin_revoke(id);
        write.give(hj_pending_write::new(threads, || {
            begun.wait()?;
            Ok(WriteAnswer::Done)
        }));
        Ok(())
    })
}

/// Revokes all active sessions of a user, or all but one.
///
/// `except` is the id of a session of this user, or not given. `revoked` may be NULL and counts the sessions that this
/// call ended. Fails with HJ_ERR_SESSION_NOT_FOUND if `except` is not a session of this user, and revokes nothing then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_revoke_user(
    tenant: *const hj_tenant,
    user_id: hj_str,
    except: hj_str,
    revoked: *mut u64,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([revoked], error, || {
        // SAFETY: the caller keeps "Objects" and "Strings".
        let (tenant, user, except): (_, UserId, _) =
            unsafe { (hj_tenant::require(tenant)?, user_id.require("user_id")?, except.parse("except")?) };
        revoked.put(tenant.revoke_user(&user, except)?);
        Ok(())
    })
}

/// Begins a hj_tenant_revoke_user, without waiting for the disk. The answer is the number of sessions that ended.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read, and with HJ_ERR_SESSION_NOT_FOUND for an `except` that is no session id;
/// every other error comes from hj_pending_write_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_revoke_user(
    tenant: *const hj_tenant,
    user_id: hj_str,
    except: hj_str,
    write: *mut *mut hj_pending_write,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([write], error, || {
        let write = write.require("write")?;
        // SAFETY: the caller keeps "Objects" and "Strings".
        let ((tenant, threads), user, except): (_, UserId, _) = unsafe {
            (hj_tenant::require_with_threads(tenant)?, user_id.require("user_id")?, except.parse("except")?)
        };
        let tenant = tenant.clone();
        write.give(hj_pending_write::new(threads, move || {
            Ok(WriteAnswer::Ended(tenant.revoke_user(&user, except)?))
        }));
        Ok(())
    })
}

/// Revokes all active sessions of the tenant. `revoked` may be NULL and counts them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_revoke_tenant(
    tenant: *const hj_tenant,
    revoked: *mut u64,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([revoked], error, || {
        // SAFETY: the caller keeps "Objects".
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        revoked.put(tenant.revoke_tenant()?);
        Ok(())
    })
}

/// Begins a hj_tenant_revoke_tenant, without waiting for the disk. The answer is the number of sessions that ended.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from hj_pending_write_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_revoke_tenant(
    tenant: *const hj_tenant,
    write: *mut *mut hj_pending_write,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([write], error, || {
        let write = write.require("write")?;
        // SAFETY: the caller keeps "Objects".
        let (tenant, threads) = unsafe { hj_tenant::require_with_threads(tenant) }?;
        let tenant = tenant.clone();
        write.give(hj_pending_write::of_many(threads, move || tenant.revoke_tenant()));
        Ok(())
    })
}
