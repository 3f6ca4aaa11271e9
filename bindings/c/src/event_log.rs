//! Checking an exported log of events, for which no engine is needed.

use hellojohn_core::{Error, Jwks};

use crate::abi::hj_str;
use crate::error::hj_error;
use crate::event_log_report::hj_event_log_report;
use crate::guard::call;
use crate::status::hj_status;

/// Checks a log that hj_tenant_export_events wrote, and names the first event that was changed, removed, inserted or moved, or
/// the place where the log was cut off. Needs no database and no secret: only the public keys of the time of the export, as
/// hj_tenant_jwks gave them.
///
/// What is wrong with the log is in the report. Fails with HJ_ERR_STORAGE_IO when the file cannot be read, and with
/// HJ_ERR_VALIDATION_ERROR for a text that is no JWK Set.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_verify_event_log(
    path: hj_str,
    jwks_json: hj_str,
    report: *mut *mut hj_event_log_report,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([report], error, || {
        let report = report.require("report")?;
        // SAFETY: the caller keeps "Strings".
        let (path, keys): (_, Jwks) = unsafe { (path.read_text("path")?, jwks_json.require("jwks")?) };
        let path = path.ok_or_else(|| Error::validation("path", "is required"))?;
        report.give(hj_event_log_report::new(&hellojohn_core::verify_event_log_file(path, &keys)?));
        Ok(())
    })
}
