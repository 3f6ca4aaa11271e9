//! A disk that records what SQLite does to the files of one folder, and fails when a test says so. It is a file layer
//! ("VFS", sqlite.org/vfs.html) over the system's own one, and the default of the process once a test has watched a folder: engines
//! need not know of it. Files of other folders go to the system's layer unseen.
//!
//! What it does not see: the log's index, which SQLite maps into memory and builds anew after a crash, and what the engine does
//! to files by itself (the file `-hj1`, and the last steps of a backup).

mod files;
mod images;
mod layer;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

pub use self::images::{CrashKind, DiskModel, FolderImage};

/// What SQLite asks of a file layer, as far as it can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// A file is opened or created.
    Open,
    /// A file is deleted.
    Delete,
    /// Whether a file is there.
    Access,
    /// Bytes are read.
    Read,
    /// Bytes are written.
    Write,
    /// A file is cut.
    Truncate,
    /// What was written is to reach the disk.
    Sync,
    /// The length of a file.
    Size,
    /// A lock of the database file.
    Lock,
    /// A part of the log's index is mapped.
    MapIndex,
    /// A lock of the log's index.
    LockIndex,
    /// The one of them that a writer holds.
    LockWriter,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The device fails: every kind of call but syncs and locks.
    Device,
    /// No space is left: writes.
    Full,
    /// Half of the bytes are written, then no space is left.
    ShortWrite,
    /// A sync fails, and what was to be synced is lost for good, as on Linux, which takes the pages for written after it has
    /// told the failure once.
    Sync,
    /// The system refuses a lock although no other process has it.
    Lock,
    /// Another process writes: the writer's lock is taken. Not a failure of the disk.
    Busy,
}

impl Fault {
    /// Every way in which a disk fails.
    pub const ALL: [Fault; 5] = [Fault::Device, Fault::Full, Fault::ShortWrite, Fault::Sync, Fault::Lock];

    /// Whether a call can fail like this.
    pub fn concerns(self, call: Call) -> bool {
        match self {
            Fault::Device => !matches!(call, Call::Sync | Call::Lock | Call::LockIndex | Call::LockWriter),
            Fault::Full | Fault::ShortWrite => call == Call::Write,
            Fault::Sync => call == Call::Sync,
            Fault::Lock => matches!(call, Call::Lock | Call::LockIndex | Call::LockWriter),
            Fault::Busy => call == Call::LockWriter,
        }
    }

    /// SQLite's code for it, and the number of the system's error.
    fn codes(self, call: Call) -> (i32, i32) {
        let code = match (self, call) {
            (Fault::Full | Fault::ShortWrite, _) => return (ffi::SQLITE_FULL, libc::ENOSPC),
            (Fault::Busy, _) => return (ffi::SQLITE_BUSY, libc::EAGAIN),
            (_, Call::Open) => ffi::SQLITE_CANTOPEN,
            (_, Call::Delete) => ffi::SQLITE_IOERR_DELETE,
            (_, Call::Access) => ffi::SQLITE_IOERR_ACCESS,
            (_, Call::Read) => ffi::SQLITE_IOERR_READ,
            (_, Call::Write) => ffi::SQLITE_IOERR_WRITE,
            (_, Call::Truncate) => ffi::SQLITE_IOERR_TRUNCATE,
            (_, Call::Sync) => ffi::SQLITE_IOERR_FSYNC,
            (_, Call::Size) => ffi::SQLITE_IOERR_FSTAT,
            (_, Call::Lock) => ffi::SQLITE_IOERR_LOCK,
            (_, Call::MapIndex) => ffi::SQLITE_IOERR_SHMMAP,
            (_, Call::LockIndex | Call::LockWriter) => ffi::SQLITE_IOERR_SHMLOCK,
        };
        (code, libc::EIO)
    }
}

/// Which calls fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The number of the first one among those that can fail like this, from 1.
    pub at: usize,
    /// How.
    pub fault: Fault,
    /// Whether every later one fails, too.
    pub lasts: bool,
}

/// What happened to the files of the folder, in order. Files go by their names in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A file came to be.
    Create(String),
    /// Bytes were written from this offset on.
    Write(String, u64, Arc<[u8]>),
    /// The file has this length now.
    Truncate(String, u64),
    /// What was written to the file before is on the disk; so are the names of the folder, if `true`.
    Sync(String, bool),
    /// A sync failed: what was written to the file since the last one never reaches the disk.
    LostSync(String),
    /// The name went; on the disk, if `true`.
    Delete(String, bool),
    /// The test's own mark.
    Mark(usize),
}

impl Event {
    /// The event in a line, without the bytes.
    pub fn summary(&self) -> String {
        match self {
            Event::Write(name, at, bytes) => format!("{} bytes to {name} at {at}", bytes.len()),
            other => format!("{other:?}"),
        }
    }
}

#[derive(Default)]
struct State {
    records: bool,
    events: Vec<Event>,
    /// Files that are known to the record.
    names: Vec<String>,
    calls: Vec<Call>,
    plan: Option<Plan>,
    /// How many calls could have failed as planned.
    concerned: usize,
    faults: usize,
    skips_syncs: bool,
}

/// The disk under one folder, as long as this value lives.
pub struct Disk {
    folder: PathBuf,
    shared: Arc<Shared>,
}

/// What the open files share with the test.
#[derive(Default)]
struct Shared(Mutex<State>);

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call; how it is to fail, if it is.
    fn begin(&self, call: Call) -> Option<Fault> {
        let mut state = self.state();
        state.calls.push(call);
        let plan = state.plan.filter(|plan| plan.fault.concerns(call))?;
        state.concerned += 1;
        let is_due = state.concerned == plan.at || plan.lasts && state.concerned > plan.at;
        state.faults += usize::from(is_due);
        is_due.then_some(plan.fault)
    }

    fn record(&self, event: impl FnOnce() -> Event) {
        let mut state = self.state();
        if state.records {
            let event = event();
            state.events.push(event);
        }
    }

    /// Records the file's creation, unless it is known.
    fn record_open(&self, name: &str) {
        let mut state = self.state();
        if state.records && !state.names.iter().any(|known| known == name) {
            state.names.push(name.to_owned());
            state.events.push(Event::Create(name.to_owned()));
        }
    }

    fn record_delete(&self, name: &str, syncs_folder: bool) {
        let mut state = self.state();
        if state.records {
            state.names.retain(|known| known != name);
            state.events.push(Event::Delete(name.to_owned(), syncs_folder));
        }
    }
}

static FOLDERS: Mutex<Option<HashMap<PathBuf, Arc<Shared>>>> = Mutex::new(None);

fn with_folders<T>(work: impl FnOnce(&mut HashMap<PathBuf, Arc<Shared>>) -> T) -> T {
    work(FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(HashMap::new))
}

impl Disk {
    /// From now on, files that are opened in this folder are on this disk.
    ///
    /// ```
    /// let folder = tempfile::tempdir().unwrap();
    /// let disk = hellojohn_tests::disk::Disk::watch(folder.path());
    /// disk.record();
    /// let file = rusqlite::Connection::open(folder.path().join("a.db")).unwrap();
    /// file.execute_batch("CREATE TABLE t (x)").unwrap();
    /// assert!(!disk.events().is_empty());
    /// ```
    pub fn watch(folder: &Path) -> Self {
        layer::install();
        let folder = folder.canonicalize().expect("a folder");
        let shared = Arc::new(Shared::default());
        with_folders(|folders| folders.insert(folder.clone(), Arc::clone(&shared)));
        Disk { folder, shared }
    }

    /// Begins the record, in an empty folder.
    pub fn record(&self) {
        self.shared.state().records = true;
    }

    /// Begins the record anew, from these files.
    pub fn record_from(&self, image: &FolderImage) {
        let names = image.0.keys().cloned().collect();
        let mut state = self.shared.state();
        (state.records, state.events, state.names) = (true, Vec::new(), names);
    }

    /// What was recorded since this was asked last.
    pub fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.shared.state().events)
    }

    /// What was recorded so far.
    pub fn events(&self) -> Vec<Event> {
        self.shared.state().events.clone()
    }

    /// Puts a mark into the record.
    pub fn mark(&self, mark: usize) {
        self.shared.record(|| Event::Mark(mark));
    }

    /// Syncs answer at once and write nothing: for folders whose content no crash of this machine need survive.
    pub fn skip_syncs(&self) {
        self.shared.state().skips_syncs = true;
    }

    /// Counts calls from 1 again; those of the plan fail.
    pub fn begin(&self, plan: Option<Plan>) {
        let mut state = self.shared.state();
        state.calls.clear();
        (state.concerned, state.faults) = (0, 0);
        state.plan = plan;
    }

    /// No call fails any more.
    pub fn heal(&self) {
        self.shared.state().plan = None;
    }

    /// The calls since [`begin`](Self::begin).
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state().calls.clone()
    }

    /// How many of them failed.
    pub fn faults(&self) -> usize {
        self.shared.state().faults
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        with_folders(|folders| folders.remove(&self.folder));
    }
}

/// The disk that has this path, and the file's name on it.
fn disk_of(path: &Path) -> Option<(Arc<Shared>, String)> {
    let shared = with_folders(|folders| folders.get(path.parent()?).cloned())?;
    Some((shared, path.file_name()?.to_str()?.to_owned()))
}
