//! Which descriptors SQLite has of the databases that engines have open, and through which of them it takes locks.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::os::raw::c_int;

use super::identity::{self, FileIdentity};

pub(super) struct Table {
    /// The databases that engines have open, as SQLite spells their paths, and how often.
    pub paths: BTreeMap<CString, usize>,
    /// The database files that SQLite has open.
    pub databases: BTreeMap<FileIdentity, DatabaseFile>,
    /// SQLite's descriptors of those files and of their logs' indexes.
    pub descriptors: BTreeMap<c_int, Descriptor>,
}

pub(super) struct DatabaseFile {
    pub holder: c_int,
    descriptors: usize,
}

pub(super) struct Descriptor {
    /// The descriptor through which locks are taken.
    pub holder: c_int,
    /// Absent for the index of a log, whose holder is its own.
    database: Option<FileIdentity>,
}

impl Table {
    pub(super) const fn new() -> Self {
        Table { paths: BTreeMap::new(), databases: BTreeMap::new(), descriptors: BTreeMap::new() }
    }

    /// Notes a descriptor that SQLite has just opened. Fails, with `errno` set, if its locks would have no holder.
    pub(super) fn add(&mut self, path: &CStr, descriptor: c_int) -> Result<(), ()> {
        let is_index = path.to_bytes().strip_suffix(b"-shm").is_some_and(|database| {
            CString::new(database).is_ok_and(|database| self.paths.contains_key(&database))
        });
        let Some(identity) = FileIdentity::of_descriptor(descriptor) else { return Ok(()) };
        if is_index {
            let holder = open_holder(path, descriptor, identity)?;
            self.descriptors.insert(descriptor, Descriptor { holder, database: None });
            return Ok(());
        }
        // Known by its identity, too: a connection of the host may have come by another path, and shares SQLite's locks.
        if !self.paths.contains_key(path) && !self.databases.contains_key(&identity) {
            return Ok(());
        }
        let holder = match self.databases.get_mut(&identity) {
            Some(file) => {
                file.descriptors += 1;
                file.holder
            }
            // Not open for writing: then no lock for writing could be taken either.
            None if !identity::is_writable(descriptor) => return Ok(()),
            None => {
                let holder = open_holder(path, descriptor, identity)?;
                self.databases.insert(identity, DatabaseFile { holder, descriptors: 1 });
                holder
            }
        };
        self.descriptors.insert(descriptor, Descriptor { holder, database: Some(identity) });
        Ok(())
    }

    /// Forgets a descriptor that SQLite is about to close. Answers with the holder if no descriptor needs it any more.
    pub(super) fn remove(&mut self, descriptor: c_int) -> Option<c_int> {
        let known = self.descriptors.remove(&descriptor)?;
        let Some(identity) = known.database else { return Some(known.holder) };
        let file = self.databases.get_mut(&identity)?;
        file.descriptors -= 1;
        if file.descriptors > 0 {
            return None;
        }
        self.databases.remove(&identity).map(|file| file.holder)
    }

    /// Every descriptor that holds locks.
    pub(super) fn holders(&self) -> impl Iterator<Item = c_int> {
        let of_indexes = self.descriptors.values().filter(|known| known.database.is_none());
        self.databases.values().map(|file| file.holder).chain(of_indexes.map(|known| known.holder))
    }
}

/// Opens the file once more, for locks alone. A description that SQLite's own descriptor shares would be kept by a mapping of
/// the file in a forked child, and its locks with it; that is what is left if the path leads elsewhere by now.
fn open_holder(path: &CStr, descriptor: c_int, identity: FileIdentity) -> Result<c_int, ()> {
    // SAFETY: system calls on a text that ends with NUL, on a descriptor that is open, and on one of our own.
    let holder = unsafe {
        let flags = libc::O_RDWR | libc::O_CLOEXEC | libc::O_NOFOLLOW | libc::O_NOCTTY | libc::O_NONBLOCK;
        let opened = libc::open(path.as_ptr(), flags);
        if opened > libc::STDERR_FILENO && FileIdentity::of_descriptor(opened) == Some(identity) {
            return Ok(opened);
        }
        if opened >= 0 {
            libc::close(opened);
        }
        libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, libc::STDERR_FILENO + 1)
    };
    if holder < 0 { Err(()) } else { Ok(holder) }
}
