//! `hj_text`: one text that a call hands out.

use std::ffi::c_char;
use std::fmt::Display;

use crate::abi::get;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// One text that a call hands out.
pub struct hj_text {
    texts: Texts,
    at: TextOffset,
}

impl hj_text {
    pub(crate) fn new(text: impl Display) -> Self {
        let mut texts = Texts::default();
        hj_text { at: texts.add(&text), texts }
    }
}

/// The text; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_text_get(text: *const hj_text) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(text, |text| text.texts.c_str(text.at)) }
}

/// The length of the text in bytes, without the closing NUL; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_text_len(text: *const hj_text) -> usize {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(text, |text| text.texts.len().saturating_sub(1)) }
}

/// Frees a text; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_text_free(text: *mut hj_text) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(text) }
}
