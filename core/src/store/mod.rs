//! Where sessions are kept. The engine speaks to a [`Store`] in whole questions and transitions; rules live above, SQL
//! and drivers below. A second store implements the traits in `contract.rs` and `transaction.rs`, supplies a transaction
//! to `group_commit.rs`, and runs the suite in `conformance/`: see `docs/STORE-CONTRACT.md`.

mod blank;
pub(crate) mod check_report;
#[cfg(test)]
mod conformance;
mod contract;
mod copy;
pub(crate) mod copy_progress;
pub(crate) mod copy_report;
mod database;
pub(crate) mod durability;
pub(crate) mod file_access;
mod foreign_tables;
mod group_commit;
pub(crate) mod lease_wait;
mod needs;
mod open;
#[cfg(feature = "postgres")]
mod postgres;
mod queued_read;
mod records;
mod sqlite;
mod subject;
mod transaction;
mod verify_lease;
pub(crate) mod verify_mode;
mod wait_policy;

pub(crate) use self::contract::{Store, StoreOptions};
pub use self::database::DatabaseText;
pub(crate) use self::database::{Database, SqliteDatabase};
pub(crate) use self::durability::Durability;
pub(crate) use self::file_access::FileAccess;
pub(crate) use self::foreign_tables::ForeignTables;
pub(crate) use self::group_commit::QueuedWrite;
pub(crate) use self::needs::{NeededPage, NeededSessions, Needs};
pub(crate) use self::open::{backup, check, copy, lower_lease, open, open_foreign, restore};
pub(crate) use self::queued_read::QueuedRead;
pub(crate) use self::records::{
    BulkEndRecord, ClockMark, CommitVersion, IssuedAccessToken, KeyRecord, LastSeen, LeaseHolder,
    LeaseRecord, RecordParts, ScanFilter, SealRecord, SessionRecord, SessionScope, SignInFailures, TenantNo,
    TenantRecord,
};
pub(crate) use self::subject::{Subject, UserTag};
pub(crate) use self::transaction::{QueuedJob, ReadRecord, ReadTransaction, WriteTransaction};
#[cfg(test)]
pub(crate) use self::transaction::{ReadJob, WriteJob};
pub(crate) use self::verify_lease::{LeaseStart, VerifyLease};
pub(crate) use self::verify_mode::VerifyMode;
pub(crate) use self::wait_policy::{WaitPolicy, would_block};
