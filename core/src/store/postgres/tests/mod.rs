//! What only the store over PostgreSQL can show, against a real server:
//! `tests/postgres/run cargo test --package hellojohn --features postgres --lib store::postgres`.

mod batches;
mod conformance;
mod fault_proxy;
mod leases;
mod login;
mod lost_answers;
mod password;
mod plans;
mod schema;
mod serializable;
mod server;
mod trips;
mod url;
