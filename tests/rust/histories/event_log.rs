//! What the log of events of a tenant owes.

use std::collections::BTreeSet;

use hellojohn::{EventType, SessionId};

use super::answers::Told;

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
    /// The place of what this event tells among what is owed.
    pub fn owes(&self, told: &Told) -> Option<usize> {
        let is_it =
            |owed: &Owed| (owed.kind, owed.session) == (told.kind, told.session) && told.at.is(owed.at);
        self.owed.iter().position(is_it)
    }
}
