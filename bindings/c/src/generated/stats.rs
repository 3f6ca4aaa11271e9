//! Written by `make generate` from core's schema; do not edit.

use hellojohn_core::{Stats, Timestamp};

use crate::abi::get;
use crate::unwind;

/// Counts over a tenant, as they were when the call answered. The getters answer 0 for NULL stats.
pub struct hj_stats {
    active: u64,
    expired: u64,
    revoked: u64,
    created_last_24h: u64,
    database_bytes: u64,
    log_bytes: u64,
    oldest_unswept_at: i64,
    clock_ahead_ms: u64,
    newest_event: u64,
    newest_sealed_event: u64,
}

impl hj_stats {
    pub(crate) fn new(stats: &Stats) -> Self {
        hj_stats {
            active: stats.sessions.active,
            expired: stats.sessions.expired,
            revoked: stats.sessions.revoked,
            created_last_24h: stats.created_last_24h,
            database_bytes: stats.database_bytes,
            log_bytes: stats.log_bytes,
            oldest_unswept_at: stats.oldest_unswept_at.map_or(0, Timestamp::as_millis),
            clock_ahead_ms: stats.clock_ahead_ms,
            newest_event: stats.newest_event,
            newest_sealed_event: stats.newest_sealed_event,
        }
    }
}

/// Sessions that are active.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_active(stats: *const hj_stats) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(stats, |stats| stats.active) }
}

/// Sessions that reached their end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_expired(stats: *const hj_stats) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(stats, |stats| stats.expired) }
}

/// Sessions that were ended before it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_revoked(stats: *const hj_stats) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(stats, |stats| stats.revoked) }
}

/// Sign-ins of the last 24 hours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_created_last_24h(stats: *const hj_stats) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(stats, |stats| stats.created_last_24h) }
}

/// The size of the whole database in bytes, without the write-ahead log.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_database_bytes(stats: *const hj_stats) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(stats, |stats| stats.database_bytes) }
}

/// The size of the write-ahead log in bytes. Up to some 100 MB are normal: the log is reused from its
/// beginning, not cut. Far more means that a reader of another program holds on to an old state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_log_bytes(stats: *const hj_stats) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(stats, |stats| stats.log_bytes) }
}

/// The earliest end by the clock that no sweep has written down yet. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_oldest_unswept_at_ms(stats: *const hj_stats) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(stats, |stats| stats.oldest_unswept_at) }
}

/// By how many milliseconds the highest time that the database has seen is ahead of the clock; 0 if it is
/// not. The database keeps to that time: see "lower_clock_mark".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_clock_ahead_ms(stats: *const hj_stats) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(stats, |stats| stats.clock_ahead_ms) }
}

/// The number of the newest event, also of one that was deleted; 0 before the first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_newest_event(stats: *const hj_stats) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(stats, |stats| stats.newest_event) }
}

/// The number of the newest event that is sealed; 0 before the first seal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_newest_sealed_event(stats: *const hj_stats) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(stats, |stats| stats.newest_sealed_event) }
}

/// Frees the object; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_free(stats: *mut hj_stats) {
    // SAFETY: the caller promises NULL or an object that no thread uses any more ("Objects").
    unsafe { unwind::free(stats) }
}
