//! Which file of shared words a store uses at the moment: the one that has the name beside the database. It may be missing, unfit, or
//! replaced at any time; then the store gets along without it, or takes another one.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::files::FileWatch;
use super::shared_changes::SharedChanges;
use super::wal_index::WalIndex;
use crate::clock::Stopwatch;

/// How often the name is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct SharedSlot {
    watch: Arc<FileWatch>,
    current: RwLock<Option<Arc<SharedChanges>>>,
    /// Since the last look; absent before the first.
    looked: Mutex<Option<Stopwatch>>,
}

impl SharedSlot {
    pub(super) fn new(watch: Arc<FileWatch>) -> Self {
        SharedSlot { watch, current: RwLock::new(None), looked: Mutex::new(None) }
    }

    pub(super) fn current(&self) -> Option<Arc<SharedChanges>> {
        self.current.read().clone()
    }

    /// Runs `look` with the file in use; the quick way, without counting who uses it.
    pub(super) fn with_current<T>(&self, look: impl FnOnce(&SharedChanges) -> Option<T>) -> Option<T> {
        look(self.current.read().as_ref()?)
    }

    pub(super) fn is_look_due(&self) -> bool {
        self.looked.lock().as_ref().is_none_or(|looked| looked.elapsed() >= LOOK_INTERVAL)
    }

    /// Takes the file that has the name, or makes one, if the one in use is another. The caller holds SQLite's write lock.
    pub(super) fn look(&self, index: &Arc<WalIndex>) {
        *self.looked.lock() = Some(Stopwatch::start());
        let place = self.watch.shared_words();
        if self.with_current(|current| place.has(current.words()).then_some(())).is_some() {
            return;
        }
        let opened = place.open().ok().map(|words| Arc::new(SharedChanges::new(words, Arc::clone(index))));
        *self.current.write() = opened;
    }

    /// As if the second were over.
    #[cfg(test)]
    pub(super) fn make_look_due(&self) {
        *self.looked.lock() = None;
    }
}
