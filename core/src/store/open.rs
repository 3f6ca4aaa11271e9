//! The one place that chooses a store, and the way to every file: a forked child is turned away here.

use std::path::Path;

use super::check_report::CheckReport;
use super::contract::{Store, StoreOptions};
use super::database::Database;
#[cfg(feature = "postgres")]
use super::postgres::PostgresStore;
use super::sqlite::{self, SqliteStore};
use crate::error::Failure;
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

/// Reads the whole database in this file and tells what is wrong with it.
pub(crate) fn check(path: &Path, options: &StoreOptions) -> Result<CheckReport, Failure> {
    fork::notice_forks()?;
    sqlite::check(path, options)
}
