//! What only the store over PostgreSQL can show.

mod conformance;
mod server;
