//! `hj_pending_response`: a request of the REST API that was begun and not waited for yet.

use std::ffi::c_void;
use std::sync::Arc;

use hellojohn_core::Error;
use hellojohn_core::rest::http::Response;

use crate::abi::require_object;
use crate::begun::{Begun, hj_completion};
use crate::error::hj_error;
use crate::guard::call;
use crate::response::hj_response;
use crate::status::hj_status;
use crate::threads::Threads;
use crate::unwind;

/// A request of the REST API that was begun: hj_rest_begin_handle.
pub struct hj_pending_response(Begun<hj_response>);

impl hj_pending_response {
    /// A request with the function that answers it.
    pub(crate) fn new(
        threads: &Arc<Threads>,
        answer: impl FnOnce() -> Result<Response<Vec<u8>>, Error> + Send + 'static,
    ) -> Self {
        hj_pending_response(Begun::new(
            "pending_response",
            threads,
            |threads| &threads.requests,
            || Ok(hj_response::new(answer()?)),
        ))
    }
}

/// Waits for the response to a request that was begun, once.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for one that was waited for before, and with HJ_ERR_FORKED.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_pending_response_wait(
    pending_response: *const hj_pending_response,
    response: *mut *mut hj_response,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([response], error, || {
        let response = response.require("response")?;
        // SAFETY: the caller keeps "Objects".
        let pending = unsafe { require_object(pending_response, "pending_response")? };
        response.give(pending.0.wait()?);
        Ok(())
    })
}

/// Has a thread of the library answer the request and call `completion` once with `user_data` then, so that
/// hj_pending_response_wait does not wait. "Event loops" at the top of this header says what a completion may do.
///
/// Fails as hj_pending_read_notify does.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_pending_response_notify(
    pending_response: *const hj_pending_response,
    completion: hj_completion,
    user_data: *mut c_void,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Objects".
        unsafe { require_object(pending_response, "pending_response")? }.0.notify(completion, user_data)
    })
}

/// Frees a request that was begun, waited for or not; NULL is allowed. Its completion is not called any more once this has
/// returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_pending_response_free(pending_response: *mut hj_pending_response) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(pending_response) }
}
