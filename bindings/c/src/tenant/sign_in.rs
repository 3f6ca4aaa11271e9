//! Sign-ins that may fail, for hosts that check credentials themselves.

use super::create::{hj_create_options, read_request};
use super::hj_tenant;
use crate::abi::{OptionStruct, hj_str};
use crate::error::hj_error;
use crate::grant::hj_grant;
use crate::guard::call;
use crate::status::hj_status;
use crate::unwind;

use hellojohn_core::{Error, SignInAttempt};

/// A sign-in whose credentials the host is about to check. It counts as failed until the host says otherwise. Use it on
/// one thread at a time, and give it one outcome: hj_sign_in_attempt_succeed, hj_sign_in_attempt_fail or
/// hj_sign_in_attempt_cancel; a second one fails with HJ_ERR_VALIDATION_ERROR.
pub struct hj_sign_in_attempt(Option<SignInAttempt>);

impl hj_sign_in_attempt {
    /// The attempt, to be given its outcome.
    ///
    /// # Safety
    /// Section "Objects" of the contract, and no other thread uses the attempt.
    unsafe fn take(attempt: *mut Self) -> Result<SignInAttempt, Error> {
        // SAFETY: passed on to the caller.
        let attempt = unsafe { attempt.as_mut() };
        let attempt = attempt.ok_or_else(|| Error::validation("attempt", "must not be NULL"))?;
        attempt.0.take().ok_or_else(|| Error::validation("attempt", "has its outcome already"))
    }
}

/// Begins a sign-in: call it before you check credentials. `account` is the name that the user gave, such as an e-mail
/// address; its case and the space around it do not matter. `client_address` is where the request comes from, not given
/// if you do not know. hj_rest does this by itself.
///
/// The sign-in counts as failed at once, so that the limit is exact for calls at the same instant, in every process on
/// the database. hj_open_options has the limit.
///
/// Fails with HJ_ERR_TOO_MANY_REQUESTS if too many sign-ins have failed: do not check the credentials, and see
/// hj_error_retry_after_s. Fails with HJ_ERR_VALIDATION_ERROR for an empty account and for what is no address.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_begin_sign_in(
    tenant: *const hj_tenant,
    account: hj_str,
    client_address: hj_str,
    attempt: *mut *mut hj_sign_in_attempt,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([attempt], error, || {
        let attempt = attempt.require("attempt")?;
        // SAFETY: the caller keeps "Objects" and "Strings".
        let (tenant, account, address) = unsafe {
            (
                hj_tenant::require(tenant)?,
                account.require_text("account")?,
                client_address.parse("client_address")?,
            )
        };
        attempt.give(hj_sign_in_attempt(Some(tenant.begin_sign_in(account, address)?)));
        Ok(())
    })
}

/// The credentials were right: opens the session of this user as hj_tenant_create does. In the same transaction the
/// failures of the account from this address are forgotten. Arguments that cannot be read are no outcome.
///
/// Fails with HJ_ERR_TOO_MANY_REQUESTS if the account was at its limit and the user has had no session from this
/// address: the client must not learn that its guess was right.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_sign_in_attempt_succeed(
    attempt: *mut hj_sign_in_attempt,
    user_id: hj_str,
    options: *const hj_create_options,
    grant: *mut *mut hj_grant,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([grant], error, || {
        let grant = grant.require("grant")?;
        // SAFETY: the caller keeps "Option structs" and "Strings".
        let request = unsafe { read_request(user_id, OptionStruct::read(options)?) }?;
        // SAFETY: the caller keeps "Objects", and uses an attempt on one thread at a time.
        let attempt = unsafe { hj_sign_in_attempt::take(attempt) }?;
        grant.give(hj_grant::new(&attempt.succeed(request)?));
        Ok(())
    })
}

/// The credentials were wrong: the failure stays counted. Never returns HJ_OK, but the status and the error for the
/// client: HJ_ERR_INVALID_CREDENTIALS, or HJ_ERR_TOO_MANY_REQUESTS if right ones would have been refused too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_sign_in_attempt_fail(
    attempt: *mut hj_sign_in_attempt,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Objects", and uses an attempt on one thread at a time.
        Err(unsafe { hj_sign_in_attempt::take(attempt) }?.fail())
    })
}

/// The host could not tell: the sign-in counts as if it had not been tried.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_sign_in_attempt_cancel(
    attempt: *mut hj_sign_in_attempt,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Objects", and uses an attempt on one thread at a time.
        unsafe { hj_sign_in_attempt::take(attempt) }?.cancel()
    })
}

/// Frees an attempt; NULL is allowed. One without an outcome stays counted as failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_sign_in_attempt_free(attempt: *mut hj_sign_in_attempt) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(attempt) }
}
