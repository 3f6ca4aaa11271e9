//! Written by `make generate` from core's schema; do not edit.

use std::ffi::c_char;

use hellojohn_core::CopyReport;

use crate::abi::get;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// What a copy of a database into another one has come to. The getters answer NULL or 0 for a NULL report.
pub struct hj_copy_report {
    texts: Texts,
    tenants: u64,
    sessions: u64,
    signing_keys: u64,
    events: u64,
    changed_rows: u64,
    checksum: TextOffset,
}

impl hj_copy_report {
    pub(crate) fn new(copy_report: &CopyReport) -> Self {
        let mut texts = Texts::with_capacity(512);
        hj_copy_report {
            tenants: copy_report.tenants,
            sessions: copy_report.sessions,
            signing_keys: copy_report.signing_keys,
            events: copy_report.events,
            changed_rows: copy_report.changed_rows,
            checksum: texts.add(&copy_report.checksum),
            texts,
        }
    }
}

/// How many tenants both databases hold.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_copy_report_tenants(copy_report: *const hj_copy_report) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(copy_report, |copy_report| copy_report.tenants) }
}

/// How many sessions, ended ones included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_copy_report_sessions(copy_report: *const hj_copy_report) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(copy_report, |copy_report| copy_report.sessions) }
}

/// How many signing keys, retired ones included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_copy_report_signing_keys(copy_report: *const hj_copy_report) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(copy_report, |copy_report| copy_report.signing_keys) }
}

/// How many events.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_copy_report_events(copy_report: *const hj_copy_report) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(copy_report, |copy_report| copy_report.events) }
}

/// How many rows this call has added, replaced or deleted; 0 if there was nothing left to do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_copy_report_changed_rows(copy_report: *const hj_copy_report) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(copy_report, |copy_report| copy_report.changed_rows) }
}

/// SHA-256 over every value of every row, in hexadecimal digits, which was the same for both databases.
/// Releases may differ in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_copy_report_checksum(copy_report: *const hj_copy_report) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(copy_report, |copy_report| copy_report.texts.c_str(copy_report.checksum)) }
}

/// Frees the object; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_copy_report_free(copy_report: *mut hj_copy_report) {
    // SAFETY: the caller promises NULL or an object that no thread uses any more ("Objects").
    unsafe { unwind::free(copy_report) }
}
