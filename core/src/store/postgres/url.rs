//! Reads where a database is: `postgres://user:password@host:port/database?parameters`, with libpq's names.

use std::path::PathBuf;
use std::time::Duration;

use crate::secret::DatabaseSecret;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Tcp {
        name: String,
        port: u16,
    },
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// Where a database is and how to get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct PostgresUrl {
    pub(super) hosts: Vec<Host>,
    pub(super) user: String,
    pub(super) password: Option<DatabaseSecret>,
    pub(super) database: String,
    /// The schema that holds the tables.
    pub(super) schema: String,
    pub(super) connect_timeout: Duration,
    pub(super) pool_max: usize,
    /// Whether a connection keeps its statements prepared. Not behind a pooler that changes servers between transactions.
    pub(super) prepared: bool,
}
