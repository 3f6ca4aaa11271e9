//! Importing the sessions of another system.

use std::ffi::c_void;

use hellojohn_core::{Error, ImportRequest};

use super::hj_tenant;
use crate::abi::{OptionStruct, hj_str};
use crate::error::hj_error;
use crate::guard::call;
use crate::import_report::hj_import_report;
use crate::status::hj_status;

/// Told how far an import has come, after each batch of rows, on the thread of the call: `rows` of the source are dealt with.
/// It must return, without an exception.
pub type hj_import_progress = Option<unsafe extern "C" fn(context: *mut c_void, rows: u64)>;

/// How to import; everything is optional. See "Option structs".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_import_options {
    /// sizeof(hj_import_options).
    pub struct_size: usize,
    /// Report what an import would do, and change nothing.
    pub dry_run: bool,
    /// Fail at the first bad row, after the rows before it are imported. By default a bad row is reported and skipped.
    pub stop_at_bad_row: bool,
    /// Told how far the import has come; NULL for none.
    pub progress: hj_import_progress,
    /// Handed to `progress`.
    pub progress_context: *mut c_void,
}

// SAFETY: repr(C), starts with its size; zero is "not given", false and NULL.
unsafe impl OptionStruct for hj_import_options {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Imports the sessions of another system from a file of JSON Lines: one object a line with "user_id", "credential" or
/// "credential_sha256" (64 hexadecimal digits), and, each optional, "external_id" (the name of the session there),
/// "created_at", "last_active_at", "expires_at" (milliseconds since the epoch), and the fields of hj_create_options but for
/// `duration` and the client hints. Their clients exchange what they hold by hj_tenant_adopt.
///
/// An imported session is there at once: it is listed, counted and can be revoked. It keeps the time of its sign-in and ends
/// at the earlier of "expires_at" and "created_at" + session_duration. What has ended by now is counted and not imported. Of
/// the credential only SHA-256 is kept. No session is ended: the user's cap binds at the next sign-in.
///
/// Rows are written in small transactions that give way to other calls. An import that was cut off is taken up by calling
/// again: the same credential, and the same external id, is one session.
///
/// `options` may be NULL. Fails with HJ_ERR_STORAGE_IO if the file cannot be read, and with `stop_at_bad_row` with
/// HJ_ERR_VALIDATION_ERROR, whose detail names the line; the rows before are imported then.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_import(
    tenant: *const hj_tenant,
    path: hj_str,
    options: *const hj_import_options,
    report: *mut *mut hj_import_report,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([report], error, || {
        let report = report.require("report")?;
        // SAFETY: the caller keeps "Objects", "Option structs" and "Strings".
        let (tenant, path, options) = unsafe {
            let options: hj_import_options = OptionStruct::read(options)?;
            (hj_tenant::require(tenant)?, path.read_text("path")?, options)
        };
        let path = path.ok_or_else(|| Error::validation("path", "is required"))?;
        let request =
            ImportRequest::default().dry_run(options.dry_run).stop_at_bad_row(options.stop_at_bad_row);
        let imported = tenant.import_file(path, &request, |so_far| {
            if let Some(progress) = options.progress {
                // SAFETY: the host's function takes its own context, until this call returns.
                unsafe { progress(options.progress_context, so_far.rows) };
            }
        })?;
        report.give(hj_import_report::new(&imported));
        Ok(())
    })
}
