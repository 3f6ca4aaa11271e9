//! Checking a database without opening an engine on it.

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::error::Error;
use crate::store::check_report::CheckReport;
use crate::store::{self, Database, SqliteDatabase, StoreOptions};

/// Reads the whole database at this path, of every tenant, and tells what is wrong with it: SQLite's integrity and foreign
/// key checks, the schema against this library's, every row against the types of its values. Needs no secret key and
/// writes nothing. A check that finds nothing says that the file is sound, not that no program has changed a value.
///
/// Hosts may go on meanwhile. Rows are read in short transactions; the integrity check is one read of the whole database,
/// during which the log cannot be emptied and grows. A million sessions take some ten seconds, two thirds of them for that
/// one read. Memory does not grow with the file.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("sessions.db");
/// # hellojohn::Engine::open(&path)?.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// let report = hellojohn::check_database(&path)?;
/// assert!(report.ok, "{:?}", report.problems);
/// assert_eq!(report.counts.tenants, 1);
/// # Ok::<(), hellojohn::Error>(())
/// ```
///
/// # Errors
/// A file that is damaged or foreign is a report, not an error. `storage_io` for a file that is not there or cannot be read,
/// `storage_busy` for one that another process has locked for 5 seconds, `storage_too_new`; `validation_error` for
/// `:memory:` and for a database URL; `forked` in a child of a process that had used the
/// library before the fork.
pub fn check_database(path: impl AsRef<OsStr>) -> Result<CheckReport, Error> {
    let path = require_file("database", path.as_ref())?;
    Ok(store::check(&path, &StoreOptions::default())?)
}

/// The path of a database that has to be a file.
pub(super) fn require_file(field: &str, path: &OsStr) -> Result<PathBuf, Error> {
    match Database::parse(path)? {
        Database::Sqlite(SqliteDatabase::File(path)) => Ok(path),
        _ => Err(Error::validation(field, "must be a file")),
    }
}
