//! The one place that chooses a store.

use super::contract::{Store, StoreOptions};
use super::database::Database;
use super::sqlite::SqliteStore;
use crate::error::Failure;

/// Opens the store that keeps this database, creating the database if it is not there.
pub(crate) fn open(database: Database, options: StoreOptions) -> Result<Box<dyn Store>, Failure> {
    Ok(Box::new(SqliteStore::open(database, options)?))
}
