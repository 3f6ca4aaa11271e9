//! One transaction, as a job sees it. What was fetched before the job began is answered from memory; changes are kept and go
//! to the server before the next question, or with the commit.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use super::change::Change;
use super::changes::{RowChange, RowKey, merge};
use super::codec;
use super::connection::Connection;
use super::error::WireError;
use super::fetched::{Fetched, pairs};
use super::own_changes::Touched;
use super::session::MAX_STATEMENTS;
use super::statements::Statements;
use super::value::{Answer, Row, Statement, Value};
use super::verify_leases::time_to_outlast;
use crate::error::Failure;
use crate::model::event::EventSeq;
use crate::model::id::{SessionId, UserId};
use crate::model::revocation::RevocationSeq;
use crate::model::session::SessionLifetime;
use crate::model::sign_in_limit::FailedSignIn;
use crate::random::{OsRandom, draw_bytes};
use crate::store::group_commit::SavepointTransaction;
use crate::store::records::{ClockMark, SessionRecord, TenantNo};
use crate::token::failure_key::FailureKey;

pub(super) struct Tx<'a, 'c> {
    /// Absent for a read whose snapshot is closed already: what it holds is all that there is.
    connection: Option<RefCell<&'a mut Connection<'c>>>,
    pub(super) statements: &'a Statements,
    pub(super) schema: &'a str,
    pub(super) fetched: RefCell<Fetched>,
    /// What went wrong below the job, if anything did: nothing of the transaction counts then.
    broken: RefCell<Option<WireError>>,
    /// Whether the job has asked for what a closed snapshot does not hold.
    is_incomplete: Cell<bool>,
    changes: RefCell<Pending>,
    /// What answers tell of, and jobs have changed, those that were taken back included.
    touched: RefCell<Touched>,
    /// Whether the present job's caller waits for leases.
    outlasts_leases: Cell<bool>,
    /// How many jobs the transaction was begun for.
    jobs: usize,
}

/// What the transaction has changed.
#[derive(Default)]
struct Pending {
    /// Not sent yet.
    rows: Vec<RowChange>,
    /// How many of them are of the jobs before.
    of_earlier_jobs: usize,
    /// Savepoints to release or roll back to, before anything else is sent.
    first: Vec<Statement>,
    /// Whether the job may be taken back alone.
    is_isolated: bool,
    /// Whether the server knows of the job's savepoint.
    has_savepoint: bool,
    job_has_changed: bool,
    /// Whether any job that was kept, or the present one, has changed anything.
    has_changed: bool,
    /// Whether the mark differs from the server's.
    has_new_mark: bool,
    at_savepoint: AtSavepoint,
}

#[derive(Default)]
struct AtSavepoint {
    has_changed: bool,
    mark: Option<(ClockMark, bool)>,
    /// What the job has changed of what is known: tenants whose versions, keys whose failures.
    versions: Vec<TenantNo>,
    failures: Vec<(TenantNo, FailureKey)>,
    /// The tenants of the events that the job has added.
    events: Vec<TenantNo>,
}

impl<'a, 'c> Tx<'a, 'c> {
    /// On an open transaction.
    pub(super) fn open(
        connection: &'a mut Connection<'c>,
        statements: &'a Statements,
        schema: &'a str,
        fetched: Fetched,
        jobs: usize,
    ) -> Self {
        let mut tx = Tx::closed(statements, schema, fetched);
        tx.connection = Some(RefCell::new(connection));
        tx.jobs = jobs;
        tx
    }

    /// On a snapshot of which only this is left.
    pub(super) fn closed(statements: &'a Statements, schema: &'a str, fetched: Fetched) -> Self {
        Tx {
            connection: None,
            statements,
            schema,
            fetched: RefCell::new(fetched),
            broken: RefCell::default(),
            is_incomplete: Cell::new(false),
            changes: RefCell::default(),
            touched: RefCell::default(),
            outlasts_leases: Cell::new(false),
            jobs: 0,
        }
    }

    pub(super) fn is_incomplete(&self) -> bool {
        self.is_incomplete.get()
    }

    /// What went wrong below the job.
    pub(super) fn take_broken(&self) -> Option<WireError> {
        self.broken.borrow_mut().take()
    }

    /// The rows that one statement reads, which sees the transaction's changes.
    pub(super) fn query(&self, sql: &std::sync::Arc<str>, values: Vec<Value>) -> Result<Vec<Row>, Failure> {
        self.run(Statement::new(sql, values))
    }

    /// [`query`](Self::query) with a statement.
    pub(super) fn run(&self, statement: Statement) -> Result<Vec<Row>, Failure> {
        let mut trip = self.take_unsent();
        trip.push(statement);
        let answer = self.send(trip)?.pop();
        Ok(answer.map_or_else(Vec::new, |answer| answer.rows))
    }

    /// Sends statements, in as many trips as they need; the answers of the last trip.
    fn send(&self, mut statements: Vec<Statement>) -> Result<Vec<Answer>, Failure> {
        self.require_sound()?;
        let Some(connection) = &self.connection else {
            self.is_incomplete.set(true);
            return Err(Failure::internal("the snapshot is closed"));
        };
        let mut connection = connection.borrow_mut();
        loop {
            let later = statements.split_off(statements.len().min(MAX_STATEMENTS));
            let answers = connection.ask(statements).map_err(|error| {
                *self.broken.borrow_mut() = Some(error.clone());
                Failure::from(error)
            })?;
            if later.is_empty() {
                return Ok(answers);
            }
            statements = later;
        }
    }

    fn require_sound(&self) -> Result<(), Failure> {
        self.broken.borrow().as_ref().map_or(Ok(()), |error| Err(error.clone().into()))
    }

    /// The changes that the server does not know yet, but for the clock mark.
    fn take_unsent(&self) -> Vec<Statement> {
        let mut pending = self.changes.borrow_mut();
        let Pending { rows, of_earlier_jobs, first, is_isolated, has_savepoint, .. } = &mut *pending;
        let of_job = rows.split_off(std::mem::take(of_earlier_jobs));
        let mut unsent = std::mem::take(first);
        unsent.extend(merge(std::mem::take(rows), self.statements));
        if *is_isolated && !*has_savepoint && !of_job.is_empty() {
            *has_savepoint = true;
            unsent.push(Statement::new(&self.statements.savepoint, Vec::new()));
        }
        unsent.extend(merge(of_job, self.statements));
        unsent
    }

    /// What is to be sent before the commit; nothing if the transaction has changed nothing.
    pub(super) fn take_last(&self) -> Result<Option<Vec<Statement>>, Failure> {
        self.require_sound()?;
        if !self.changes.borrow().has_changed {
            return Ok(None);
        }
        let mut last = self.take_unsent();
        if self.changes.borrow().has_new_mark {
            let mark = self.fetched.borrow().mark;
            let values = vec![mark.highest.as_millis().into(), mark.epoch.into()];
            last.push(Statement::new(&self.statements.set_mark, values));
        }
        // The trip of the commit holds two statements more.
        while last.len() > MAX_STATEMENTS - 2 {
            let later = last.split_off(MAX_STATEMENTS - 2);
            self.send(last)?;
            last = later;
        }
        Ok(Some(last))
    }

    /// Keeps a change of one row until it is sent.
    pub(super) fn change(&self, change: Change, row: RowKey, values: Vec<Value>) -> Result<(), Failure> {
        self.require_sound()?;
        if change.alters_answers() {
            self.note_lease_wait();
        }
        let session = match row {
            RowKey::Session(_, id) => Some(SessionId::from_bytes(id)),
            _ => None,
        };
        self.touched.borrow_mut().note(change, session);
        if let RowKey::Session(tenant, id) = row {
            let (mut fetched, id) = (self.fetched.borrow_mut(), SessionId::from_bytes(id));
            fetched.sessions.remove(&(tenant, id));
            let is_of = |sessions: &[SessionLifetime]| sessions.iter().any(|session| session.id == id);
            fetched.open.retain(|(of, _), sessions| *of != tenant || !is_of(sessions));
        }
        let mut pending = self.changes.borrow_mut();
        pending.note_change();
        pending.rows.push(RowChange { change, row, values });
        Ok(())
    }

    /// Has the present job's caller wait for leases, if there are any.
    pub(super) fn note_lease_wait(&self) {
        self.outlasts_leases.set(true);
    }

    /// Has the store forget what it remembers of the session, or of all.
    pub(super) fn touch(&self, session: Option<SessionId>) {
        self.touched.borrow_mut().note_found(session);
    }

    pub(super) fn take_touched(&self) -> Touched {
        self.touched.take()
    }

    /// Replaces the clock mark, with the commit.
    pub(super) fn set_mark(&self, mark: ClockMark) -> Result<(), Failure> {
        self.require_sound()?;
        self.fetched.borrow_mut().mark = mark;
        let mut pending = self.changes.borrow_mut();
        pending.note_change();
        pending.has_new_mark = true;
        Ok(())
    }

    /// A version that the tenant has not had before.
    pub(super) fn new_version(&self, tenant: TenantNo) -> Result<i64, Failure> {
        let version = draw_version()?;
        self.fetched.borrow_mut().versions.insert(tenant, version);
        self.changes.borrow_mut().at_savepoint.versions.push(tenant);
        Ok(version)
    }

    /// Forgets what is known of the user's sessions, which get one more.
    pub(super) fn forget_open(&self, tenant: TenantNo, user: &UserId) {
        let mut fetched = self.fetched.borrow_mut();
        if !fetched.open.is_empty() {
            fetched.open.remove(&(tenant, user.clone()));
        }
    }

    /// The number of the tenant's newest event, as the transaction leaves it.
    pub(super) fn find_newest_event(&self, tenant: TenantNo) -> Result<EventSeq, Failure> {
        if let Some(newest) = self.fetched.borrow().newest_events.get(&tenant) {
            return Ok(*newest);
        }
        let rows = self.query(&self.statements.newest_event, vec![tenant.into()])?;
        let missing = || Failure::corrupt("the number of the newest event is missing");
        let newest = EventSeq::try_from(rows.first().ok_or_else(missing)?.get::<i64>(0)?);
        let newest = newest.map_err(|_| missing())?;
        self.fetched.borrow_mut().newest_events.insert(tenant, newest);
        Ok(newest)
    }

    /// The number of the tenant's next event, which is added.
    pub(super) fn next_event(&self, tenant: TenantNo) -> Result<EventSeq, Failure> {
        let next = self.find_newest_event(tenant)? + 1;
        self.fetched.borrow_mut().newest_events.insert(tenant, next);
        self.changes.borrow_mut().at_savepoint.events.push(tenant);
        Ok(next)
    }

    /// The number of the tenant's newest revocation, as the transaction leaves it. A job that is taken back may leave a gap.
    pub(super) fn find_newest_revocation(&self, tenant: TenantNo) -> Result<RevocationSeq, Failure> {
        if let Some(newest) = self.fetched.borrow().newest_revocations.get(&tenant) {
            return Ok(*newest);
        }
        let rows = self.query(&self.statements.newest_revocation, vec![tenant.into()])?;
        let missing = || Failure::corrupt("the number of the newest revocation is missing");
        let newest = RevocationSeq::try_from(rows.first().ok_or_else(missing)?.get::<i64>(0)?);
        let newest = newest.map_err(|_| missing())?;
        self.fetched.borrow_mut().newest_revocations.insert(tenant, newest);
        Ok(newest)
    }

    /// The failed sign-ins under a key, as the transaction leaves them.
    pub(super) fn know_failures(&self, tenant: TenantNo, key: FailureKey, failures: Vec<FailedSignIn>) {
        self.fetched.borrow_mut().failures.insert((tenant, key), failures);
        self.changes.borrow_mut().at_savepoint.failures.push((tenant, key));
    }

    pub(super) fn job_has_changed(&self) -> bool {
        self.changes.borrow().job_has_changed
    }

    /// The session, from memory if it was fetched.
    pub(super) fn find_session(
        &self,
        tenant: TenantNo,
        id: SessionId,
    ) -> Result<Option<SessionRecord>, Failure> {
        // What is found by a question is not kept: a job that is taken back may have changed it.
        if let Some(known) = self.fetched.borrow().sessions.get(&(tenant, id)) {
            return Ok(known.clone());
        }
        let rows = self.query(&self.statements.sessions, pairs([(tenant, Some(id))]))?;
        rows.first().map(|row| codec::session(row, 1)).transpose()
    }
}

impl Pending {
    fn note_change(&mut self) {
        self.job_has_changed = true;
        self.has_changed = true;
    }
}

/// A random number that is not negative.
fn draw_version() -> Result<i64, Failure> {
    let bytes = draw_bytes::<8>(&OsRandom)?;
    Ok((u64::from_be_bytes(*bytes) >> 1) as i64)
}

impl SavepointTransaction for Tx<'_, '_> {
    fn takes_job(&self, jobs: usize) -> bool {
        jobs < self.jobs
    }

    fn lease_wait(&self) -> Option<Duration> {
        let lease_ms = self.fetched.borrow().lease_wait_ms;
        self.outlasts_leases.get().then(|| time_to_outlast(lease_ms)).flatten()
    }

    fn set_savepoint(&self) -> Result<(), Failure> {
        self.require_sound()?;
        let mark = self.fetched.borrow().mark;
        self.outlasts_leases.set(false);
        let mut pending = self.changes.borrow_mut();
        pending.of_earlier_jobs = pending.rows.len();
        pending.is_isolated = true;
        pending.has_savepoint = false;
        pending.job_has_changed = false;
        pending.at_savepoint = AtSavepoint {
            has_changed: pending.has_changed,
            mark: Some((mark, pending.has_new_mark)),
            ..AtSavepoint::default()
        };
        Ok(())
    }

    fn release_savepoint(&self) -> Result<(), Failure> {
        self.require_sound()?;
        let mut pending = self.changes.borrow_mut();
        if std::mem::take(&mut pending.has_savepoint) {
            pending.first.push(Statement::new(&self.statements.release_savepoint, Vec::new()));
        }
        Ok(())
    }

    fn roll_back_to_savepoint(&self) -> Result<(), Failure> {
        self.require_sound()?;
        let mut pending = self.changes.borrow_mut();
        let of_earlier_jobs = pending.of_earlier_jobs;
        pending.rows.truncate(of_earlier_jobs);
        if std::mem::take(&mut pending.has_savepoint) {
            for sql in [&self.statements.roll_back_to_savepoint, &self.statements.release_savepoint] {
                pending.first.push(Statement::new(sql, Vec::new()));
            }
        }
        // Sessions that the job has changed are not known since.
        let mut fetched = self.fetched.borrow_mut();
        let AtSavepoint { has_changed, mark, versions, failures, events } =
            std::mem::take(&mut pending.at_savepoint);
        pending.has_changed = has_changed;
        if let Some((mark, has_new_mark)) = mark {
            fetched.mark = mark;
            pending.has_new_mark = has_new_mark;
        }
        for tenant in versions {
            fetched.versions.remove(&tenant);
        }
        for key in failures {
            fetched.failures.remove(&key);
        }
        for tenant in events {
            // The next event gets the number: there is no gap.
            if let Some(newest) = fetched.newest_events.get_mut(&tenant) {
                *newest -= 1;
            }
        }
        Ok(())
    }
}
