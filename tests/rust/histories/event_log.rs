//! What the log of events of a tenant owes.

use std::collections::BTreeSet;

use hellojohn::{Event, EventType, SessionId};

/// An event that a call has written.
#[derive(Debug, Clone, PartialEq)]
pub struct Owed {
    pub kind: EventType,
    pub at: i64,
    pub session: Option<SessionId>,
}

/// The log of a tenant.
#[derive(Debug, Clone, Default)]
pub struct EventLog {
    pub is_on: bool,
    /// Whether it was on since the tenant had no session.
    pub is_complete: bool,
    /// The number of the last event that was read.
    pub read: u64,
    /// What must come next, in no order that is known: events of other kinds may stand between.
    pub owed: Vec<Owed>,
    /// The sessions whose end was told.
    pub told: BTreeSet<SessionId>,
}

impl EventLog {
    pub fn owes(&self, event: &Event) -> bool {
        let wanted = Owed { kind: event.r#type, at: event.at.as_millis(), session: event.session_id };
        self.owed.contains(&wanted)
    }
}
