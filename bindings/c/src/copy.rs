//! Moving a whole database to another file or server.

use std::ffi::c_void;

use hellojohn_core::CopyPhase;

use crate::abi::hj_str;
use crate::copy_report::hj_copy_report;
use crate::error::hj_error;
use crate::guard::call;
use crate::status::hj_status;

/// What a copy of a database is at: one of HJ_COPY_….
pub type hj_copy_phase = i32;

/// The rows of the source are counted and read for the first time.
pub const HJ_COPY_COUNT: hj_copy_phase = 0;
/// Rows are compared, and written where they differ.
pub const HJ_COPY_ROWS: hj_copy_phase = 1;
/// Both databases are read again and compared.
pub const HJ_COPY_VERIFY: hj_copy_phase = 2;

/// Told how far a copy has come, after each thousand rows, on the thread of the call: `rows` of about `total_rows` of the phase,
/// which are 0 while they are being counted. A phase may come again if the source was changed meanwhile. It must return,
/// without an exception.
pub type hj_copy_progress =
    Option<unsafe extern "C" fn(context: *mut c_void, phase: hj_copy_phase, rows: u64, total_rows: u64)>;

/// Copies a whole database, of every tenant, into another one: a file or the URL of a PostgreSQL database each. Every token stays
/// good: an engine that opens `to` afterwards goes on where those of `from` have stopped. Needs no secret key. `to` is created if
/// it is not there.
///
/// Close every engine on `from` before, or copy beside them first and once more after they are closed: a copy compares, and writes
/// only what differs, so the second one is short. What an engine writes to `from` later is not in `to`. A copy that was cut off is
/// taken up by calling again. No engine may use `to` before the copy is whole.
///
/// At the end both databases are read again; the report tells the counts and the checksum that they have in common. `progress` may
/// be NULL; it is called with `context`. Fails with HJ_ERR_VALIDATION_ERROR for ":memory:", for one database given twice, and
/// where `to` holds another tenant, or sessions that are newer because an engine has used it: nothing of that is overwritten;
/// HJ_ERR_STORAGE_BUSY while engines go on changing `from`; HJ_ERR_STORAGE_IO if `from` is not there; and as hj_engine_open does.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_copy_database(
    from: hj_str,
    to: hj_str,
    progress: hj_copy_progress,
    context: *mut c_void,
    report: *mut *mut hj_copy_report,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([report], error, || {
        let report = report.require("report")?;
        // SAFETY: the caller keeps "Strings".
        let (from, to) = unsafe { (from.require_text("from")?, to.require_text("to")?) };
        let copied = hellojohn_core::copy_database(from, to, |step| {
            let phase = match step.phase {
                CopyPhase::Copy => HJ_COPY_ROWS,
                CopyPhase::Verify => HJ_COPY_VERIFY,
                _ => HJ_COPY_COUNT,
            };
            if let Some(progress) = progress {
                // SAFETY: the host's function takes its own context, until this call returns.
                unsafe { progress(context, phase, step.rows, step.total_rows) };
            }
        })?;
        report.give(hj_copy_report::new(&copied));
        Ok(())
    })
}
