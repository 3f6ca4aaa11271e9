//! The suite of every store, over files and in memory.

use std::sync::Arc;
use std::time::Duration;

use crate::store::conformance::TestDatabase;
use crate::store::sqlite::store::SqliteStore;
use crate::store::{SqliteDatabase, Store, StoreOptions};

/// Opening waits as long as it must; the callers of the store wait for `busy_timeout`.
pub(super) fn open(database: SqliteDatabase, busy_timeout: Duration) -> SqliteStore {
    let options = StoreOptions::relaxed(Duration::from_secs(3600));
    let mut store = SqliteStore::open(database, options).unwrap();
    store.set_busy_timeout(busy_timeout);
    store
}

mod file {
    use super::*;
    use crate::store::conformance::{
        concurrent_reader_conformance_tests, shared_database_conformance_tests, store_conformance_tests,
    };

    struct File(tempfile::TempDir);

    impl TestDatabase for File {
        fn create() -> Self {
            File(tempfile::tempdir().unwrap())
        }

        fn open(&self, busy_timeout: Duration) -> Arc<dyn Store> {
            Arc::new(open(SqliteDatabase::File(self.0.path().join("s.db")), busy_timeout))
        }
    }

    store_conformance_tests!(File);
    concurrent_reader_conformance_tests!(File);
    shared_database_conformance_tests!(File);
}

mod memory {
    use super::*;
    use crate::store::conformance::store_conformance_tests;

    struct Memory;

    impl TestDatabase for Memory {
        fn create() -> Self {
            Memory
        }

        fn open(&self, busy_timeout: Duration) -> Arc<dyn Store> {
            Arc::new(open(SqliteDatabase::Memory, busy_timeout))
        }
    }

    store_conformance_tests!(Memory);
}
