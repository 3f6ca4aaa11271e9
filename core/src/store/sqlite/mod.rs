//! The store over one SQLite file in WAL mode: one writing connection, a few reading ones.

pub(super) mod backup;
mod bucket;
mod change_tracker;
mod check;
mod check_rows;
mod codec;
mod columns;
mod connection;
mod creation;
mod error;
mod files;
mod foreign;
mod left_log;
mod log;
mod migrate;
mod observer;
mod queried_row;
mod read_tx;
mod readers;
mod schema_check;
mod shared_changes;
mod shared_slot;
mod store;
#[cfg(test)]
mod tests;
mod transaction;
mod values;
mod wal_index;
mod write_tx;
mod writer;

pub(super) use self::check::check;
pub(super) use self::foreign::ForeignFile;
#[cfg(test)]
pub(super) use self::migrate::MIGRATIONS;
pub(super) use self::store::SqliteStore;
