//! Makes one flat JavaScript array of the calls that are completed: for each its number, the error code or null, and the
//! answer, the error's detail, or null for an answer that JavaScript takes when its turn has come.

use std::ptr;

use hellojohn::Error;
use napi::sys;

/// A call with its answer.
pub(crate) struct Completion {
    pub call: u32,
    /// Without the answer if JavaScript has to ask for it.
    pub outcome: Result<Option<String>, Error>,
}

/// A longer answer does not become a JavaScript text together with the others, which would stop the event loop for all of them
/// at once. In bytes.
const LONG_ANSWER: usize = 16 << 10;

impl Completion {
    /// Takes the answer out if JavaScript has to ask for it.
    pub(crate) fn take_long_answer(&mut self) -> Option<String> {
        self.outcome.as_mut().ok()?.take_if(|answer| answer.len() > LONG_ANSWER)
    }
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
            Ok(None) => (null, null),
            Ok(Some(answer)) => (null, text(answer)?),
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
