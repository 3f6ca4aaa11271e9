//! `hj_event_page`: one page of a list of events.

use std::ptr;

use hellojohn_core::EventPage;

use crate::abi::get;
use crate::event::hj_event;
use crate::unwind;

/// One page of a list of events, oldest first. The getters answer NULL, 0 or false for a NULL page.
pub struct hj_event_page {
    events: Vec<hj_event>,
    pub(crate) page: EventPage,
}

impl hj_event_page {
    pub(crate) fn new(page: EventPage) -> Self {
        hj_event_page { events: page.data.iter().map(hj_event::new).collect(), page }
    }
}

/// How many events are on the page.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_page_count(page: *const hj_event_page) -> usize {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(page, |page| page.events.len()) }
}

/// An event of the page, by index; it lives inside the page. NULL past the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_page_event(page: *const hj_event_page, index: usize) -> *const hj_event {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(page, |page| page.events.get(index).map_or(ptr::null(), ptr::from_ref)) }
}

/// The number of the last event that the page looked at: `after` of the page that follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_page_next_after(page: *const hj_event_page) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(page, |page| page.page.next_after) }
}

/// Whether there were more events to look at; a page may be short or empty before them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_page_has_more(page: *const hj_event_page) -> bool {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(page, |page| page.page.has_more) }
}

/// Frees a page with its events; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_page_free(page: *mut hj_event_page) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(page) }
}
