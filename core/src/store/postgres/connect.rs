//! Finds a server that takes transactions, and logs in there. Runs on the I/O thread.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;

use super::error::{ServerError, WireError};
use super::session::{Session, Socket, TripError};
use super::url::{Host, PostgresUrl};
use super::value::Statement;
use crate::error::{ErrorCode, Failure};

/// Where the database is and how to get there.
pub(super) struct Target {
    pub url: PostgresUrl,
    /// The text `COMMIT`, made once.
    pub commit: Arc<str>,
}

/// The first release of PostgreSQL that this store is for.
const OLDEST_SERVER: i64 = 140_000;

impl Target {
    pub(super) fn new(url: PostgresUrl) -> Self {
        Target { url, commit: "COMMIT".into() }
    }

    /// Asks the hosts in their order for one that takes transactions, each for at most the connect time-out.
    ///
    /// # Errors
    /// `Lost` if a later try may find one, `Failed` if none will.
    pub(super) async fn open_session(&self) -> Result<Session, WireError> {
        let mut last = ServerError::new("the URL names no host");
        for host in &self.url.hosts {
            match tokio::time::timeout(self.url.connect_timeout, self.log_in(host)).await {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(WireError::Lost(cause))) => last = cause,
                Ok(Err(error)) => return Err(error),
                Err(_) => last = ServerError::new("a server did not answer in time"),
            }
        }
        Err(WireError::Lost(last))
    }

    async fn log_in(&self, host: &Host) -> Result<Session, WireError> {
        let socket = open_socket(host).await.map_err(|error| {
            WireError::Lost(ServerError::new(format!("a server cannot be reached: {error}")))
        })?;
        let mut config = tokio_postgres::Config::new();
        config.user(&self.url.user).dbname(&self.url.database).application_name("hellojohn");
        config.ssl_mode(SslMode::Disable);
        if let Some(password) = &self.url.password {
            config.password(password.expose());
        }
        let (client, connection) =
            config.connect_raw(socket, NoTls).await.map_err(|error| log_in_error(&error))?;
        let mut session = Session::new(client, connection, self.url.prepared);
        self.prepare_session(&mut session).await?;
        Ok(session)
    }

    /// Asks what the server is, and settles what every later statement relies on.
    async fn prepare_session(&self, session: &mut Session) -> Result<(), WireError> {
        let lost = |error: TripError| WireError::Lost(error.cause);
        let facts = "SELECT current_setting('server_version_num')::bigint, \
                     current_setting('transaction_read_only')::boolean";
        let answers = session.run(&[Statement::new(&facts.into(), Vec::new())]).await.map_err(lost)?;
        let row = answers.first().and_then(|answer| answer.rows.first());
        let row = row.ok_or_else(|| WireError::Lost(ServerError::new("a server did not say what it is")))?;
        let (version, is_read_only): (i64, bool) = (row.get(0)?, row.get(1)?);
        if version < OLDEST_SERVER {
            let detail = "the server is older than PostgreSQL 14, the first release that this store is for";
            return Err(Failure::new(ErrorCode::ValidationError, detail).into());
        }
        if is_read_only {
            return Err(WireError::Lost(ServerError::new("a server takes no writes")));
        }
        if self.url.prepared {
            let plans = "SELECT set_config('plan_cache_mode', 'force_generic_plan', false)";
            session.run(&[Statement::new(&plans.into(), Vec::new())]).await.map_err(lost)?;
        }
        Ok(())
    }
}

async fn open_socket(host: &Host) -> std::io::Result<Box<dyn Socket>> {
    match host {
        Host::Tcp { name, port } => {
            let stream = TcpStream::connect((name.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        Host::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
    }
}

fn log_in_error(error: &tokio_postgres::Error) -> WireError {
    let cause = ServerError::of_driver(error);
    if cause.sqlstate.is_none() || cause.is_elsewhere() {
        return WireError::Lost(cause);
    }
    Failure::new(ErrorCode::StorageIo, "the database refused the login").caused_by(cause).into()
}

/// How long to wait before the hosts are asked again.
pub(super) const PAUSE_BETWEEN_ROUNDS: Duration = Duration::from_millis(50);
