//! Maintenance: no answer depends on it.

use hellojohn_core::{PurgeBefore, SeriesSpan, Timestamp};

use super::hj_tenant;
use crate::abi::hj_str;
use crate::error::hj_error;
use crate::guard::call;
use crate::maintenance_report::hj_maintenance_report;
use crate::stats::hj_stats;
use crate::stats_periods::hj_stats_periods;
use crate::status::hj_status;

/// Writes down the ends of sessions that the clock has ended, in small transactions; no answer depends on it. Takes half of
/// the time that it could take and gives way to other writes. `stamped` may be NULL and counts these sessions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_sweep(
    tenant: *const hj_tenant,
    stamped: *mut u64,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([stamped], error, || {
        // SAFETY: the caller keeps "Objects".
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        stamped.put(tenant.sweep()?);
        Ok(())
    })
}

/// Deletes the records of sessions that ended longer ago than this ("90d"), in small transactions that give way
/// to other writes. Afterwards no call finds these sessions. `purged` may be NULL and counts them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_purge_older_than(
    tenant: *const hj_tenant,
    older_than: hj_str,
    purged: *mut u64,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([purged], error, || {
        // SAFETY: the caller keeps "Objects" and "Strings".
        let (tenant, age) = unsafe { (hj_tenant::require(tenant)?, older_than.require_text("older_than")?) };
        // Through the JSON form, whose errors name this field.
        let before =
            PurgeBefore::from_json(serde_json::Map::from_iter([("older_than".to_owned(), age.into())]))?;
        purged.put(tenant.purge(before)?);
        Ok(())
    })
}

/// Deletes the records of sessions that ended before this time; otherwise as hj_tenant_purge_older_than.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_purge_before(
    tenant: *const hj_tenant,
    before_at_ms: i64,
    purged: *mut u64,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([purged], error, || {
        // SAFETY: the caller keeps "Objects".
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        purged.put(tenant.purge(PurgeBefore::Time(Timestamp::from_millis(before_at_ms)))?);
        Ok(())
    })
}

/// Counts the tenant's sessions. The call reads each of them, 1,000 in one read transaction: the counts of a large tenant are
/// of slightly different instants.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_stats(
    tenant: *const hj_tenant,
    stats: *mut *mut hj_stats,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([stats], error, || {
        let stats = stats.require("stats")?;
        // SAFETY: the caller keeps "Objects".
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        stats.give(hj_stats::new(&tenant.stats()?));
        Ok(())
    })
}

/// Does one bounded round of maintenance: writes down the ends of sessions that the clock has ended, deletes the records of
/// sessions that ended longer ago than record_retention, seals events and deletes those that were sealed longer ago than
/// event_retention, retires drained signing keys. It gives way to other writes. Call it every few minutes, and again at once
/// while hj_maintenance_report_has_more says so. `report` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_maintain(
    tenant: *const hj_tenant,
    report: *mut *mut hj_maintenance_report,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([report], error, || {
        // SAFETY: the caller keeps "Objects".
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        report.give(hj_maintenance_report::new(&tenant.maintain()?));
        Ok(())
    })
}

/// Counts as hj_tenant_stats does, and says in the same walk how many sessions began, ended and were active in each hour of the
/// last 24 ("24h") or each day of the last 30 ("30d"). A session whose record was purged is in none of the periods.
///
/// `stats` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR for another series.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_stats_series(
    tenant: *const hj_tenant,
    series: hj_str,
    stats: *mut *mut hj_stats,
    periods: *mut *mut hj_stats_periods,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([stats, periods], error, || {
        let periods = periods.require("periods")?;
        // SAFETY: the caller keeps "Objects" and "Strings".
        let (tenant, span) =
            unsafe { (hj_tenant::require(tenant)?, series.require::<SeriesSpan>("series")?) };
        let counted = tenant.stats_series(span)?;
        stats.give(hj_stats::new(&counted.stats));
        periods.give(hj_stats_periods::new(&counted.periods));
        Ok(())
    })
}
