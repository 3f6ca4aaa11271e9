//! A connection as the store sees it: transactions in trips, each of one write and one wait.
//!
//! A transaction is [`begin`](Connection::begin) with the statements of its first trip, any number of
//! [`ask`](Connection::ask), and [`commit`](Connection::commit) with those of its last. A read that needs one statement only is
//! an `ask` without `begin`. Whatever is still open when the connection goes back to its pool is rolled back.
//!
//! # What may run twice
//! While nothing is open (`begin`, and `ask` outside a transaction) a trip that finds the connection dead, or the server
//! shutting down or turned into a standby, is sent again over a fresh connection, to whichever host takes writes by then, until
//! the time is up. So an `ask` outside a transaction must have the same answer when it runs twice: a read, or a write that
//! is written for it.

use std::sync::Arc;
use std::time::Duration;

use super::connect::Target;
use super::error::{ServerError, WireError};
use super::io_thread::IoThread;
use super::session::{MAX_STATEMENTS, Session, TripError};
use super::value::{Answer, Statement};
use crate::clock::Stopwatch;
use crate::error::Failure;

/// How long a caller waits for all of its trips together, for a connection too.
pub(super) struct Deadline {
    since: Stopwatch,
    limit: Duration,
}

impl Deadline {
    /// So long from now.
    pub(super) fn after(limit: Duration) -> Self {
        Deadline { since: Stopwatch::start(), limit }
    }

    pub(super) fn remaining(&self) -> Duration {
        self.since.remaining(self.limit)
    }
}

/// Whether a connection has a transaction open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    InTransaction,
}

/// A connection that is lent to one caller.
pub(super) struct Connection<'caller> {
    io: &'caller IoThread,
    target: &'caller Arc<Target>,
    deadline: &'caller Deadline,
    session: Option<Session>,
    state: State,
    /// The first warning of the last trip, also where the session was lost behind its answer.
    warning: Option<ServerError>,
    /// Whether a session was lost on the way: others at the same server may be dead, too, and not know it.
    has_lost_session: bool,
    #[cfg(test)]
    trips: u32,
}

impl<'caller> Connection<'caller> {
    pub(super) fn new(
        io: &'caller IoThread,
        target: &'caller Arc<Target>,
        deadline: &'caller Deadline,
        session: Option<Session>,
    ) -> Self {
        Connection {
            io,
            target,
            deadline,
            session,
            state: State::Idle,
            warning: None,
            has_lost_session: false,
            #[cfg(test)]
            trips: 0,
        }
    }

    /// Begins a transaction with this statement (`BEGIN`, `BEGIN READ ONLY`, …) and runs the others in it, all in one trip.
    /// The answers are those of the others.
    ///
    /// # Errors
    /// `Lost`, `Refused`, `Failed`: no transaction is open.
    pub(super) fn begin(
        &mut self,
        begin: &Arc<str>,
        mut statements: Vec<Statement>,
    ) -> Result<Vec<Answer>, WireError> {
        self.require_state(State::Idle)?;
        statements.insert(0, Statement::new(begin, Vec::new()));
        let mut answers = self.run_until_taken(statements)?;
        self.state = State::InTransaction;
        answers.remove(0);
        Ok(answers)
    }

    /// Runs statements in one trip: in the open transaction, or each by itself if there is none.
    ///
    /// # Errors
    /// `Lost`, `Refused`, `Failed`: the transaction, if one was open, was rolled back.
    pub(super) fn ask(&mut self, statements: Vec<Statement>) -> Result<Vec<Answer>, WireError> {
        if self.state == State::Idle {
            return self.run_until_taken(statements);
        }
        let outcome = self.run(statements).1;
        outcome.map_err(|error| {
            self.abandon();
            WireError::from_trip(error)
        })
    }

    /// Runs the last statements of the transaction and commits it, all in one trip. The answers are theirs.
    ///
    /// # Errors
    /// `UnknownOutcome`; `Lost`, `Refused`, `Failed`: the transaction was rolled back.
    pub(super) fn commit(&mut self, mut statements: Vec<Statement>) -> Result<Vec<Answer>, WireError> {
        self.require_state(State::InTransaction)?;
        if self.deadline.remaining().is_zero() {
            self.abandon();
            return Err(WireError::Lost(ServerError::new("the time was up before the commit")));
        }
        statements.push(Statement::new(&self.target.commit, Vec::new()));
        let outcome = self.run(statements).1;
        match outcome {
            Ok(mut answers) => {
                self.state = State::Idle;
                if let Some(warning) = self.warning.take() {
                    return Err(WireError::UnknownOutcome(warning));
                }
                answers.pop();
                Ok(answers)
            }
            Err(error) => {
                self.abandon();
                Err(match error {
                    RunError::Trip(TripError { cause, .. }) if cause.leaves_outcome_open() => {
                        WireError::UnknownOutcome(cause)
                    }
                    RunError::TimeUp(cause) => WireError::UnknownOutcome(cause),
                    other => WireError::from_trip(other),
                })
            }
        }
    }

    /// Ends the open transaction, if there is one, without its changes. Waits for nothing.
    pub(super) fn roll_back(&mut self) {
        if self.state == State::InTransaction {
            self.abandon();
        }
    }

    /// How many trips this caller has made so far.
    #[cfg(test)]
    pub(super) fn trips(&self) -> u32 {
        self.trips
    }

    /// Takes the connection back, rolled back; nothing if it is of no further use. And whether one was lost.
    pub(super) fn into_session(mut self) -> (Option<Session>, bool) {
        self.roll_back();
        (self.session.take(), self.has_lost_session)
    }

    fn require_state(&self, state: State) -> Result<(), WireError> {
        if self.state == state {
            return Ok(());
        }
        Err(Failure::internal("a transaction was begun or committed twice").into())
    }

    /// What is left of the transaction is rolled back before the connection's next trip.
    fn abandon(&mut self) {
        self.state = State::Idle;
        match &self.session {
            Some(session) if session.is_closed() => self.session = None,
            Some(session) => session.roll_back(),
            None => {}
        }
    }

    /// Runs a trip that no transaction is open for, over fresh connections if need be, until a server takes it.
    fn run_until_taken(&mut self, mut statements: Vec<Statement>) -> Result<Vec<Answer>, WireError> {
        loop {
            if self.session.as_ref().is_none_or(Session::is_closed) {
                self.session = Some(self.open_session()?);
            }
            let (unused, outcome) = self.run(statements);
            let error = match outcome {
                Ok(answers) => return Ok(answers),
                Err(error) => error,
            };
            match (error, unused) {
                (RunError::Trip(error), Some(unused)) if error.is_lost || error.cause.is_elsewhere() => {
                    (self.session, self.has_lost_session) = (None, true);
                    statements = unused;
                }
                (error, _) => {
                    self.abandon();
                    return Err(WireError::from_trip(error));
                }
            }
        }
    }

    fn open_session(&self) -> Result<Session, WireError> {
        self.io.run(Arc::clone(self.target).open_session(self.deadline.remaining()))?
    }

    /// One trip over the connection that is there. Gives the statements back unless the time was up.
    fn run(&mut self, statements: Vec<Statement>) -> (Option<Vec<Statement>>, Result<Vec<Answer>, RunError>) {
        let Some(mut session) = self.session.take() else {
            let cause = ServerError::new("the connection was lost before");
            return (Some(statements), Err(RunError::Trip(TripError { cause, is_lost: true })));
        };
        if statements.len() > MAX_STATEMENTS {
            return (None, Err(RunError::Failed(Failure::internal("a trip has too many statements"))));
        }
        #[cfg(test)]
        {
            self.trips += 1;
        }
        let limit = self.deadline.remaining();
        let work = async move {
            let outcome = tokio::time::timeout(limit, session.run(&statements)).await;
            outcome.ok().map(|outcome| (session, statements, outcome))
        };
        match self.io.run(work) {
            Ok(Some((session, statements, outcome))) => {
                self.warning = session.take_warning();
                self.session = Some(session).filter(|session| !session.is_closed());
                self.has_lost_session |= self.session.is_none();
                (Some(statements), outcome.map_err(RunError::Trip))
            }
            Ok(None) => {
                self.has_lost_session = true;
                (None, Err(RunError::TimeUp(ServerError::new("the database did not answer in time"))))
            }
            Err(failure) => (None, Err(RunError::Failed(failure))),
        }
    }
}

/// Why a trip did not come back with answers.
enum RunError {
    Trip(TripError),
    TimeUp(ServerError),
    Failed(Failure),
}

impl WireError {
    fn from_trip(error: RunError) -> Self {
        match error {
            RunError::Trip(TripError { cause, is_lost: true }) | RunError::TimeUp(cause) => {
                WireError::Lost(cause)
            }
            RunError::Trip(TripError { cause, .. }) => WireError::Refused(cause),
            RunError::Failed(failure) => WireError::Failed(failure),
        }
    }
}
