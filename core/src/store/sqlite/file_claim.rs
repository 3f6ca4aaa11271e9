//! Lets one library of a process open a file. POSIX drops all of a process's locks on a file when any part of the process
//! closes it, so two copies of SQLite in one process (this library linked twice, or beside another binding) would take
//! away each other's locks and corrupt the database. A second copy is refused; other processes are welcome.
//!
//! A forked child is a second copy, too: it inherits SQLite's list of locks, but not the locks. A child that opened the
//! file would write beside a parent that does not see it, and lose that when the parent removes the log.

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

    /// A file that this copy of the library has open.
    struct OpenFile {
        /// The process that opened it.
        process: u32,
        /// How many stores have it open.
        count: usize,
    }

    /// The files that this copy of the library has open. The one global of the crate, because the locks belong
    /// to the process.
    static OPEN: Mutex<BTreeMap<FileKey, OpenFile>> = Mutex::new(BTreeMap::new());

    /// Says, while it exists, that this copy of the library has the file open.
    pub(in super::super) struct FileClaim(FileKey);

    impl FileClaim {
        /// Runs `open` unless another library in this process has the file open.
        pub(in super::super) fn claim<T>(
            path: &Path,
            busy_timeout: Duration,
            open: impl FnOnce() -> Result<T, Failure>,
        ) -> Result<(T, Option<Self>), Failure> {
            // Held until the file is noted, so that two threads that open it at once do not take each other for another
            // library. The wait has a limit: in a forked child the lock may belong to a thread that was not forked.
            let Some(mut files) = OPEN.try_lock_for(busy_timeout) else {
                return Err(Failure::new(ErrorCode::StorageBusy, "another database is being opened"));
            };
            let process = std::process::id();
            if let Some(key) = key_of(path) {
                match files.get(&key) {
                    Some(open_file) if open_file.process != process => {
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
            let claim = key_of(path).map(|key| {
                files.entry(key).or_insert(OpenFile { process, count: 0 }).count += 1;
                FileClaim(key)
            });
            Ok((opened, claim))
        }
    }

    impl Drop for FileClaim {
        fn drop(&mut self) {
            let mut files = OPEN.lock();
            if let Some(open_file) = files.get_mut(&self.0) {
                open_file.count -= 1;
                if open_file.count == 0 {
                    files.remove(&self.0);
                }
            }
        }
    }

    fn key_of(path: &Path) -> Option<FileKey> {
        fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
    }

    /// Opens nothing: opening and closing the file here would drop the very locks that this protects.
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
