//! Written by `make generate` from core's schema; do not edit.

use std::ffi::c_char;

use hellojohn_core::RevocationList;

use crate::abi::get;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// A page of the revocation list of a tenant. The getters answer NULL, 0 or false for a NULL list.
pub struct hj_revocation_list {
    texts: Texts,
    list: TextOffset,
    since: u64,
    seq: u64,
    has_more: bool,
}

impl hj_revocation_list {
    pub(crate) fn new(revocation_list: &RevocationList) -> Self {
        let mut texts = Texts::with_capacity(512);
        hj_revocation_list {
            list: texts.add(&revocation_list.list),
            since: revocation_list.since,
            seq: revocation_list.seq,
            has_more: revocation_list.has_more,
            texts,
        }
    }
}

/// The signed list: a JWS whose "typ" is "hellojohn-revocations+jwt", under the tenant's active key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_revocation_list_list(
    revocation_list: *const hj_revocation_list,
) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(revocation_list, |revocation_list| revocation_list.texts.c_str(revocation_list.list)) }
}

/// It tells what was added after this number; 0 for a list from its beginning.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_revocation_list_since(revocation_list: *const hj_revocation_list) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(revocation_list, |revocation_list| revocation_list.since) }
}

/// The number to ask with for what was added later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_revocation_list_seq(revocation_list: *const hj_revocation_list) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(revocation_list, |revocation_list| revocation_list.seq) }
}

/// Whether there is more now: ask again at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_revocation_list_has_more(revocation_list: *const hj_revocation_list) -> bool {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(revocation_list, |revocation_list| revocation_list.has_more) }
}

/// Frees the object; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_revocation_list_free(revocation_list: *mut hj_revocation_list) {
    // SAFETY: the caller promises NULL or an object that no thread uses any more ("Objects").
    unsafe { unwind::free(revocation_list) }
}
