//! `hj_page`: one page of a list of sessions.

use std::ffi::c_char;
use std::ptr;

use hellojohn_core::{Page, Session};

use crate::abi::get;
use crate::session::hj_session;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// One page of a list of sessions, newest first. The getters answer NULL or 0 for a NULL page.
pub struct hj_page {
    sessions: Vec<hj_session>,
    texts: Texts,
    next_cursor: TextOffset,
}

impl hj_page {
    pub(crate) fn new(page: &Page<Session>) -> Self {
        let mut texts = Texts::default();
        hj_page {
            sessions: page.data.iter().map(hj_session::new).collect(),
            next_cursor: texts.add_optional(page.next_cursor.as_ref()),
            texts,
        }
    }
}

/// How many sessions are on the page.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_page_count(page: *const hj_page) -> usize {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(page, |page| page.sessions.len()) }
}

/// A session of the page, by index; it lives inside the page. NULL past the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_page_session(page: *const hj_page, index: usize) -> *const hj_session {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(page, |page| page.sessions.get(index).map_or(ptr::null(), ptr::from_ref)) }
}

/// The cursor of the next page; NULL on the last page, and only there: a page may be short or empty before it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_page_next_cursor(page: *const hj_page) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(page, |page| page.texts.c_str(page.next_cursor)) }
}

/// Frees a page with its sessions; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_page_free(page: *mut hj_page) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(page) }
}
