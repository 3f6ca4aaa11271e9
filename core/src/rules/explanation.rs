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
