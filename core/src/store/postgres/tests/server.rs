//! The server that tests use: `HJ_PG` names it (`tests/postgres/run` starts one). A schema for each test.

use std::sync::Arc;
use std::time::Duration;

use crate::random::{OsRandom, draw_bytes};
use crate::store::conformance::TestDatabase;
use crate::store::postgres::PostgresStore;
use crate::store::postgres::url::{Host, PostgresUrl};
use crate::store::{Store, StoreOptions};

/// A schema that no other test uses.
pub(super) struct Schema(String);

impl Schema {
    /// The URL of the schema.
    pub(super) fn url(&self) -> &str {
        &self.0
    }
}

impl TestDatabase for Schema {
    #[expect(clippy::disallowed_methods, reason = "the runner of the tests names the server")]
    fn create() -> Self {
        let server =
            std::env::var("HJ_PG").expect("HJ_PG names a PostgreSQL server for tests: tests/postgres/run");
        let number = u64::from_be_bytes(*draw_bytes::<8>(&OsRandom).unwrap());
        let separator = if server.contains('?') { '&' } else { '?' };
        Schema(format!("{server}{separator}schema=hj_test_{number:016x}"))
    }

    fn open(&self, busy_timeout: Duration) -> Arc<dyn Store> {
        let url = parse(self.url());
        Arc::new(PostgresStore::open(url, StoreOptions::relaxed(busy_timeout)).unwrap())
    }
}

fn parse(url: &str) -> PostgresUrl {
    let (server, schema) = url.split_once("?schema=").unwrap();
    let (user, rest) = server.strip_prefix("postgres://").unwrap().split_once('@').unwrap();
    let (host, database) = rest.split_once('/').unwrap();
    let (name, port) = host.split_once(':').unwrap();
    PostgresUrl {
        hosts: vec![Host::Tcp { name: name.into(), port: port.parse().unwrap() }],
        user: user.into(),
        password: None,
        database: database.into(),
        schema: schema.into(),
        connect_timeout: Duration::from_secs(5),
        pool_max: 8,
        prepared: true,
    }
}
