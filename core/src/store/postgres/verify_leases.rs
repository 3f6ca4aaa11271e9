//! Answers of verifications that are remembered for a time (`docs/POSTGRES.md`, "How fresh a verification is"): when that time
//! begins, whether it still runs, and how long the call waits that ends a session.

use std::time::Duration;

use super::own_changes::{OwnChanges, TouchedOnDrop};
use crate::clock::{Timestamp, read_elapsed};
use crate::model::id::SessionId;
use crate::store::verify_lease::{LeaseStart, VerifyLease};
use crate::store::verify_mode::VerifyMode;

/// By how much of a hundred two clocks that measure the same time may disagree. What keeps clocks right turns them by a
/// twentieth of that.
const DRIFT_PERCENT: i64 = 1;

/// What rounding to whole milliseconds can hide: in the time told, in the time passed, and in its hundredth part.
const ROUNDING_MS: i64 = 3;

/// Milliseconds since some moment before the process began.
type ElapsedClock = Box<dyn Fn() -> i64 + Send + Sync>;

pub(super) struct VerifyLeases {
    pub(super) mode: VerifyMode,
    /// The clock that only passing time moves, the machine's sleep included: a suspended machine comes back without leases.
    elapsed: ElapsedClock,
    /// Absent where nothing is remembered.
    own: Option<OwnChanges>,
}

impl VerifyLeases {
    pub(super) fn new(mode: VerifyMode) -> Self {
        let own = mode.length().map(|_| OwnChanges::new());
        VerifyLeases { mode, elapsed: Box::new(read_elapsed), own }
    }

    /// The same by another clock.
    #[cfg(test)]
    pub(super) fn set_clock(&mut self, elapsed: impl Fn() -> i64 + Send + Sync + 'static) {
        self.elapsed = Box::new(elapsed);
    }

    /// What a lease begins with, before the trip that confirms the answer.
    pub(super) fn begin(&self) -> Option<LeaseStart> {
        let (own, length) = (self.own.as_ref()?, self.mode.length()?);
        // A clock that cannot be read shows 0 for ever.
        let elapsed_ms = Some((self.elapsed)()).filter(|elapsed| *elapsed > 0)?;
        Some(LeaseStart {
            elapsed_ms,
            own: own.now(),
            length_ms: to_millis(length),
            is_bounded_by_database: matches!(self.mode, VerifyMode::Lease(_)),
        })
    }

    /// The latest time that the database's clock can show by now, if the lease runs.
    pub(super) fn check(&self, session: SessionId, lease: &VerifyLease) -> Option<Timestamp> {
        if !self.own.as_ref()?.is_unchanged_since(session, lease.own) {
            return None;
        }
        // Both rounded down: as long as the difference is less than the length, so is the time that has passed.
        let passed = (self.elapsed)().saturating_sub(lease.elapsed_ms);
        (0..lease.length_ms).contains(&passed).then(|| {
            let drift = passed * DRIFT_PERCENT / 100;
            Timestamp::from_millis(lease.told.as_millis().saturating_add(passed + drift + ROUNDING_MS))
        })
    }

    /// For a transaction that is about to be sent.
    pub(super) fn touched_on_drop(&self) -> TouchedOnDrop<'_> {
        TouchedOnDrop::new(self.own.as_ref())
    }
}

/// For how long to wait after a commit until no lease of this length is left that began before it, by whichever clock.
pub(super) fn time_to_outlast(lease_ms: i64) -> Option<Duration> {
    let lease = u64::try_from(lease_ms).ok().filter(|lease| *lease > 0)?;
    let drift = lease.saturating_mul(DRIFT_PERCENT.unsigned_abs()).div_ceil(100);
    Some(Duration::from_millis(lease.saturating_add(drift).saturating_add(1)))
}

pub(super) fn to_millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    const SESSION: SessionId = SessionId::from_bytes([7; 16]);

    fn leases(mode: VerifyMode) -> (VerifyLeases, Arc<AtomicI64>) {
        let clock = Arc::new(AtomicI64::new(1_000));
        let mut leases = VerifyLeases::new(mode);
        let read = Arc::clone(&clock);
        leases.set_clock(move || read.load(Ordering::SeqCst));
        (leases, clock)
    }

    #[test]
    fn a_lease_runs_from_before_its_trip_for_the_shorter_of_two_lengths() {
        for (mode, allowed, length) in [
            (VerifyMode::Lease(Duration::from_millis(250)), 250, 250),
            (VerifyMode::Lease(Duration::from_millis(250)), 5_000, 250),
            (VerifyMode::Lease(Duration::from_millis(250)), 40, 40),
            (VerifyMode::Lease(Duration::from_millis(250)), 0, 0),
            (VerifyMode::Stale(Duration::from_millis(250)), 0, 250),
        ] {
            let (leases, clock) = leases(mode);
            let start = leases.begin().unwrap();
            clock.fetch_add(10, Ordering::SeqCst); // the trip
            let lease = VerifyLease::new(start, allowed, Timestamp::from_millis(50_000));
            for (passed, runs) in [(10, length > 10), (length - 1, length > 0), (length, false), (-1, false)]
            {
                clock.store(1_000 + passed, Ordering::SeqCst);
                assert_eq!(leases.check(SESSION, &lease).is_some(), runs, "{mode} of {allowed}, {passed}");
            }
        }
    }

    #[test]
    fn ends_by_the_clock_are_judged_by_the_latest_time_that_the_database_may_show() {
        let (leases, clock) = leases(VerifyMode::Lease(VerifyMode::LONGEST));
        let lease = VerifyLease::new(leases.begin().unwrap(), 5_000, Timestamp::from_millis(50_000));
        assert_eq!(leases.check(SESSION, &lease), Some(Timestamp::from_millis(50_003)));
        clock.fetch_add(1_000, Ordering::SeqCst);
        assert_eq!(leases.check(SESSION, &lease), Some(Timestamp::from_millis(51_013)));
    }

    #[test]
    fn without_a_mode_or_a_clock_nothing_is_remembered() {
        assert_eq!(leases(VerifyMode::Store).0.begin(), None);
        let (leases, clock) = leases(VerifyMode::Stale(VerifyMode::LONGEST));
        clock.store(0, Ordering::SeqCst);
        assert_eq!(leases.begin(), None);
    }

    #[test]
    fn an_ending_call_waits_longer_than_every_lease() {
        assert_eq!(time_to_outlast(0), None);
        for (lease, wait) in [(25, 27), (100, 102), (101, 104), (5_000, 5_051)] {
            assert_eq!(time_to_outlast(lease), Some(Duration::from_millis(wait)), "{lease}");
        }
    }
}
