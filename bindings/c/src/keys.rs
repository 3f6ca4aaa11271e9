//! `hj_keys`: the signing keys of a tenant.

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
                kid: texts.add(key.kid),
                state: texts.add(key.state),
                created_at: key.created_at.as_millis(),
            })
            .collect();
        hj_keys { texts, keys }
    }

    fn text(&self, index: usize, which: impl FnOnce(&Key) -> TextOffset) -> *const c_char {
        self.texts.c_str(self.keys.get(index).map_or(TextOffset::ABSENT, which))
    }
}

/// How many keys there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_keys_count(keys: *const hj_keys) -> usize {
    // SAFETY: the caller promises NULL or live keys ("Objects").
    unsafe { get(keys, |keys| keys.keys.len()) }
}

/// The "kid" of the key's tokens: "key_" and a ULID.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_keys_kid(keys: *const hj_keys, index: usize) -> *const c_char {
    // SAFETY: the caller promises NULL or live keys ("Objects").
    unsafe { get(keys, |keys| keys.text(index, |key| key.kid)) }
}

/// "next" (published, signs nothing yet), "active" (signs), "retiring" (signs nothing any more, its tokens are good) or
/// "retired" (gone).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_keys_state(keys: *const hj_keys, index: usize) -> *const c_char {
    // SAFETY: the caller promises NULL or live keys ("Objects").
    unsafe { get(keys, |keys| keys.text(index, |key| key.state)) }
}

/// When the key was made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_keys_created_at_ms(keys: *const hj_keys, index: usize) -> i64 {
    // SAFETY: the caller promises NULL or live keys ("Objects").
    unsafe { get(keys, |keys| keys.keys.get(index).map_or(0, |key| key.created_at)) }
}

/// Frees keys; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_keys_free(keys: *mut hj_keys) {
    // SAFETY: the caller promises NULL or keys that nobody uses any more ("Objects").
    unsafe { unwind::free(keys) }
}
