//! The writing connection of a store. SQLite lets the write lock go inside of `COMMIT` and `ROLLBACK`; what has to happen just
//! before that happens in the method by which it does, which this replaces for the connection's file.

use std::ops::Deref;
use std::ptr;

use parking_lot::Mutex;
use rusqlite::{Connection, ffi};

use super::shared_changes::Untold;
use super::wal_index::{LockCall, WRITE_LOCK, database_file};

/// A copy of the methods of the connection's file, with one replaced, and what that one has to know.
#[repr(C)]
struct Hook {
    /// First: a pointer to it is one to the whole.
    methods: ffi::sqlite3_io_methods,
    original: LockCall,
    untold: Mutex<Option<Untold>>,
}

pub(super) struct Writer {
    /// Closed before the hook goes.
    connection: Connection,
    hook: Option<HookPointer>,
}

/// Made by `Box::into_raw`; the file of the connection points to it, too.
struct HookPointer(*mut Hook);

// SAFETY: used by the thread that has the connection.
unsafe impl Send for HookPointer {}

impl Drop for HookPointer {
    fn drop(&mut self) {
        // SAFETY: made by `install`; the connection was closed before, and nothing else has the pointer.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Self {
        Writer { connection, hook: None }
    }

    /// Whether [`tell_at_unlock`](Self::tell_at_unlock) works from now on.
    pub(super) fn install_hook(&mut self) -> bool {
        if self.hook.is_none() {
            self.hook = install(&self.connection);
        }
        self.hook.is_some()
    }

    /// Has this told when the transaction under way lets the write lock go. Without a hook it never is.
    pub(super) fn tell_at_unlock(&self, untold: Untold) {
        if let Some(hook) = &self.hook {
            // SAFETY: alive as long as `self.hook`, and changed through its mutex only.
            *unsafe { &(*hook.0).untold }.lock() = Some(untold);
        }
    }

    /// Forgets what was not told: the transaction is over.
    pub(super) fn end_transaction(&self) {
        if let Some(hook) = &self.hook {
            // SAFETY: as above.
            *unsafe { &(*hook.0).untold }.lock() = None;
        }
    }
}

impl Deref for Writer {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

fn install(connection: &Connection) -> Option<HookPointer> {
    let file = database_file(connection)?;
    // SAFETY: the file of an open connection that no other thread uses; its methods are constants of SQLite, copied whole.
    let mut methods = unsafe {
        let methods = (*file).pMethods.as_ref().filter(|methods| methods.iVersion >= 2)?;
        ptr::read(methods)
    };
    let original = methods.xShmLock?;
    methods.xShmLock = Some(lock);
    let hook = Box::into_raw(Box::new(Hook { methods, original, untold: Mutex::new(None) }));
    // SAFETY: as above; the hook lives until the connection is closed.
    unsafe { (*file).pMethods = hook.cast::<ffi::sqlite3_io_methods>() };
    Some(HookPointer(hook))
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, offset: i32, count: i32, flags: i32) -> i32 {
    // SAFETY: SQLite calls this through the methods of a hook, whose first field they are, on the thread that has the connection.
    let hook = unsafe { &*(*file).pMethods.cast::<Hook>() };
    let is_unlock = flags == ffi::SQLITE_SHM_UNLOCK | ffi::SQLITE_SHM_EXCLUSIVE;
    if is_unlock
        && offset == WRITE_LOCK
        && count == 1
        && let Some(untold) = hook.untold.lock().take()
    {
        untold.tell();
    }
    // SAFETY: SQLite's own call.
    unsafe { (hook.original)(file, offset, count, flags) }
}
