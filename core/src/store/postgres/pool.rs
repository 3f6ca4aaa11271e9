//! Lends connections to callers: a few to writers and to readers, whose batches fill them, and the rest to work that goes
//! alone.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::connect::Target;
use super::connection::{Connection, Deadline};
use super::error::WireError;
use super::io_thread::IoThread;
use super::session::Session;
use super::url::PostgresUrl;
use crate::error::Failure;

/// How long a connection is used: a change of the server's settings, its certificate or the path to it takes effect by then.
const LIFE: Duration = Duration::from_secs(30 * 60);

/// What a connection is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Batches of writes.
    Writing,
    /// Batches of reads.
    Reading,
    /// Work that waits for locks, or is long, and must not hold up a batch.
    Alone,
}

pub(super) struct Pool {
    io: IoThread,
    target: Arc<Target>,
    /// How many connections each lane may have out at a time.
    lanes: [usize; 3],
    /// How long a connection is used.
    life: Duration,
    lending: Mutex<Lending>,
    returned: Condvar,
}

#[derive(Default)]
struct Lending {
    idle: Vec<Session>,
    lent: [usize; 3],
    is_closed: bool,
}

impl Pool {
    /// A pool without a connection yet: the first caller opens one.
    pub(super) fn new(url: PostgresUrl) -> Result<Self, Failure> {
        let lanes = lanes(url.pool_max);
        let target = Arc::new(Target::new(url));
        let io = IoThread::start()?;
        Ok(Pool { io, target, lanes, life: LIFE, lending: Mutex::default(), returned: Condvar::new() })
    }

    /// The same pool with connections of another life.
    #[cfg(test)]
    pub(super) fn with_life(self, life: Duration) -> Self {
        Pool { life, ..self }
    }

    /// Lends out a connection for a batch of writes.
    ///
    /// # Errors
    /// `NoConnection` if none comes back in time, `Closed` after [`close`](Self::close), and what the work answers. A
    /// connection that has to be opened first is opened by the work's first trip.
    pub(super) fn with_writing<T, E: From<WireError>>(
        &self,
        deadline: &Deadline,
        work: impl FnOnce(&mut Connection<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.with(Lane::Writing, deadline, work)
    }

    /// Lends out a connection for a batch of reads. Fails as [`with_writing`](Self::with_writing) does.
    pub(super) fn with_reading<T, E: From<WireError>>(
        &self,
        deadline: &Deadline,
        work: impl FnOnce(&mut Connection<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.with(Lane::Reading, deadline, work)
    }

    /// Lends out a connection for work that goes alone. Fails as [`with_writing`](Self::with_writing) does.
    pub(super) fn with_alone<T, E: From<WireError>>(
        &self,
        deadline: &Deadline,
        work: impl FnOnce(&mut Connection<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.with(Lane::Alone, deadline, work)
    }

    /// How many connections wait to be lent out.
    #[cfg(test)]
    pub(super) fn idle_count(&self) -> usize {
        self.lending.lock().idle.len()
    }

    /// Waits until every connection is back, closes all of them and ends the thread. Later calls fail with `Closed`.
    pub(super) fn close(&self) {
        let mut lending = self.lending.lock();
        lending.is_closed = true;
        self.returned.notify_all();
        while lending.lent != [0; 3] {
            self.returned.wait(&mut lending);
        }
        let idle = std::mem::take(&mut lending.idle);
        drop(lending);
        drop(idle);
        self.io.stop();
    }

    fn with<T, E: From<WireError>>(
        &self,
        lane: Lane,
        deadline: &Deadline,
        work: impl FnOnce(&mut Connection<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let session = self.lend(lane, deadline)?;
        let connection = Connection::new(&self.io, &self.target, deadline, session);
        let mut lent = Lent { pool: self, lane, connection: Some(connection) };
        match &mut lent.connection {
            Some(connection) => work(connection),
            None => Err(WireError::Closed.into()),
        }
    }

    fn is_worn_out(&self, session: &Session) -> bool {
        session.is_closed() || session.age.elapsed() > self.life
    }

    fn lend(&self, lane: Lane, deadline: &Deadline) -> Result<Option<Session>, WireError> {
        let mut lending = self.lending.lock();
        while !lending.is_closed && lending.lent[lane as usize] >= self.lanes[lane as usize] {
            let left = deadline.remaining();
            if left.is_zero() {
                return Err(WireError::NoConnection);
            }
            self.returned.wait_for(&mut lending, left);
        }
        if lending.is_closed {
            return Err(WireError::Closed);
        }
        lending.lent[lane as usize] += 1;
        let mut worn_out = Vec::new();
        let session = loop {
            match lending.idle.pop() {
                Some(session) if self.is_worn_out(&session) => worn_out.push(session),
                other => break other,
            }
        };
        drop(lending);
        Ok(session)
    }
}

/// A lent connection; it goes back when this is dropped, after a panic of the work too.
struct Lent<'pool, 'caller> {
    pool: &'pool Pool,
    lane: Lane,
    connection: Option<Connection<'caller>>,
}

impl Drop for Lent<'_, '_> {
    fn drop(&mut self) {
        let (session, has_lost) = self.connection.take().map_or((None, false), Connection::into_session);
        let mut lending = self.pool.lending.lock();
        lending.lent[self.lane as usize] -= 1;
        // A server that was cut off says nothing: each of these would cost a caller the time that it takes to notice.
        let suspect = if has_lost { std::mem::take(&mut lending.idle) } else { Vec::new() };
        let unused = match session {
            Some(session) if !lending.is_closed && !self.pool.is_worn_out(&session) => {
                lending.idle.push(session);
                None
            }
            other => other,
        };
        self.pool.returned.notify_all();
        drop(lending);
        drop((unused, suspect));
    }
}

/// How the connections are shared out: two for each kind of batch where there are six or more, else one.
fn lanes(pool_max: usize) -> [usize; 3] {
    let batches = if pool_max >= 6 { 2 } else { 1 };
    [batches, batches, pool_max.saturating_sub(2 * batches).max(1)]
}
