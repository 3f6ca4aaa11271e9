//! For how long an answer of a verification may be given again without asking the database.

use crate::clock::Timestamp;

/// How a store remembers answers, and from when on: taken before the trip that confirms one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeaseStart {
    /// By the machine's clock that only passing time moves, its sleep included.
    pub elapsed_ms: i64,
    /// Which of the store's own commits come before it.
    pub own: OwnCommits,
    /// For how long this store remembers an answer.
    pub length_ms: i64,
    /// Whether an answer outlives no longer than ending calls wait, which the database tells.
    pub is_bounded_by_database: bool,
}

/// How far a store's own commits have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OwnCommits {
    /// Counts the commits that concern every session.
    pub epoch: u64,
    /// Counts the commits.
    pub commit: u64,
}

/// The right to give an answer again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VerifyLease {
    pub elapsed_ms: i64,
    pub own: OwnCommits,
    /// It ends so long after its start.
    pub length_ms: i64,
    /// The time that the database's clock showed on the trip.
    pub told: Timestamp,
}

impl VerifyLease {
    /// The lease of an answer that a trip has confirmed, on which the database's clock showed `told` and its row
    /// allowed leases of this length.
    pub(crate) fn new(start: LeaseStart, allowed_ms: i64, told: Timestamp) -> Self {
        let LeaseStart { elapsed_ms, own, length_ms, is_bounded_by_database } = start;
        let length_ms = if is_bounded_by_database { length_ms.min(allowed_ms) } else { length_ms };
        VerifyLease { elapsed_ms, own, length_ms, told }
    }
}
