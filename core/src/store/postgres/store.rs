//! The store itself: runs jobs in transactions, finds out what became of a commit whose answer was lost, closes.
//!
//! One write transaction at a time runs in a database, over all machines: whoever holds the lock of the one row of
//! `clock_mark` has the turn. Callers of one machine share a transaction (group commit), which takes two trips whatever their
//! number: one takes the turn and fetches what their jobs need, one changes and commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::codec;
use super::connection::{Connection, Deadline};
use super::error::WireError;
use super::look_up::LookUps;
use super::migrate::migrate;
use super::pool::Pool;
use super::statements::Statements;
use super::transaction::{Fetched, Tx, pairs, read_versions};
use super::url::PostgresUrl;
use super::value::{Row, Statement, Value};
use crate::clock::{Stopwatch, Timestamp};
use crate::error::{ErrorCode, Failure};
use crate::model::id::SessionId;
use crate::random::{OsRandom, draw_bytes};
use crate::store::contract::{Store, StoreOptions};
use crate::store::durability::Durability;
use crate::store::group_commit::{
    ExclusiveWriter, GroupCommit, QueuedWrite, SavepointTransaction, TransactionError,
};
use crate::store::needs::{NeededSessions, Needs};
use crate::store::records::{CommitVersion, TenantNo};
use crate::store::transaction::{QueuedJob, ReadJob, WriteJob};
use crate::store::wait_policy::{WaitPolicy, would_block};

/// The network gets at least this long, however short callers want to wait for other writers.
const NETWORK_TIME: Duration = Duration::from_secs(2);

/// How long opening may take at least: tables may have to be made.
const OPENING_TIME: Duration = Duration::from_secs(30);

/// A machine that stops while it has the turn loses its transaction after this time, and the others go on.
const TURN_MS: &str = "3000";

pub(in crate::store) struct PostgresStore {
    pool: Pool,
    statements: Statements,
    schema: String,
    options: StoreOptions,
    /// What `synchronous_commit` is set to where a write is to be durable.
    durable: String,
    group_commit: GroupCommit,
    look_ups: LookUps,
    /// Held by the leader at work, so that [`close`](Store::close) waits for it.
    leading: Mutex<()>,
    /// Names this store to itself in the table of commits.
    writer_id: [u8; 16],
    commits: AtomicI64,
    is_closed: AtomicBool,
}

/// Why an attempt at a transaction did not commit.
enum Attempt {
    /// The job failed, and everything was rolled back.
    Job(Failure),
    Wire(WireError),
    /// The commit with this number happened or did not.
    Unknown(i64, WireError),
}

impl From<WireError> for Attempt {
    fn from(error: WireError) -> Self {
        Attempt::Wire(error)
    }
}

impl From<Failure> for Attempt {
    fn from(failure: Failure) -> Self {
        Attempt::Job(failure)
    }
}

impl PostgresStore {
    pub(in crate::store) fn open(url: PostgresUrl, options: StoreOptions) -> Result<Self, Failure> {
        let schema = url.schema.clone();
        let (pool, statements) = (Pool::new(url)?, Statements::of_schema(&schema));
        let deadline = Deadline::after(options.busy_timeout.max(OPENING_TIME));
        migrate(&pool, &deadline, &schema)?;
        let ask = "SELECT current_setting('synchronous_commit')";
        let durable: String = pool.with_alone(&deadline, |connection| {
            let forget = Statement::new(&statements.forget_writers, Vec::new());
            let answers = connection.ask(vec![forget, Statement::new(&ask.into(), Vec::new())])?;
            let row = answers.last().and_then(|answer| answer.rows.first());
            row.ok_or_else(|| Failure::internal("the server did not say how it commits"))?.get(0)
        })?;
        Ok(PostgresStore {
            pool,
            statements,
            schema,
            options,
            // A server that is told not to wait for its disk is told to wait for these.
            durable: if durable == "off" { "on".to_owned() } else { durable },
            group_commit: GroupCommit::default(),
            look_ups: LookUps::default(),
            leading: Mutex::new(()),
            writer_id: *draw_bytes(&OsRandom)?,
            commits: AtomicI64::new(0),
            is_closed: AtomicBool::new(false),
        })
    }

    /// One attempt at a transaction.
    fn attempt(
        &self,
        connection: &mut Connection<'_>,
        time_left: Duration,
        durability: Durability,
        work: &mut dyn FnMut(&dyn SavepointTransaction) -> Result<(), Failure>,
    ) -> Result<(), Attempt> {
        let needs = self.group_commit.waiting_needs(durability);
        let fetched = self.begin(connection, time_left, durability, &needs)?;
        let tx = Tx::open(connection, &self.statements, &self.schema, fetched, needs.len().max(1));
        let outcome = work(&tx);
        if let Some(error) = tx.take_broken() {
            return Err(error.into());
        }
        outcome?;
        let last = tx.take_last();
        if let Some(error) = tx.take_broken() {
            return Err(error.into());
        }
        let Some(mut last) = last? else { return Ok(()) }; // nothing was changed: it is rolled back
        drop(tx);
        let number = self.commits.fetch_add(1, Ordering::Relaxed) + 1;
        let values = vec![self.writer_id.as_slice().into(), number.into()];
        last.push(Statement::new(&self.statements.note_commit, values));
        match connection.commit(last) {
            Ok(_) => Ok(()),
            Err(error @ WireError::UnknownOutcome(_)) => Err(Attempt::Unknown(number, error)),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the turn to write and fetches what the jobs need, in one trip.
    fn begin(
        &self,
        connection: &mut Connection<'_>,
        lock_time: Duration,
        durability: Durability,
        needs: &[Needs],
    ) -> Result<Fetched, WireError> {
        let mut tenants: Vec<TenantNo> = needs.iter().filter_map(|needs| needs.tenant).collect();
        tenants.sort_unstable();
        tenants.dedup();
        let mut sessions: Vec<(TenantNo, SessionId)> = needs
            .iter()
            .filter_map(|needs| needs.tenant.map(|tenant| (tenant, needs.sessions.as_slice())))
            .flat_map(|(tenant, ids)| ids.iter().map(move |id| (tenant, *id)))
            .collect();
        sessions.sort_unstable_by_key(|(tenant, id)| (*tenant, id.to_bytes()));
        sessions.dedup();
        let mut trip = vec![
            self.set_up(lock_time, durability),
            Statement::new(&self.statements.take_turn, Vec::new()),
            Statement::new(&self.statements.heads, vec![tenants.into()]),
        ];
        if !sessions.is_empty() {
            let values = pairs(sessions.iter().map(|(tenant, id)| (*tenant, Some(*id))));
            trip.push(Statement::new(&self.statements.sessions, values));
        }
        let mut answers = connection.begin(&self.statements.begin_write, trip)?.into_iter().skip(1);
        let mut next = || answers.next().map_or_else(Vec::new, |answer| answer.rows);
        let (marks, heads, rows) = (next(), next(), next());
        let mark = marks.first().ok_or_else(|| Failure::corrupt("the clock mark is missing"))?;
        let mut fetched = Fetched::new(codec::clock_mark(mark, 0)?, time_of(&heads)?);
        read_versions(&heads, &mut fetched)?;
        fetched.sessions = sessions.into_iter().map(|key| (key, None)).collect();
        for row in &rows {
            let (tenant, record) = (row.get(0)?, codec::session(row, 1)?);
            fetched.sessions.insert((tenant, record.id), Some(record));
        }
        Ok(fetched)
    }

    fn set_up(&self, lock_time: Duration, durability: Durability) -> Statement {
        // 0 would mean to wait for ever.
        let lock_time = lock_time.as_millis().clamp(1, i32::MAX as u128).to_string();
        let durable = match (durability, self.options.durability) {
            (Durability::Full, Durability::Full) => self.durable.as_str(),
            _ => "off",
        };
        Statement::new(&self.statements.set_up, vec![lock_time.into(), durable.into(), TURN_MS.into()])
    }

    /// Whether this commit happened; afterwards it cannot happen any more. Whoever has the turn after a transaction knows what
    /// became of it. Commits something itself, so that what the answer tells is as durable as that.
    fn has_happened(&self, number: i64) -> Result<bool, Failure> {
        let deadline = Deadline::after(self.options.busy_timeout.max(NETWORK_TIME));
        let id: Value = self.writer_id.as_slice().into();
        loop {
            let outcome = self.pool.with_alone(&deadline, |connection| {
                let trip = vec![
                    self.set_up(deadline.remaining(), Durability::Full),
                    Statement::new(&self.statements.take_turn, Vec::new()),
                    Statement::new(&self.statements.noted_commit, vec![id.clone()]),
                ];
                let answers = connection.begin(&self.statements.begin_write, trip)?;
                let row = answers.last().and_then(|answer| answer.rows.first());
                let noted: Option<i64> = row.map(|row| row.get(0)).transpose()?;
                let touch = Statement::new(&self.statements.touch_writer, vec![id.clone()]);
                connection.commit(vec![touch])?;
                Ok::<_, WireError>(noted.is_some_and(|noted| noted >= number))
            });
            match outcome {
                Err(error) if is_transient(&error) && !deadline.remaining().is_zero() => {}
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Reads on one snapshot that stays open while the job asks.
    fn read_open(&self, deadline: &Deadline, needs: &Needs, job: &mut ReadJob<'_>) -> Result<(), Failure> {
        loop {
            let outcome = self.pool.with_alone(deadline, |connection| {
                let tenants: Vec<TenantNo> = needs.tenant.into_iter().collect();
                let heads = Statement::new(&self.statements.snapshot_heads, vec![tenants.into()]);
                let answers = connection.begin(&self.statements.begin_snapshot, vec![heads])?;
                let heads = answers.into_iter().next().map_or_else(Vec::new, |answer| answer.rows);
                let mark = heads.first().ok_or_else(|| Failure::corrupt("the clock mark is missing"))?;
                let mut fetched = Fetched::new(codec::clock_mark(mark, 3)?, time_of(&heads)?);
                read_versions(&heads, &mut fetched)?;
                let tx = Tx::open(connection, &self.statements, &self.schema, fetched, 0);
                let outcome = job(&tx);
                match tx.take_broken() {
                    Some(error) => Err(Attempt::Wire(error)),
                    None => Ok(outcome?),
                }
            });
            match outcome {
                Ok(()) => return Ok(()),
                Err(Attempt::Job(failure)) => return Err(failure),
                Err(Attempt::Wire(error)) if is_transient(&error) && !deadline.remaining().is_zero() => {}
                Err(Attempt::Wire(error) | Attempt::Unknown(_, error)) => return Err(error.into()),
            }
        }
    }
}

/// Whether the same transaction may succeed when it is run again.
fn is_transient(error: &WireError) -> bool {
    match error {
        WireError::Lost(_) | WireError::UnknownOutcome(_) => true,
        WireError::Refused(cause) => {
            cause.is_elsewhere() || (cause.is_conflict() && cause.sqlstate.as_deref() != Some("55P03"))
        }
        WireError::NoConnection | WireError::Closed | WireError::Failed(_) => false,
    }
}

/// The database's time, in the first column.
fn time_of(heads: &[Row]) -> Result<Timestamp, Failure> {
    let row = heads.first().ok_or_else(|| Failure::corrupt("the clock mark is missing"))?;
    Ok(Timestamp::from_millis(row.get(0)?))
}

impl ExclusiveWriter for PostgresStore {
    fn transact(
        &self,
        time_left: Duration,
        durability: Durability,
        work: &mut dyn FnMut(&dyn SavepointTransaction) -> Result<(), Failure>,
    ) -> Result<(), TransactionError> {
        let _leading = self.leading.lock();
        self.check_open()?;
        let waiting = Stopwatch::start();
        let deadline = Deadline::after(time_left.max(NETWORK_TIME));
        loop {
            let lock_time = waiting.remaining(time_left);
            let outcome = self
                .pool
                .with_writing(&deadline, |connection| self.attempt(connection, lock_time, durability, work));
            let error = match outcome {
                Ok(()) => return Ok(()),
                Err(Attempt::Job(failure)) => return Err(failure.into()),
                Err(Attempt::Wire(error)) => error,
                Err(Attempt::Unknown(number, error)) => match self.has_happened(number) {
                    Ok(true) => return Ok(()),
                    Ok(false) => error,
                    // Neither the one nor the other is known: no caller may be told of either.
                    Err(_) => return Err(TransactionError::Unknown(error.into())),
                },
            };
            if !is_transient(&error) || deadline.remaining().is_zero() {
                return Err(TransactionError::RolledBack(error.into()));
            }
        }
    }
}

impl Store for PostgresStore {
    fn read(&self, wait_policy: WaitPolicy, needs: &Needs, job: &mut ReadJob<'_>) -> Result<(), Failure> {
        self.check_open()?;
        if wait_policy == WaitPolicy::NonBlocking {
            return Err(would_block());
        }
        let deadline = Deadline::after(self.options.busy_timeout.max(NETWORK_TIME));
        if let (Some(tenant), NeededSessions::None | NeededSessions::One(_) | NeededSessions::Many(_)) =
            (needs.tenant, &needs.sessions)
        {
            let found = self.look_ups.find(tenant, needs.sessions.as_slice(), |wanted| {
                self.pool.with_reading(&deadline, |connection| {
                    let look_up = Statement::new(&self.statements.look_up, pairs(wanted));
                    let answers = connection.ask(vec![look_up])?;
                    Ok::<_, Failure>(answers.into_iter().next().map_or_else(Vec::new, |answer| answer.rows))
                })
            })?;
            let tx = Tx::closed(&self.statements, &self.schema, found);
            let outcome = job(&tx);
            if !tx.is_incomplete() {
                return outcome;
            }
        }
        self.read_open(&deadline, needs, job)
    }

    fn write_exclusive(&self, job: &mut WriteJob<'_>) -> Result<(), Failure> {
        self.check_open()?;
        self.group_commit.write_exclusive(self, self.options.busy_timeout, job)
    }

    fn enqueue(&self, job: Box<QueuedJob>, durability: Durability, needs: Needs) -> Arc<QueuedWrite> {
        self.group_commit.push(job, durability, needs, self.options.busy_timeout)
    }

    fn wait(&self, write: &Arc<QueuedWrite>) -> Result<(), Failure> {
        self.group_commit.wait(write, self)
    }

    fn cancel(&self, write: &Arc<QueuedWrite>) {
        self.group_commit.cancel(write);
    }

    fn has_waiting_writes(&self) -> bool {
        self.group_commit.has_waiting_writes()
    }

    fn log_bytes(&self) -> Result<u64, Failure> {
        Ok(0)
    }

    fn commit_version(&self) -> Option<CommitVersion> {
        None // a message from other machines would come too late
    }

    fn is_unchanged_since(&self, _: SessionId, _: CommitVersion) -> bool {
        false
    }

    fn erase_deleted(&self) -> Result<bool, Failure> {
        Ok(true) // the server's log is its operator's
    }

    fn check_open(&self) -> Result<(), Failure> {
        if self.is_closed.load(Ordering::Acquire) { Err(closed()) } else { Ok(()) }
    }

    fn confirm_files(&self, _: Timestamp) -> Result<(), Failure> {
        Ok(())
    }

    fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        let _leading = self.leading.lock();
        self.pool.close();
    }
}

fn closed() -> Failure {
    Failure::new(ErrorCode::EngineClosed, "the engine was closed")
}
