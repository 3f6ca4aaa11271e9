//! `hj_observer`: what the host is told after each operation.

use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hellojohn_core::{Observer, OperationReport};

use crate::abi::get;
use crate::status::{HJ_OK, hj_status};
use crate::texts::{TextOffset, Texts};

/// What the host is told of an operation that has ended. It belongs to the call of hj_observer that got it and lives until that
/// call returns. It holds no secret, no token, no address and no id but the tenant's. The getters answer NULL, 0 or false for NULL.
pub struct hj_operation_report {
    texts: Texts,
    operation: TextOffset,
    tenant_id: TextOffset,
    status: hj_status,
    duration_ns: u64,
    rows: u64,
    is_from_cache: bool,
}

/// Told after each operation of an engine and its tenants, REST's included.
///
/// The library calls it on the thread that makes the call, which waits for it, without a lock: a slow observer delays its own
/// caller and no other. Several threads may call it at once. It may make any call of this library except freeing the
/// engine or a tenant; the operations that it calls are not told. It must return: no exception and no longjmp may leave it.
/// A forked child is not told.
pub type hj_observer =
    Option<unsafe extern "C" fn(user_data: *mut c_void, report: *const hj_operation_report)>;

/// Frees what `observer_data` points to.
pub type hj_observer_free = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The host's function with what it takes.
pub(crate) struct HostObserver {
    observer: unsafe extern "C" fn(*mut c_void, *const hj_operation_report),
    user_data: *mut c_void,
    free: hj_observer_free,
    /// Whether the engine that tells it is open, so that the data are the library's to free.
    is_owner: Arc<AtomicBool>,
}

// SAFETY: the host's function may be called from any thread, several at once, as its documentation ("hj_observer") says.
unsafe impl Send for HostObserver {}
// SAFETY: as above.
unsafe impl Sync for HostObserver {}

impl HostObserver {
    /// The observer, and the flag that hands the data over to the library. Nothing without a function.
    pub(crate) fn new(
        observer: hj_observer,
        user_data: *mut c_void,
        free: hj_observer_free,
    ) -> Option<(Self, Arc<AtomicBool>)> {
        let is_owner = Arc::new(AtomicBool::new(false));
        let handed_over = Arc::clone(&is_owner);
        observer.map(|observer| (HostObserver { observer, user_data, free, is_owner }, handed_over))
    }
}

impl Observer for HostObserver {
    fn observe(&self, report: &OperationReport<'_>) {
        let mut texts = Texts::default();
        let report = hj_operation_report {
            operation: texts.add(report.operation.as_str()),
            tenant_id: texts.add_optional(report.tenant_id),
            status: report.error.map_or(HJ_OK, |code| code.number()),
            duration_ns: u64::try_from(report.duration.as_nanos()).unwrap_or(u64::MAX),
            rows: report.rows,
            is_from_cache: report.is_from_cache,
            texts,
        };
        // SAFETY: the host passed a function that takes this pointer and a report until it returns ("hj_observer").
        unsafe { (self.observer)(self.user_data, &raw const report) }
    }
}

impl Drop for HostObserver {
    fn drop(&mut self) {
        if let Some(free) = self.free
            && self.is_owner.load(Ordering::Acquire)
        {
            // SAFETY: the host passed a function that takes this pointer, once; no call can reach the observer any more.
            unsafe { free(self.user_data) }
        }
    }
}

/// The name of the operation, such as "create"; docs/OBSERVABILITY.md lists them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_operation_report_operation(report: *const hj_operation_report) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.texts.c_str(report.operation)) }
}

/// The tenant; NULL for an operation of the whole engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_operation_report_tenant_id(report: *const hj_operation_report) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.texts.c_str(report.tenant_id)) }
}

/// How the operation ended: HJ_OK, or why it was refused or failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_operation_report_status(report: *const hj_operation_report) -> hj_status {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.status) }
}

/// How long the operation took, in nanoseconds; with a clock of the host's, by that one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_operation_report_duration_ns(report: *const hj_operation_report) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.duration_ns) }
}

/// How many sessions, keys or events the answer tells of, or were changed; 0 for an operation that did not succeed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_operation_report_rows(report: *const hj_operation_report) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.rows) }
}

/// Whether the engine had the answer, of a token or a list, in its cache.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_operation_report_is_from_cache(report: *const hj_operation_report) -> bool {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.is_from_cache) }
}
