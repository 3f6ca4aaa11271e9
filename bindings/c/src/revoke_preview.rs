//! `hj_revoke_preview`: what ending the sessions of a filter would come to.

use std::ffi::c_char;
use std::ptr;

use hellojohn_core::RevokePreview;

use crate::abi::get;
use crate::session::hj_session;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// What ending the sessions of a filter would come to. The getters answer NULL or 0 for a NULL preview.
pub struct hj_revoke_preview {
    count: u64,
    sample: Vec<hj_session>,
    texts: Texts,
    plan: TextOffset,
}

impl hj_revoke_preview {
    pub(crate) fn new(preview: &RevokePreview) -> Self {
        let mut texts = Texts::default();
        hj_revoke_preview {
            count: preview.count,
            sample: preview.sample.iter().map(hj_session::new).collect(),
            plan: texts.add_optional(Some(&preview.plan)),
            texts,
        }
    }
}

/// How many sessions match.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_revoke_preview_count(preview: *const hj_revoke_preview) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(preview, |preview| preview.count) }
}

/// How many of them the preview shows: at most 20, the newest.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_revoke_preview_sample_count(preview: *const hj_revoke_preview) -> usize {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(preview, |preview| preview.sample.len()) }
}

/// One of them, by index, newest first; it lives inside the preview. NULL past the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_revoke_preview_sample(
    preview: *const hj_revoke_preview,
    index: usize,
) -> *const hj_session {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(preview, |preview| preview.sample.get(index).map_or(ptr::null(), ptr::from_ref)) }
}

/// The plan for hj_tenant_revoke_where: names the filter, the instant and the count of this preview.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_revoke_preview_plan(preview: *const hj_revoke_preview) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(preview, |preview| preview.texts.c_str(preview.plan)) }
}

/// Frees a preview with its sessions; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_revoke_preview_free(preview: *mut hj_revoke_preview) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(preview) }
}
