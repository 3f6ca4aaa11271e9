//! The file beside the database in which the processes that have it open tell each other what their commits changed:
//! `<database>-hj2`, a few hundred kilobytes that all of them map. It is worth nothing once the last of them is gone. This file
//! opens it and makes it; what the words mean, `shared_changes.rs` says.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::mem::size_of;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

use super::identity::FileIdentity;
use crate::fork;

/// How many counters there are for sessions, and behind them for users. Two that share one cost a read that was not needed, nothing
/// else.
pub(in super::super) const SESSION_BUCKETS: usize = 1 << 16;
pub(in super::super) const USER_BUCKETS: usize = 1 << 14;
pub(in super::super) const BUCKETS: usize = SESSION_BUCKETS + USER_BUCKETS;

/// Names the layout below, in the byte order of the machine. Another layout, or another meaning of a word, takes a file of another name.
const MAGIC: u64 = u64::from_le_bytes(*b"hjwords2");

/// The file's content. All stores are made under SQLite's write lock.
#[repr(C)]
pub(in super::super) struct Words {
    magic: AtomicU64,
    /// Random; 0 in a file that no process has brought up to date yet. Another one says that something unknown was committed.
    pub epoch: AtomicU64,
    /// The highest clock mark that a process wrote which tells its changes, in ms.
    pub clock: AtomicI64,
    /// Device and inode of the WAL index that the file belongs to.
    index: [AtomicU64; 2],
    _reserved: [u64; 3],
    /// The header of the WAL index up to which every change is told, each word mixed with half of the epoch.
    pub told: [AtomicU32; 12],
    _unused: [u32; 996],
    /// By session, then by user: the header's counter at the last commit that changed a session of this bucket, or one of its users'.
    pub buckets: [AtomicU32; BUCKETS],
}

const BYTES: usize = size_of::<Words>();
const _: () = assert!(BYTES == 4_096 + 4 * BUCKETS);

/// The mapped file. The words live as long as this.
pub(in super::super) struct SharedWords {
    words: NonNull<Words>,
    identity: FileIdentity,
}

// SAFETY: the words are atomic and mapped until this is dropped, by whichever thread.
unsafe impl Send for SharedWords {}
// SAFETY: as above.
unsafe impl Sync for SharedWords {}

/// Where the file is, and what it belongs to.
pub(in super::super) struct SharedWordsPlace {
    path: PathBuf,
    database: PathBuf,
    log: PathBuf,
    index: FileIdentity,
}

impl SharedWordsPlace {
    /// Beside the log, whose name SQLite has made of the database's.
    pub(super) fn new(database: &Path, log: &Path, index: FileIdentity) -> Self {
        let name = log.as_os_str().as_bytes();
        let name = [name.strip_suffix(b"-wal").unwrap_or(name), b"-hj2"].concat();
        let path = OsStr::from_bytes(&name).into();
        SharedWordsPlace { path, database: database.to_owned(), log: log.to_owned(), index }
    }

    /// Whether the file that has the name is the mapped one. A process that may not look any more keeps what it has.
    pub(in super::super) fn has(&self, mapped: &SharedWords) -> bool {
        match fs::symlink_metadata(&self.path) {
            Ok(file) => FileIdentity::of_metadata(&file) == mapped.identity,
            Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
        }
    }

    /// The file that is there, if it is sound and belongs to this WAL index; otherwise a new one in its place. The caller holds SQLite's
    /// write lock, so that no two processes make one.
    pub(in super::super) fn open(&self) -> io::Result<SharedWords> {
        let database = fs::metadata(&self.database)?;
        match self.open_existing(&database) {
            Ok(Some(words)) => Ok(words),
            // What is there is of no use to any process on this WAL index.
            Ok(None) => self.create(&database),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.create(&database),
            Err(error) => Err(error),
        }
    }

    /// Takes the name away if the log is gone: SQLite removes that with the last connection of all processes. Another process
    /// may open the database just then and find its file nameless; it notices that within a second.
    pub(in super::super) fn remove_after_log(&self) {
        if fs::symlink_metadata(&self.log).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            let _ = fs::remove_file(&self.path); // what stays is replaced at the next opening
        }
    }

    fn open_existing(&self, database: &Metadata) -> io::Result<Option<SharedWords>> {
        // Before it is opened: closing a second name of the database would drop locks where they belong to the process.
        if !is_sound(&fs::symlink_metadata(&self.path)?, database) {
            return Ok(None);
        }
        let file = open_options().open(&self.path)?;
        if !is_sound(&file.metadata()?, database) {
            return Ok(None);
        }
        let mapped = SharedWords::map(&file)?;
        let words = mapped.words();
        let index = [self.index.device(), self.index.inode()];
        let is_ours = words.magic.load(Ordering::Acquire) == MAGIC
            && words.index.iter().zip(index).all(|(word, ours)| word.load(Ordering::Acquire) == ours);
        Ok(is_ours.then_some(mapped))
    }

    fn create(&self, database: &Metadata) -> io::Result<SharedWords> {
        // SAFETY: asks for a number.
        let user = unsafe { libc::geteuid() };
        if user != 0 && user != database.uid() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the database is another account's"));
        }
        let mut fresh = self.path.clone().into_os_string();
        fresh.push("-new");
        let fresh = PathBuf::from(fresh);
        let _ = fs::remove_file(&fresh); // of a process that was killed: the lock is ours
        let made = self.fill(&fresh, database).and_then(|words| {
            fs::rename(&fresh, &self.path)?;
            Ok(words)
        });
        if made.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        made
    }

    fn fill(&self, path: &Path, database: &Metadata) -> io::Result<SharedWords> {
        let mut file = open_options().create_new(true).mode(0o600).open(path)?;
        // As the owner's group may not be the process's first one; what is refused shows below.
        let _ = fchown(&file, Some(database.uid()), Some(database.gid()));
        file.set_permissions(Permissions::from_mode(database.mode() & 0o777))?;
        let mut content = vec![0; BYTES];
        let head = [MAGIC, 0, 0, self.index.device(), self.index.inode()];
        for (place, word) in content.chunks_exact_mut(8).zip(head) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        // No holes: a full disk is an error here, and must not become a signal later.
        file.write_all(&content)?;
        if !is_sound(&file.metadata()?, database) {
            return Err(io::Error::other("the file cannot have the database's owner and mode"));
        }
        SharedWords::map(&file)
    }
}

fn open_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC);
    options
}

/// Whether the file is a plain one of the right size, open to the same accounts as the database.
fn is_sound(file: &Metadata, database: &Metadata) -> bool {
    file.is_file()
        && file.nlink() == 1
        && file.len() == BYTES as u64
        && file.uid() == database.uid()
        && file.mode() & 0o777 == database.mode() & 0o777
        && (file.gid() == database.gid() || file.mode() & 0o070 == 0)
}

impl SharedWords {
    pub(in super::super) fn words(&self) -> &Words {
        // SAFETY: mapped, aligned to a page and as long as the structure, all of whose bit patterns are valid; written through
        // atomics only, here and by other processes.
        unsafe { self.words.as_ref() }
    }

    fn map(file: &File) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        let flags = libc::MAP_SHARED | libc::MAP_POPULATE;
        #[cfg(not(target_os = "linux"))]
        let flags = libc::MAP_SHARED;
        let identity = FileIdentity::of_metadata(&file.metadata()?);
        // SAFETY: a new mapping of a file that is as long; it outlives the descriptor.
        let address = unsafe {
            libc::mmap(ptr::null_mut(), BYTES, libc::PROT_READ | libc::PROT_WRITE, flags, file.as_raw_fd(), 0)
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let words = NonNull::new(address.cast()).ok_or_else(io::Error::last_os_error)?;
        // A forked child uses none of it.
        #[cfg(target_os = "linux")]
        // SAFETY: the mapping from above; advice that is refused changes nothing.
        unsafe {
            libc::madvise(address, BYTES, libc::MADV_DONTFORK)
        };
        Ok(SharedWords { words, identity })
    }
}

impl Drop for SharedWords {
    fn drop(&mut self) {
        if !fork::is_child() {
            // SAFETY: mapped by `map`, and no reference outlives this value.
            unsafe { libc::munmap(self.words.as_ptr().cast(), BYTES) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, SharedWordsPlace) {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["s.db", "s.db-shm"] {
            fs::write(path(name), "").unwrap();
            fs::set_permissions(path(name), Permissions::from_mode(0o640)).unwrap();
        }
        let index = FileIdentity::of_path(&path("s.db-shm")).unwrap();
        let place = SharedWordsPlace::new(&path("s.db"), &path("s.db-wal"), index);
        (folder, place)
    }

    #[test]
    fn the_file_is_shared_and_has_the_mode_of_the_database() {
        let (_folder, place) = place();
        fs::write(place.path.with_file_name("s.db-hj2-new"), "left over").unwrap();
        let (mine, theirs) = (place.open().unwrap(), place.open().unwrap());
        mine.words().buckets[BUCKETS - 1].store(7, Ordering::SeqCst);
        assert_eq!(theirs.words().buckets[BUCKETS - 1].load(Ordering::SeqCst), 7);
        assert!(place.has(&mine) && place.has(&theirs));
        let file = fs::metadata(&place.path).unwrap();
        assert_eq!((file.mode() & 0o777, file.len()), (0o640, BYTES as u64));
        assert!(!place.path.with_file_name("s.db-hj2-new").exists());
        fs::write(&place.log, "").unwrap();
        place.remove_after_log();
        assert!(place.has(&mine));
        fs::remove_file(&place.log).unwrap();
        place.remove_after_log();
        assert!(!place.has(&mine));
    }

    type Harm = fn(&Path);

    #[test]
    fn what_is_no_sound_file_of_this_index_is_replaced_and_never_written() {
        let harms: [(&str, Harm); 8] = [
            ("cut", |path| File::options().write(true).open(path).unwrap().set_len(4_096).unwrap()),
            ("longer", |path| File::options().write(true).open(path).unwrap().set_len(1 << 20).unwrap()),
            ("another layout", |path| {
                let mut bytes = fs::read(path).unwrap();
                bytes[7] ^= 1;
                fs::write(path, bytes).unwrap();
            }),
            ("another index", |path| {
                let mut bytes = fs::read(path).unwrap();
                bytes[32] ^= 1;
                fs::write(path, bytes).unwrap();
            }),
            ("open to more accounts", |path| {
                fs::set_permissions(path, Permissions::from_mode(0o666)).unwrap();
            }),
            ("a second name", |path| fs::hard_link(path, path.with_extension("link")).unwrap()),
            ("a link", |path| {
                let target = path.with_extension("target");
                fs::rename(path, &target).unwrap();
                std::os::unix::fs::symlink(&target, path).unwrap();
            }),
            ("empty", |path| fs::write(path, "").unwrap()),
        ];
        for (what, harm) in harms {
            let (_folder, place) = place();
            drop(place.open().unwrap());
            harm(&place.path);
            let before = FileIdentity::of_path(&place.path).unwrap();
            let words = place.open().unwrap();
            assert_ne!(FileIdentity::of_path(&place.path).unwrap(), before, "{what}");
            assert!(place.has(&words), "{what}");
            assert!(!fs::symlink_metadata(&place.path).unwrap().is_symlink(), "{what}");
        }
        // A folder in its place cannot be replaced.
        let (_folder, place) = place();
        fs::create_dir(&place.path).unwrap();
        assert!(place.open().is_err());
        assert!(!place.path.with_file_name("s.db-hj2-new").exists());
    }
}
