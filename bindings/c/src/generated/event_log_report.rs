//! Written by `make generate` from core's schema; do not edit.

use std::ffi::c_char;

use hellojohn_core::{EventLogReport, Timestamp};

use crate::abi::get;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// What a check of an exported log of events has found. The getters answer NULL, 0 or false for a NULL
/// report.
pub struct hj_event_log_report {
    texts: Texts,
    ok: bool,
    tenant_id: TextOffset,
    events: u64,
    first_seq: u64,
    vouched_through: u64,
    exported_at: i64,
    problem: TextOffset,
    problem_seq: u64,
    problem_line: u64,
    detail: TextOffset,
}

impl hj_event_log_report {
    pub(crate) fn new(event_log_report: &EventLogReport) -> Self {
        let mut texts = Texts::with_capacity(512);
        hj_event_log_report {
            ok: event_log_report.ok,
            tenant_id: texts.add_optional(event_log_report.tenant_id.as_ref()),
            events: event_log_report.events,
            first_seq: event_log_report.first_seq.unwrap_or(0),
            vouched_through: event_log_report.vouched_through,
            exported_at: event_log_report.exported_at.map_or(0, Timestamp::as_millis),
            problem: texts.add_optional(event_log_report.problem.as_ref()),
            problem_seq: event_log_report.problem_seq.unwrap_or(0),
            problem_line: event_log_report.problem_line.unwrap_or(0),
            detail: texts.add_optional(event_log_report.detail.as_ref()),
            texts,
        }
    }
}

/// Whether the log is as it was exported.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_log_report_ok(event_log_report: *const hj_event_log_report) -> bool {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event_log_report, |event_log_report| event_log_report.ok) }
}

/// Whose events the log has, as it says itself. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_log_report_tenant_id(
    event_log_report: *const hj_event_log_report,
) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(event_log_report, |event_log_report| event_log_report.texts.c_str(event_log_report.tenant_id))
    }
}

/// How many events were read up to the first problem.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_log_report_events(event_log_report: *const hj_event_log_report) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event_log_report, |event_log_report| event_log_report.events) }
}

/// The number of the first event; those before it are not in the log. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_log_report_first_seq(event_log_report: *const hj_event_log_report) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event_log_report, |event_log_report| event_log_report.first_seq) }
}

/// The number of the last event for which a seal vouches that a given key has signed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_log_report_vouched_through(
    event_log_report: *const hj_event_log_report,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event_log_report, |event_log_report| event_log_report.vouched_through) }
}

/// When the log was exported, if it has its end. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_log_report_exported_at_ms(
    event_log_report: *const hj_event_log_report,
) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event_log_report, |event_log_report| event_log_report.exported_at) }
}

/// The first problem. One of "malformed", "changed", "removed", "inserted", "moved", "truncated",
/// "bad_signature" or "unverified". NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_log_report_problem(
    event_log_report: *const hj_event_log_report,
) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(event_log_report, |event_log_report| event_log_report.texts.c_str(event_log_report.problem))
    }
}

/// The number of the event that the problem is about: the first one that is not as it was. 0 if there is
/// none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_log_report_problem_seq(
    event_log_report: *const hj_event_log_report,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event_log_report, |event_log_report| event_log_report.problem_seq) }
}

/// The line of the log at which the problem was found, counted from 1. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_log_report_problem_line(
    event_log_report: *const hj_event_log_report,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event_log_report, |event_log_report| event_log_report.problem_line) }
}

/// The problem in a sentence. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_log_report_detail(
    event_log_report: *const hj_event_log_report,
) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event_log_report, |event_log_report| event_log_report.texts.c_str(event_log_report.detail)) }
}

/// Frees the object; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_log_report_free(event_log_report: *mut hj_event_log_report) {
    // SAFETY: the caller promises NULL or an object that no thread uses any more ("Objects").
    unsafe { unwind::free(event_log_report) }
}
