//! Moving to another database: from a file to a server, back, or to another one of the same kind (SPEC 14).

use std::ffi::OsStr;

use crate::error::Error;
use crate::store::copy_report::{CopyReport, CopyStep};
use crate::store::{self, Database, SqliteDatabase, StoreOptions};

/// How long one step waits for other writers.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);

/// Copies a whole database, of every tenant, into another one: a file or the URL of a PostgreSQL database each. Every token stays
/// good: an engine that opens `to` afterwards goes on where those of `from` have stopped. Needs no secret key.
///
/// Close every engine on `from` before, or copy beside them first and once more after they are closed: a copy compares, and
/// writes only what differs, so the second one is short. What an engine writes to `from` later is not in `to`. A copy that was cut
/// off is taken up by calling again. No engine may use `to` before the copy is whole.
///
/// At the end both databases are read again; the answer tells the counts and the checksum that they have in common. Memory does
/// not grow with the database. `progress` is called after each thousand rows. `to` is created if it is not there.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let (from, to) = (folder.path().join("sessions.db"), folder.path().join("moved.db"));
/// # hellojohn::Engine::open(&from)?.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// let report = hellojohn::copy_database(&from, &to, |step| {
///     println!("{}: {} of {} rows", step.phase.as_str(), step.rows, step.total_rows);
/// })?;
/// assert_eq!(report.tenants, 1);
/// # Ok::<(), hellojohn::Error>(())
/// ```
///
/// # Errors
/// `validation_error` for `:memory:`, for one database given twice, and where `to` holds what `from` does not have: another
/// tenant, or sessions that are newer because an engine has used `to`; nothing of that is overwritten. `storage_busy` while
/// engines go on changing `from`. `storage_io` if `from` is not there; the other errors of [`Engine::open`](crate::Engine::open).
pub fn copy_database(
    from: impl AsRef<OsStr>,
    to: impl AsRef<OsStr>,
    mut progress: impl FnMut(CopyStep),
) -> Result<CopyReport, Error> {
    let (from, to) = (find("from", from.as_ref())?, find("to", to.as_ref())?);
    if from == to {
        return Err(Error::validation("to", "is the database that is copied"));
    }
    let options = StoreOptions { busy_timeout: BUSY_TIMEOUT, ..StoreOptions::default() };
    Ok(store::copy(from, to, options, &mut progress)?)
}

/// A database that outlives this process.
fn find(field: &str, text: &OsStr) -> Result<Database, Error> {
    match Database::parse(text)? {
        Database::Sqlite(SqliteDatabase::Memory) => {
            Err(Error::validation(field, "must be a file or the URL of a database"))
        }
        database => Ok(database),
    }
}
