//! Copies of a whole database: a backup, and a database from one.

use std::ffi::c_void;

use hellojohn_core::{Error, Jwks, RestorePolicy};

use crate::abi::hj_str;
use crate::error::hj_error;
use crate::guard::call;
use crate::replay_report::hj_replay_report;
use crate::status::hj_status;

/// Told how far a copy has come, after each megabyte, on the thread of the call. It must return, without an exception.
pub type hj_progress =
    Option<unsafe extern "C" fn(context: *mut c_void, copied_bytes: u64, total_bytes: u64)>;

/// Copies the database in the file at this path, of every tenant and as it is at one instant, into the new file `to`, which is
/// on disk when this returns. Needs no secret key and no engine; other threads and processes may use the database meanwhile.
/// The copy is one read of the whole database, during which the log cannot be emptied and grows. New files have the mode 0600.
///
/// `progress` may be NULL; it is called with `context`. Fails with HJ_ERR_STORAGE_IO where a file is at `to` already, which is
/// never replaced, for a database that is not there, and where the copy cannot be written; HJ_ERR_STORAGE_FULL,
/// HJ_ERR_STORAGE_READ_ONLY, HJ_ERR_STORAGE_BUSY, HJ_ERR_STORAGE_CORRUPT, HJ_ERR_VALIDATION_ERROR (also for ":memory:"),
/// HJ_ERR_FORKED. A call that fails leaves no file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_backup_database(
    database: hj_str,
    to: hj_str,
    progress: hj_progress,
    context: *mut c_void,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Strings".
        let (database, to) = unsafe { (database.require_text("database")?, to.require_text("to")?) };
        hellojohn_core::backup_database(database, to, |copied| {
            if let Some(progress) = progress {
                // SAFETY: the host's function takes its own context, until this call returns.
                unsafe { progress(context, copied.copied_bytes, copied.total_bytes) };
            }
        })
    })
}

/// Makes the database in the file `to` from a backup, in place of what is there. No engine may have `to` open.
///
/// `policy` must be given: "end_all" ends every session (reason "restored"), so that none that ended after the backup was made
/// lives again; "keep" leaves sessions as they were then. Fails with HJ_ERR_STORAGE_CORRUPT if hj_check_database finds anything
/// in the backup, and if what is at `to` is damaged (move it away first), with HJ_ERR_STORAGE_BUSY while an engine has `to`
/// open, and as hj_backup_database does. `to` is as it was then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_restore_database(
    backup: hj_str,
    to: hj_str,
    policy: hj_str,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Strings".
        let (backup, to, policy): (_, _, RestorePolicy) =
            unsafe { (backup.require_text("backup")?, to.require_text("to")?, policy.require("policy")?) };
        hellojohn_core::restore_database(backup, to, policy)
    })
}

/// hj_restore_database for a tenant whose events were exported after the backup was made: each session that ended since gets the end
/// that the log tells of, and the others stay signed in. Every session of another tenant ends. `log` is a file that
/// hj_tenant_export_events wrote, `jwks_json` the JWK Set of the time of the export. The log's events become the tenant's again, with their
/// numbers and seals. What ended after the export lives again; settings and keys are those of the backup: `report` tells what to do
/// again.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for a log that hj_verify_event_log finds anything in, that no key of the set vouches for to its
/// end, of a tenant that the backup does not have, that does not follow the last event of the backup, and that does not tell of every
/// end because events were off for a time; with HJ_ERR_STORAGE_IO for one that cannot be read; and as hj_restore_database does. `to` is
/// as it was then.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_restore_database_with_events(
    backup: hj_str,
    to: hj_str,
    log: hj_str,
    jwks_json: hj_str,
    report: *mut *mut hj_replay_report,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([report], error, || {
        let report = report.require("report")?;
        // SAFETY: the caller keeps "Strings".
        let (backup, to, log, keys): (_, _, _, Jwks) = unsafe {
            (
                backup.require_text("backup")?,
                to.require_text("to")?,
                log.read_text("log")?,
                jwks_json.require("jwks")?,
            )
        };
        let log = log.ok_or_else(|| Error::validation("log", "is required"))?;
        report.give(hj_replay_report::new(&hellojohn_core::restore_database_with_events(
            backup, to, log, &keys,
        )?));
        Ok(())
    })
}
