//! Written by `make generate` from core's schema; do not edit.

use std::ffi::c_char;

use hellojohn_core::{KeyInfo, Timestamp};

use crate::abi::get;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// The signing keys of a tenant, oldest first, retired ones included. The getters answer NULL or 0 for NULL
/// keys and past the end.
pub struct hj_keys {
    texts: Texts,
    items: Vec<Item>,
}

struct Item {
    kid: TextOffset,
    state: TextOffset,
    created_at: i64,
    activated_at: i64,
    retiring_at: i64,
    leaves_at: i64,
}

impl hj_keys {
    pub(crate) fn new(keys: &[KeyInfo]) -> Self {
        let mut texts = Texts::default();
        let items = keys
            .iter()
            .map(|key| Item {
                kid: texts.add(&key.kid),
                state: texts.add(&key.state),
                created_at: key.created_at.as_millis(),
                activated_at: key.activated_at.map_or(0, Timestamp::as_millis),
                retiring_at: key.retiring_at.map_or(0, Timestamp::as_millis),
                leaves_at: key.leaves_at.map_or(0, Timestamp::as_millis),
            })
            .collect();
        hj_keys { texts, items }
    }

    fn text(&self, index: usize, read: impl FnOnce(&Item) -> TextOffset) -> *const c_char {
        self.texts.c_str(self.items.get(index).map_or(TextOffset::ABSENT, read))
    }
}

/// How many keys there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_keys_count(keys: *const hj_keys) -> usize {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(keys, |keys| keys.items.len()) }
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
    unsafe { get(keys, |keys| keys.items.get(index).map_or(0, |key| key.created_at)) }
}

/// Of an active or retiring key: when it began to sign. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_keys_activated_at_ms(keys: *const hj_keys, index: usize) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(keys, |keys| keys.items.get(index).map_or(0, |key| key.activated_at)) }
}

/// Of a retiring key: when another key took over. Absent where the records of retired keys cannot tell. 0 if
/// there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_keys_retiring_at_ms(keys: *const hj_keys, index: usize) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(keys, |keys| keys.items.get(index).map_or(0, |key| key.retiring_at)) }
}

/// Of a retiring key: when the last token that it signed expires, and it leaves the JWK Set. 0 if there is
/// none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_keys_leaves_at_ms(keys: *const hj_keys, index: usize) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(keys, |keys| keys.items.get(index).map_or(0, |key| key.leaves_at)) }
}

/// Frees the object; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_keys_free(keys: *mut hj_keys) {
    // SAFETY: the caller promises NULL or an object that no thread uses any more ("Objects").
    unsafe { unwind::free(keys) }
}
