//! `hj_pending_write`: a change that was begun and not waited for yet.

use std::ffi::c_void;
use std::sync::Arc;

use hellojohn_core::{Error, Grant, Pending};

use crate::abi::require_object;
use crate::begun::{Begun, hj_completion};
use crate::error::hj_error;
use crate::grant::hj_grant;
use crate::guard::call;
use crate::status::hj_status;
use crate::threads::Threads;
use crate::unwind;

/// A change that was begun: hj_tenant_begin_create, hj_tenant_begin_refresh, hj_tenant_begin_adopt, hj_tenant_begin_update,
/// hj_tenant_begin_revoke, hj_tenant_begin_revoke_user, hj_tenant_begin_revoke_tenant, hj_tenant_begin_revoke_where,
/// hj_tenant_begin_sign_out, hj_sign_in_attempt_begin_succeed or hj_sign_in_attempt_begin_cancel. The first four and
/// hj_tenant_begin_revoke share a commit if they are begun before the first of them is waited for; the others are made when they are
/// waited for, or once they have a completion. A change that is neither waited for nor has a completion may never happen.
pub struct hj_pending_write(Begun<WriteAnswer>);

pub(crate) enum WriteAnswer {
    Grant(Box<hj_grant>),
    Ended(u64),
    Done,
}

impl hj_pending_write {
    /// A change with the function that waits for its answer.
    pub(crate) fn new(
        threads: &Arc<Threads>,
        wait: impl FnOnce() -> Result<WriteAnswer, Error> + Send + 'static,
    ) -> Self {
        hj_pending_write(Begun::new("write", threads, |threads| &threads.writes, wait))
    }

    /// A change of very many sessions, which are counted afterwards: other changes do not queue behind it. The answer is how many
    /// have ended.
    pub(crate) fn of_many(
        threads: &Arc<Threads>,
        end: impl FnOnce() -> Result<u64, Error> + Send + 'static,
    ) -> Self {
        let wait = || Ok(WriteAnswer::Ended(end()?));
        hj_pending_write(Begun::new("write", threads, |threads| &threads.scans, wait))
    }

    /// A begun change whose answer is a grant.
    pub(crate) fn of_grant(threads: &Arc<Threads>, begun: Pending<Grant>) -> Self {
        Self::new(threads, || Ok(WriteAnswer::Grant(Box::new(hj_grant::new(&begun.wait()?)))))
    }
}

/// Waits for the answer of a change that was begun, once: the outputs and errors are those of the call that it began, and
/// outputs which that call does not have stay NULL or 0.
///
/// `grant` and `ended` may be NULL. Fails as the call that was begun does, and with HJ_ERR_VALIDATION_ERROR for a change that was
/// waited for before.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_pending_write_wait(
    write: *const hj_pending_write,
    grant: *mut *mut hj_grant,
    ended: *mut u64,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([grant, ended], error, || {
        // SAFETY: the caller keeps "Objects".
        let write = unsafe { require_object(write, "write")? };
        match write.0.wait()? {
            WriteAnswer::Grant(answer) => grant.give(*answer),
            WriteAnswer::Ended(count) => ended.put(count),
            WriteAnswer::Done => {}
        }
        Ok(())
    })
}

/// Has a thread of the library wait for the answer and call `completion` once with `user_data` then, so that
/// hj_pending_write_wait does not wait. "Event loops" at the top of this header says what a completion may do.
///
/// Fails as hj_pending_read_notify does.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_pending_write_notify(
    write: *const hj_pending_write,
    completion: hj_completion,
    user_data: *mut c_void,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Objects".
        unsafe { require_object(write, "write")? }.0.notify(completion, user_data)
    })
}

/// Frees a change, waited for or not; NULL is allowed. One whose answer is not there either happens or does not. Its completion
/// is not called any more once this has returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_pending_write_free(write: *mut hj_pending_write) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(write) }
}
