//! `hj_pending_read`: a read that was begun and not waited for yet.

use std::ffi::c_void;
use std::sync::Arc;

use hellojohn_core::{Page, Session, VerifiedAccess, VerifyError};

use crate::abi::require_object;
use crate::begun::{Begun, hj_completion};
use crate::claims::hj_claims;
use crate::error::hj_error;
use crate::guard::call;
use crate::page::hj_page;
use crate::session::hj_session;
use crate::status::hj_status;
use crate::threads::Threads;
use crate::unwind;
use crate::verified::{give_ended, give_verified};

/// A read that was begun: hj_tenant_begin_get, hj_tenant_begin_list, hj_tenant_begin_verify_session,
/// hj_tenant_begin_verify_access_token or hj_tenant_begin_require_auth. Over PostgreSQL, reads that are begun before the first of
/// them is waited for share a round trip; over a file they are read when they are waited for. The answer is of an instant
/// between the beginning and the return of hj_pending_read_wait.
pub struct hj_pending_read(Begun<ReadAnswer, VerifyError>);

pub(crate) enum ReadAnswer {
    Session(Box<Session>),
    Page(Page<Session>),
    Access(Arc<VerifiedAccess>),
}

impl hj_pending_read {
    /// A read with the function that waits for its answer.
    pub(crate) fn new(
        threads: &Arc<Threads>,
        wait: impl FnOnce() -> Result<ReadAnswer, VerifyError> + Send + 'static,
    ) -> Self {
        hj_pending_read(Begun::new("read", threads, |threads| &threads.reads, wait))
    }
}

/// Waits for the answer of a read that was begun, once: the outputs and errors are those of the call that it began, and
/// outputs which that call does not have stay NULL.
///
/// `session`, `claims` and `page` may be NULL. Fails as hj_tenant_get, hj_tenant_list, hj_tenant_verify_session,
/// hj_tenant_verify_access_token or hj_tenant_require_auth does, and with HJ_ERR_VALIDATION_ERROR for a read that was waited for
/// before.
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
        match read.0.wait().map_err(|error| give_ended(error, session))? {
            ReadAnswer::Session(found) if session.is_wanted() => session.give(hj_session::new(&found)),
            ReadAnswer::Page(found) if page.is_wanted() => page.give(hj_page::new(&found)),
            ReadAnswer::Access(verified) => give_verified(&verified, session, claims),
            _ => {}
        }
        Ok(())
    })
}

/// Has a thread of the library wait for the answer and call `completion` once with `user_data` then, so that
/// hj_pending_read_wait does not wait. "Event loops" at the top of this header says what a completion may do.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for a NULL completion, a second one and a read that was waited for before; with
/// HJ_ERR_FORKED; with HJ_ERR_INTERNAL where the system refuses a thread. The completion is not called then.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_pending_read_notify(
    read: *const hj_pending_read,
    completion: hj_completion,
    user_data: *mut c_void,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Objects".
        unsafe { require_object(read, "read")? }.0.notify(completion, user_data)
    })
}

/// Frees a read, waited for or not; NULL is allowed. Its completion is not called any more once this has returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_pending_read_free(read: *mut hj_pending_read) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(read) }
}
