//! A schema for each test, on the server that `tests/postgres/run` has started.

use std::sync::Arc;
use std::time::Duration;

use super::server::variable;
use crate::random::{OsRandom, draw_bytes};
use crate::store::conformance::TestDatabase;
use crate::store::postgres::PostgresStore;
use crate::store::postgres::pool::Pool;
use crate::store::postgres::url::PostgresUrl;
use crate::store::{Store, StoreOptions, VerifyMode};

/// A schema that no other test uses.
pub(super) struct Schema {
    server: String,
    pub(super) name: String,
}

impl Schema {
    /// A new one on the server that this variable names.
    pub(super) fn on(server: &str) -> Self {
        let number = u64::from_be_bytes(*draw_bytes::<8>(&OsRandom).unwrap());
        Schema { server: variable(server), name: format!("hj_test_{number:016x}") }
    }

    pub(super) fn url(&self, parameters: &str) -> PostgresUrl {
        let Schema { server, name } = self;
        let separator = if server.contains('?') { '&' } else { '?' };
        PostgresUrl::parse(&format!("{server}{separator}schema={name}{parameters}")).unwrap()
    }

    pub(super) fn open_verifying(&self, mode: VerifyMode, busy_timeout: Duration) -> PostgresStore {
        let options = StoreOptions { verify: Some(mode), ..StoreOptions::relaxed(busy_timeout) };
        PostgresStore::open(self.url(""), options).unwrap()
    }

    pub(super) fn open_store(&self, busy_timeout: Duration) -> PostgresStore {
        PostgresStore::open(self.url(""), StoreOptions::relaxed(busy_timeout)).unwrap()
    }

    /// Connections beside those of a store, which prepare nothing.
    pub(super) fn pool(&self) -> Pool {
        Pool::new(self.url("&prepared=no")).unwrap()
    }
}

/// A schema whose stores remember verifications for the shortest time, and whose ending calls wait for it.
pub(super) struct LeasedSchema(Schema);

impl TestDatabase for LeasedSchema {
    fn create() -> Self {
        LeasedSchema(Schema::on("HJ_PG"))
    }

    fn open(&self, busy_timeout: Duration) -> Arc<dyn Store> {
        Arc::new(self.0.open_verifying(VerifyMode::Lease(VerifyMode::SHORTEST), busy_timeout))
    }
}

/// A schema of the database that has no advisory locks, under SERIALIZABLE.
pub(super) struct SerializableSchema(Schema);

impl SerializableSchema {
    pub(super) fn open_store(&self, busy_timeout: Duration) -> PostgresStore {
        self.0.open_store(busy_timeout)
    }
}

impl TestDatabase for SerializableSchema {
    fn create() -> Self {
        SerializableSchema(Schema::on("HJ_PG_SERIALIZABLE"))
    }

    fn open(&self, busy_timeout: Duration) -> Arc<dyn Store> {
        Arc::new(self.open_store(busy_timeout))
    }
}

impl TestDatabase for Schema {
    fn create() -> Self {
        Schema::on("HJ_PG")
    }

    fn open(&self, busy_timeout: Duration) -> Arc<dyn Store> {
        Arc::new(self.open_store(busy_timeout))
    }
}
