//! Written by `make generate` from core's schema; do not edit.

use hellojohn_core::MaintenanceReport;

use crate::abi::get;
use crate::unwind;

/// What one round of maintenance has done. The getters answer 0 or false for a NULL report.
pub struct hj_maintenance_report {
    stamped: u64,
    purged: u64,
    sealed_events: u64,
    deleted_events: u64,
    retired_keys: u64,
    has_more: bool,
}

impl hj_maintenance_report {
    pub(crate) fn new(maintenance_report: &MaintenanceReport) -> Self {
        hj_maintenance_report {
            stamped: maintenance_report.stamped,
            purged: maintenance_report.purged,
            sealed_events: maintenance_report.sealed_events,
            deleted_events: maintenance_report.deleted_events,
            retired_keys: maintenance_report.retired_keys,
            has_more: maintenance_report.has_more,
        }
    }
}

/// How many sessions the clock had ended and this round has written down.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_maintenance_report_stamped(
    maintenance_report: *const hj_maintenance_report,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(maintenance_report, |maintenance_report| maintenance_report.stamped) }
}

/// How many records of ended sessions it has deleted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_maintenance_report_purged(
    maintenance_report: *const hj_maintenance_report,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(maintenance_report, |maintenance_report| maintenance_report.purged) }
}

/// How many events it has sealed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_maintenance_report_sealed_events(
    maintenance_report: *const hj_maintenance_report,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(maintenance_report, |maintenance_report| maintenance_report.sealed_events) }
}

/// How many events it has deleted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_maintenance_report_deleted_events(
    maintenance_report: *const hj_maintenance_report,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(maintenance_report, |maintenance_report| maintenance_report.deleted_events) }
}

/// How many drained signing keys it has retired.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_maintenance_report_retired_keys(
    maintenance_report: *const hj_maintenance_report,
) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(maintenance_report, |maintenance_report| maintenance_report.retired_keys) }
}

/// Whether there is work left for a round at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_maintenance_report_has_more(
    maintenance_report: *const hj_maintenance_report,
) -> bool {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(maintenance_report, |maintenance_report| maintenance_report.has_more) }
}

/// Frees the object; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_maintenance_report_free(maintenance_report: *mut hj_maintenance_report) {
    // SAFETY: the caller promises NULL or an object that no thread uses any more ("Objects").
    unsafe { unwind::free(maintenance_report) }
}
