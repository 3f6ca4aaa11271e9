//! Whether any process has committed, without a system call. Every commit to a database in WAL mode, by any process, writes
//! the header of the WAL index before it returns (sqlite.org/walformat.html, section 2.3): counters and checksums, 48
//! bytes in memory that all processes share. SQLite itself looks at them before each transaction.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering, fence};

use rusqlite::{Connection, ffi};

use super::connection::leave_log;

/// The header at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header([u32; 12]);

impl Header {
    /// The third word counts the transactions that wrote something.
    pub(super) fn counter(&self) -> u32 {
        self.0[2]
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
    fn extent(&self) -> LogExtent {
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

/// A connection that keeps the WAL index mapped.
pub(super) struct WalIndex {
    header: *const [AtomicU32; 12],
    connection: Connection,
}

// SAFETY: the connection is never used again but to set an option, by the thread that closes it, and for closing; every thread may read the header.
unsafe impl Send for WalIndex {}
// SAFETY: as above.
unsafe impl Sync for WalIndex {}

impl WalIndex {
    /// The index that the connection has mapped, which it has once it read from a database in WAL mode.
    pub(super) fn map(connection: Connection) -> Option<Self> {
        /// How much SQLite maps at a time.
        const REGION_BYTES: i32 = 32_768;
        let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
        let mut region: *mut c_void = ptr::null_mut();
        // SAFETY: the connection is open and used by no other code; SQLite writes the file's address, and the file lives as
        // long as the connection. Mapping the first region again only says where it is: it stays mapped until the last
        // connection of the process to this file is closed, which is this one at the latest.
        unsafe {
            let result = ffi::sqlite3_file_control(
                connection.handle(),
                c"main".as_ptr(),
                ffi::SQLITE_FCNTL_FILE_POINTER,
                ptr::from_mut(&mut file).cast(),
            );
            let methods = file.as_ref().filter(|_| result == ffi::SQLITE_OK)?.pMethods.as_ref()?;
            // Methods of version 1 end before this one.
            let map_region = methods.xShmMap.filter(|_| methods.iVersion >= 2)?;
            if map_region(file, 0, REGION_BYTES, 0, ptr::from_mut(&mut region).cast()) != ffi::SQLITE_OK {
                return None;
            }
        }
        if region.is_null() {
            return None;
        }
        Some(WalIndex { header: region.cast(), connection })
    }

    /// The header as it is now. One that is read while a commit writes it equals no other.
    pub(super) fn header(&self) -> Header {
        // Reads before this call stay before it.
        fence(Ordering::SeqCst);
        // SAFETY: mapped as long as the connection is open; 48 aligned bytes at the start of the region, which other
        // processes write while this reads: hence atomics.
        let header = unsafe { &*self.header };
        let copy = Header(std::array::from_fn(|word| header[word].load(Ordering::Acquire)));
        fence(Ordering::SeqCst);
        copy
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
