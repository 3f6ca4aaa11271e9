//! Finds a server that takes transactions, and logs in there. Runs on the I/O thread.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio_postgres::config;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::ServerName;

use super::error::{ServerError, WireError};
use super::login_guard::LoginGuard;
use super::password;
use super::session::{PostgresConnection, Session, TripError};
use super::socket::Socket;
use super::tls::{self, Connector};
use super::url::{ChannelBinding, Host, Isolation, PostgresUrl, SslMode};
use super::value::{Answer, Statement, Value};
use crate::error::{ErrorCode, Failure};

/// Where the database is and how to get there.
pub(super) struct Target {
    pub url: PostgresUrl,
    /// The text `COMMIT`, made once.
    pub commit: Arc<str>,
}

/// How long to wait before a host is asked again.
const PAUSE_BEFORE_NEXT: Duration = Duration::from_millis(50);

/// How long a host may think about a login before the next one is asked, too.
const HEAD_START: Duration = Duration::from_millis(200);

/// The first release of PostgreSQL that this store is for.
const OLDEST_SERVER: i64 = 140_000;

/// What a server's version says of itself where it speaks PostgreSQL's protocol and is another database, for which locks and
/// isolation mean something else.
const OTHER_DATABASES: &[&str] = &["CockroachDB", "-YB-"];

/// A transaction that a suspended process has left open lets its locks go after this long.
const IDLE_TRANSACTION: &str = "60s";

/// What a login at one host needs, the machine's files and environment included.
struct Login {
    config: tokio_postgres::Config,
    tls: Option<Connector>,
}

impl Target {
    pub(super) fn new(url: PostgresUrl) -> Self {
        Target { url, commit: "COMMIT".into() }
    }

    /// Asks every host again and again until one takes transactions. The first round goes in their order, and a host that says
    /// nothing holds the next one up for [`HEAD_START`] only: a server that was cut off must not cost a caller all its time.
    ///
    /// # Errors
    /// `Failed` once all of them turn the login down, or if one does when the time is up: a standby that is behind does not know the
    /// database or the password yet. Else `Lost` when the time is up.
    pub(super) async fn open_session(self: Arc<Self>, limit: Duration) -> Result<Session, WireError> {
        let mut last = ServerError::new("the time was up before a server answered");
        let mut refusals = vec![None; self.url.hosts.len()];
        match tokio::time::timeout(limit, self.search(&mut last, &mut refusals)).await {
            Ok(Some(session)) => Ok(session),
            Ok(None) | Err(_) => Err(refusals.into_iter().flatten().next().unwrap_or(WireError::Lost(last))),
        }
    }

    /// Nothing once every host has turned the login down.
    async fn search(
        self: Arc<Self>,
        last: &mut ServerError,
        refusals: &mut [Option<WireError>],
    ) -> Option<Session> {
        let mut unasked = 0..self.url.hosts.len();
        let mut asked = FuturesUnordered::new();
        loop {
            if let Some(index) = unasked.next() {
                asked.push(Arc::clone(&self).ask_host(index, Duration::ZERO));
            }
            // Without an answer in that time it may come yet.
            let Ok(answer) = tokio::time::timeout(HEAD_START, asked.next()).await else { continue };
            let (index, outcome) = answer?;
            refusals[index] = match outcome {
                Ok(session) => return Some(session),
                Err(WireError::Lost(cause)) => {
                    *last = cause;
                    None
                }
                Err(refusal) => Some(refusal),
            };
            if refusals.iter().all(Option::is_some) {
                return None;
            }
            asked.push(Arc::clone(&self).ask_host(index, PAUSE_BEFORE_NEXT));
        }
    }

    /// Logs in at one host, after a pause, within the connect time-out.
    async fn ask_host(self: Arc<Self>, index: usize, pause: Duration) -> (usize, Result<Session, WireError>) {
        tokio::time::sleep(pause).await;
        let limit = self.url.connect_timeout;
        let outcome = tokio::time::timeout(limit, self.log_in(index)).await;
        let in_time = "a server did not answer the login in time";
        (index, outcome.unwrap_or_else(|_| Err(WireError::Lost(ServerError::new(in_time)))))
    }

    async fn log_in(self: Arc<Self>, index: usize) -> Result<Session, WireError> {
        let (host, prepares, isolation) =
            (self.url.hosts[index].clone(), self.url.prepared, self.url.isolation);
        // Files are read where they hold up no connection.
        let login = tokio::task::spawn_blocking(move || self.prepare_login(index)).await;
        let login = login.map_err(|_| Failure::internal("the reader of credentials is gone"))??;
        let socket = Socket::connect(host).await.map_err(|error| {
            WireError::Lost(ServerError::new(format!("a server cannot be reached: {error}")))
        })?;
        let (client, connection) = shake_hands(socket, login).await?;
        let mut session = Session::new(client, connection, prepares);
        prepare_session(&mut session, prepares, isolation).await?;
        Ok(session)
    }

    fn prepare_login(&self, index: usize) -> Result<Login, WireError> {
        let (url, host) = (&self.url, &self.url.hosts[index]);
        let mut config = tokio_postgres::Config::new();
        config.user(&url.user).dbname(&url.database).application_name(&url.application_name);
        config.channel_binding(match url.channel_binding {
            ChannelBinding::Disable => config::ChannelBinding::Disable,
            ChannelBinding::Prefer => config::ChannelBinding::Prefer,
            ChannelBinding::Require => config::ChannelBinding::Require,
        });
        let password = password::find(url, host)
            .map_err(|error| Failure::new(error.code(), error.detail()).caused_by(error))?;
        if let Some(password) = &password {
            config.password(password.expose());
        }
        let tls = match (url.ssl_mode(host), host) {
            (SslMode::Disable, _) | (_, Host::Unix { .. }) => None,
            (mode, Host::Tcp { name, .. }) => {
                let name = ServerName::try_from(name.clone()).map_err(|error| {
                    let detail = "database: the PostgreSQL URL has a host that no certificate can name";
                    Failure::new(ErrorCode::ValidationError, detail).caused_by(error)
                })?;
                Some(Connector { settings: tls::read_settings(url, mode)?, name })
            }
        };
        let is_encrypted = tls.is_some();
        config.ssl_mode(if is_encrypted { config::SslMode::Require } else { config::SslMode::Disable });
        Ok(Login { config, tls })
    }
}

async fn shake_hands(
    socket: Socket,
    Login { config, tls }: Login,
) -> Result<(tokio_postgres::Client, PostgresConnection), WireError> {
    let outcome = match tls {
        Some(connector) => config
            .connect_raw(socket, connector)
            .await
            .map(|(client, connection)| (client, PostgresConnection::Encrypted(Box::new(connection)))),
        None => config
            .connect_raw(LoginGuard::new(socket, false), tokio_postgres::NoTls)
            .await
            .map(|(client, connection)| (client, PostgresConnection::Plain(Box::new(connection)))),
    };
    outcome.map_err(|error| login_error(&error))
}

/// Asks what the server is, and settles what every later statement relies on.
async fn prepare_session(
    session: &mut Session,
    prepares: bool,
    isolation: Isolation,
) -> Result<(), WireError> {
    let facts = "SELECT current_setting('server_version_num')::bigint, version(), \
                 current_setting('transaction_read_only')::boolean";
    let answers = ask(session, facts, Vec::new()).await?;
    let is_postgres = check_server(&answers, isolation)?;
    // Behind a pooler a setting of the connection would reach other programs.
    if prepares && is_postgres {
        let settings = "SELECT set_config('plan_cache_mode', 'force_generic_plan', false), \
                        set_config('idle_in_transaction_session_timeout', $1, false)";
        ask(session, settings, vec![IDLE_TRANSACTION.into()]).await?;
    }
    Ok(())
}

/// Whether it is PostgreSQL itself.
fn check_server(answers: &[Answer], isolation: Isolation) -> Result<bool, WireError> {
    let row = answers.first().and_then(|answer| answer.rows.first());
    let row = row.ok_or_else(|| WireError::Lost(ServerError::new("a server did not say what it is")))?;
    let (number, version, is_read_only): (i64, &str, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let refused = |detail: &str| Err(Failure::new(ErrorCode::ValidationError, detail).into());
    let is_postgres = !OTHER_DATABASES.iter().any(|name| version.contains(name));
    if !is_postgres && isolation != Isolation::Serializable {
        return refused(
            "database: the server is no PostgreSQL, though it speaks its protocol: this store has never been run over it \
             (isolation=serializable in the URL tries it)",
        );
    }
    if is_postgres && number < OLDEST_SERVER {
        return refused("database: the server is older than PostgreSQL 14, the first release for this store");
    }
    if is_read_only {
        return Err(WireError::Lost(ServerError::new("a server takes no writes")));
    }
    Ok(is_postgres)
}

/// Runs one statement of the login's own.
async fn ask(session: &mut Session, sql: &str, values: Vec<Value>) -> Result<Vec<Answer>, WireError> {
    let statements = [Statement::new(&sql.into(), values)];
    session.run(&statements).await.map_err(|TripError { cause, .. }| WireError::Lost(cause))
}

/// Whether a failed login may succeed later as it is: the network failed, or the server takes none now.
fn login_error(error: &tokio_postgres::Error) -> WireError {
    let cause = ServerError::of_driver(error);
    let is_passing = match std::error::Error::source(error) {
        _ if cause.sqlstate.is_some() => cause.is_elsewhere(),
        None => error.is_closed(),
        // What TLS and the guard of the login have to say comes as an error of the socket, too.
        Some(source) => source.downcast_ref::<io::Error>().is_some_and(|error| {
            !error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
                && error.kind() != io::ErrorKind::PermissionDenied
        }),
    };
    if is_passing {
        return WireError::Lost(cause);
    }
    let detail = match &cause.sqlstate {
        Some(code) => format!("the database refused the login (SQLSTATE {code})"),
        None => format!("the login at the database failed: {cause}"),
    };
    Failure::new(ErrorCode::StorageIo, detail).caused_by(cause).into()
}
