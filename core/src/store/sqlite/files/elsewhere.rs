//! Systems without POSIX files: locks belong to a handle, and an open file keeps its name, so there is nothing to notice.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::super::wal_index::LogExtent;
use crate::clock::Timestamp;
use crate::error::Failure;

#[derive(Default)]
pub(in super::super) struct FileClaim {
    has_failed_sync: AtomicBool,
}

impl FileClaim {
    pub(in super::super) fn claim<T>(
        _: &Path,
        _: Duration,
        open: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<(T, Self), Failure> {
        Ok((open()?, FileClaim::default()))
    }

    pub(in super::super) fn watch(&self, _: &Path) -> Result<Arc<FileWatch>, Failure> {
        Ok(Arc::new(FileWatch))
    }

    pub(in super::super) fn note_failed_sync(&self) {
        self.has_failed_sync.store(true, Ordering::Release);
    }

    pub(in super::super) fn has_failed_sync(&self) -> bool {
        self.has_failed_sync.load(Ordering::Acquire)
    }

    pub(in super::super) fn end(&self) {}
}

pub(in super::super) struct FileWatch;

impl FileWatch {
    pub(in super::super) fn require_files(&self) -> Result<(), Failure> {
        Ok(())
    }

    pub(in super::super) fn is_lost(&self) -> bool {
        false
    }

    pub(in super::super) fn end(&self) {}

    pub(in super::super) fn shared_words(&self) -> SharedWordsPlace {
        SharedWordsPlace
    }

    pub(in super::super) fn is_look_due(&self, _: Timestamp) -> bool {
        false
    }

    pub(in super::super) fn look_before_commit(
        &self,
        _: impl FnOnce() -> Option<LogExtent>,
    ) -> Result<(), Failure> {
        Ok(())
    }

    pub(in super::super) fn look(&self, _: impl FnOnce() -> Option<LogExtent>) -> Result<(), Failure> {
        Ok(())
    }
}

pub(in super::super) const SESSION_BUCKETS: usize = 1 << 16;
pub(in super::super) const USER_BUCKETS: usize = 1 << 14;
pub(in super::super) const BUCKETS: usize = SESSION_BUCKETS + USER_BUCKETS;

pub(in super::super) struct Words {
    pub epoch: AtomicU64,
    pub clock: AtomicI64,
    pub told: [AtomicU32; 12],
    pub buckets: [AtomicU32; BUCKETS],
}

/// No process shares words here: each one tracks its own commits, and takes those of others to change everything.
pub(in super::super) enum SharedWords {}

impl SharedWords {
    pub(in super::super) fn words(&self) -> &Words {
        match *self {}
    }
}

pub(in super::super) struct SharedWordsPlace;

impl SharedWordsPlace {
    pub(in super::super) fn has(&self, mapped: &SharedWords) -> bool {
        match *mapped {}
    }

    pub(in super::super) fn open(&self) -> io::Result<SharedWords> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(in super::super) fn remove_after_log(&self) {}
}
