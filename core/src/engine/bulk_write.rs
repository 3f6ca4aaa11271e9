//! Writes that may end many sessions: a few are stamped in the transaction of the call, more are ended by one small record,
//! a bulk end, and stamped later in steps.

use std::sync::Arc;

use super::pending::Pending;
use super::session_ends::Selection;
use super::tenant::Tenant;
use super::transaction::WriteContext;
use crate::error::{Error, Failure, OpError};
use crate::model::bulk_end::BulkEnd;
use crate::model::session::BulkNo;
use crate::store::{NeededSessions, SessionScope, WaitPolicy};

/// How many bulk ends of a tenant may wait for their sessions to be stamped. Every status looks at each of them.
const PENDING_MAX: usize = 64;

/// How many sessions one read counts.
const COUNT_BATCH: usize = 2_000;

/// What a write that may end many sessions came to.
pub(super) enum BulkStep<T> {
    /// Its answer.
    Done(T),
    /// It has stamped as many ended sessions as one transaction may, and has to be run again.
    Again,
    /// It has changed nothing: it has to write a bulk end, which needs a transaction of its own.
    Alone,
    /// It has changed nothing: this pending bulk end has to be finished first.
    Finish(Box<BulkEnd>),
}

impl<T> BulkStep<T> {
    pub(super) fn map<U>(self, convert: impl FnOnce(T) -> U) -> BulkStep<U> {
        match self {
            BulkStep::Done(answer) => BulkStep::Done(convert(answer)),
            BulkStep::Again => BulkStep::Again,
            BulkStep::Alone => BulkStep::Alone,
            BulkStep::Finish(oldest) => BulkStep::Finish(oldest),
        }
    }
}

/// How many sessions a call has ended.
pub(super) enum EndedCount {
    Counted(u64),
    /// As many as this bulk end has ended.
    By(BulkNo),
}

impl WriteContext<'_> {
    /// Ends the active ones of these sessions as one act.
    pub(super) fn end_many(&self, selection: &Selection<'_>) -> Result<BulkStep<EndedCount>, OpError> {
        if selection.reason.is_some() {
            self.transaction.outlast_leases(None); // others may have ended some of them just now
        }
        match self.ends().end_few(selection)? {
            Some(count) => Ok(BulkStep::Done(EndedCount::Counted(count))),
            None => Ok(self.add_bulk_end(selection)?.map(EndedCount::By)),
        }
    }

    /// Writes a bulk end, if this transaction may; its number.
    pub(super) fn add_bulk_end(&self, selection: &Selection<'_>) -> Result<BulkStep<BulkNo>, Failure> {
        if !self.is_alone {
            return Ok(BulkStep::Alone);
        }
        let pending = &self.snapshot.bulk_ends.pending;
        match pending.first() {
            Some(oldest) if pending.len() >= PENDING_MAX => Ok(BulkStep::Finish(Box::new(oldest.clone()))),
            _ => self.ends().add_bulk_end(selection).map(BulkStep::Done),
        }
    }
}

impl Tenant {
    /// Queues a writing operation that may end many sessions. What it needs beyond one shared transaction is done by the
    /// thread that waits.
    pub(super) fn begin_bulk_write<T: Send + 'static>(
        &self,
        sessions: NeededSessions,
        job: impl Fn(&Tenant, &WriteContext<'_>) -> Result<BulkStep<T>, OpError> + Send + Sync + 'static,
    ) -> Pending<T> {
        let job = Arc::new(job);
        let shared = Arc::clone(&job);
        let tenant = self.clone();
        self.begin_write_about(sessions, move |tenant, ctx| shared(tenant, ctx))
            .and_then(move |step| tenant.complete_bulk_write(step, &job))
    }

    /// Runs a writing operation that may end many sessions in a transaction of its own.
    pub(super) fn bulk_write_alone<T: Send + 'static>(
        &self,
        job: impl Fn(&Tenant, &WriteContext<'_>) -> Result<BulkStep<T>, OpError> + Send + Sync + 'static,
    ) -> Result<T, Error> {
        self.complete_bulk_write(BulkStep::Alone, &Arc::new(job))
    }

    fn complete_bulk_write<T: Send + 'static>(
        &self,
        mut step: BulkStep<T>,
        job: &Arc<
            impl Fn(&Tenant, &WriteContext<'_>) -> Result<BulkStep<T>, OpError> + Send + Sync + 'static,
        >,
    ) -> Result<T, Error> {
        let blocking = self.blocking();
        loop {
            step = match step {
                BulkStep::Done(answer) => return Ok(answer),
                BulkStep::Again => {
                    let job = Arc::clone(job);
                    self.write(move |tenant, ctx| job(tenant, ctx))?
                }
                // Like a change of settings: other processes and caches must see it at their next call.
                BulkStep::Alone => self.write_settings(|ctx| job(self, ctx))?,
                BulkStep::Finish(oldest) => {
                    blocking.settle(SessionScope::of(oldest.user_id.as_ref()))?;
                    BulkStep::Alone
                }
            };
        }
    }

    /// The same tenant for the reads of a write, which waits as every write does.
    pub(super) fn blocking(&self) -> Tenant {
        Tenant { wait_policy: WaitPolicy::Block, ..self.clone() }
    }

    /// How many sessions a call has ended, over all sessions of its scope. Those of a bulk end are counted in short reads,
    /// whether they are stamped already or not: none of them is deleted before the bulk end is done, and then it knows.
    pub(super) fn count_ended(&self, ended: EndedCount, scope: SessionScope<'_>) -> Result<u64, Error> {
        let no = match ended {
            EndedCount::Counted(count) => return Ok(count),
            EndedCount::By(no) => no,
        };
        let blocking = self.blocking();
        let (mut count, mut after) = (0, None);
        loop {
            let (total, counted, last) = blocking.read_about(NeededSessions::Scanned, |ctx| {
                let records = ctx.transaction.bulk_ends(ctx.tenant)?;
                let done = records.iter().find(|record| record.bulk_end.no == no && record.is_done);
                if let Some(done) = done {
                    return Ok((Some(done.ended), 0, None));
                }
                let rows = ctx.snapshot.rows_of_a_step(COUNT_BATCH);
                let sessions = ctx.transaction.scan_oldest_first(ctx.tenant, scope, after, rows)?;
                let mut counted = 0;
                for session in &sessions {
                    let found = ctx.find_end_at(session, ctx.now)?;
                    counted += u64::from(found.is_some_and(|found| found.by == no));
                }
                Ok((None, counted, sessions.last().map(|session| session.id)))
            })?;
            if let Some(total) = total {
                return Ok(total);
            }
            count += counted;
            match last {
                Some(last) => after = Some(last),
                None => return Ok(count),
            }
        }
    }
}
