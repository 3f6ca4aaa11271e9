//! What stands in for [`description_locks`](super::description_locks) on systems that have no such locks: SQLite keeps its
//! POSIX locks, which [`claim`](super::claim) knows.

use std::ffi::CStr;
use std::os::raw::c_int;

use super::identity::FileIdentity;

pub(super) fn install() -> bool {
    false
}

pub(super) struct LockedPath;

impl LockedPath {
    pub(super) fn new(_: &CStr) -> Self {
        LockedPath
    }
}

pub(super) fn has_descriptor(_: c_int) -> bool {
    false
}

pub(super) fn count_names(_: FileIdentity) -> Option<u64> {
    None
}
