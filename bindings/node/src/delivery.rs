//! Makes one flat JavaScript array of the calls that are completed: for each its number, the error code or null, and the answer's
//! JSON or the error's detail.

use std::ptr;

use hellojohn::{Error, ErrorCode};
use napi::sys;

/// A call with its answer.
pub(crate) struct Completion {
    pub call: u32,
    pub outcome: Result<String, Error>,
}

/// Calls JavaScript's `deliver` with the array.
///
/// # Safety
/// On the JavaScript thread of `env`, inside a handle scope.
pub(crate) unsafe fn call_with(
    env: sys::napi_env,
    deliver: sys::napi_value,
    completed: &[Completion],
) -> Option<()> {
    let ok = |status: sys::napi_status| (status == sys::Status::napi_ok).then_some(());
    let text = |text: &str| {
        let mut value = ptr::null_mut();
        // SAFETY: `text` is valid for its length.
        ok(unsafe {
            sys::napi_create_string_utf8(env, text.as_ptr().cast(), text.len() as isize, &mut value)
        })?;
        Some(value)
    };
    let (mut null, mut undefined, mut batch) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: all of them write their value on success.
    unsafe {
        ok(sys::napi_get_null(env, &mut null))?;
        ok(sys::napi_get_undefined(env, &mut undefined))?;
        ok(sys::napi_create_array_with_length(env, completed.len() * 3, &mut batch))?;
    }
    for (index, Completion { call, outcome }) in completed.iter().enumerate() {
        let mut number = ptr::null_mut();
        // SAFETY: writes its value on success.
        ok(unsafe { sys::napi_create_uint32(env, *call, &mut number) })?;
        let (code, answer) = match outcome {
            // An answer that JavaScript cannot hold must still settle its promise.
            Ok(answer) => match text(answer) {
                Some(answer) => (null, answer),
                None => (text(ErrorCode::Internal.as_str())?, text("the answer is too long")?),
            },
            Err(error) => (text(error.code().as_str())?, text(error.detail())?),
        };
        for (offset, value) in [number, code, answer].into_iter().enumerate() {
            // SAFETY: values of this environment.
            ok(unsafe { sys::napi_set_element(env, batch, (index * 3 + offset) as u32, value) })?;
        }
    }
    // SAFETY: as above. An exception cannot come: `deliver` does not throw; in a worker that is being terminated Node
    // itself deals with it.
    ok(unsafe { sys::napi_call_function(env, undefined, deliver, 1, &batch, ptr::null_mut()) })
}
