//! Shortening the leases on a database that machines share (SPEC 20.1).

use std::ffi::OsStr;
use std::time::Duration;

use crate::error::Error;
use crate::store::{self, Database, StoreOptions, VerifyMode};

/// How long it waits for other writers and for the server.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// Shortens the time for which the machines on a PostgreSQL database may remember a verification ([`VerifyMode::Lease`]) to at most
/// this, zero for not at all, and waits until the longer leases have ended, some 5 seconds at most. Answers with the time that calls wait
/// from now on that end a session: no longer than `longest`.
///
/// An engine lengthens it when it is opened with a longer lease; nothing shortens it but this. So open the engines anew with
/// the shorter lease first, or without one. Engines that are open with a longer one go on with the shorter one. The parameter
/// `verify` of the URL plays no part.
///
/// ```no_run
/// use std::time::Duration;
///
/// let wait = hellojohn::lower_lease("postgres://app@db.example/app", Duration::ZERO)?;
/// assert_eq!(wait, Duration::ZERO);
/// # Ok::<(), hellojohn::Error>(())
/// ```
///
/// # Errors
/// `validation_error` for a file, and for a time that is over 5 seconds or no whole number of milliseconds; `storage_busy` if an
/// engine was opened meanwhile that asks for a longer lease; `storage_io` for a schema without tables; the other errors of
/// [`Engine::open`](crate::Engine::open).
pub fn lower_lease(database: impl AsRef<OsStr>, longest: Duration) -> Result<Duration, Error> {
    if longest > VerifyMode::LONGEST || !longest.subsec_nanos().is_multiple_of(1_000_000) {
        return Err(Error::validation("longest", "must be a whole number of milliseconds up to 5000"));
    }
    let database = Database::parse(database.as_ref())?;
    let options = StoreOptions { busy_timeout: BUSY_TIMEOUT, ..StoreOptions::default() };
    let longest_ms = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
    let wait_ms = store::lower_lease(database, options, longest_ms)?;
    Ok(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)))
}
