//! Keeps the write-ahead log short. SQLite's own checkpoint runs inside a commit, where every writer of the process waits for
//! it, and while reads overlap without a gap it never gets to the point at which the log begins anew. Here the thread that
//! finds the log long moves its pages on a reading connection, beside the writers. If the log still grows, it keeps
//! writers out for a moment, until the reads of now have ended.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::error::Failure;

/// When the log is moved into the database, in pages of 4 KB.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogLimits {
    /// From this length on; measured a third faster than SQLite's 1000 on random updates.
    pub checkpoint: u32,
    /// Again, each time that the log has grown by this much all the same.
    pub again: u32,
    /// From this length on, writers are kept out until the log can begin anew.
    pub force: u32,
    /// For how long they are, while the reads of now end.
    pub patience: Duration,
}

pub(super) const LOG_LIMITS: LogLimits =
    LogLimits { checkpoint: 16_000, again: 4_000, force: 24_000, patience: Duration::from_millis(20) };

/// The length to which a log that has begun anew is cut, in bytes. Not shorter: making a file longer costs more than
/// writing it again.
pub(super) const LOG_BYTES: i64 = LOG_LIMITS.checkpoint as i64 * (4096 + 24);

/// What is to be done about the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Moving it, beside readers and writers.
    Checkpoint,
    /// Keeping writers out for a moment as well, so that it begins anew.
    Restart { patience: Duration },
}

impl LogLimits {
    /// `done` is the length of the log at the last checkpoint; shorter now, the log has begun anew since.
    fn due(self, pages: u32, done: u32) -> Option<Due> {
        let has_begun_anew = pages < done;
        let again = if done == 0 || has_begun_anew { 0 } else { done.saturating_add(self.again) };
        if pages < self.checkpoint.max(again) {
            None
        } else if pages < self.force {
            Some(Due::Checkpoint)
        } else {
            Some(Due::Restart { patience: self.patience })
        }
    }
}

/// Decides when the log is moved.
#[derive(Debug)]
pub(super) struct LogKeeper {
    limits: LogLimits,
    /// How long the log was at the last checkpoint.
    done: AtomicU32,
    /// Held by the one thread that moves it.
    at_work: Mutex<()>,
}

impl LogKeeper {
    pub(super) fn new(limits: LogLimits) -> Self {
        LogKeeper { limits, done: AtomicU32::new(0), at_work: Mutex::new(()) }
    }

    /// Called after a commit with the length of the log, while no lock is held that a writer needs; `work` does what is due. A
    /// failure goes unsaid: the log grows on, the next attempt comes soon, and a failure that lasts shows at a write.
    pub(super) fn keep_short(&self, pages: u32, work: impl FnOnce(Due) -> Result<(), Failure>) {
        let Some(due) = self.limits.due(pages, self.done.load(Ordering::Relaxed)) else { return };
        let Some(_at_work) = self.at_work.try_lock() else { return };
        self.done.store(pages, Ordering::Relaxed);
        let _ = work(due);
    }
}

/// The size of the database's log, 0 without one.
pub(super) fn size(database: &Path) -> u64 {
    // Where a link leads: SQLite puts the log there.
    let mut path = std::fs::canonicalize(database).unwrap_or_else(|_| database.to_owned()).into_os_string();
    path.push("-wal");
    // Looks at the name only: opening and closing the file would drop the process's locks on it.
    std::fs::metadata(path).map_or(0, |file| file.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_log_of_a_link_is_the_one_beside_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("s.db"), folder.path().join("link.db"));
        std::fs::write(&file, "").unwrap();
        std::fs::write(folder.path().join("s.db-wal"), "12345").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!((size(&file), size(&link)), (5, 5));
    }

    #[test]
    fn a_checkpoint_is_due_when_the_log_is_long_and_again_when_it_grows_all_the_same() {
        let limits = LogLimits { checkpoint: 100, again: 10, force: 150, patience: Duration::ZERO };
        for (pages, done, expected) in [
            (0, 0, None),
            (99, 0, None),
            (50, 45, None),
            (100, 0, Some(Due::Checkpoint)),
            (100, 100, None),
            (109, 100, None),
            (110, 100, Some(Due::Checkpoint)),
            (150, 140, Some(Due::Restart { patience: Duration::ZERO })),
            (159, 150, None),
            (160, 150, Some(Due::Restart { patience: Duration::ZERO })),
            (5, 160, None), // begun anew
            (100, 160, Some(Due::Checkpoint)),
        ] {
            assert_eq!(limits.due(pages, done), expected, "{pages} after {done}");
        }
    }
}
