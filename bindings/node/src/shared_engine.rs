//! One engine for all `HelloJohn` objects of this process, in any thread, that open one file or one URL in the same way: they
//! share connections, caches and commits. A program that is reloaded again and again without closing its objects, as development
//! servers do, would otherwise run out of file descriptors. The engine is closed with the last of its objects.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use hellojohn::{DatabaseText, Engine, Error};

use crate::attempt::Attempt;
use crate::guard::catch_panic;
use crate::options::Options;
use crate::thread_pool::ThreadPool;

/// How long the end of a thread or of the process waits for engines to be closed. Closing waits for the write that is under
/// way and copies the log into the database; when the time is over, the log stays, and the next opening reads it.
const CLOSING_MAX: Duration = Duration::from_secs(2);

/// The engines of this process.
static ENGINES: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

struct Entry {
    shared: Arc<SharedEngine>,
    leases: usize,
}

fn entries() -> MutexGuard<'static, Vec<Entry>> {
    ENGINES.lock().unwrap_or_else(PoisonError::into_inner)
}

struct SharedEngine {
    options: Arc<Options>,
    /// None for a database in memory, which nothing shares.
    place: Option<Place>,
    /// The file that was opened. Another one may have taken its path since. Nothing for a URL.
    file: OnceLock<Option<FileIdentity>>,
    engine: Attempt<Engine>,
    commits: Arc<ThreadPool>,
    round_trips: Arc<ThreadPool>,
}

impl SharedEngine {
    fn serves(&self, options: &Options, place: Option<&Place>, file: Option<FileIdentity>) -> bool {
        place.is_some()
            && self.place.as_ref() == place
            && self.options.opens_like(options)
            && self.file.get().is_none_or(|opened| *opened == file)
    }

    fn open(&self) -> Result<Engine, Error> {
        let open = || {
            let engine = self.options.builder().open(&self.options.engine.database)?;
            // The first attempt that succeeds is the only one.
            let _ = self.file.set(self.place.as_ref().and_then(Place::find_file));
            Ok(engine)
        };
        self.engine.get_or_make(|| Ok(()), || catch_panic(open))
    }

    fn close(&self) -> Result<(), Error> {
        self.engine.take().map_or(Ok(()), |engine| engine.close())
    }
}

/// An open engine and the share in it.
pub(crate) struct LeasedEngine {
    pub lease: Lease,
    pub engine: Engine,
    /// Waits for the writes that were begun: those of one file, because they must not wait behind the lock of another.
    pub commits: Arc<ThreadPool>,
    /// Waits for the reads that were begun.
    pub round_trips: Arc<ThreadPool>,
}

/// One object's share of an engine. Dropping it ends the share; the last one closes the engine.
pub(crate) struct Lease(Option<Arc<SharedEngine>>);

impl Lease {
    /// Takes a share of the engine that these options name, opened by this call if it is not open yet.
    ///
    /// # Errors
    /// Those of opening.
    pub(crate) fn take(options: &Arc<Options>) -> Result<LeasedEngine, Error> {
        let place = Place::find(options);
        let file = place.as_ref().and_then(Place::find_file);
        let shared = {
            let mut entries = entries();
            let known = entries.iter_mut().find(|entry| entry.shared.serves(options, place.as_ref(), file));
            if let Some(entry) = known {
                entry.leases += 1;
                Arc::clone(&entry.shared)
            } else {
                let shared = Arc::new(SharedEngine {
                    options: Arc::clone(options),
                    place,
                    file: OnceLock::new(),
                    engine: Attempt::default(),
                    commits: ThreadPool::for_commits(),
                    round_trips: ThreadPool::for_round_trips(),
                });
                entries.push(Entry { shared: Arc::clone(&shared), leases: 1 });
                shared
            }
        };
        let lease = Lease(Some(Arc::clone(&shared)));
        let engine = shared.open()?;
        let (commits, round_trips) = (Arc::clone(&shared.commits), Arc::clone(&shared.round_trips));
        Ok(LeasedEngine { lease, engine, commits, round_trips })
    }

    /// Ends this share; the last one closes the engine.
    ///
    /// # Errors
    /// Those of closing.
    pub(crate) fn end(mut self) -> Result<(), Error> {
        self.0.take().map_or(Ok(()), end_share)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Of an object that was not closed: no caller is there to be told.
        let _ = self.0.take().map(end_share);
    }
}

fn end_share(shared: Arc<SharedEngine>) -> Result<(), Error> {
    {
        let mut entries = entries();
        let Some(at) = entries.iter().position(|entry| Arc::ptr_eq(&entry.shared, &shared)) else {
            return Ok(()); // closed by `close_all`
        };
        entries[at].leases -= 1;
        if entries[at].leases > 0 {
            return Ok(());
        }
        entries.swap_remove(at);
    }
    shared.close()
}

/// Closes every engine of the process, which is about to end.
pub(crate) fn close_all() {
    let shared: Vec<_> = std::mem::take(&mut *entries()).into_iter().map(|entry| entry.shared).collect();
    if !shared.is_empty() {
        run_before_end(move || shared.iter().for_each(|shared| drop(shared.close())));
    }
}

/// Runs what closes engines before the thread or the process ends, and waits for it within [`CLOSING_MAX`].
pub(crate) fn run_before_end(close: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let guarded = move || {
        let _: Result<(), Error> = catch_panic(|| {
            close();
            Ok(())
        });
        let _ = done.send(()); // the one that waits may have given up
    };
    if thread::Builder::new().name("hellojohn-close".to_owned()).spawn(guarded).is_ok() {
        let _ = ended.recv_timeout(CLOSING_MAX);
    }
}

/// Where a database is that engines can share.
#[derive(PartialEq, Eq)]
enum Place {
    /// The file's path without links, also of a file that is not there yet.
    File(PathBuf),
    /// The URL as it was given, which may hold a password.
    Url(DatabaseText),
}

impl Place {
    fn find(options: &Options) -> Option<Place> {
        let Some(path) = options.engine.file() else {
            return (!options.engine.is_in_memory()).then(|| Place::Url(options.engine.database.clone()));
        };
        let in_folder = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
        let path = path.canonicalize().ok().or_else(in_folder).unwrap_or_else(|| path.to_owned());
        Some(Place::File(path))
    }

    fn find_file(&self) -> Option<FileIdentity> {
        match self {
            Place::File(path) => FileIdentity::find(path),
            Place::Url(_) => None,
        }
    }
}

/// What tells a file from another one that takes its path.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FileIdentity {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
}

impl FileIdentity {
    /// None when there is no file.
    fn find(path: &Path) -> Option<Self> {
        let file = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            Some(FileIdentity { device: file.dev(), inode: file.ino() })
        }
        #[cfg(not(unix))]
        {
            let _ = file; // an open file keeps its path there
            Some(FileIdentity {})
        }
    }
}
