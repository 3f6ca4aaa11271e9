//! The one place that chooses a store, and the way to every file: a forked child is turned away here.

use std::path::Path;

use super::check_report::CheckReport;
use super::contract::{Store, StoreOptions};
use super::copy::run as run_copy;
use super::copy_progress::CopyProgress;
use super::copy_report::{CopyReport, CopyStep};
use super::database::{Database, SqliteDatabase};
use super::foreign_tables::ForeignTables;
#[cfg(feature = "postgres")]
use super::postgres::{ForeignServer, PostgresStore, lower_lease as lower_postgres_lease};
use super::sqlite::{self, ForeignFile, SqliteStore};
use crate::error::{ErrorCode, Failure};
use crate::fork;

/// Opens the store that keeps this database, creating the database if it is not there.
pub(crate) fn open(database: Database, options: StoreOptions) -> Result<Box<dyn Store>, Failure> {
    fork::notice_forks()?;
    match database {
        Database::Sqlite(database) => Ok(Box::new(SqliteStore::open(database, options)?)),
        #[cfg(feature = "postgres")]
        Database::Postgres(url) => Ok(Box::new(PostgresStore::open(*url, options)?)),
    }
}

/// Shortens the leases on the database at this URL; how long ending calls wait from now on, in ms.
#[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "for a store over a network"))]
pub(crate) fn lower_lease(
    database: Database,
    options: StoreOptions,
    longest_ms: i64,
) -> Result<i64, Failure> {
    fork::notice_forks()?;
    match database {
        Database::Sqlite(_) => {
            Err(Failure::new(ErrorCode::ValidationError, "database: a file has no leases"))
        }
        #[cfg(feature = "postgres")]
        Database::Postgres(url) => lower_postgres_lease(*url, options, longest_ms),
    }
}

/// Opens a database of another program, for reading only.
pub(crate) fn open_foreign(database: Database) -> Result<Box<dyn ForeignTables>, Failure> {
    fork::notice_forks()?;
    match database {
        Database::Sqlite(SqliteDatabase::Memory) => {
            Err(Failure::internal("a database in memory has no other program"))
        }
        Database::Sqlite(SqliteDatabase::File(path)) => Ok(Box::new(ForeignFile::open(&path)?)),
        #[cfg(feature = "postgres")]
        Database::Postgres(url) => Ok(Box::new(ForeignServer::open(*url)?)),
    }
}

/// Reads the whole database in this file and tells what is wrong with it.
pub(crate) fn check(path: &Path, options: &StoreOptions) -> Result<CheckReport, Failure> {
    fork::notice_forks()?;
    sqlite::check(path, options)
}

/// Copies the database in the file `from`, as it is at one instant, into the new file `to`.
pub(crate) fn backup(
    from: &Path,
    to: &Path,
    options: &StoreOptions,
    progress: &mut dyn FnMut(CopyProgress),
) -> Result<(), Failure> {
    fork::notice_forks()?;
    sqlite::backup::require_absent(to)?;
    let copy = sqlite::backup::copy(from, to, options, progress)?;
    sqlite::backup::place_new(copy, to)
}

/// Puts a copy of the database in the file `from`, once `prepare` has changed it, into the place of what is at `to`.
pub(crate) fn restore(
    from: &Path,
    to: &Path,
    options: &StoreOptions,
    prepare: &dyn Fn(&Path) -> Result<(), Failure>,
) -> Result<(), Failure> {
    fork::notice_forks()?;
    let copy = sqlite::backup::copy(from, to, options, &mut |_| {})?;
    prepare(copy.path())?;
    sqlite::backup::replace(copy, to, options)
}

/// Copies the whole database `from` into the database `to`, which is made if it is not there.
pub(crate) fn copy(
    from: Database,
    to: Database,
    options: StoreOptions,
    progress: &mut dyn FnMut(CopyStep),
) -> Result<CopyReport, Failure> {
    fork::notice_forks()?;
    if let Database::Sqlite(SqliteDatabase::File(path)) = &from {
        std::fs::metadata(path).map_err(|cause| {
            let detail = format!("the database that is to be copied cannot be found: {cause}");
            Failure::new(ErrorCode::StorageIo, detail).caused_by(cause)
        })?;
    }
    let source = open(from, StoreOptions { must_exist: true, ..options })?;
    let target = open(to, options)?;
    let outcome = run_copy(&*source, &*target, progress);
    source.close();
    target.close();
    outcome
}
