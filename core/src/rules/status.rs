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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::SessionId;
    use crate::model::session::{EndReason, SessionTimes};

    const SECOND: i64 = 1_000;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    /// Signed in when bulk end 2 had been decided, lasts until second 100.
    fn session() -> SessionLifetime {
        SessionLifetime {
            id: SessionId::from_bytes([5; 16]),
            user_id: "u".parse().unwrap(),
            times: SessionTimes {
                created_at: at(0),
                last_active_at: at(10),
                expires_at: at(100),
                end: None,
                judged_by: 2,
            },
            access_expires_at: at(100),
            is_acted: false,
        }
    }

    /// Of second 50.
    fn bulk_end(no: BulkNo, user: &str) -> BulkEnd {
        BulkEnd {
            user_id: Some(user.parse().unwrap()),
            at: at(50),
            reason: Some(EndReason::RevokeAll),
            ..BulkEnd::numbered(no)
        }
    }

    fn found(now: i64, idle: Option<&str>, pending: &[BulkEnd]) -> Option<FoundEnd> {
        let idle_timeout = idle.map(|text| text.parse().unwrap());
        find_end(&session(), Timestamp::from_millis(now), idle_timeout, pending, &mut |_| Ok(false)).unwrap()
    }

    #[test]
    fn a_bulk_end_ends_the_sessions_of_its_user_that_it_is_later_than() {
        let now = 60 * SECOND;
        assert_eq!(found(now, None, &[]), None);
        assert_eq!(found(now, None, &[bulk_end(1, "u"), bulk_end(2, "u"), bulk_end(3, "v")]), None);
        let end = End { at: at(50), reason: EndReason::RevokeAll };
        for no in [3, 4] {
            let pending = [bulk_end(2, "u"), bulk_end(no, "u"), bulk_end(5, "u")];
            assert_eq!(found(now, None, &pending), Some(FoundEnd { end, cause: Cause::Bulk, by: no }));
        }
        let filtered = BulkEnd { filter: Some(SessionFilter::default()), ..bulk_end(3, "u") };
        assert_eq!(found(now, None, &[filtered]), None, "its filter admits none here");
    }

    #[test]
    fn what_the_clock_had_ended_before_a_bulk_end_keeps_that_end() {
        let idle = |cause| {
            let end = End { at: at(30), reason: EndReason::IdleTimeout };
            Some(FoundEnd { end, cause, by: 0 })
        };
        assert_eq!(found(30 * SECOND, Some("20s"), &[]), None);
        assert_eq!(found(30 * SECOND + 1, Some("20s"), &[]), idle(Cause::Clock));
        let kept = BulkEnd { idle_timeout: Some("20s".parse().unwrap()), ..bulk_end(3, "u") };
        assert_eq!(found(60 * SECOND, None, &[kept]), idle(Cause::Kept));
        let written = End { at: at(20), reason: EndReason::SignOut };
        let times = SessionTimes { end: Some(written), ..session().times };
        let ended = SessionLifetime { times, ..session() };
        let pending = [bulk_end(3, "u")];
        let found = find_end(&ended, at(200), None, &pending, &mut |_| Ok(true)).unwrap();
        assert_eq!(found, Some(FoundEnd { end: written, cause: Cause::Written, by: 2 }));
    }
}
