//! A schema for each test, on the server that `tests/postgres/run` has started.

use std::sync::Arc;
use std::time::Duration;

use super::server::variable;
use crate::random::{OsRandom, draw_bytes};
use crate::store::conformance::TestDatabase;
use crate::store::postgres::PostgresStore;
use crate::store::postgres::pool::Pool;
use crate::store::postgres::url::PostgresUrl;
use crate::store::{Store, StoreOptions};

/// A schema that no other test uses.
pub(super) struct Schema {
    server: String,
    pub(super) name: String,
}

impl Schema {
    fn url(&self, parameters: &str) -> PostgresUrl {
        let Schema { server, name } = self;
        let separator = if server.contains('?') { '&' } else { '?' };
        PostgresUrl::parse(&format!("{server}{separator}schema={name}{parameters}")).unwrap()
    }

    pub(super) fn open_store(&self, busy_timeout: Duration) -> PostgresStore {
        PostgresStore::open(self.url(""), StoreOptions::relaxed(busy_timeout)).unwrap()
    }

    /// Connections beside those of a store, which prepare nothing.
    pub(super) fn pool(&self) -> Pool {
        Pool::new(self.url("&prepared=no")).unwrap()
    }
}

impl TestDatabase for Schema {
    fn create() -> Self {
        let server = variable("HJ_PG");
        let number = u64::from_be_bytes(*draw_bytes::<8>(&OsRandom).unwrap());
        Schema { server, name: format!("hj_test_{number:016x}") }
    }

    fn open(&self, busy_timeout: Duration) -> Arc<dyn Store> {
        Arc::new(self.open_store(busy_timeout))
    }
}
