//! What can go wrong on the way to the server, and what becomes of the transaction. A failure never reads as "no such
//! session".

use std::fmt;

use tokio_postgres::error::{DbError, Severity};

use crate::error::{ErrorCode, Failure};

/// Why a trip has no answer.
#[derive(Debug, Clone)]
pub(super) enum WireError {
    /// No server took the trip, or the connection was lost (or the time was up) before anything could be committed. Nothing
    /// happened, and nothing of the transaction can happen any more.
    Lost(ServerError),
    /// The connection was lost, or the server warned, while it was committing: the transaction happened, or not, or a standby
    /// does not know of it yet. The store's table of commits tells.
    UnknownOutcome(ServerError),
    /// The server refused a statement and has rolled the transaction back; the connection is still good.
    Refused(ServerError),
    /// Every connection of the lane was lent out for the whole time that the caller had.
    NoConnection,
    /// The pool was closed.
    Closed,
    /// A fault of our own, or a host's wrong settings (password, certificate).
    Failed(Failure),
}

/// What the server, the driver or the operating system said, for the host's log: the source of a storage error. It names no
/// value, no password and no address of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerError {
    /// The five characters of SQLSTATE, if the server spoke (PostgreSQL's appendix A).
    pub sqlstate: Option<Box<str>>,
    /// Whether the server ends the connection with this error.
    pub is_fatal: bool,
    message: Box<str>,
}

impl ServerError {
    pub(super) fn new(message: impl Into<Box<str>>) -> Self {
        ServerError { sqlstate: None, is_fatal: false, message: message.into() }
    }

    /// What the driver makes of a failure, without the values that were involved.
    pub(super) fn of_driver(error: &tokio_postgres::Error) -> Self {
        if let Some(answer) = error.as_db_error() {
            return ServerError::of_server(answer);
        }
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        ServerError::new(format!("{error}{cause}"))
    }

    /// An error or a warning of the server's.
    pub(super) fn of_server(answer: &DbError) -> Self {
        let is_fatal = match answer.parsed_severity() {
            Some(severity) => matches!(severity, Severity::Fatal | Severity::Panic),
            None => true, // an old server or a proxy; the careful reading
        };
        ServerError {
            sqlstate: Some(answer.code().code().into()),
            is_fatal,
            message: answer.message().into(),
        }
    }

    fn has_sqlstate(&self, prefixes: &[&str]) -> bool {
        self.sqlstate.as_ref().is_some_and(|code| prefixes.iter().any(|prefix| code.starts_with(prefix)))
    }

    /// Whether this server takes no transactions (any more, or yet) while another one may: it is starting up, shutting down,
    /// a standby, or out of connections.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.has_sqlstate(&["08", "25006", "53300", "57P01", "57P02", "57P03"])
    }

    /// Whether an error while committing leaves open what became of the transaction. Fatal errors do: a server that is told to
    /// stop may have committed before.
    pub(super) fn leaves_outcome_open(&self) -> bool {
        self.sqlstate.is_none() || self.is_fatal || self.has_sqlstate(&["08", "40003", "57P"])
    }

    /// Whether another transaction was making the same table, schema, column or row.
    pub(super) fn is_made_already(&self) -> bool {
        self.has_sqlstate(&["23505", "42701", "42710", "42P06", "42P07"])
    }

    /// Whether the same transaction may succeed if it is run again: a deadlock, a lock that was not had in time, a conflict
    /// of serialisable transactions.
    pub(super) fn is_conflict(&self) -> bool {
        self.has_sqlstate(&["40001", "40P01", "55P03"])
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sqlstate {
            Some(code) => write!(f, "PostgreSQL {code}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for ServerError {}

impl From<Failure> for WireError {
    fn from(failure: Failure) -> Self {
        WireError::Failed(failure)
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Failure {
        match error {
            WireError::Lost(cause) => {
                let detail = format!("the database cannot be reached: {cause}");
                Failure::new(ErrorCode::StorageIo, detail).caused_by(cause)
            }
            WireError::UnknownOutcome(cause) => {
                let detail = "the connection was lost while the database was committing";
                Failure::new(ErrorCode::StorageIo, detail).caused_by(cause)
            }
            WireError::Refused(cause) => to_failure(cause),
            WireError::NoConnection => {
                Failure::new(ErrorCode::StorageBusy, "every connection to the database was in use")
            }
            WireError::Closed => Failure::new(ErrorCode::EngineClosed, "the engine was closed"),
            WireError::Failed(failure) => failure,
        }
    }
}

fn to_failure(cause: ServerError) -> Failure {
    let code = cause.sqlstate.as_deref().unwrap_or_default();
    let (row, detail) = match code {
        "40001" | "40P01" | "55P03" | "57014" => (ErrorCode::StorageBusy, "the database is busy"),
        "53100" => (ErrorCode::StorageFull, "the database's disk is full"),
        "25006" | "42501" => (ErrorCode::StorageReadOnly, "the database cannot be written"),
        "58030" => (ErrorCode::StorageIo, "the database failed a file operation"),
        "XX001" | "XX002" => (ErrorCode::StorageCorrupt, "the database is damaged"),
        "3F000" | "42P01" | "42703" | "42883" => {
            (ErrorCode::StorageCorrupt, "the database's tables are not those of this engine")
        }
        _ if code.starts_with("22") || code.starts_with("23") => {
            (ErrorCode::StorageCorrupt, "the tables contradict their own rules")
        }
        _ if code.starts_with("53") => (ErrorCode::StorageIo, "the database is short of resources"),
        _ => (ErrorCode::Internal, "the database refused a statement"),
    };
    Failure::new(row, format!("{detail} (SQLSTATE {code})")).caused_by(cause)
}
