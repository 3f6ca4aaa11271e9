//! Which file stands behind a path or a descriptor.

use std::mem::MaybeUninit;
use std::os::raw::c_int;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::{fs, io};

/// Device and inode of a file. They are the file's own as long as any process has it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    pub(super) fn of_path(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|file| Self::of_metadata(&file))
    }

    pub(super) fn of_metadata(file: &fs::Metadata) -> Self {
        FileIdentity { device: file.dev(), inode: file.ino() }
    }

    /// Nothing for a number that is no open descriptor.
    pub(super) fn of_descriptor(descriptor: c_int) -> Option<Self> {
        #[allow(clippy::unnecessary_cast)] // other systems have other types
        stat(descriptor).map(|file| FileIdentity { device: file.st_dev as u64, inode: file.st_ino as u64 })
    }

    pub(super) fn device(&self) -> u64 {
        self.device
    }

    pub(super) fn inode(&self) -> u64 {
        self.inode
    }

    /// How many names the open file has.
    pub(super) fn count_names(descriptor: c_int) -> Option<u64> {
        #[allow(clippy::unnecessary_cast)] // other systems have other types
        stat(descriptor).map(|file| file.st_nlink as u64)
    }
}

fn stat(descriptor: c_int) -> Option<libc::stat> {
    let mut file = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the kernel fills the structure if it answers 0.
    unsafe { (libc::fstat(descriptor, file.as_mut_ptr()) == 0).then(|| file.assume_init()) }
}

/// Whether the number is a descriptor through which the file can be written.
pub(super) fn is_writable(descriptor: c_int) -> bool {
    // SAFETY: asks for the flags of a number that may be an open descriptor.
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFL) };
    flags >= 0 && flags & libc::O_ACCMODE != libc::O_RDONLY
}
