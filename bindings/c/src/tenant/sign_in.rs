//! Sign-ins that may fail, for hosts that check credentials themselves.

use super::create::{hj_create_options, read_request};
use super::hj_tenant;
use crate::abi::{OptionStruct, hj_str};
use crate::error::hj_error;
use crate::grant::hj_grant;
use crate::guard::call;
use crate::pending_write::{WriteAnswer, hj_pending_write};
use crate::status::hj_status;
use crate::threads::Threads;
use crate::unwind;

use std::sync::Arc;

use hellojohn_core::{Error, SignInAttempt};

/// A sign-in whose credentials the host is about to check. It counts as failed until the host says otherwise. Use it on
/// one thread at a time, and give it one outcome: hj_sign_in_attempt_succeed, hj_sign_in_attempt_fail or
/// hj_sign_in_attempt_cancel; a second one fails with HJ_ERR_VALIDATION_ERROR.
pub struct hj_sign_in_attempt {
    /// Absent once it has its outcome.
    attempt: Option<SignInAttempt>,
    threads: Arc<Threads>,
}

impl hj_sign_in_attempt {
    pub(crate) fn new(attempt: SignInAttempt, threads: &Arc<Threads>) -> Self {
        hj_sign_in_attempt { attempt: Some(attempt), threads: Arc::clone(threads) }
    }

    /// The attempt, to be given its outcome.
    ///
    /// # Safety
    /// Section "Objects" of the contract, and no other thread uses the attempt.
    unsafe fn take(attempt: *mut Self) -> Result<SignInAttempt, Error> {
        // SAFETY: passed on to the caller.
        Ok(unsafe { Self::take_with_threads(attempt) }?.0)
    }

    /// The attempt, to be given its outcome, with the threads that wait for what is begun on it.
    ///
    /// # Safety
    /// As [`take`](Self::take).
    unsafe fn take_with_threads<'a>(attempt: *mut Self) -> Result<(SignInAttempt, &'a Arc<Threads>), Error> {
        // SAFETY: passed on to the caller.
        let attempt = unsafe { attempt.as_mut() };
        let attempt = attempt.ok_or_else(|| Error::validation("attempt", "must not be NULL"))?;
        let taken = attempt.attempt.take();
        let taken = taken.ok_or_else(|| Error::validation("attempt", "has its outcome already"))?;
        Ok((taken, &attempt.threads))
    }
}

/// Begins a sign-in: call it before you check credentials. `account` is the name that the user gave, such as an e-mail
/// address; its case and the space around it do not matter. `client_address` is where the request comes from, not given
/// if you do not know. hj_rest does this by itself. This call reaches the disk: hj_tenant_begin_sign_in_attempt does not.
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
        let ((tenant, threads), account, address) = unsafe {
            (
                hj_tenant::require_with_threads(tenant)?,
                account.require_text("account")?,
                client_address.parse("client_address")?,
            )
        };
        attempt.give(hj_sign_in_attempt::new(tenant.begin_sign_in(account, address)?, threads));
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

/// Begins a hj_sign_in_attempt_succeed, without waiting for the disk. The attempt has its outcome then; if the change is freed before
/// its answer is there, the sign-in may stay counted as failed.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from hj_pending_write_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_sign_in_attempt_begin_succeed(
    attempt: *mut hj_sign_in_attempt,
    user_id: hj_str,
    options: *const hj_create_options,
    write: *mut *mut hj_pending_write,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([write], error, || {
        let write = write.require("write")?;
        // SAFETY: the caller keeps "Option structs" and "Strings".
        let request = unsafe { read_request(user_id, OptionStruct::read(options)?) }?;
        // SAFETY: the caller keeps "Objects", and uses an attempt on one thread at a time.
        let (attempt, threads) = unsafe { hj_sign_in_attempt::take_with_threads(attempt) }?;
        write.give(hj_pending_write::new(threads, || {
            Ok(WriteAnswer::Grant(Box::new(hj_grant::new(&attempt.succeed(request)?))))
        }));
        Ok(())
    })
}

/// The credentials were wrong: the failure stays counted. Never returns HJ_OK, but the status and the error for the
/// client: HJ_ERR_INVALID_CREDENTIALS, or HJ_ERR_TOO_MANY_REQUESTS if right ones would have been refused too. Does not wait.
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

/// Begins a hj_sign_in_attempt_cancel, without waiting for the disk. The attempt has its outcome then.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from hj_pending_write_wait.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_sign_in_attempt_begin_cancel(
    attempt: *mut hj_sign_in_attempt,
    write: *mut *mut hj_pending_write,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([write], error, || {
        let write = write.require("write")?;
        // SAFETY: the caller keeps "Objects", and uses an attempt on one thread at a time.
        let (attempt, threads) = unsafe { hj_sign_in_attempt::take_with_threads(attempt) }?;
        write.give(hj_pending_write::new(threads, || {
            attempt.cancel()?;
            Ok(WriteAnswer::Done)
        }));
        Ok(())
    })
}

/// Frees an attempt; NULL is allowed. One without an outcome stays counted as failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_sign_in_attempt_free(attempt: *mut hj_sign_in_attempt) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(attempt) }
}
