//! How long the machines on one database may remember an answer, kept in the row that is the turn to write, and so read under its
//! lock by every transaction that writes.
//!
//! Two lengths: `lease_ms`, which bounds the leases that begin, and `lease_wait_ms`, for which ending calls wait. The second is never
//! shorter than a lease that runs. A longer lease raises the second: every transaction that has not read the new length has
//! committed before, so a lease that begins later knows what it did. Once that commit is durable it raises the first, so that a server never
//! allows a lease which its standby does not know of: a server may show a commit before its standby has it. A shorter lease lowers the
//! first, waits until the longer leases have ended, and then lowers the second. Either stops where the lengths were changed in between.

use super::attempt::is_worth_another;
use super::connection::{Connection, Deadline};
use super::error::WireError;
use super::store::PostgresStore;
use super::url::PostgresUrl;
use super::value::{Answer, Statement};
use super::verify_leases::{time_to_outlast, to_millis};
use crate::error::{ErrorCode, Failure};
use crate::store::contract::{Store, StoreOptions};
use crate::store::lease_wait::LeaseWait;
use crate::store::verify_mode::VerifyMode;

/// Shortens the leases on this database to at most this length, 0 for none, and waits until the longer ones have ended; how long
/// ending calls wait from now on, in ms.
///
/// # Errors
/// `storage_busy` if an engine has asked for longer leases meanwhile, or another call for shorter ones.
pub(in crate::store) fn lower_lease(
    mut url: PostgresUrl,
    options: StoreOptions,
    longest_ms: i64,
) -> Result<i64, Failure> {
    // Opened like the hosts that use the URL, it would ask for their lease first.
    url.verify = None;
    let store = PostgresStore::open(url, StoreOptions { must_exist: true, verify: None, ..options })?;
    let lowered = store.lower_lease(longest_ms);
    store.close();
    lowered
}

impl PostgresStore {
    /// Before the first lease of this store begins. Another call may shorten the leases in between; then it begins again.
    pub(super) fn raise_lease(&self, deadline: &Deadline) -> Result<(), Failure> {
        let VerifyMode::Lease(length) = self.leases.mode else { return Ok(()) };
        let wanted = to_millis(length);
        loop {
            let ask = || Statement::new(&self.statements.lease_terms, Vec::new());
            let found = self.change_terms(deadline, |connection| connection.ask(vec![ask()]))?;
            if first_number(&found, 0)? >= wanted {
                return Ok(());
            }
            let raised = self.change_terms(deadline, |connection| {
                let raise = Statement::new(&self.statements.raise_lease_wait, vec![wanted.into()]);
                self.in_turn(connection, deadline, raise)
            })?;
            let change = first_number(&raised, 0)?;
            self.change_terms(deadline, |connection| {
                let raise = Statement::new(&self.statements.raise_lease, vec![wanted.into(), change.into()]);
                self.in_turn(connection, deadline, raise)
            })?;
        }
    }

    pub(super) fn lower_lease(&self, longest_ms: i64) -> Result<i64, Failure> {
        let deadline = Deadline::after(self.options.busy_timeout);
        let lowered = self.change_terms(&deadline, |connection| {
            let lower = Statement::new(&self.statements.lower_lease, vec![longest_ms.into()]);
            self.in_turn(connection, &deadline, lower)
        })?;
        let (former_ms, change) = (first_number(&lowered, 0)?, first_number(&lowered, 1)?);
        if let Some(limit) = time_to_outlast(former_ms) {
            LeaseWait::from_now(limit).wait_here();
        }
        let deadline = Deadline::after(self.options.busy_timeout);
        let finished = self.change_terms(&deadline, |connection| {
            let finish = Statement::new(&self.statements.finish_lowering, vec![change.into()]);
            self.in_turn(connection, &deadline, finish)
        })?;
        if finished.first().is_none_or(|answer| answer.rows.is_empty()) {
            let detail = "the leases were changed meanwhile; is a host opened that asks for longer ones?";
            return Err(Failure::new(ErrorCode::StorageBusy, detail));
        }
        Ok(first_number(&finished, 0)?)
    }

    /// Commits one statement, as durably as a write, in the turn of the writers.
    fn in_turn(
        &self,
        connection: &mut Connection<'_>,
        deadline: &Deadline,
        change: Statement,
    ) -> Result<Vec<Answer>, WireError> {
        let trip = vec![
            self.set_up_with(deadline.remaining(), &self.durable),
            Statement::new(&self.statements.take_turn, Vec::new()),
        ];
        connection.begin(&self.statements.begin_write, trip)?;
        connection.commit(vec![change])
    }

    /// Each of the changes may be made twice.
    fn change_terms(
        &self,
        deadline: &Deadline,
        mut change: impl FnMut(&mut Connection<'_>) -> Result<Vec<Answer>, WireError>,
    ) -> Result<Vec<Answer>, Failure> {
        loop {
            match self.pool.with_alone(deadline, &mut change) {
                Err(error) if is_worth_another(&error, deadline) => {}
                outcome => return Ok(outcome?),
            }
        }
    }
}

fn first_number(answers: &[Answer], column: usize) -> Result<i64, WireError> {
    let row = answers.first().and_then(|answer| answer.rows.first());
    Ok(row.ok_or_else(|| Failure::corrupt("the clock mark is missing"))?.get(column)?)
}
