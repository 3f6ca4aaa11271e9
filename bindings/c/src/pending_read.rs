//! `hj_pending_read`: a read that was begun and not waited for yet.

use std::sync::{Arc, Mutex, PoisonError};

use hellojohn_core::{Error, Page, Pending, Session, VerifiedAccess, VerifyError};

use crate::abi::require_object;
use crate::claims::hj_claims;
use crate::error::hj_error;
use crate::guard::call;
use crate::page::hj_page;
use crate::session::hj_session;
use crate::status::hj_status;
use crate::unwind;
use crate::verified::{give_ended, give_verified};

/// A read that was begun: hj_tenant_begin_get, hj_tenant_begin_list, hj_tenant_begin_verify_session or
/// hj_tenant_begin_verify_access_token. Over PostgreSQL, reads that are begun before the first of them is waited for share
/// a round trip; over a file they are read when they are waited for. The answer is of an instant between the beginning and
/// the return of hj_pending_read_wait.
pub struct hj_pending_read(Mutex<Option<BegunRead>>);

pub(crate) enum BegunRead {
    Get(Pending<Session>),
    List(Pending<Page<Session>>),
    VerifySession(Pending<Session, VerifyError>),
    VerifyAccessToken(Pending<Arc<VerifiedAccess>, VerifyError>),
}

impl hj_pending_read {
    pub(crate) fn new(begun: BegunRead) -> Self {
        hj_pending_read(Mutex::new(Some(begun)))
    }
}

/// Waits for the answer of a read that was begun, once: the outputs and errors are those of the call that it began, and
/// outputs which that call does not have stay NULL.
///
/// `session`, `claims` and `page` may be NULL. Fails as hj_tenant_get, hj_tenant_list, hj_tenant_verify_session or
/// hj_tenant_verify_access_token does, and with HJ_ERR_VALIDATION_ERROR for a read that was waited for before.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_pending_read_wait(
    read: *const hj_pending_read,
    session: *mut *mut hj_session,
    claims: *mut *mut hj_claims,
    page: *mut *mut hj_page,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([session, claims, page], error, || {
        // SAFETY: the caller keeps "Objects".
        let read = unsafe { require_object(read, "read")? };
        let begun = read.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match begun.ok_or_else(|| Error::validation("read", "was waited for before"))? {
            BegunRead::Get(pending) => {
                let found = pending.wait()?;
                if session.is_wanted() {
                    session.give(hj_session::new(&found));
                }
            }
            BegunRead::List(pending) => {
                let found = pending.wait()?;
                if page.is_wanted() {
                    page.give(hj_page::new(&found));
                }
            }
            BegunRead::VerifySession(pending) => {
                let verified = pending.wait().map_err(|error| give_ended(error, session))?;
                if session.is_wanted() {
                    session.give(hj_session::new(&verified));
                }
            }
            BegunRead::VerifyAccessToken(pending) => {
                let verified = pending.wait().map_err(|error| give_ended(error, session))?;
                give_verified(&verified, session, claims);
            }
        }
        Ok(())
    })
}

/// Frees a read, waited for or not; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_pending_read_free(read: *mut hj_pending_read) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(read) }
}
