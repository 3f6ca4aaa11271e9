//! `hj_pending_sign_in`: the beginning of a sign-in that was begun itself and not waited for yet.

use std::ffi::c_void;

use hellojohn_core::{IpAddress, SignInAttempt};

use crate::abi::{hj_str, require_object};
use crate::begun::{Begun, hj_completion};
use crate::error::hj_error;
use crate::guard::call;
use crate::status::hj_status;
use crate::tenant::hj_tenant;
use crate::tenant::sign_in::hj_sign_in_attempt;
use crate::unwind;

/// A hj_tenant_begin_sign_in that was begun: hj_tenant_begin_sign_in_attempt. It is made when the answer is waited for, or once there
/// is a completion.
pub struct hj_pending_sign_in(Begun<SignInAttempt>);

/// Begins a hj_tenant_begin_sign_in, without waiting for the disk. Check no credentials before hj_pending_sign_in_wait has
/// answered.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for a text that cannot be read; every other error comes from hj_pending_sign_in_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_sign_in_attempt(
    tenant: *const hj_tenant,
    account: hj_str,
    client_address: hj_str,
    sign_in: *mut *mut hj_pending_sign_in,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([sign_in], error, || {
        let sign_in = sign_in.require("sign_in")?;
        // SAFETY: the caller keeps "Objects" and "Strings".
        let ((tenant, threads), account, address): (_, _, Option<IpAddress>) = unsafe {
            (
                hj_tenant::require_with_threads(tenant)?,
                account.require_text("account")?.to_owned(),
                client_address.parse("client_address")?,
            )
        };
        let tenant = tenant.clone();
        let begin = move || tenant.begin_sign_in(&account, address);
        sign_in.give(hj_pending_sign_in(Begun::new("sign_in", threads, |threads| &threads.writes, begin)));
        Ok(())
    })
}

/// Waits for the attempt, once.
///
/// Fails as hj_tenant_begin_sign_in does, and with HJ_ERR_VALIDATION_ERROR for a sign-in that was waited for before.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_pending_sign_in_wait(
    sign_in: *const hj_pending_sign_in,
    attempt: *mut *mut hj_sign_in_attempt,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([attempt], error, || {
        let attempt = attempt.require("attempt")?;
        // SAFETY: the caller keeps "Objects".
        let sign_in = unsafe { require_object(sign_in, "sign_in")? };
        attempt.give(hj_sign_in_attempt::new(sign_in.0.wait()?, sign_in.0.threads()));
        Ok(())
    })
}

/// Has a thread of the library begin the sign-in and call `completion` once with `user_data` then, so that hj_pending_sign_in_wait
/// does not wait. "Event loops" at the top of this header says what a completion may do.
///
/// Fails as hj_pending_read_notify does.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_pending_sign_in_notify(
    sign_in: *const hj_pending_sign_in,
    completion: hj_completion,
    user_data: *mut c_void,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Objects".
        unsafe { require_object(sign_in, "sign_in")? }.0.notify(completion, user_data)
    })
}

/// Frees a sign-in that was begun, waited for or not; NULL is allowed. One whose attempt was not taken may stay counted as failed.
/// Its completion is not called any more once this has returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_pending_sign_in_free(sign_in: *mut hj_pending_sign_in) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(sign_in) }
}
