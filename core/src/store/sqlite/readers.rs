//! The reading connections of a store. One is opened with the store, others when several readers come at once. Where the
//! system refuses another one (no descriptor is left, the process has given up its rights to the file), readers share
//! those that there are.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use super::{connection, transaction};
use crate::clock::Stopwatch;
use crate::error::Failure;
use crate::store::contract::StoreOptions;
use crate::store::database::SqliteDatabase;
use crate::store::transaction::ReadTransaction;
use crate::store::wait_policy::{WaitPolicy, would_block};

/// How many idle connections are kept for the next readers.
const IDLE_READERS: usize = 8;

/// How many pages a reading connection keeps, of 4 KB: the upper levels of the trees of millions of sessions. Rows come from
/// the system's own cache of files. There may be as many of these connections as threads that read at once.
const READER_PAGES: i64 = 128;

#[derive(Default)]
pub(super) struct Readers {
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    lent: usize,
    is_closed: bool,
    /// Whether the last connection to close leaves the log where it is.
    leaves_log: bool,
}

impl Readers {
    /// Opens one connection with everything that reading needs, so that the store can read whatever is refused later.
    pub(super) fn open_first(
        &self,
        database: &SqliteDatabase,
        options: &StoreOptions,
    ) -> Result<(), Failure> {
        let reader = open_reader(database, options)?;
        // Opens the log and maps its index, too.
        transaction::read(&reader, &mut |tx| tx.clock_mark().map(drop))?;
        self.state.lock().idle.push(reader);
        Ok(())
    }

    /// Runs `read` with a connection that no other thread uses meanwhile; `confirm_fresh` says whether one that was opened for
    /// it may be used.
    pub(super) fn lend<T>(
        &self,
        wait_policy: WaitPolicy,
        database: &SqliteDatabase,
        options: &StoreOptions,
        confirm_fresh: impl FnOnce() -> Result<(), Failure>,
        read: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let busy_timeout = match wait_policy {
            WaitPolicy::Block => options.busy_timeout,
            WaitPolicy::NonBlocking => Duration::ZERO,
        };
        let reader = match self.take_idle() {
            Some(reader) => reader,
            None => match open_reader(database, &StoreOptions { busy_timeout, ..*options }) {
                Ok(fresh) => {
                    confirm_fresh()?;
                    self.state.lock().lent += 1;
                    fresh
                }
                Err(refusal) => self.wait_for_idle(wait_policy, busy_timeout, refusal)?,
            },
        };
        let lent = Lent(self);
        let outcome = connection::with_busy_timeout(&reader, busy_timeout, options, || read(&reader));
        self.put_back(reader);
        drop(lent);
        outcome
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut state = self.state.lock();
        let reader = state.idle.pop()?;
        state.lent += 1;
        Some(reader)
    }

    /// A connection that another reader gives back; `refusal` if none has one, or if none comes in time.
    fn wait_for_idle(
        &self,
        wait_policy: WaitPolicy,
        busy_timeout: Duration,
        refusal: Failure,
    ) -> Result<Connection, Failure> {
        let waiting = Stopwatch::start();
        let mut state = self.state.lock();
        loop {
            if let Some(reader) = state.idle.pop() {
                state.lent += 1;
                return Ok(reader);
            }
            if state.lent == 0 || state.is_closed {
                return Err(refusal);
            }
            if wait_policy == WaitPolicy::NonBlocking {
                return Err(would_block());
            }
            if self.returned.wait_for(&mut state, waiting.remaining(busy_timeout)).timed_out() {
                return Err(refusal);
            }
        }
    }

    /// Keeps the connection for the next reader, unless it is still inside a transaction.
    fn put_back(&self, reader: Connection) {
        let mut state = self.state.lock();
        if reader.is_autocommit() && state.idle.len() < IDLE_READERS && !state.is_closed {
            state.idle.push(reader);
        } else if state.leaves_log {
            connection::leave_log(&reader);
        }
    }

    /// Closes the idle connections; those that are lent close when they come back.
    pub(super) fn close(&self, leaves_log: bool) {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.leaves_log = leaves_log;
        if leaves_log {
            state.idle.iter().for_each(connection::leave_log);
        }
        state.idle.clear();
        self.returned.notify_all();
    }
}

/// Counts a connection as lent until its reader is done, also by a panic.
struct Lent<'a>(&'a Readers);

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.0.state.lock().lent -= 1;
        self.0.returned.notify_one();
    }
}

fn open_reader(database: &SqliteDatabase, options: &StoreOptions) -> Result<Connection, Failure> {
    let reader = connection::open_again(database, options)?;
    connection::limit_pages(&reader, READER_PAGES)?;
    Ok(reader)
}
