//! Looking through the sessions that a filter admits, newest first, a bounded number in one read transaction.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::transaction::{ReadContext, earliest};
use crate::clock::Timestamp;
use crate::error::{Failure, OpError};
use crate::model::id::SessionId;
use crate::model::session::{End, SessionLifetime, StatusFilter};
use crate::model::session_filter::SessionFilter;
use crate::store::{
    NeededPage, NeededSessions, ReadRecord, RecordParts, ScanFilter, SessionRecord, SessionScope,
};

/// How many sessions one read transaction looks at, whether they match or not: some 2 ms of reading. A walk through more takes
/// many of them, and no other caller waits.
pub(super) const SCAN_ROWS_MAX: usize = 1_000;

/// A session that the filter admits.
pub(super) struct Match<'a> {
    pub session: &'a SessionLifetime,
    pub end: Option<End>,
    read_record: &'a ReadRecord<'a>,
    /// The record, where the filter has read it already.
    record: Option<SessionRecord>,
}

impl Match<'_> {
    /// Its record, of which [`RecordParts::Shown`] is read.
    pub(super) fn record(self) -> Result<SessionRecord, Failure> {
        match self.record {
            Some(record) => Ok(record),
            None => (self.read_record)(),
        }
    }
}

/// How far a scan came.
pub(super) struct Scanned {
    /// The newest session that it looked at.
    pub newest: Option<SessionId>,
    /// Where the next scan begins; nothing if no session is left.
    pub next: Option<SessionId>,
    /// How many sessions it looked at, whether they match or not.
    pub looked_at: usize,
    /// From when on the clock has ended one of those that are active.
    pub ended_from: Option<Timestamp>,
}

/// An end that is written down is final: such a session is never active again.
fn scan_filter(filter: &SessionFilter) -> ScanFilter {
    match filter.effective_status() {
        StatusFilter::Active => ScanFilter::Open,
        _ => ScanFilter::All,
    }
}

/// Below which session a scan begins.
fn scan_start(filter: &SessionFilter, before: Option<SessionId>) -> Option<SessionId> {
    before.into_iter().chain(filter.above()).min()
}

/// What a scan for so many sessions asks the store for, if the filter admits most of them.
pub(super) fn needed_page(
    filter: &SessionFilter,
    before: Option<SessionId>,
    sessions: usize,
) -> NeededSessions {
    NeededSessions::Page(Arc::new(NeededPage {
        user: filter.user_id.clone(),
        filter: scan_filter(filter),
        before: scan_start(filter, before),
        // The scan looks at one more, to know whether there is one.
        rows: (sessions + 1).min(SCAN_ROWS_MAX),
    }))
}

impl ReadContext<'_> {
    /// Visits the sessions that the filter admits, newest first, those below `before` only. Ends when the visitor breaks,
    /// before the session that it broke at, or when enough sessions were looked at.
    pub(super) fn scan(
        &self,
        filter: &SessionFilter,
        before: Option<SessionId>,
        visit: &mut dyn FnMut(Match<'_>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<Scanned, OpError> {
        let scope = SessionScope::of(filter.user_id.as_ref());
        let ends = scan_filter(filter);
        // Below it there may be very many sessions that were ended and are not stamped yet.
        let undecided = match (ends, &filter.user_id) {
            (ScanFilter::Open, Some(user)) => self.snapshot.bulk_ends.oldest_undecided(user, self.mark.epoch),
            _ => None,
        };
        let oldest = undecided.max(filter.below());
        let before = scan_start(filter, before);
        let mut scanned = Scanned { newest: None, next: None, looked_at: 0, ended_from: None };
        let mut last = None;
        self.transaction.scan_newest_first(
            self.tenant,
            scope,
            ends,
            RecordParts::Shown,
            before,
            &mut |session, read_record| {
                if oldest.is_some_and(|oldest| session.id < oldest) {
                    return Ok(ControlFlow::Break(()));
                }
                if scanned.looked_at == SCAN_ROWS_MAX {
                    scanned.next = last;
                    return Ok(ControlFlow::Break(()));
                }
                scanned.looked_at += 1;
                scanned.newest.get_or_insert(session.id);
                if let Some(found) = self.find_match(filter, session, read_record, &mut scanned.ended_from)?
                    && visit(found)?.is_break()
                {
                    scanned.next = last;
                    return Ok(ControlFlow::Break(()));
                }
                last = Some(session.id);
                Ok(ControlFlow::Continue(()))
            },
        )?;
        Ok(scanned)
    }

    /// The session, if the filter admits it. Where it is active, `ended_from` becomes the time of its end if that is earlier.
    fn find_match<'m>(
        &self,
        filter: &SessionFilter,
        session: &'m SessionLifetime,
        read_record: &'m ReadRecord<'m>,
        ended_from: &mut Option<Timestamp>,
    ) -> Result<Option<Match<'m>>, Failure> {
        if !filter.admits_lifetime(session) {
            return Ok(None);
        }
        let record = if filter.needs_details() { Some(read_record()?) } else { None };
        if record.as_ref().is_some_and(|record| !filter.admits_details(&record.client, &record.identity)) {
            return Ok(None);
        }
        let known = || match &record {
            Some(record) => Ok(Some(record.clone())),
            None => read_record().map(Some),
        };
        let end = self.find_end_of(session, &known)?.map(|found| found.end);
        if end.is_none() {
            *ended_from = earliest(*ended_from, session.times.ended_from(self.snapshot.config.idle_timeout));
        }
        Ok(filter.admits_end(end).then_some(Match { session, end, read_record, record }))
    }
}
