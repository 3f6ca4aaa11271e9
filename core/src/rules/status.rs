//! Whether a session has ended, when and why: one pure function of its row, the bulk ends, the idle time-out and now
//! (SPEC 2).

use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::error::Failure;
use crate::model::bulk_end::BulkEnd;
use crate::model::session::{BulkNo, End, SessionLifetime};
use crate::model::session_filter::SessionFilter;

/// What ended a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The end is written down.
    Written,
    /// The decision of a pending bulk end.
    Bulk,
    /// The clock, before a pending bulk end that keeps that end.
    Kept,
    /// The clock.
    Clock,
}

/// The end of a session and what brought it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FoundEnd {
    pub end: End,
    pub cause: Cause,
    /// The bulk end whose decision it is, written down or not; 0 if it is of none.
    pub by: BulkNo,
}

/// The one status function: the end of this session as seen at `now`, `None` while it is active. Every answer about a
/// status comes from here. It answers as if each bulk end had stamped every session that it concerns at its instant. `admits`
/// says whether the filter of a bulk end admits this session, whose record the caller may have to read for that; no other
/// question fails.
pub(crate) fn find_end(
    session: &SessionLifetime,
    now: Timestamp,
    idle_timeout: Option<Duration>,
    pending: &[BulkEnd],
    admits: &mut dyn FnMut(&SessionFilter) -> Result<bool, Failure>,
) -> Result<Option<FoundEnd>, Failure> {
    if let Some(end) = session.times.end {
        return Ok(Some(FoundEnd { end, cause: Cause::Written, by: session.times.judged_by }));
    }
    let judging = pending
        .iter()
        .filter(|bulk_end| bulk_end.no > session.times.judged_by && bulk_end.concerns(&session.user_id));
    for bulk_end in judging {
        if let Some(end) = session.times.end_by_clock(bulk_end.at, bulk_end.idle_timeout) {
            return Ok(Some(FoundEnd { end, cause: Cause::Kept, by: 0 }));
        }
        let Some(reason) = bulk_end.reason_for(session) else { continue };
        if bulk_end.filter.as_ref().map_or(Ok(true), &mut *admits)? {
            let end = End { at: bulk_end.at, reason };
            return Ok(Some(FoundEnd { end, cause: Cause::Bulk, by: bulk_end.no }));
        }
    }
    let end = session.times.end_by_clock(now, idle_timeout);
    Ok(end.map(|end| FoundEnd { end, cause: Cause::Clock, by: 0 }))
}
