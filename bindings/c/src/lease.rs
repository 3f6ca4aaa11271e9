//! Shortening the leases on a database that machines share.

use std::time::Duration;

use crate::abi::hj_str;
use crate::error::hj_error;
use crate::guard::call;
use crate::status::hj_status;

/// Shortens the time for which the machines on a PostgreSQL database may remember a verification (`verify` of hj_open_options,
/// "lease:250ms") to at most `longest_ms`, from 0 (not at all) to 5000 milliseconds, and waits until the longer leases have ended,
/// some 5 seconds at most. `wait_ms` receives how long calls that end a session wait from now on, in milliseconds.
///
/// An engine lengthens it when it is opened with a longer lease; nothing else shortens it. So open the engines anew with the
/// shorter lease first, or without one. The parameter `verify` of the URL plays no part. Needs no secret key.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for a file and for a time that is out of range; HJ_ERR_STORAGE_BUSY if an engine was opened
/// meanwhile that asks for a longer lease; HJ_ERR_STORAGE_IO for a database without this engine's tables; and as hj_engine_open does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_lower_lease(
    database: hj_str,
    longest_ms: u64,
    wait_ms: *mut u64,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([wait_ms], error, || {
        let wait_ms = wait_ms.require("wait_ms")?;
        // SAFETY: the caller keeps "Strings".
        let database = unsafe { database.require_text("database")? };
        let wait = hellojohn_core::lower_lease(database, Duration::from_millis(longest_ms))?;
        wait_ms.put(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        Ok(())
    })
}
