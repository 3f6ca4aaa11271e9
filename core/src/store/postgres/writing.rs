//! How writes take turns: one attempt at a transaction, what became of a commit whose answer was lost, and when to try again.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::attempt::{Attempt, is_worth_another};
use super::codec;
use super::connection::{Connection, Deadline};
use super::error::WireError;
use super::fetched::{Fetched, OPEN_FETCHED, pairs, read_versions, time_of};
use super::own_changes::TouchedOnDrop;
use super::store::{NETWORK_TIME, PostgresStore};
use super::transaction::Tx;
use super::value::{Statement, Value};
use crate::clock::Stopwatch;
use crate::error::Failure;
use crate::model::id::{SessionId, UserId};
use crate::store::contract::Store;
use crate::store::durability::Durability;
use crate::store::group_commit::{ExclusiveWriter, SavepointTransaction, TransactionError};
use crate::store::needs::{NeededSessions, Needs};
use crate::store::records::TenantNo;

/// A machine that stops while it has the turn loses its transaction after this time, and the others go on.
const TURN_MS: &str = "3000";

impl PostgresStore {
    /// One attempt at a transaction.
    fn attempt(
        &self,
        connection: &mut Connection<'_>,
        time_left: Duration,
        durability: Durability,
        touched: &mut TouchedOnDrop<'_>,
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
        touched.add(tx.take_touched());
        let last = last?;
        drop(tx);
        let Some(mut last) = last else { return self.confirm_found(connection, durability) };
        let number = self.commits.fetch_add(1, Ordering::Relaxed) + 1;
        let values = vec![self.writer_id.as_slice().into(), number.into()];
        last.push(Statement::new(&self.statements.note_commit, values));
        match connection.commit(last) {
            Ok(_) => Ok(()),
            Err(error @ WireError::UnknownOutcome(_)) => Err(Attempt::Unknown(number, error)),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends a transaction that has changed nothing. What its jobs found may be another's commit that the standby does not have: a
    /// server that gives up waiting for it, when it is told to or its main process dies, shows the commit all the same. Taking the turn has
    /// written to the log, so that this commit waits for what is before it.
    fn confirm_found(&self, connection: &mut Connection<'_>, durability: Durability) -> Result<(), Attempt> {
        if !self.is_durable(durability) {
            return Ok(()); // it is rolled back
        }
        match connection.commit(Vec::new()) {
            Ok(_) => Ok(()),
            // There is nothing that may have happened.
            Err(WireError::UnknownOutcome(cause)) => Err(WireError::Lost(cause).into()),
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
        let mut users: Vec<(TenantNo, &UserId)> = needs
            .iter()
            .filter_map(|needs| match (needs.tenant, &needs.sessions) {
                (Some(tenant), NeededSessions::OpenOf(user)) => Some((tenant, user)),
                _ => None,
            })
            .collect();
        users.sort_unstable_by_key(|(tenant, user)| (*tenant, user.as_str()));
        users.dedup();
        if !users.is_empty() {
            let tenants: Vec<TenantNo> = users.iter().map(|(tenant, _)| *tenant).collect();
            let names: Vec<String> = users.iter().map(|(_, user)| user.as_str().to_owned()).collect();
            let values = vec![tenants.into(), names.into(), OPEN_FETCHED.into()];
            trip.push(Statement::new(&self.statements.open_of_users, values));
        }
        let mut answers = connection.begin(&self.statements.begin_write, trip)?.into_iter().skip(1);
        let mut next = || answers.next().map_or_else(Vec::new, |answer| answer.rows);
        let (marks, heads) = (next(), next());
        let rows = if sessions.is_empty() { Vec::new() } else { next() };
        let open = next();
        let mark = marks.first().ok_or_else(|| Failure::corrupt("the clock mark is missing"))?;
        let mut fetched = Fetched::new(codec::clock_mark(mark, 0)?, time_of(&heads)?);
        fetched.lease_wait_ms = mark.get(2)?;
        read_versions(&heads, &mut fetched)?;
        for row in &heads {
            if let (Some(tenant), Some(newest)) = (row.get(1)?, row.get::<Option<i64>>(3)?) {
                fetched.newest_events.insert(tenant, u64::try_from(newest).unwrap_or(0));
            }
            if let (Some(tenant), Some(newest)) = (row.get(1)?, row.get::<Option<i64>>(4)?) {
                fetched.newest_revocations.insert(tenant, u64::try_from(newest).unwrap_or(0));
            }
        }
        fetched.sessions = sessions.into_iter().map(|key| (key, None)).collect();
        for row in &rows {
            let (tenant, record) = (row.get(0)?, codec::session(row, 1)?);
            fetched.sessions.insert((tenant, record.id), Some(record));
        }
        fetched.open = users.into_iter().map(|(no, user)| ((no, user.clone()), Vec::new())).collect();
        for row in &open {
            let lifetime = codec::lifetime(row, 1)?;
            let of_user = fetched.open.get_mut(&(row.get(0)?, lifetime.user_id.clone()));
            of_user.ok_or_else(|| Failure::internal("a user that was not asked for"))?.push(lifetime);
        }
        Ok(fetched)
    }

    fn set_up(&self, lock_time: Duration, durability: Durability) -> Statement {
        let synchronous_commit = if self.is_durable(durability) { self.durable.as_str() } else { "off" };
        self.set_up_with(lock_time, synchronous_commit)
    }

    fn is_durable(&self, durability: Durability) -> bool {
        durability == Durability::Full && self.options.durability == Durability::Full
    }

    pub(super) fn set_up_with(&self, lock_time: Duration, synchronous_commit: &str) -> Statement {
        // 0 would mean to wait for ever.
        let lock_time = lock_time.as_millis().clamp(1, i32::MAX as u128).to_string();
        let values = vec![lock_time.into(), synchronous_commit.into(), TURN_MS.into()];
        Statement::new(&self.statements.set_up, values)
    }

    /// Whether this commit happened; afterwards it cannot happen any more. The next transaction that has the turn knows
    /// what became of the one before. Commits something itself, so that what the answer tells is as durable as that.
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
                Err(error) if is_worth_another(&error, &deadline) => {}
                outcome => return Ok(outcome?),
            }
        }
    }
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
        // To the end, when the outcome is known: what is remembered from before ends then.
        let mut touched = self.leases.touched_on_drop();
        loop {
            let lock_time = waiting.remaining(time_left);
            let outcome = self.pool.with_writing(&deadline, |connection| {
                let outcome = self.attempt(connection, lock_time, durability, &mut touched, work);
                self.count_trips(connection);
                outcome
            });
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
            if !is_worth_another(&error, &deadline) {
                return Err(TransactionError::RolledBack(error.into()));
            }
        }
    }
}
