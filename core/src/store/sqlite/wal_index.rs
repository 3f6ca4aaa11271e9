//! Whether any process has committed, without a system call. Every commit to a database in WAL mode, by any process, writes
//! the header of the WAL index before it returns (sqlite.org/walformat.html, section 2.3): counters and checksums, 48
//! bytes in memory that all processes share. SQLite itself looks at them before each transaction.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering, fence};

use parking_lot::{Mutex, MutexGuard};
use rusqlite::{Connection, ffi};

use super::connection::leave_log;

/// The header at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header([u32; 12]);

/// The header in the first region of an index, read word by word.
///
/// # Safety
/// The region is mapped.
pub(super) unsafe fn header_of(region: *mut c_void) -> Header {
    let words = region.cast::<AtomicU32>();
    // SAFETY: the region begins with the header, in aligned words.
    Header(std::array::from_fn(|at| unsafe { (*words.add(at)).load(Ordering::SeqCst) }))
}

impl Header {
    /// The third word counts the transactions that wrote something.
    pub(super) fn counter(&self) -> u32 {
        self.0[2]
    }

    pub(super) fn words(&self) -> [u32; 12] {
        self.0
    }

    /// The fifth word counts the pages in the log.
    pub(super) fn log_pages(&self) -> u32 {
        self.0[4]
    }
}

/// How far the log reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LogExtent {
    /// Size of a page; 0 while no commit has gone through this log.
    pub page_bytes: u64,
    /// Pages of the database as last committed.
    pub pages: u64,
    /// Frames in the log, each with one page.
    pub frames: u64,
}

impl Header {
    pub(super) fn extent(&self) -> LogExtent {
        let [_, _, first, second] = self.0[3].to_ne_bytes();
        // In 16 bits, where 1 stands for 65,536.
        let size = u64::from(u16::from_ne_bytes([first, second]));
        LogExtent {
            page_bytes: (size & 0xfe00) + ((size & 1) << 16),
            pages: self.0[5].into(),
            frames: self.0[4].into(),
        }
    }
}

pub(super) type LockCall = unsafe extern "C" fn(*mut ffi::sqlite3_file, i32, i32, i32) -> i32;

/// Which of the locks of the WAL index is the one that a write transaction holds.
pub(super) const WRITE_LOCK: i32 = 0;

/// The file that a connection has its database in.
pub(super) fn database_file(connection: &Connection) -> Option<*mut ffi::sqlite3_file> {
    file_of(connection, ffi::SQLITE_FCNTL_FILE_POINTER)
}

/// The file that a connection has its write-ahead log in.
pub(super) fn log_file(connection: &Connection) -> Option<*mut ffi::sqlite3_file> {
    file_of(connection, ffi::SQLITE_FCNTL_JOURNAL_POINTER)
}

/// `which` is one of SQLite's two questions for a file.
fn file_of(connection: &Connection, which: i32) -> Option<*mut ffi::sqlite3_file> {
    let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
    // SAFETY: the connection is open and used by no other code; SQLite writes the file's address, and the database's file lives as
    // long as the connection, the log's as long as a transaction at least. Where there is no such file it writes nothing.
    unsafe {
        ffi::sqlite3_file_control(
            connection.handle(),
            c"main".as_ptr(),
            which,
            ptr::from_mut(&mut file).cast(),
        )
    };
    (!file.is_null()).then_some(file)
}

/// The first region of the index of the log that the connection has mapped, which it has once it read from a database in WAL mode.
pub(super) fn first_region(file: *mut ffi::sqlite3_file) -> Option<*mut c_void> {
    find_first_region(file).ok().flatten()
}

/// The same; nothing where none is mapped.
///
/// # Errors
/// SQLite's code, where the file layer does not say.
pub(super) fn find_first_region(file: *mut ffi::sqlite3_file) -> Result<Option<*mut c_void>, c_int> {
    /// How much SQLite maps at a time.
    const REGION_BYTES: i32 = 32_768;
    let mut region: *mut c_void = ptr::null_mut();
    // SAFETY: the file is that of an open connection, which no other code uses now. Mapping the first region again only says where it
    // is: it stays mapped until the last connection of the process to this file is closed, which is this one at the latest.
    unsafe {
        // A database in memory has none; methods of version 1 end before these.
        let methods = (*file).pMethods.as_ref().filter(|methods| methods.iVersion >= 2);
        let Some(map_region) = methods.and_then(|methods| methods.xShmMap) else { return Ok(None) };
        match map_region(file, 0, REGION_BYTES, 0, ptr::from_mut(&mut region).cast()) {
            ffi::SQLITE_OK => {}
            code => return Err(code),
        }
    }
    Ok((!region.is_null()).then_some(region))
}

/// A connection that keeps the WAL index mapped.
pub(super) struct WalIndex {
    /// Both copies, one behind the other.
    header: *const [[AtomicU32; 12]; 2],
    file: *mut ffi::sqlite3_file,
    lock: LockCall,
    /// Held by the thread that may have the write lock through this connection: a second one would be told that it has it, too.
    locking: Mutex<()>,
    connection: Connection,
}

// SAFETY: the connection is never used again but to lock its file, by one thread at a time, to set an option, by the thread that
// closes it, and for closing; every thread may read the header.
unsafe impl Send for WalIndex {}
// SAFETY: as above.
unsafe impl Sync for WalIndex {}

impl WalIndex {
    /// The index that the connection has mapped, which it has once it read from a database in WAL mode.
    pub(super) fn map(connection: Connection) -> Option<Self> {
        let file = database_file(&connection)?;
        let region = first_region(file)?;
        // SAFETY: the file is that of the open connection; its methods are of the second version, as it has a region.
        let lock = unsafe { (*file).pMethods.as_ref()?.xShmLock? };
        Some(WalIndex { header: region.cast(), file, lock, locking: Mutex::new(()), connection })
    }

    /// The header as it is now. One that is read while a commit writes it equals no other.
    pub(super) fn header(&self) -> Header {
        // Reads before this call stay before it.
        fence(Ordering::SeqCst);
        let copy = self.read(0);
        fence(Ordering::SeqCst);
        copy
    }

    /// One of the two copies, without a fence. SQLite writes the second one first.
    fn read(&self, copy: usize) -> Header {
        // SAFETY: mapped as long as the connection is open; 96 aligned bytes at the start of the region, which other
        // processes write while this reads: hence atomics.
        let header = unsafe { &(&*self.header)[copy] };
        Header(std::array::from_fn(|word| header[word].load(Ordering::Acquire)))
    }

    /// The header for a caller that sets its own fences.
    pub(super) fn header_unfenced(&self) -> Header {
        self.read(0)
    }

    /// Whether no writer was stopped for good in the middle of writing the header; asked under the write lock.
    pub(super) fn is_whole(&self) -> bool {
        self.read(0) == self.read(1)
    }

    #[cfg(test)]
    pub(super) fn copies(&self) -> &[[AtomicU32; 12]; 2] {
        // SAFETY: as in `read`.
        unsafe { &*self.header }
    }

    /// The write lock, if no connection of any process has it, and no thread of this one is here. Never waits. It must be
    /// held for microseconds only: a writer that finds it taken waits for a millisecond.
    pub(super) fn try_write_lock(&self) -> Option<WriteLock<'_>> {
        let locking = self.locking.try_lock()?;
        let flags = ffi::SQLITE_SHM_LOCK | ffi::SQLITE_SHM_EXCLUSIVE;
        // SAFETY: the file of the open connection, which runs no transaction; one thread at a time, as `locking` says.
        let result = unsafe { (self.lock)(self.file, WRITE_LOCK, 1, flags) };
        (result == ffi::SQLITE_OK).then_some(WriteLock { index: self, _locking: locking })
    }

    /// How far the log reaches; nothing while a commit writes the header.
    pub(super) fn extent(&self) -> Option<LogExtent> {
        let header = self.header();
        (header == self.header()).then(|| header.extent())
    }

    /// Keeps the connection from moving the log into the database, and from deleting it, when it is the last to close.
    pub(super) fn leave_log(&self) {
        leave_log(&self.connection);
    }
}

/// SQLite's write lock, held without a transaction.
pub(super) struct WriteLock<'a> {
    index: &'a WalIndex,
    _locking: MutexGuard<'a, ()>,
}

impl Drop for WriteLock<'_> {
    fn drop(&mut self) {
        let flags = ffi::SQLITE_SHM_UNLOCK | ffi::SQLITE_SHM_EXCLUSIVE;
        // SAFETY: taken by `try_write_lock` through the same file.
        unsafe { (self.index.lock)(self.index.file, WRITE_LOCK, 1, flags) };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::sqlite::store::SqliteStore;
    use crate::store::{SqliteDatabase, StoreOptions};

    #[test]
    fn the_extent_of_a_log_has_every_size_of_pages() {
        for (page_bytes, written) in
            [(512_u64, 512_u16), (4_096, 4_096), (32_768, 32_768), (65_536, 1), (0, 0)]
        {
            let [first, second] = written.to_ne_bytes();
            let mut words = [7; 12];
            words[3] = u32::from_ne_bytes([1, 0, first, second]);
            words[4] = 70_000;
            words[5] = 30_000;
            let header = Header(words);
            assert_eq!(header.extent(), LogExtent { page_bytes, pages: 30_000, frames: 70_000 });
            assert_eq!(header.log_pages(), 70_000);
        }
    }

    fn write_lock_of(program: &Connection) -> Result<(), rusqlite::Error> {
        program.execute_batch("BEGIN IMMEDIATE; ROLLBACK")
    }

    #[test]
    fn the_write_lock_keeps_every_writer_out_until_it_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        let open = || {
            let options = StoreOptions::relaxed(Duration::from_secs(5));
            SqliteStore::open(SqliteDatabase::File(path.clone()), options).unwrap()
        };
        let stores = [open(), open()];
        let [here, there] = stores.each_ref().map(|store| store.change_tracker());
        let program = Connection::open(&path).unwrap();
        program.busy_timeout(Duration::ZERO).unwrap();
        for _ in 0..2 {
            let lock = here.wal_index().try_write_lock().unwrap();
            assert!(here.wal_index().try_write_lock().is_none(), "a second thread has it, too");
            assert!(there.wal_index().try_write_lock().is_none(), "another connection has it, too");
            assert!(write_lock_of(&program).is_err(), "another program writes meanwhile");
            drop(lock);
            write_lock_of(&program).unwrap();
            drop(there.wal_index().try_write_lock().unwrap());
        }
        program.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(here.wal_index().try_write_lock().is_none(), "it was taken from a writer");
    }

    #[test]
    fn only_a_database_in_a_file_has_an_index() {
        assert!(WalIndex::map(Connection::open_in_memory().unwrap()).is_none());
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("s.db")).unwrap();
        assert!(database_file(&connection).is_some());
    }
}
