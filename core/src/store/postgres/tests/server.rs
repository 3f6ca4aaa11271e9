//! The server that `tests/postgres/run` has started.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::fault_proxy::FaultProxy;
use crate::error::Failure;
use crate::store::postgres::connection::{Connection, Deadline};
use crate::store::postgres::error::WireError;
use crate::store::postgres::pool::Pool;
use crate::store::postgres::url::PostgresUrl;
use crate::store::postgres::value::{Answer, Statement, Value};

/// A variable that the script sets.
#[expect(clippy::disallowed_methods, reason = "the runner of the tests names the server")]
pub(super) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: these tests run beside a server: tests/postgres/run cargo test …")
    })
}

/// `postgres://login@host:port/database`, taken apart.
pub(super) struct Parts {
    pub login: String,
    pub port: u16,
    pub database: String,
}

/// The parts of one of the script's URLs over TCP.
pub(super) fn parts(name: &str) -> Parts {
    let url = variable(name);
    let rest = url.strip_prefix("postgres://").expect("the script writes this scheme");
    let (login, rest) = rest.split_once('@').expect("a login");
    let (host, database) = rest.split_once('/').expect("a database");
    let database = database.split('?').next().expect("a name").to_owned();
    let port = host.split_once(':').expect("a port").1.parse().expect("a number");
    Parts { login: login.to_owned(), port, database }
}

pub(super) fn certificate(name: &str) -> String {
    format!("{}/certificates/{name}", variable("HJ_PG_DIR"))
}

pub(super) fn pool(url: &str) -> Pool {
    Pool::new(PostgresUrl::parse(url).expect("a good URL")).expect("a thread can be started")
}

/// The owner's database through a proxy.
pub(super) fn proxied(parameters: &str) -> (FaultProxy, Pool) {
    let Parts { login, port, database } = parts("HJ_PG");
    let proxy = FaultProxy::start(SocketAddr::from(([127, 0, 0, 1], port)));
    let url = format!("postgres://{login}@{}/{database}?{parameters}", proxy.address());
    (proxy, pool(&url))
}

/// Longer than anything takes that does not hang.
pub(super) fn patient() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

pub(super) fn sql(text: &str) -> Arc<str> {
    text.into()
}

pub(super) fn statement(text: &str, values: Vec<Value>) -> Statement {
    Statement::new(&sql(text), values)
}

/// Lends out a connection for writes, patiently.
pub(super) fn write<T>(
    pool: &Pool,
    work: impl FnOnce(&mut Connection<'_>) -> Result<T, WireError>,
) -> Result<T, WireError> {
    pool.with_writing(&patient(), work)
}

/// Runs one statement by itself.
pub(super) fn ask(pool: &Pool, text: &str, values: Vec<Value>) -> Result<Answer, WireError> {
    write(pool, |connection| Ok(connection.ask(vec![statement(text, values)])?.remove(0)))
}

/// The one text of the one row that a statement answers.
pub(super) fn ask_text(pool: &Pool, text: &str) -> Result<String, WireError> {
    Ok(ask(pool, text, Vec::new())?.rows[0].get(0)?)
}

/// Text of the failure that a caller of the engine would get.
pub(super) fn failure(error: WireError) -> String {
    Failure::from(error).as_error().to_string()
}
