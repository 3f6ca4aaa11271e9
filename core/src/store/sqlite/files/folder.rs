//! Whether anything has changed in the folder of a database, for one system call.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;

use super::identity::FileIdentity;
use crate::clock::Stopwatch;

/// For how long a look at the files is relied on while the folder shows no change: a file that is cut short does not change
/// it.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Longer than the steps in which any file system counts times: a folder that has looked the same for as long as this cannot
/// change and still look the same.
const SETTLING_TIME: Duration = Duration::from_secs(3);

/// How a folder looks. It changes when a file in it is replaced, removed or renamed.
#[derive(PartialEq)]
pub(super) struct FolderState {
    identity: FileIdentity,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// What the last look at the files found.
struct Seen {
    state: FolderState,
    first_seen: Stopwatch,
    looked: Stopwatch,
    is_settled: bool,
}

pub(super) struct FolderWatch {
    /// Absent where the files are in no one folder: a link leads to the database.
    path: Option<PathBuf>,
    seen: Mutex<Option<Seen>>,
}

impl FolderWatch {
    pub(super) fn new(path: Option<&Path>) -> Self {
        FolderWatch { path: path.map(Path::to_owned), seen: Mutex::new(None) }
    }

    /// How the folder looks now.
    pub(super) fn state(&self) -> Option<FolderState> {
        let folder = fs::metadata(self.path.as_ref()?).ok()?;
        Some(FolderState {
            identity: FileIdentity::of_metadata(&folder),
            modified: (folder.mtime(), folder.mtime_nsec()),
            changed: (folder.ctime(), folder.ctime_nsec()),
        })
    }

    /// Whether no file has gone since the last look at them, and that look is recent.
    pub(super) fn is_unchanged(&self, state: Option<&FolderState>) -> bool {
        self.seen.lock().as_ref().is_some_and(|seen| {
            seen.is_settled && Some(&seen.state) == state && seen.looked.elapsed() < LOOK_INTERVAL
        })
    }

    /// Notes that the files were looked at, after the folder had this state.
    pub(super) fn note_look(&self, state: Option<FolderState>) {
        let mut noted = self.seen.lock();
        if let Some(seen) = noted.as_mut()
            && Some(&seen.state) == state.as_ref()
        {
            seen.is_settled = seen.first_seen.elapsed() >= SETTLING_TIME;
            seen.looked = Stopwatch::start();
            return;
        }
        *noted = state.map(|state| Seen {
            state,
            first_seen: Stopwatch::start(),
            looked: Stopwatch::start(),
            is_settled: false,
        });
    }

    #[cfg(test)]
    pub(super) fn settle(&self) {
        self.seen.lock().as_mut().unwrap().is_settled = true;
    }

    #[cfg(test)]
    pub(super) fn is_settled(&self) -> bool {
        self.seen.lock().as_ref().unwrap().is_settled
    }
}
