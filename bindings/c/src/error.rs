//! `hj_error`: why a call failed.

use std::ffi::c_char;

use hellojohn_core::Error;

use crate::abi::get;
use crate::status::hj_status;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// Why a call failed: its status, and one line for a developer. The line never contains a token, an address, SQL or a
/// secret.
pub struct hj_error {
    status: hj_status,
    retry_after_s: u64,
    max_age_s: u64,
    factors: TextOffset,
    field: TextOffset,
    texts: Texts,
    detail: TextOffset,
}

impl hj_error {
    pub(crate) fn new(error: &Error) -> Self {
        let mut texts = Texts::default();
        // A detail names a field but never repeats its value, so no NUL can cut the detail short.
        let detail = texts.add(error.detail());
        let retry_after_s = error.retry_after_secs().unwrap_or(0);
        let required = error.required_authentication();
        let max_age_s = required.and_then(|required| required.max_age_secs).unwrap_or(0);
        let factors =
            required.map(|required| required.factors.join(",")).filter(|factors| !factors.is_empty());
        let factors = texts.add_optional(factors);
        let field = texts.add_optional(error.field());
        hj_error { status: error.code().number(), retry_after_s, max_age_s, factors, field, texts, detail }
    }
}

/// The status that the call returned; HJ_OK for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_error_status(error: *const hj_error) -> hj_status {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(error, |error| error.status) }
}

/// One line of English for a developer; NULL for a NULL error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_error_detail(error: *const hj_error) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(error, |error| error.texts.c_str(error.detail)) }
}

/// For HJ_ERR_VALIDATION_ERROR: the argument, member or setting that is wrong, such as "user_id", with which the detail begins; else,
/// and where no single one is, NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_error_field(error: *const hj_error) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(error, |error| error.texts.c_str(error.field)) }
}

/// After how many seconds the same call may succeed, for HJ_ERR_TOO_MANY_REQUESTS; else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_error_retry_after_s(error: *const hj_error) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(error, |error| error.retry_after_s) }
}

/// For HJ_ERR_REAUTHENTICATION_REQUIRED: for how many seconds a factor counts after it was passed; else, and where that does
/// not matter, 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_error_max_age_s(error: *const hj_error) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(error, |error| error.max_age_s) }
}

/// For HJ_ERR_REAUTHENTICATION_REQUIRED: the methods that the user must have passed, such as "pwd,otp"; else, and where any
/// will do, NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_error_factors(error: *const hj_error) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(error, |error| error.texts.c_str(error.factors)) }
}

/// Frees an error; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_error_free(error: *mut hj_error) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(error) }
}
