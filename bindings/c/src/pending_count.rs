//! `hj_pending_count`: a look at all sessions of a filter that was begun and not waited for yet.

use std::ffi::c_void;
use std::sync::Arc;

use hellojohn_core::{Error, RevokePreview};

use crate::abi::require_object;
use crate::begun::{Begun, hj_completion};
use crate::error::hj_error;
use crate::guard::call;
use crate::revoke_preview::hj_revoke_preview;
use crate::status::hj_status;
use crate::threads::Threads;
use crate::unwind;

/// A count of sessions that was begun: hj_tenant_begin_count or hj_tenant_begin_preview_revoke_where. The sessions are looked at when
/// the answer is waited for, or once there is a completion.
pub struct hj_pending_count(Begun<CountAnswer>);

pub(crate) enum CountAnswer {
    Count(u64),
    Preview(Box<RevokePreview>),
}

impl hj_pending_count {
    /// A count with the function that makes it.
    pub(crate) fn new(
        threads: &Arc<Threads>,
        count: impl FnOnce() -> Result<CountAnswer, Error> + Send + 'static,
    ) -> Self {
        hj_pending_count(Begun::new("counting", threads, |threads| &threads.scans, count))
    }
}

/// Waits for a count that was begun, once: how many sessions match, and for a preview the preview.
///
/// `count` and `preview` may be NULL; `preview` stays NULL for a hj_tenant_begin_count. Fails as hj_tenant_count or
/// hj_tenant_preview_revoke_where does, and with HJ_ERR_VALIDATION_ERROR for a count that was waited for before.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_pending_count_wait(
    counting: *const hj_pending_count,
    count: *mut u64,
    preview: *mut *mut hj_revoke_preview,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([count, preview], error, || {
        // SAFETY: the caller keeps "Objects".
        match unsafe { require_object(counting, "counting")? }.0.wait()? {
            CountAnswer::Count(found) => count.put(found),
            CountAnswer::Preview(found) => {
                count.put(found.count);
                if preview.is_wanted() {
                    preview.give(hj_revoke_preview::new(&found));
                }
            }
        }
        Ok(())
    })
}

/// Has a thread of the library count and call `completion` once with `user_data` then, so that hj_pending_count_wait does not wait.
/// "Event loops" at the top of this header says what a completion may do.
///
/// Fails as hj_pending_read_notify does.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_pending_count_notify(
    counting: *const hj_pending_count,
    completion: hj_completion,
    user_data: *mut c_void,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Objects".
        unsafe { require_object(counting, "counting")? }.0.notify(completion, user_data)
    })
}

/// Frees a count, waited for or not; NULL is allowed. One that a thread of the library is at goes on to its end. Its completion is not
/// called any more once this has returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_pending_count_free(counting: *mut hj_pending_count) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(counting) }
}
