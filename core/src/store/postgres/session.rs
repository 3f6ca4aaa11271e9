//! One login at one server. Runs on the I/O thread.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::join_all;
use futures_util::{StreamExt, pin_mut};
use parking_lot::Mutex;
use tokio_postgres::error::Severity;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{AsyncMessage, Client};

use super::error::ServerError;
use super::login_guard::LoginGuard;
use super::socket::Socket;
use super::tls::EncryptedStream;
use super::value::{Answer, Row, Statement};
use crate::clock::Stopwatch;

/// How many statements a trip has at most: the driver keeps the order of so many.
pub(super) const MAX_STATEMENTS: usize = 30;

/// What moves the bytes of a login.
pub(super) enum PostgresConnection {
    Plain(Box<tokio_postgres::Connection<LoginGuard<Socket>, NoTlsStream>>),
    Encrypted(Box<tokio_postgres::Connection<Socket, EncryptedStream<Socket>>>),
}

impl PostgresConnection {
    fn poll_message(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<AsyncMessage, tokio_postgres::Error>>> {
        match self {
            PostgresConnection::Plain(connection) => connection.poll_message(context),
            PostgresConnection::Encrypted(connection) => connection.poll_message(context),
        }
    }
}

pub(super) struct Session {
    client: Client,
    /// What is prepared here, by its text; absent where statements are sent with their text each time.
    prepared: Option<HashMap<Arc<str>, tokio_postgres::Statement>>,
    /// The first warning since it was last taken.
    warning: Arc<Mutex<Option<ServerError>>>,
    pub age: Stopwatch,
}

/// The first statement of a trip that failed.
pub(super) struct TripError {
    pub cause: ServerError,
    /// Whether the connection is gone with it.
    pub is_lost: bool,
}

impl Session {
    pub(super) fn new(client: Client, connection: PostgresConnection, prepares: bool) -> Self {
        let warning = Arc::new(Mutex::new(None));
        tokio::spawn(drive(connection, Arc::clone(&warning)));
        Session { client, prepared: prepares.then(HashMap::new), warning, age: Stopwatch::start() }
    }

    /// Whether the connection is known to be gone.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Sends all statements in one write and waits once, for the answers of all of them. Those that this connection has not
    /// seen before cost one trip more, before the first is sent.
    pub(super) async fn run(&mut self, statements: &[Statement]) -> Result<Vec<Answer>, TripError> {
        debug_assert!(statements.len() <= MAX_STATEMENTS);
        self.warning.lock().take();
        self.prepare(statements).await?;
        let answers = join_all(statements.iter().map(|statement| self.run_one(statement))).await;
        let mut first = None;
        let mut complete = Vec::with_capacity(answers.len());
        for answer in answers {
            match answer {
                Ok(answer) => complete.push(answer),
                Err(error) => first = first.or(Some(error)),
            }
        }
        match first {
            Some(error) => Err(self.trip_error(&error)),
            None => Ok(complete),
        }
    }

    /// Sends this without waiting for an answer.
    pub(super) fn roll_back(&self) {
        self.client.__private_api_rollback(None);
    }

    /// The first warning that the server gave during the last trip.
    pub(super) fn take_warning(&self) -> Option<ServerError> {
        self.warning.lock().take()
    }

    async fn prepare(&mut self, statements: &[Statement]) -> Result<(), TripError> {
        let Some(prepared) = &self.prepared else { return Ok(()) };
        let mut missing: Vec<&Statement> = Vec::new();
        for statement in statements {
            let is_known = prepared.contains_key(&statement.sql);
            if !is_known && !missing.iter().any(|other| other.sql == statement.sql) {
                missing.push(statement);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let made = join_all(missing.iter().map(|statement| async {
            let types: Vec<_> = statement.values.iter().map(|value| value.sql_type()).collect();
            self.client.prepare_typed(&statement.sql, &types).await
        }));
        let made: Result<Vec<_>, _> = made.await.into_iter().collect();
        let made = made.map_err(|error| self.trip_error(&error))?;
        if let Some(prepared) = &mut self.prepared {
            prepared.extend(missing.iter().map(|statement| Arc::clone(&statement.sql)).zip(made));
        }
        Ok(())
    }

    async fn run_one(&self, statement: &Statement) -> Result<Answer, tokio_postgres::Error> {
        let stream = match self.prepared.as_ref().and_then(|prepared| prepared.get(&statement.sql)) {
            Some(prepared) => self.client.query_raw(prepared, statement.values.iter()).await?,
            None => {
                let values = statement.values.iter().map(|value| (value, value.sql_type()));
                self.client.query_typed_raw(&statement.sql, values).await?
            }
        };
        pin_mut!(stream);
        let mut rows = Vec::new();
        while let Some(row) = stream.next().await {
            rows.push(Row(row?));
        }
        Ok(Answer {
            rows,
            #[cfg(test)]
            row_count: stream.rows_affected().unwrap_or(0),
        })
    }

    fn trip_error(&self, error: &tokio_postgres::Error) -> TripError {
        let cause = ServerError::of_driver(error);
        TripError { is_lost: cause.sqlstate.is_none() || cause.is_fatal || self.is_closed(), cause }
    }
}

/// Moves bytes until the connection ends.
async fn drive(mut connection: PostgresConnection, warning: Arc<Mutex<Option<ServerError>>>) {
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notice(notice) = message {
            let is_warning = notice.parsed_severity() == Some(Severity::Warning);
            if is_warning {
                warning.lock().get_or_insert(ServerError::of_server(&notice));
            }
        }
    }
}
