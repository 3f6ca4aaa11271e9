//! Written by `make generate` from core's schema; do not edit.

use hellojohn_core::StatsPeriod;

use crate::abi::get;
use crate::unwind;

/// What happened in each hour of a day or each day of a month, oldest first. The getters answer 0 for NULL
/// periods and past the end.
pub struct hj_stats_periods {
    items: Vec<Item>,
}

struct Item {
    begins_at: i64,
    ends_at: i64,
    created: u64,
    active: u64,
    ended: u64,
    ended_sign_out: u64,
    ended_revoked: u64,
    ended_revoke_all: u64,
    ended_revoke_tenant: u64,
    ended_max_sessions: u64,
    ended_idle_timeout: u64,
    ended_refresh_token_reuse: u64,
    ended_restored: u64,
    ended_expired: u64,
}

impl hj_stats_periods {
    pub(crate) fn new(stats_periods: &[StatsPeriod]) -> Self {
        let items = stats_periods
            .iter()
            .map(|period| Item {
                begins_at: period.begins_at.as_millis(),
                ends_at: period.ends_at.as_millis(),
                created: period.created,
                active: period.active,
                ended: period.ended,
                ended_sign_out: period.ended_sign_out,
                ended_revoked: period.ended_revoked,
                ended_revoke_all: period.ended_revoke_all,
                ended_revoke_tenant: period.ended_revoke_tenant,
                ended_max_sessions: period.ended_max_sessions,
                ended_idle_timeout: period.ended_idle_timeout,
                ended_refresh_token_reuse: period.ended_refresh_token_reuse,
                ended_restored: period.ended_restored,
                ended_expired: period.ended_expired,
            })
            .collect();
        hj_stats_periods { items }
    }
}

/// How many periods there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_count(stats_periods: *const hj_stats_periods) -> usize {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(stats_periods, |stats_periods| stats_periods.items.len()) }
}

/// When it begins; this instant itself belongs to the period before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_begins_at_ms(
    stats_periods: *const hj_stats_periods,
    index: usize,
) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(stats_periods, |stats_periods| {
            stats_periods.items.get(index).map_or(0, |period| period.begins_at)
        })
    }
}

/// When it ends; the last period ends at the engine's now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_ends_at_ms(
    stats_periods: *const hj_stats_periods,
    index: usize,
) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(stats_periods, |stats_periods| stats_periods.items.get(index).map_or(0, |period| period.ends_at))
    }
}

/// Sign-ins.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_created(
    stats_periods: *const hj_stats_periods,
    index: usize,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(stats_periods, |stats_periods| stats_periods.items.get(index).map_or(0, |period| period.created))
    }
}

/// Sessions that were active at its end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_active(
    stats_periods: *const hj_stats_periods,
    index: usize,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(stats_periods, |stats_periods| stats_periods.items.get(index).map_or(0, |period| period.active))
    }
}

/// Sessions that ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_ended(stats_periods: *const hj_stats_periods, index: usize) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(stats_periods, |stats_periods| stats_periods.items.get(index).map_or(0, |period| period.ended))
    }
}

/// Of these: the device signed out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_ended_sign_out(
    stats_periods: *const hj_stats_periods,
    index: usize,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(stats_periods, |stats_periods| {
            stats_periods.items.get(index).map_or(0, |period| period.ended_sign_out)
        })
    }
}

/// Of these: ended by request, one session or those of a filter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_ended_revoked(
    stats_periods: *const hj_stats_periods,
    index: usize,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(stats_periods, |stats_periods| {
            stats_periods.items.get(index).map_or(0, |period| period.ended_revoked)
        })
    }
}

/// Of these: all sessions of the user were ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_ended_revoke_all(
    stats_periods: *const hj_stats_periods,
    index: usize,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(stats_periods, |stats_periods| {
            stats_periods.items.get(index).map_or(0, |period| period.ended_revoke_all)
        })
    }
}

/// Of these: all sessions of the tenant were ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_ended_revoke_tenant(
    stats_periods: *const hj_stats_periods,
    index: usize,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(stats_periods, |stats_periods| {
            stats_periods.items.get(index).map_or(0, |period| period.ended_revoke_tenant)
        })
    }
}

/// Of these: replaced by a newer sign-in under the cap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_ended_max_sessions(
    stats_periods: *const hj_stats_periods,
    index: usize,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(stats_periods, |stats_periods| {
            stats_periods.items.get(index).map_or(0, |period| period.ended_max_sessions)
        })
    }
}

/// Of these: idle for too long.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_ended_idle_timeout(
    stats_periods: *const hj_stats_periods,
    index: usize,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(stats_periods, |stats_periods| {
            stats_periods.items.get(index).map_or(0, |period| period.ended_idle_timeout)
        })
    }
}

/// Of these: an old refresh token was presented.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_ended_refresh_token_reuse(
    stats_periods: *const hj_stats_periods,
    index: usize,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(stats_periods, |stats_periods| {
            stats_periods.items.get(index).map_or(0, |period| period.ended_refresh_token_reuse)
        })
    }
}

/// Of these: ended by the restore of a backup.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_ended_restored(
    stats_periods: *const hj_stats_periods,
    index: usize,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(stats_periods, |stats_periods| {
            stats_periods.items.get(index).map_or(0, |period| period.ended_restored)
        })
    }
}

/// Of these: reached their end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_ended_expired(
    stats_periods: *const hj_stats_periods,
    index: usize,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe {
        get(stats_periods, |stats_periods| {
            stats_periods.items.get(index).map_or(0, |period| period.ended_expired)
        })
    }
}

/// Frees the object; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_stats_periods_free(stats_periods: *mut hj_stats_periods) {
    // SAFETY: the caller promises NULL or an object that no thread uses any more ("Objects").
    unsafe { unwind::free(stats_periods) }
}
