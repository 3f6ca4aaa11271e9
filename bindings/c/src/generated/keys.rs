//! Written by `make generate` from core's schema; do not edit.

use std::ffi::c_char;

use hellojohn_core::KeyInfo;

use crate::abi::get;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// The signing keys of a tenant, oldest first, retired ones included. The getters answer NULL or 0 for NULL keys and past
/// the end.
pub struct hj_keys {
    texts: Texts,
    keys: Vec<Key>,
}

struct Key {
    kid: TextOffset,
    state: TextOffset,
    created_at: i64,
}

impl hj_keys {
    pub(crate) fn new(keys: &[KeyInfo]) -> Self {
        let mut texts = Texts::default();
        let keys = keys
            .iter()
            .map(|key| Key {
                kid: texts.add(&key.kid),
                state: texts.add(&key.state),
                created_at: key.created_at.as_millis(),
            })
            .collect();
        hj_keys { texts, keys }
    }

    fn text(&self, index: usize, read: impl FnOnce(&Key) -> TextOffset) -> *const c_char {
        self.texts.c_str(self.keys.get(index).map_or(TextOffset::ABSENT, read))
    }
}

/// How many keys there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_keys_count(keys: *const hj_keys) -> usize {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(keys, |keys| keys.keys.len()) }
}

/// Its id, the "kid" of its tokens: "key_" and a ULID.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_keys_kid(keys: *const hj_keys, index: usize) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(keys, |keys| keys.text(index, |key| key.kid)) }
}

/// Its state. One of "next", "active", "retiring" or "retired".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_keys_state(keys: *const hj_keys, index: usize) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(keys, |keys| keys.text(index, |key| key.state)) }
}

/// When it was made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_keys_created_at_ms(keys: *const hj_keys, index: usize) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(keys, |keys| keys.keys.get(index).map_or(0, |key| key.created_at)) }
}

/// Frees the object; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_keys_free(keys: *mut hj_keys) {
    // SAFETY: the caller promises NULL or an object that no thread uses any more ("Objects").
    unsafe { unwind::free(keys) }
}
