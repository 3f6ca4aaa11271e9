//! Systems without POSIX files: locks belong to a handle, and an open file keeps its name, so there is nothing to notice.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::super::wal_index::LogExtent;
use crate::clock::Timestamp;
use crate::error::Failure;

pub(in super::super) struct FileClaim;

impl FileClaim {
    pub(in super::super) fn claim<T>(
        _: &Path,
        _: Duration,
        open: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<(T, Self), Failure> {
        Ok((open()?, FileClaim))
    }

    pub(in super::super) fn watch(&self, _: &Path) -> Result<Arc<FileWatch>, Failure> {
        Ok(Arc::new(FileWatch))
    }
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
