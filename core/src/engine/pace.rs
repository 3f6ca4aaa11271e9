//! How much one write transaction of long housekeeping does, so that the work is quick while no other caller writes and is not
//! noticed while one does. Decides from what is measured and reads no clock itself.

use std::time::Duration;

/// A step that other callers wait for changes no more than this: a fraction of a millisecond.
const ROWS_MIN: usize = 8;

/// A step that no caller waits for is not made smaller than this. On a disk whose syncs take longer than a step may, fewer rows
/// would not make it quicker: the rows are some 3 ms of it.
const ROWS_ALONE_MIN: usize = 128;

/// No step changes more than this, so that its commit writes at most some 4 MB.
const ROWS_MAX: usize = 512;

/// For how long a step changes rows. As much again is left for its commit: no write waits for it longer than some 10 ms.
const WORK_MAX: Duration = Duration::from_millis(5);

/// From this time on, with the commit, a step took too long.
const STEP_MAX: Duration = Duration::from_millis(10);

/// How many rows the next step changes, if it is not told to give way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace(usize);

impl Default for Pace {
    fn default() -> Self {
        Pace(ROWS_MIN)
    }
}

impl Pace {
    /// How many rows the next step changes at most.
    pub(super) fn rows(self) -> usize {
        self.0
    }

    /// Whether a step that has changed `rows` in the time `work` changes one more. The first row is always changed, so that
    /// the work gets done on the slowest machine.
    pub(super) fn goes_on(self, rows: usize, work: Duration, others_wait: bool) -> bool {
        rows == 0 || (rows < self.0 && work < WORK_MAX && !(others_wait && rows >= ROWS_MIN))
    }

    /// The pace after a step that took this long, with its commit.
    pub(super) fn after(self, took: Duration, has_given_way: bool) -> Self {
        let rows = match (has_given_way, took) {
            (true, _) => ROWS_MIN,
            (false, took) if took > STEP_MAX && self.0 >= ROWS_ALONE_MIN => (self.0 / 2).max(ROWS_ALONE_MIN),
            (false, _) => self.0 * 2,
        };
        Pace(rows.clamp(ROWS_MIN, ROWS_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(1);
    const SLOW: Duration = Duration::from_millis(11);

    #[test]
    fn steps_grow_while_no_caller_waits_and_stay_within_their_bounds() {
        let mut pace = Pace::default();
        let mut rows = Vec::new();
        for _ in 0..9 {
            rows.push(pace.rows());
            pace = pace.after(QUICK, false);
        }
        assert_eq!(rows, [8, 16, 32, 64, 128, 256, 512, 512, 512]);
        for expected in [256, 128, 128] {
            pace = pace.after(SLOW, false);
            assert_eq!(pace.rows(), expected);
        }
    }

    #[test]
    fn steps_grow_on_a_slow_disk_too_until_their_rows_count() {
        let mut pace = Pace::default();
        for expected in [16, 32, 64, 128, 128] {
            pace = pace.after(SLOW, false);
            assert_eq!(pace.rows(), expected);
        }
        assert_eq!(pace.after(QUICK, false).rows(), 256);
    }

    #[test]
    fn a_step_that_gave_way_is_followed_by_a_small_one() {
        assert_eq!(Pace(512).after(QUICK, true), Pace(8));
        assert_eq!(Pace(512).after(SLOW, true), Pace(8));
    }

    #[test]
    fn a_step_ends_with_its_rows_its_time_or_the_first_write_that_waits() {
        let pace = Pace(100);
        assert!(pace.goes_on(99, QUICK, false));
        assert!(!pace.goes_on(100, QUICK, false));
        assert!(pace.goes_on(7, QUICK, true));
        assert!(!pace.goes_on(8, QUICK, true));
        assert!(!pace.goes_on(1, WORK_MAX, false));
        assert!(pace.goes_on(0, SLOW, true), "a step that changes nothing would never end the work");
    }
}
