//! Reads where a database is: `postgres://user:password@host:port,host:port/database?parameters`, with libpq's names. Opens
//! nothing: files and the environment are read when a connection is made.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::url_parameters::{Parameters, decode, invalid};
use crate::error::Error;
use crate::secret::DatabaseSecret;
use crate::store::verify_mode::VerifyMode;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Tcp {
        name: String,
        port: u16,
    },
    /// The folder of a Unix socket, and the port in the socket's name.
    Unix {
        folder: PathBuf,
        port: u16,
    },
}

impl Host {
    /// Whether nothing on the way to it is outside of this machine.
    fn is_local(&self) -> bool {
        match self {
            Host::Unix { .. } => true,
            Host::Tcp { name, .. } if name == "localhost" => true,
            Host::Tcp { name, .. } => name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
        }
    }
}

/// How TLS is used, with libpq's words. There is no mode that may fall back to an open connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SslMode {
    Disable,
    /// Encrypted; the certificate is checked only if the URL names the roots.
    Require,
    /// The certificate comes from a root that is trusted, whatever name it bears.
    VerifyCa,
    /// It bears the host's name, too.
    VerifyFull,
}

/// Whether the password's proof is bound to the TLS connection (SCRAM-SHA-256-PLUS).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChannelBinding {
    Disable,
    /// Where the server offers it.
    Prefer,
    Require,
}

/// What keeps two transactions that write apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Isolation {
    /// Locks of rows: each statement sees what was committed before it, and the first takes the lock that is the turn.
    ReadCommitted,
    /// The database's own SERIALIZABLE, and no lock that a distributed database may not know: a transaction that another one
    /// has overtaken is refused, and run again.
    Serializable,
}

/// Where a database is and how to get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PostgresUrl {
    /// The text that was read.
    text: DatabaseSecret,
    pub(super) hosts: Vec<Host>,
    pub(super) user: String,
    pub(super) password: Option<DatabaseSecret>,
    pub(super) database: String,
    /// Absent for the default, which depends on the host: `verify-full`, or none where the host is this machine.
    ssl_mode: Option<SslMode>,
    /// The file of the roots that are trusted; the machine's own where it is absent.
    pub(super) ssl_root_cert: Option<PathBuf>,
    /// The client's certificate and its key.
    pub(super) ssl_cert: Option<(PathBuf, PathBuf)>,
    pub(super) channel_binding: ChannelBinding,
    /// The schema that holds the tables; safe to write into SQL as it is.
    pub(super) schema: String,
    /// How long one host may take to answer a login.
    pub(super) connect_timeout: Duration,
    /// How many connections there are at most.
    pub(super) pool_max: usize,
    /// Whether a connection keeps its statements prepared. Not behind a pooler that changes servers between transactions and
    /// does not know of prepared statements.
    pub(super) prepared: bool,
    pub(super) application_name: String,
    pub(super) isolation: Isolation,
    /// How verifications are answered, if the URL says so.
    pub(super) verify: Option<VerifyMode>,
}

const DEFAULT_PORT: u16 = 5432;
const DEFAULT_APPLICATION_NAME: &str = "hellojohn";
const DEFAULT_CONNECT_TIMEOUT_SECS: u64 = 5;
const DEFAULT_POOL_MAX: u64 = 8;
/// More hosts than a cluster has.
const MAX_HOSTS: usize = 16;

impl PostgresUrl {
    /// Reads a URL that begins with `postgres://` or `postgresql://`.
    ///
    /// # Errors
    /// `validation_error` that names the parameter and never its value.
    pub(in crate::store) fn parse(text: &str) -> Result<Self, Error> {
        let rest = text.split_once("://").map_or("", |(_, rest)| rest);
        let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = location.split_once('/').unwrap_or((location, ""));
        if !authority.contains('@') && rest.contains('@') {
            return Err(invalid("must have every @, / and ? in its parts percent-encoded (%40, %2F, %3F)"));
        }
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));

        let mut parameters = Parameters::read(query)?;
        let either = |part: &str, named: Option<String>, name: &str| match (decode(part, name)?, named) {
            (part, None) => Ok(Some(part).filter(|part| !part.is_empty())),
            (part, Some(named)) if part.is_empty() => Ok(Some(named)),
            _ => Err(invalid(&format!("{name} is given twice"))),
        };
        let user = either(user, parameters.take("user"), "user")?
            .ok_or_else(|| invalid("must name the user: postgres://user@host/database"))?;
        let password = either(password, parameters.take("password"), "password")?;
        let database =
            either(path, parameters.take("dbname"), "the database")?.unwrap_or_else(|| user.clone());
        let hosts = read_hosts(hosts, parameters.take("host"), parameters.take("port"))?;
        let url = PostgresUrl {
            text: DatabaseSecret::new(text.to_owned()),
            hosts,
            user,
            password: password.map(DatabaseSecret::new),
            database,
            ssl_mode: parameters.word("sslmode", SSL_MODES)?,
            ssl_root_cert: parameters.file("sslrootcert")?,
            ssl_cert: match (parameters.file("sslcert")?, parameters.file("sslkey")?) {
                (Some(certificate), Some(key)) => Some((certificate, key)),
                (None, None) => None,
                _ => return Err(invalid("sslcert and sslkey are given together or not at all")),
            },
            channel_binding: parameters
                .word("channel_binding", CHANNEL_BINDINGS)?
                .unwrap_or(ChannelBinding::Prefer),
            schema: parameters.schema()?,
            connect_timeout: Duration::from_secs(parameters.number(
                "connect_timeout",
                DEFAULT_CONNECT_TIMEOUT_SECS,
                1,
                300,
            )?),
            // No more than 1000, so it fits.
            pool_max: usize::try_from(parameters.number("pool_max", DEFAULT_POOL_MAX, 3, 1000)?).unwrap_or(3),
            prepared: parameters.word("prepared", &[("yes", true), ("no", false)])?.unwrap_or(true),
            application_name: parameters
                .take("application_name")
                .unwrap_or_else(|| DEFAULT_APPLICATION_NAME.to_owned()),
            isolation: parameters.word("isolation", ISOLATIONS)?.unwrap_or(Isolation::ReadCommitted),
            verify: parameters.take("verify").map(|mode| mode.parse()).transpose()?,
        };
        // Written by other tools; nothing else than this is ever done.
        parameters.word("target_session_attrs", &[("read-write", ())])?;
        parameters.finish()?;
        if url.ssl_mode == Some(SslMode::Disable) && url.channel_binding == ChannelBinding::Require {
            return Err(invalid("channel_binding=require needs TLS, which sslmode=disable switches off"));
        }
        Ok(url)
    }

    /// The text that [`parse`](Self::parse) reads as this.
    pub(in crate::store) fn expose_text(&self) -> &str {
        self.text.expose()
    }

    /// How TLS is used on the way to this host.
    pub(super) fn ssl_mode(&self, host: &Host) -> SslMode {
        match self.ssl_mode {
            _ if matches!(host, Host::Unix { .. }) => SslMode::Disable,
            Some(mode) => mode,
            None if host.is_local() => SslMode::Disable,
            None => SslMode::VerifyFull,
        }
    }
}

const SSL_MODES: &[(&str, SslMode)] = &[
    ("disable", SslMode::Disable),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

const CHANNEL_BINDINGS: &[(&str, ChannelBinding)] = &[
    ("disable", ChannelBinding::Disable),
    ("prefer", ChannelBinding::Prefer),
    ("require", ChannelBinding::Require),
];

const ISOLATIONS: &[(&str, Isolation)] =
    &[("read-committed", Isolation::ReadCommitted), ("serializable", Isolation::Serializable)];

/// Reads the hosts of the authority, `h1:5432,[::1]:5433`, or those of the parameters `host` and `port`.
fn read_hosts(authority: &str, named: Option<String>, ports: Option<String>) -> Result<Vec<Host>, Error> {
    let pairs: Vec<(String, Option<String>)> = match (authority, named) {
        ("", named) => {
            named.as_deref().unwrap_or("localhost").split(',').map(|h| (h.to_owned(), None)).collect()
        }
        (_, Some(_)) => return Err(invalid("gives host twice")),
        (list, None) => list.split(',').map(split_port).collect::<Result<_, _>>()?,
    };
    if pairs.len() > MAX_HOSTS {
        return Err(invalid(&format!("names more than {MAX_HOSTS} hosts")));
    }
    let ports: Vec<&str> = ports.as_deref().map_or_else(Vec::new, |ports| ports.split(',').collect());
    if ports.len() > 1 && ports.len() != pairs.len() {
        return Err(invalid("has another number of ports than of hosts"));
    }
    let hosts = pairs.into_iter().enumerate().map(|(index, (name, own_port))| {
        let port = match (own_port, ports.get(index).or(ports.first())) {
            (Some(_), Some(_)) => return Err(invalid("gives port twice")),
            (own, named) => own.as_deref().or(named.copied()).map_or(Ok(DEFAULT_PORT), parse_port)?,
        };
        match name.as_str() {
            "" => Err(invalid("has an empty host")),
            folder if folder.starts_with('/') => Ok(Host::Unix { folder: folder.into(), port }),
            _ => Ok(Host::Tcp { name, port }),
        }
    });
    hosts.collect()
}

/// Splits `host`, `host:port`, `[address]` and `[address]:port`.
fn split_port(text: &str) -> Result<(String, Option<String>), Error> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or_else(|| invalid("has a [ without a ]"))?;
            (address, if port.is_empty() { None } else { Some(port.strip_prefix(':').unwrap_or("")) })
        }
        None => match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        },
    };
    Ok((decode(name, "a host")?, port.map(str::to_owned)))
}

fn parse_port(text: &str) -> Result<u16, Error> {
    let port = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    port.and_then(|port| port.parse().ok())
        .filter(|port| *port != 0)
        .ok_or_else(|| invalid("has a port that is no number from 1 to 65535"))
}
