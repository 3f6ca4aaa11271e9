//! The store over PostgreSQL, for hosts of more than one machine (`docs/SPEC.md`, section 20).
//!
//! Below the SQL, from the bottom: [`url`] reads where the database is; [`io_thread`] is the one thread that touches sockets;
//! [`session`] is one login at one server; [`connection`] sends statements in trips over it; [`pool`] lends connections out.
//! Everything is synchronous for its caller.

mod connect;
mod connection;
mod error;
mod io_thread;
mod pool;
mod session;
pub(super) mod url;
mod value;
