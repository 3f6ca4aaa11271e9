//! Written by `make generate` from core's schema; do not edit.

use hellojohn_core::ReplayReport;

use crate::abi::get;
use crate::unwind;

/// What a restore has made of an exported log of events, and what to do again by hand. The getters answer 0
/// or false for a NULL report.
pub struct hj_replay_report {
    exported_at: i64,
    events: u64,
    ended: u64,
    rest_ended: bool,
    lost_sessions: u64,
    undone_updates: u64,
    undone_settings: u64,
    revived_keys: u64,
    undone_secret_keys: u64,
}

impl hj_replay_report {
    pub(crate) fn new(replay_report: &ReplayReport) -> Self {
        hj_replay_report {
            exported_at: replay_report.exported_at.as_millis(),
            events: replay_report.events,
            ended: replay_report.ended,
            rest_ended: replay_report.rest_ended,
            lost_sessions: replay_report.lost_sessions,
            undone_updates: replay_report.undone_updates,
            undone_settings: replay_report.undone_settings,
            revived_keys: replay_report.revived_keys,
            undone_secret_keys: replay_report.undone_secret_keys,
        }
    }
}

/// When the log was exported: what ended later lives again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_replay_report_exported_at_ms(replay_report: *const hj_replay_report) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(replay_report, |replay_report| replay_report.exported_at) }
}

/// How many events came after the backup. They are in the database again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_replay_report_events(replay_report: *const hj_replay_report) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(replay_report, |replay_report| replay_report.events) }
}

/// How many sessions of the backup have got the end that the log tells of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_replay_report_ended(replay_report: *const hj_replay_report) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(replay_report, |replay_report| replay_report.ended) }
}

/// Whether every other session of the tenant has ended too (reason "restored"), because the refresh key was
/// replaced after the backup was made: the key of the backup, under which former refresh tokens are good, is
/// in force again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_replay_report_rest_ended(replay_report: *const hj_replay_report) -> bool {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(replay_report, |replay_report| replay_report.rest_ended) }
}

/// How many sessions began after the backup was made. They are lost: their users sign in again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_replay_report_lost_sessions(replay_report: *const hj_replay_report) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(replay_report, |replay_report| replay_report.lost_sessions) }
}

/// How many changes of a role or of other members of sessions are undone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_replay_report_undone_updates(replay_report: *const hj_replay_report) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(replay_report, |replay_report| replay_report.undone_updates) }
}

/// How many changes of settings are undone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_replay_report_undone_settings(replay_report: *const hj_replay_report) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(replay_report, |replay_report| replay_report.undone_settings) }
}

/// How many keys were retired since that the backup holds as the active or the next one: they sign again.
/// Rotate and retire them if they had leaked. Those that the backup holds as retiring are retired again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_replay_report_revived_keys(replay_report: *const hj_replay_report) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(replay_report, |replay_report| replay_report.revived_keys) }
}

/// How many changes of the secret key are undone: the former one opens the tenant again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_replay_report_undone_secret_keys(replay_report: *const hj_replay_report) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(replay_report, |replay_report| replay_report.undone_secret_keys) }
}

/// Frees the object; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_replay_report_free(replay_report: *mut hj_replay_report) {
    // SAFETY: the caller promises NULL or an object that no thread uses any more ("Objects").
    unsafe { unwind::free(replay_report) }
}
