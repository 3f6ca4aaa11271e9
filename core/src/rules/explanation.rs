//! When a session that is active now ends by the clock, and how its refresh tokens would be answered (SPEC 13). Asks the rules
//! that decide, at the instants at which their answers may change.

use super::rotation::{Decision, Rotation, decide};
use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::model::session::{End, SessionTimes};

/// What the rules are asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject {
    pub times: SessionTimes,
    /// The end that it has now, whatever brought it.
    pub end: Option<End>,
    pub rotation: Rotation,
    pub idle_timeout: Option<Duration>,
    pub reuse_window: Duration,
    pub now: Timestamp,
}

/// How a refresh token would be answered, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RefreshForecast {
    pub decision: Decision,
    /// The first instant at which the answer is another one, as long as nothing else happens; `None` if there is none.
    pub until: Option<Timestamp>,
}

fn next(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.as_millis().saturating_add(1))
}

impl Subject {
    /// The first instant at which the session has reached its end, if nothing ends it before.
    pub(crate) fn duration_ends_at(&self) -> Timestamp {
        self.times.expires_at
    }

    /// The first instant at which the session was idle for too long, if that comes before its end.
    pub(crate) fn idle_ends_at(&self) -> Option<Timestamp> {
        let deadline = self.times.last_active_at.after(self.idle_timeout?);
        (deadline < self.times.expires_at).then(|| next(deadline))
    }

    /// What presenting a genuine token that is `behind` generations older than the live one does; `None` if the session never
    /// had such a token.
    pub(crate) fn forecast(&self, behind: u32) -> Option<RefreshForecast> {
        let presented = self.rotation.generation.checked_sub(behind).filter(|generation| *generation > 0)?;
        let at = |time: Timestamp| {
            let end = self.end.or_else(|| self.times.end_by_clock(time, self.idle_timeout));
            decide(end, self.rotation, self.times.last_active_at, presented, time, self.reuse_window)
        };
        let decision = at(self.now);
        let rotated_at = self.times.last_active_at;
        let edges = [
            // Only a false time that was taken back leaves a rotation ahead of now.
            Some(rotated_at),
            Some(next(rotated_at.after(self.reuse_window))),
            Some(self.duration_ends_at()),
            self.idle_ends_at(),
        ];
        // At `now` the answer is this one.
        let changes = edges.into_iter().flatten().filter(|edge| *edge >= self.now && at(*edge) != decision);
        Some(RefreshForecast { decision, until: changes.min() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::session::EndReason;

    /// Rotated to its 3rd token at second 50, lasts until this millisecond; looked at in this one.
    fn subject(expires_at: i64, now: i64) -> Subject {
        let at = Timestamp::from_millis;
        Subject {
            times: SessionTimes {
                created_at: at(0),
                last_active_at: at(50_000),
                expires_at: at(expires_at),
                end: None,
                judged_by: 0,
            },
            end: None,
            rotation: Rotation { generation: 3, replays: 0 },
            idle_timeout: Some("1m".parse().unwrap()),
            reuse_window: Duration::SECONDS_10,
            now: at(now),
        }
    }

    #[test]
    fn a_session_ends_by_being_idle_only_where_that_comes_before_its_end() {
        for (expires_at, idle_ends_at) in [(110_001, Some(110_001)), (110_000, None), (109_999, None)] {
            let subject = subject(expires_at, 60_000);
            assert_eq!(subject.idle_ends_at().map(Timestamp::as_millis), idle_ends_at);
            assert_eq!(subject.duration_ends_at().as_millis(), expires_at);
        }
        let never_idle = Subject { idle_timeout: None, ..subject(200_000, 60_000) };
        assert_eq!(never_idle.idle_ends_at(), None);
    }

    #[test]
    fn a_forecast_holds_until_the_first_instant_of_another_answer() {
        let forecast = |now, behind| {
            let forecast = subject(200_000, now).forecast(behind)?;
            Some((forecast.decision, forecast.until.map(Timestamp::as_millis)))
        };
        let idle_from = Some(110_001);
        assert_eq!(forecast(55_000, 0), Some((Decision::Rotate, idle_from)));
        assert_eq!(forecast(55_000, 1), Some((Decision::Replay, Some(60_001))));
        assert_eq!(forecast(60_000, 1), Some((Decision::Replay, Some(60_001))));
        assert_eq!(forecast(60_001, 1), Some((Decision::Reused, idle_from)));
        assert_eq!(forecast(49_999, 1), Some((Decision::Reused, Some(50_000))), "of a false time");
        assert_eq!(forecast(55_000, 2), Some((Decision::Reused, idle_from)));
        assert_eq!(forecast(55_000, 3), None, "the first token has the number 1");
        assert_eq!(forecast(55_000, 4), None);
        let idle = End { at: Timestamp::from_millis(110_000), reason: EndReason::IdleTimeout };
        assert_eq!(forecast(110_001, 0), Some((Decision::Ended(idle), None)));
        let written = End { at: Timestamp::from_millis(51_000), reason: EndReason::SignOut };
        let ended = Subject { end: Some(written), ..subject(200_000, 55_000) };
        let found = ended.forecast(1).map(|forecast| (forecast.decision, forecast.until));
        assert_eq!(found, Some((Decision::Ended(written), None)));
    }
}
