//! The status function as operations ask it, who read what it needs beyond the times of a session.

use super::transaction::ReadContext;
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::model::session::{End, SessionLifetime};
use crate::model::session_filter::SessionFilter;
use crate::rules::status::FoundEnd;
use crate::store::SessionRecord;

impl ReadContext<'_> {
    /// The status function, for an answer. If the clock has ended the session but the database's own mark has not passed
    /// that end yet, the answer waits until it has: otherwise a clock that steps back, or a refresh that is about to
    /// commit, could revive a session that a caller was told had ended.
    pub(super) fn effective_end(&self, session: &SessionLifetime) -> Result<Option<End>, Failure> {
        Ok(self.find_end(session)?.map(|found| found.end))
    }

    /// [`effective_end`](Self::effective_end) with what brought it.
    pub(super) fn find_end(&self, session: &SessionLifetime) -> Result<Option<FoundEnd>, Failure> {
        self.find_end_of(session, &|| self.transaction.session(self.tenant, session.id))
    }

    /// [`find_end`](Self::find_end) for a caller that has the record at hand.
    pub(super) fn find_end_of(
        &self,
        session: &SessionLifetime,
        read_record: &dyn Fn() -> Result<Option<SessionRecord>, Failure>,
    ) -> Result<Option<FoundEnd>, Failure> {
        let admits = &mut |filter: &SessionFilter| is_admitted(session, filter, read_record);
        let found = self.snapshot.find_end(session, self.now, admits)?;
        if found.is_some() && self.snapshot.find_end(session, self.mark.highest, admits)?.is_none() {
            self.clock_mark_pending.set(true);
        }
        Ok(found)
    }

    /// The status function at this time, for what is no answer.
    pub(super) fn find_end_at(
        &self,
        session: &SessionLifetime,
        now: Timestamp,
    ) -> Result<Option<FoundEnd>, Failure> {
        let read_record = || self.transaction.session(self.tenant, session.id);
        self.snapshot.find_end(session, now, &mut |filter| is_admitted(session, filter, &read_record))
    }
}

/// Whether the filter of a bulk end admits this session, whose record is read if the filter asks for more than its times.
pub(super) fn is_admitted(
    session: &SessionLifetime,
    filter: &SessionFilter,
    read_record: &dyn Fn() -> Result<Option<SessionRecord>, Failure>,
) -> Result<bool, Failure> {
    if !filter.needs_details() || !filter.admits_lifetime(session) {
        return Ok(filter.admits_lifetime(session));
    }
    let record = read_record()?;
    Ok(record.is_some_and(|record| filter.admits_details(&record.client, &record.identity)))
}
