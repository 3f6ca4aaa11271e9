//! One library a process on one file. POSIX drops all of a process's locks on a file when any part of the process closes
//! it, so two copies of SQLite in one process (this library linked twice, or beside another binding) would take away
//! each other's locks and corrupt the database. A second copy is refused; other processes are welcome.
//!
//! A fork is a second copy, too: SQLite's list of locks comes over to the child, the locks do not. A child that opened the
//! file would write beside a parent that does not see it, and lose that when the parent takes the log away.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{ErrorCode, Failure};

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::FileClaim;
#[cfg(target_os = "linux")]
pub(super) use linux::FileClaim;

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use parking_lot::Mutex;

    use super::*;

    /// Device and inode.
    type FileKey = (u64, u64);

    /// In which process this copy of the library has a file open, and how often.
    struct Opened {
        process: u32,
        count: usize,
    }

    /// The files that this copy of the library has open. The one global of the crate: the fact is one of the process.
    static OPEN: Mutex<BTreeMap<FileKey, Opened>> = Mutex::new(BTreeMap::new());

    /// While it lives, this copy of the library has the file open.
    pub(in super::super) struct FileClaim(FileKey);

    impl FileClaim {
        /// Runs `open` unless somebody else in this process has the file open already.
        pub(in super::super) fn claim<T>(
            path: &Path,
            patience: Duration,
            open: impl FnOnce() -> Result<T, Failure>,
        ) -> Result<(T, Option<Self>), Failure> {
            // Held until the file is noted, so that two threads that open it at once do not take each other for strangers.
            // Not for ever: in a forked child it may belong to a thread that was left behind.
            let Some(mut files) = OPEN.try_lock_for(patience) else {
                return Err(Failure::new(ErrorCode::StorageBusy, "another database is being opened"));
            };
            let process = std::process::id();
            if let Some(key) = key_of(path) {
                match files.get(&key) {
                    Some(opened) if opened.process != process => {
                        return Err(Failure::new(
                            ErrorCode::Forked,
                            "the database was open when the process forked; only a new program can open it",
                        ));
                    }
                    None if has_descriptor(key) => {
                        return Err(Failure::new(
                            ErrorCode::StorageBusy,
                            "another library in this process has the database open; open it through one library only",
                        ));
                    }
                    _ => {}
                }
            }
            let opened = open()?;
            let presence = key_of(path).map(|key| {
                files.entry(key).or_insert(Opened { process, count: 0 }).count += 1;
                FileClaim(key)
            });
            Ok((opened, presence))
        }
    }

    impl Drop for FileClaim {
        fn drop(&mut self) {
            let mut files = OPEN.lock();
            if let Some(opened) = files.get_mut(&self.0) {
                opened.count -= 1;
                if opened.count == 0 {
                    files.remove(&self.0);
                }
            }
        }
    }

    fn key_of(path: &Path) -> Option<FileKey> {
        fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
    }

    /// Looks without opening anything: opening and closing the file here would drop the very locks.
    fn has_descriptor(key: FileKey) -> bool {
        fs::read_dir("/proc/self/fd").is_ok_and(|entries| {
            entries.flatten().map(|entry| entry.path()).any(|link: PathBuf| key_of(&link) == Some(key))
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::*;

    /// Only Linux tells a process which files it has open.
    pub(in super::super) struct FileClaim;

    impl FileClaim {
        pub(in super::super) fn claim<T>(
            _: &Path,
            _: Duration,
            open: impl FnOnce() -> Result<T, Failure>,
        ) -> Result<(T, Option<Self>), Failure> {
            Ok((open()?, Some(FileClaim)))
        }
    }
}
