//! The store itself: opens, reads, closes, and hands writes to group commit.
//!
//! One write transaction at a time runs in a database, over all machines: the one that holds the lock of the one row of
//! `clock_mark` has the turn (`writing.rs`). Callers of one machine share a transaction (group commit), which takes two trips whatever their
//! number: one takes the turn and fetches what their jobs need, one changes and commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::attempt::{Attempt, is_worth_another};
use super::codec;
use super::connection::{Connection, Deadline};
use super::error::WireError;
use super::fetched::{Fetched, pairs, read_versions, time_of};
use super::look_up::{LookUps, QueuedLookUp, TripRows, Wanted, WantedPage};
use super::migrate::migrate;
use super::pool::Pool;
use super::read_tx::newest_first;
use super::statements::Statements;
use super::transaction::Tx;
use super::url::PostgresUrl;
use super::value::Statement;
use super::verify_leases::VerifyLeases;
use crate::clock::Timestamp;
use crate::error::{ErrorCode, Failure};
use crate::model::id::SessionId;
use crate::random::{OsRandom, draw_bytes};
use crate::store::contract::{Store, StoreOptions};
use crate::store::durability::Durability;
use crate::store::group_commit::{GroupCommit, QueuedWrite};
use crate::store::needs::Needs;
use crate::store::queued_read::QueuedRead;
use crate::store::records::{CommitVersion, TenantNo};
use crate::store::subject::Subject;
use crate::store::transaction::{QueuedJob, ReadJob, WriteJob};
use crate::store::verify_lease::{LeaseStart, VerifyLease};
use crate::store::verify_mode::VerifyMode;
use crate::store::wait_policy::{WaitPolicy, would_block};

/// The network gets at least this long, however short callers want to wait for other writers.
pub(super) const NETWORK_TIME: Duration = Duration::from_secs(2);

/// How long opening may take at least: tables may have to be made.
const OPENING_TIME: Duration = Duration::from_secs(30);

pub(in crate::store) struct PostgresStore {
    pub(super) pool: Pool,
    pub(super) statements: Statements,
    pub(super) schema: String,
    pub(super) options: StoreOptions,
    /// What `synchronous_commit` is set to where a write is to be durable.
    pub(super) durable: String,
    pub(super) group_commit: GroupCommit,
    look_ups: LookUps,
    pub(super) leases: VerifyLeases,
    /// Held by the leader at work, so that [`close`](Store::close) waits for it.
    pub(super) leading: Mutex<()>,
    /// Names this store to itself in the table of commits.
    pub(super) writer_id: [u8; 16],
    pub(super) commits: AtomicI64,
    is_closed: AtomicBool,
    /// How many trips all transactions took.
    #[cfg(test)]
    pub(super) trips: std::sync::atomic::AtomicU64,
}

impl PostgresStore {
    pub(in crate::store) fn open(url: PostgresUrl, options: StoreOptions) -> Result<Self, Failure> {
        let schema = url.schema.clone();
        let isolation = url.isolation;
        let verify = verify_mode(&url, &options)?;
        let (pool, statements) = (Pool::new(url)?, Statements::of_schema(&schema, isolation));
        let deadline = Deadline::after(options.busy_timeout.max(OPENING_TIME));
        migrate(&pool, &deadline, &schema, isolation, options.must_exist)?;
        let ask = "SELECT current_setting('synchronous_commit')";
        let durable: String = pool.with_alone(&deadline, |connection| {
            let forget = Statement::new(&statements.forget_writers, Vec::new());
            let answers = connection.ask(vec![forget, Statement::new(&ask.into(), Vec::new())])?;
            let row = answers.last().and_then(|answer| answer.rows.first());
            row.ok_or_else(|| Failure::internal("the server did not say how it commits"))?.get(0)
        })?;
        let store = PostgresStore {
            pool,
            statements,
            schema,
            options,
            // A server that is told not to wait for its disk is told to wait for these.
            durable: if durable == "off" { "on".to_owned() } else { durable },
            group_commit: GroupCommit::default(),
            look_ups: LookUps::default(),
            leases: VerifyLeases::new(verify),
            leading: Mutex::new(()),
            writer_id: *draw_bytes(&OsRandom)?,
            commits: AtomicI64::new(0),
            is_closed: AtomicBool::new(false),
            #[cfg(test)]
            trips: Default::default(),
        };
        store.raise_lease(&deadline)?;
        Ok(store)
    }

    pub(super) fn count_trips(&self, _connection: &Connection<'_>) {
        #[cfg(test)]
        self.trips.fetch_add(u64::from(_connection.trips()), Ordering::Relaxed);
    }

    /// Reads from what a shared trip brings, as far as that is enough.
    fn read_shared(
        &self,
        queued: Option<QueuedLookUp>,
        needs: &Needs,
        job: &mut ReadJob<'_>,
    ) -> Result<(), Failure> {
        let deadline = Deadline::after(self.options.busy_timeout.max(NETWORK_TIME));
        if let Some(queued) = queued {
            let trip = |wanted: &[Wanted], pages: &[WantedPage]| self.look_up(&deadline, wanted, pages);
            let found = self.look_ups.wait(&queued, trip)?;
            let tx = Tx::closed(&self.statements, &self.schema, found);
            let outcome = job(&tx);
            if !tx.is_incomplete() {
                return outcome;
            }
        }
        self.read_open(&deadline, needs, job)
    }

    /// Looks up sessions and first rows of lists in one trip and one snapshot.
    fn look_up(
        &self,
        deadline: &Deadline,
        wanted: &[Wanted],
        pages: &[WantedPage],
    ) -> Result<TripRows, Failure> {
        let first_rows = |(tenant, page): &WantedPage| {
            let limit = i64::try_from(page.rows).unwrap_or(i64::MAX);
            newest_first(&self.statements, *tenant, page.user.as_ref(), page.filter, page.before, limit)
        };
        loop {
            let mut trip = vec![Statement::new(&self.statements.look_up, pairs(wanted.iter().copied()))];
            trip.extend(pages.iter().map(first_rows));
            let outcome = self.pool.with_reading(deadline, |connection| {
                let answers = if pages.is_empty() {
                    connection.ask(trip)?
                } else {
                    connection.begin(&self.statements.begin_snapshot, trip)?
                };
                self.count_trips(connection);
                Ok::<_, WireError>(answers)
            });
            match outcome {
                Err(error) if is_worth_another(&error, deadline) => {}
                outcome => {
                    let mut answers = outcome?.into_iter().map(|answer| answer.rows);
                    let look_up = answers.next().unwrap_or_default();
                    return Ok(TripRows { look_up, pages: answers.collect() });
                }
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
                fetched.allowed_lease_ms = mark.get(5)?;
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
                Err(Attempt::Wire(error)) if is_worth_another(&error, deadline) => {}
                Err(Attempt::Wire(error) | Attempt::Unknown(_, error)) => return Err(error.into()),
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
        self.read_shared(self.look_ups.enqueue(needs), needs, job)
    }

    fn is_over_network(&self) -> bool {
        true
    }

    fn enqueue_read(&self, needs: &Needs) -> Option<QueuedRead> {
        Some(QueuedRead(Box::new(self.look_ups.enqueue(needs)?)))
    }

    fn read_queued(&self, queued: QueuedRead, needs: &Needs, job: &mut ReadJob<'_>) -> Result<(), Failure> {
        self.check_open()?;
        self.read_shared(queued.0.downcast().ok().map(|place| *place), needs, job)
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

    fn clock_mark_if_unchanged(&self, _: Subject, _: CommitVersion) -> Option<Timestamp> {
        None
    }

    fn begin_lease(&self) -> Option<LeaseStart> {
        self.leases.begin()
    }

    fn check_lease(&self, session: SessionId, lease: &VerifyLease) -> Option<Timestamp> {
        self.leases.check(session, lease)
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

/// What the options say, or the URL.
fn verify_mode(url: &PostgresUrl, options: &StoreOptions) -> Result<VerifyMode, Failure> {
    match (options.verify, url.verify) {
        (Some(option), Some(parameter)) if option != parameter => {
            let detail = "verify: is one mode in the options and another one in the URL";
            Err(Failure::new(ErrorCode::ValidationError, detail))
        }
        (option, parameter) => Ok(option.or(parameter).unwrap_or_default()),
    }
}

fn closed() -> Failure {
    Failure::new(ErrorCode::EngineClosed, "the engine was closed")
}
