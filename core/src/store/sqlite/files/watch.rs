//! Notices that the files at an open database's path are no longer the ones that are open: replaced, removed, renamed or
//! cut short. SQLite goes on with what it has open; whatever it acknowledged then, no other process would see.

use std::ffi::{CStr, OsStr};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use super::super::wal_index::LogExtent;
use super::folder::FolderWatch;
use super::identity::FileIdentity;
use super::locks;
use super::shared_words::SharedWordsPlace;
use crate::clock::Timestamp;
use crate::error::{ErrorCode, Failure};

/// For how long reads and cached answers rely on the last look, in ms.
const LOOK_INTERVAL_MS: i64 = 1_000;

struct WatchedFile {
    what: &'static str,
    path: PathBuf,
    identity: FileIdentity,
}

/// The files of an open database.
pub(in super::super) struct FileWatch {
    database: WatchedFile,
    log: WatchedFile,
    index: WatchedFile,
    folder: FolderWatch,
    /// The clock's time at the last look that was due, in ms.
    looked_at: AtomicI64,
    /// The greatest length of the database file that was seen and is still explained, in bytes.
    greatest_length: AtomicU64,
    /// What happened to the files; for good, because what was open is not what is there.
    loss: OnceLock<String>,
    /// Whether their store has closed them.
    is_over: AtomicBool,
}

impl WatchedFile {
    fn new(what: &'static str, path: PathBuf) -> Result<Self, Failure> {
        let identity = FileIdentity::of_path(&path).map_err(|error| cannot_look(what, error))?;
        Ok(WatchedFile { what, path, identity })
    }

    /// The file's length, nothing if this process may not look any more, or what happened to the file.
    fn look(&self) -> Result<Result<Option<u64>, String>, Failure> {
        match fs::metadata(&self.path) {
            Ok(file) if FileIdentity::of_metadata(&file) == self.identity => Ok(Ok(Some(file.len()))),
            Ok(_) => Ok(Err(format!("the {} was replaced while it was open", self.what))),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Ok(Err(format!("the {} was removed or renamed while it was open", self.what)))
            }
            // The process has given up its rights to the folder, and goes on with what it has open.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(Ok(None)),
            Err(error) => Err(cannot_look(self.what, error)),
        }
    }

    fn is_at_its_path(&self) -> bool {
        FileIdentity::of_path(&self.path).is_ok_and(|identity| identity == self.identity)
    }
}

fn cannot_look(what: &str, error: std::io::Error) -> Failure {
    Failure::new(ErrorCode::StorageIo, format!("the {what} cannot be looked at by its path")).caused_by(error)
}

impl FileWatch {
    /// The files of a database that a connection has read from, so that all of them exist. `full_path` is the path as
    /// SQLite spells it, which the names of the log and its index are made of.
    pub(in super::super) fn new(path: &Path, full_path: &CStr) -> Result<Self, Failure> {
        let beside =
            |ending: &[u8]| -> PathBuf { OsStr::from_bytes(&[full_path.to_bytes(), ending].concat()).into() };
        let is_full = path.as_os_str().as_bytes() == full_path.to_bytes();
        Ok(FileWatch {
            database: WatchedFile::new("database file", path.to_owned())?,
            log: WatchedFile::new("write-ahead log", beside(b"-wal"))?,
            index: WatchedFile::new("index of the write-ahead log", beside(b"-shm"))?,
            folder: FolderWatch::new(is_full.then(|| path.parent()).flatten()),
            looked_at: AtomicI64::new(i64::MIN),
            greatest_length: AtomicU64::new(0),
            loss: OnceLock::new(),
            is_over: AtomicBool::new(false),
        })
    }

    /// Where the processes that have the database open tell each other what they changed.
    pub(in super::super) fn shared_words(&self) -> SharedWordsPlace {
        SharedWordsPlace::new(&self.database.path, &self.log.path, self.index.identity)
    }

    /// The files were sound when their store closed them: what is at their paths from now on is none of its concern. The system
    /// may give the number of a file that is gone to the next one.
    pub(in super::super) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// Fails once the files were seen to be lost.
    pub(in super::super) fn require_files(&self) -> Result<(), Failure> {
        match self.loss.get() {
            None => Ok(()),
            Some(loss) => Err(Failure::new(ErrorCode::StorageIo, format!("{loss}; open the database again"))),
        }
    }

    pub(in super::super) fn is_lost(&self) -> bool {
        self.loss.get().is_some()
    }

    /// Whether the last look is too old to rely on at this time of the clock; counts as a look.
    pub(in super::super) fn is_look_due(&self, clock: Timestamp) -> bool {
        let looked_at = self.looked_at.load(Ordering::Relaxed);
        let age = clock.as_millis().checked_sub(looked_at);
        let is_due = !age.is_some_and(|age| (0..LOOK_INTERVAL_MS).contains(&age));
        if is_due {
            self.looked_at.store(clock.as_millis(), Ordering::Relaxed);
        }
        is_due
    }

    /// Looks at the files. `read_extent` says how far the log reaches; asked after the file, because the log's reach is
    /// committed before a checkpoint cuts the file.
    pub(in super::super) fn look(
        &self,
        read_extent: impl FnOnce() -> Option<LogExtent>,
    ) -> Result<(), Failure> {
        self.require_files()?;
        let loss = match self.database.look()? {
            Err(loss) => Some(loss),
            Ok(Some(length)) if self.is_cut_short(length, read_extent()) => {
                Some("the database file was truncated while it was open".to_owned())
            }
            Ok(_) => match self.log.look()? {
                Err(loss) => Some(loss),
                Ok(_) => self.index.look()?.err(),
            },
        };
        if let Some(loss) = loss {
            let _ = self.loss.set(loss); // another thread may have seen it first
            self.remove_orphaned_log();
        }
        self.require_files()
    }

    /// [`look`](Self::look) before a commit, at the price of one system call while nothing changes in the folder.
    pub(in super::super) fn look_before_commit(
        &self,
        read_extent: impl FnOnce() -> Option<LogExtent>,
    ) -> Result<(), Failure> {
        self.require_files()?;
        let state = self.folder.state();
        if self.folder.is_unchanged(state.as_ref()) {
            return Ok(());
        }
        self.look(read_extent)?;
        self.folder.note_look(state);
        Ok(())
    }

    /// Every page past the end of the file must stand in the log.
    fn is_cut_short(&self, length: u64, extent: Option<LogExtent>) -> bool {
        let Some(extent) = extent else { return false };
        // The first page was written before there was a log.
        if length < extent.page_bytes.max(1) {
            return true;
        }
        if length >= self.greatest_length.fetch_max(length, Ordering::Relaxed) {
            return false;
        }
        // Nothing has gone through the log that could have made the file shorter.
        let Some(pages) = length.checked_div(extent.page_bytes) else { return true };
        let missing = extent.pages.saturating_sub(pages);
        if missing == 0 {
            // Another program has compacted the database.
            self.greatest_length.store(length, Ordering::Relaxed);
        }
        missing > extent.frames
    }

    /// A log whose database file has lost its last name belongs to no file any more. If it stayed, the next program would
    /// take it for the log of the file that is there now, and mix the two.
    fn remove_orphaned_log(&self) {
        if locks::count_names(self.database.identity) == Some(0) {
            for file in [&self.log, &self.index] {
                if file.is_at_its_path() {
                    let _ = fs::remove_file(&file.path); // whatever stays is refused below
                }
            }
        }
    }

    /// Fails if the log at the path is that of another database file than the one that is there.
    pub(in super::super) fn require_no_foreign_log(&self) -> Result<(), Failure> {
        if self.is_over.load(Ordering::Acquire) {
            return Ok(());
        }
        let _ = self.look(|| None);
        if !self.is_lost() || self.database.is_at_its_path() || !self.log.is_at_its_path() {
            return Ok(());
        }
        Err(Failure::new(
            ErrorCode::StorageIo,
            "the write-ahead log at this path belongs to the database file that was here before; move it to where that file \
             is now, or remove it if that file is gone",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched() -> (tempfile::TempDir, PathBuf, FileWatch) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("s.db");
        for ending in ["", "-wal", "-shm"] {
            fs::write(format!("{}{ending}", path.display()), [0; 512]).unwrap();
        }
        let full_path = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
        let watch = FileWatch::new(&path, &full_path).unwrap();
        watch.look_before_commit(|| None).unwrap();
        // As if the folder had been still for a while.
        watch.folder.settle();
        (folder, path, watch)
    }

    #[test]
    fn a_commit_looks_at_the_files_when_the_folder_has_changed() {
        for ending in ["", "-wal", "-shm"] {
            let (_folder, path, watch) = watched();
            watch.look_before_commit(|| panic!("the folder says that nothing has changed")).unwrap();
            fs::remove_file(format!("{}{ending}", path.display())).unwrap();
            assert!(watch.look_before_commit(|| None).is_err(), "{ending:?}");
            assert!(watch.is_lost());
        }
    }

    #[test]
    fn the_log_of_a_file_that_was_replaced_is_foreign_unless_its_store_had_closed_it() {
        for was_closed in [false, true] {
            let (folder, path, watch) = watched();
            if was_closed {
                watch.end();
            }
            // Another file gets the number of a log that was removed; here it is the log itself.
            fs::rename(&path, folder.path().join("away")).unwrap();
            fs::write(&path, [0; 512]).unwrap();
            assert_eq!(watch.require_no_foreign_log().is_ok(), was_closed);
        }
    }

    #[test]
    fn another_file_in_the_folder_is_no_loss() {
        let (folder, _, watch) = watched();
        fs::write(folder.path().join("other"), "").unwrap();
        watch.look_before_commit(|| None).unwrap();
        assert!(!watch.folder.is_settled());
        watch.look_before_commit(|| None).unwrap();
    }

    #[test]
    fn a_folder_that_another_one_replaces_is_a_loss() {
        let (folder, path, watch) = watched();
        let parent = path.parent().unwrap();
        let away = parent.with_extension("away");
        fs::rename(parent, &away).unwrap();
        fs::create_dir(parent).unwrap();
        for ending in ["", "-wal", "-shm"] {
            fs::write(format!("{}{ending}", path.display()), [0; 512]).unwrap();
        }
        assert!(watch.look_before_commit(|| None).is_err());
        fs::remove_dir_all(away).unwrap();
        drop(folder);
    }

    #[test]
    fn pages_that_neither_the_file_nor_the_log_holds_are_missing() {
        let extent = |page_bytes, pages, frames| Some(LogExtent { page_bytes, pages, frames });
        let (_folder, _, watch) = watched();
        let is_cut_short = |length, extent| watch.is_cut_short(length, extent);
        assert!(!is_cut_short(100 * 512, extent(512, 100, 0)));
        // The log holds what is past the end.
        assert!(!is_cut_short(98 * 512, extent(512, 100, 2)));
        assert!(is_cut_short(97 * 512, extent(512, 100, 2)));
        assert!(is_cut_short(511, extent(512, 100, 200)));
        assert!(!is_cut_short(97 * 512, None), "not known while a commit writes it");
        // Compacted: the pages are fewer, too. What is missing later counts from there.
        assert!(!is_cut_short(50 * 512, extent(512, 50, 40)));
        assert!(!is_cut_short(50 * 512, extent(512, 60, 1)));
        assert!(is_cut_short(49 * 512, extent(0, 0, 0)));
    }
}
