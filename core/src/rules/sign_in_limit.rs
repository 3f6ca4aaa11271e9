//! When a sign-in is refused because too many have failed (SPEC 23): a sliding window over the times of failures.

use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::model::sign_in_limit::FailedSignIn;

/// The failures that still count, oldest first. One from after `now` is of a false time that was taken back.
pub(crate) fn failures_that_count(
    failures: Vec<FailedSignIn>,
    now: Timestamp,
    window: Duration,
) -> Vec<FailedSignIn> {
    failures.into_iter().filter(|failure| counts(*failure, now, window)).collect()
}

/// Whether a failure still counts.
pub(crate) fn counts(failure: FailedSignIn, now: Timestamp, window: Duration) -> bool {
    failure.at > now.before(window) && failure.at <= now
}

/// When the next sign-in may be tried, if these failures (those that count, oldest first) are at the limit.
pub(crate) fn limited_until(counted: &[FailedSignIn], limit: u32, window: Duration) -> Option<Timestamp> {
    let excess = counted.len().checked_sub(limit as usize)?;
    counted.get(excess).map(|failure| failure.at.after(window))
}

/// Takes a failure back; whether it was there.
pub(crate) fn take_back(failures: &mut Vec<FailedSignIn>, failure: FailedSignIn) -> bool {
    match failures.iter().position(|other| *other == failure) {
        Some(position) => {
            failures.remove(position);
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    fn failure(seconds: i64) -> FailedSignIn {
        FailedSignIn { at: at(seconds), tag: 0 }
    }

    #[test]
    fn a_failure_counts_for_exactly_one_window() {
        let minute: Duration = "1m".parse().unwrap();
        let (first, second) = (failure(100), failure(130));
        let counted = |now| failures_that_count(vec![first, second], now, minute);
        assert_eq!(counted(at(130)), [first, second]);
        assert_eq!(counted(Timestamp::from_millis(159_999)), [first, second]);
        assert_eq!(counted(at(160)), [second]);
        assert_eq!(counted(at(120)), [first], "of a false time");
        assert_eq!(counted(at(190)), []);
    }

    #[test]
    fn the_limit_ends_when_enough_failures_are_forgotten() {
        let minute: Duration = "1m".parse().unwrap();
        let times = [failure(100), failure(110), failure(120)];
        assert_eq!(limited_until(&times, 4, minute), None);
        assert_eq!(limited_until(&times, 3, minute), Some(at(160)));
        assert_eq!(limited_until(&times, 1, minute), Some(at(180)));
        assert_eq!(limited_until(&[], 1, minute), None);
    }

    #[test]
    fn one_failure_is_taken_back_at_a_time() {
        let twin = FailedSignIn { tag: 1, ..failure(2) };
        let mut failures = vec![failure(1), failure(2), twin];
        assert!(take_back(&mut failures, failure(2)));
        assert!(!take_back(&mut failures, failure(2)));
        assert_eq!(failures, [failure(1), twin]);
    }
}
