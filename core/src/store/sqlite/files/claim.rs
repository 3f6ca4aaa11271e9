//! Lets one library of a process open a file. Two copies of SQLite in one process (another binding beside this one) take
//! away each other's POSIX locks and corrupt the database: what one of them closes drops the locks of the other. The locks
//! of this library cannot be dropped where [`locks`] works, but those of the other copy can. So a file that another
//! copy seems to have open already is refused; other processes are welcome.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::os::raw::c_int;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::ffi;

use super::identity::{self, FileIdentity};
use super::locks::{self, LockedPath};
use super::watch::FileWatch;
use crate::error::{ErrorCode, Failure};

/// The files that this copy of the library has open or is opening, by their paths as SQLite spells them. A global, because
/// descriptors and locks belong to the process. Locked only for a moment.
static CLAIMED: Mutex<BTreeMap<CString, Weak<ClaimedFile>>> = Mutex::new(BTreeMap::new());

struct ClaimedFile {
    path: CString,
    /// Locked while a store opens it, so that two threads that open it at once do not take each other for another library.
    opening: Mutex<()>,
    /// How many stores have it open.
    stores: AtomicUsize,
    /// How many of them were not closed.
    open_stores: AtomicUsize,
    /// Whether a sync of one of these has failed: what it was to write may be missing below what any of them writes now.
    has_failed_sync: AtomicBool,
    /// Theirs.
    watches: Mutex<Vec<Weak<FileWatch>>>,
}

impl ClaimedFile {
    /// Fails if a database that was at this path before has left its log here. Makes the stores that still have that
    /// database open notice that it is gone.
    fn require_no_foreign_log(&self) -> Result<(), Failure> {
        let mut watches = self.watches.lock();
        watches.retain(|watch| watch.strong_count() > 0);
        watches.iter().filter_map(Weak::upgrade).try_for_each(|watch| watch.require_no_foreign_log())
    }
}

/// Says, while it exists, that this copy of the library has the file open.
pub(in super::super) struct FileClaim {
    /// Absent while it is dropped.
    file: Option<Arc<ClaimedFile>>,
    is_open: bool,
    /// Whether it counts among the stores that were not closed.
    is_counted: AtomicBool,
    _locked_path: LockedPath,
}

impl FileClaim {
    /// Runs `open` unless another library in this process has the file open.
    pub(in super::super) fn claim<T>(
        path: &Path,
        busy_timeout: Duration,
        open: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<(T, Self), Failure> {
        let has_safe_locks = locks::install();
        let mut claim = Self::note(full_path(path)?);
        let file = Arc::clone(claim.file()?);
        let Some(_opening) = file.opening.try_lock_for(busy_timeout) else {
            return Err(Failure::new(ErrorCode::StorageBusy, "another thread is opening the database"));
        };
        if file.stores.load(Ordering::Acquire) == 0 && has_foreign_descriptor(path, has_safe_locks) {
            return Err(Failure::new(
                ErrorCode::StorageBusy,
                "another library in this process has the database open; open it through one library only",
            ));
        }
        if file.open_stores.load(Ordering::Acquire) == 0 {
            file.has_failed_sync.store(false, Ordering::Release);
        } else if file.has_failed_sync.load(Ordering::Acquire) {
            return Err(Failure::new(
                ErrorCode::StorageIo,
                "the disk has failed to keep what an engine of this process wrote; close that engine first",
            ));
        }
        file.require_no_foreign_log()?;
        let opened = open()?;
        file.stores.fetch_add(1, Ordering::AcqRel);
        file.open_stores.fetch_add(1, Ordering::AcqRel);
        claim.is_counted.store(true, Ordering::Release);
        claim.is_open = true;
        Ok((opened, claim))
    }

    /// Watches the files, which exist by now.
    pub(in super::super) fn watch(&self, path: &Path) -> Result<Arc<FileWatch>, Failure> {
        let watch = Arc::new(FileWatch::new(path, &self.file()?.path)?);
        self.file()?.watches.lock().push(Arc::downgrade(&watch));
        Ok(watch)
    }

    /// Says so to every store of this process that has the file open.
    pub(in super::super) fn note_failed_sync(&self) {
        if let Some(file) = &self.file {
            file.has_failed_sync.store(true, Ordering::Release);
        }
    }

    pub(in super::super) fn has_failed_sync(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.has_failed_sync.load(Ordering::Acquire))
    }

    /// The store is closed; the claim stays until it is dropped.
    pub(in super::super) fn end(&self) {
        if let Some(file) = self.file.as_ref().filter(|_| self.is_counted.swap(false, Ordering::AcqRel)) {
            file.open_stores.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn file(&self) -> Result<&Arc<ClaimedFile>, Failure> {
        self.file.as_ref().ok_or_else(|| Failure::internal("a claim without a file"))
    }

    fn note(path: CString) -> Self {
        let locked_path = LockedPath::new(&path);
        let mut claimed = CLAIMED.lock();
        let file = claimed.get(&path).and_then(Weak::upgrade).unwrap_or_else(|| {
            let file = Arc::new(ClaimedFile {
                path: path.clone(),
                opening: Mutex::default(),
                stores: AtomicUsize::new(0),
                open_stores: AtomicUsize::new(0),
                has_failed_sync: AtomicBool::new(false),
                watches: Mutex::default(),
            });
            claimed.insert(path, Arc::downgrade(&file));
            file
        });
        let is_counted = AtomicBool::new(false);
        FileClaim { file: Some(file), is_open: false, is_counted, _locked_path: locked_path }
    }
}

impl Drop for FileClaim {
    fn drop(&mut self) {
        self.end();
        let Some(file) = self.file.take() else { return };
        if self.is_open {
            file.stores.fetch_sub(1, Ordering::AcqRel);
        }
        let mut claimed = CLAIMED.lock();
        // Under the lock, where no other thread can take it up again.
        if Arc::strong_count(&file) == 1 {
            claimed.remove(&file.path);
        }
    }
}

/// The path as SQLite spells it when it opens the file.
fn full_path(path: &Path) -> Result<CString, Failure> {
    let given = CString::new(path.as_os_str().as_encoded_bytes())
        .map_err(|_| Failure::internal("a path with a NUL character"))?;
    // SAFETY: SQLite's default file system layer exists as long as the process; it writes at most the buffer's length.
    let full = unsafe {
        let Some(vfs) = ffi::sqlite3_vfs_find(std::ptr::null()).as_mut() else { return Ok(given) };
        let Some(resolve) = vfs.xFullPathname else { return Ok(given) };
        let mut buffer = vec![0_u8; usize::try_from(vfs.mxPathname).unwrap_or(0) + 1];
        let length = c_int::try_from(buffer.len()).unwrap_or(c_int::MAX);
        let result = resolve(vfs, given.as_ptr(), length, buffer.as_mut_ptr().cast());
        let is_resolved = result == ffi::SQLITE_OK || result == ffi::SQLITE_OK_SYMLINK;
        is_resolved.then_some(buffer)
    };
    // A path that does not resolve does not open either; SQLite says why.
    Ok(full
        .and_then(|buffer| std::ffi::CStr::from_bytes_until_nul(&buffer).ok().map(Into::into))
        .unwrap_or(given))
}

/// Opens nothing: opening and closing the file here would drop the very locks that this protects.
fn has_foreign_descriptor(path: &Path, has_safe_locks: bool) -> bool {
    let Ok(identity) = FileIdentity::of_path(path) else { return false };
    open_descriptors().into_iter().any(|descriptor| {
        FileIdentity::of_descriptor(descriptor) == Some(identity)
            && !locks::has_descriptor(descriptor)
            // A descriptor that can only read is of no copy of SQLite that would write; it harms only locks of processes.
            && (!has_safe_locks || identity::is_writable(descriptor))
    })
}

/// The process's descriptors; where the system does not list them, every number that may be one.
fn open_descriptors() -> Vec<c_int> {
    /// Takes a tenth of a second to try; a process without `/proc` that may have more is not looked at further.
    const NUMBERS_AT_MOST: u64 = 1 << 20;
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        return entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    }
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel fills the structure.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    (0..c_int::try_from(limit.rlim_cur.min(NUMBERS_AT_MOST)).unwrap_or(0)).collect()
}
