//! The store over PostgreSQL, for hosts of more than one machine (`docs/SPEC.md`, section 20).
//!
//! Below the SQL, from the bottom: [`url`] reads where the database is; [`io_thread`] is the one thread that touches sockets;
//! [`connect`] logs in (by [`socket`], [`tls`], [`password`] and [`login_guard`]); [`session`] is one login at one server;
//! [`connection`] sends statements in trips over it; [`pool`] lends connections out. Everything is synchronous for its caller.
//!
//! Above it: [`codec`] turns records into values and back, [`statements`] and
//! [`change`] hold the SQL, [`changes`] puts changes together,
//! [`transaction`] is what a job sees, [`migrate`] makes the tables, [`writing`] runs writes in turns, [`look_up`] reads for
//! callers together, [`verify_leases`] remembers for how long
//! ([`lease_terms`] is what the machines agree on, [`own_changes`] what a machine knows by itself), and [`store`] is the whole.

mod attempt;
mod change;
mod changes;
mod codec;
mod connect;
mod connection;
mod error;
mod fetched;
mod foreign;
mod io_thread;
mod lease_terms;
mod login_guard;
mod look_up;
mod migrate;
mod own_changes;
mod password;
mod pool;
mod read_tx;
mod session;
mod socket;
mod statements;
mod store;
#[cfg(test)]
mod tests;
mod tls;
mod transaction;
pub(super) mod url;
mod url_parameters;
mod value;
mod verify_leases;
mod write_tx;
mod writing;

pub(super) use self::foreign::ForeignServer;
pub(super) use self::lease_terms::lower_lease;
#[cfg(test)]
pub(super) use self::migrate::MIGRATIONS;
pub(super) use self::store::PostgresStore;
