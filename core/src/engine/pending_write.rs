//! Writes that were asked for and not waited for yet.

use std::sync::Arc;

use super::Core;
use super::tenant::Verdict;
use crate::error::{Error, Failure};
use crate::store::QueuedWrite;

/// A write that has been asked for: [`wait`](Self::wait) gives its answer. Writes that are pending at the same time share
/// a commit, and so one sync of the disk: a thread that has many to do begins them all before it waits for the first.
///
/// Dropped without an answer, the write either happens or does not.
#[must_use = "a write that nobody waits for may never happen"]
pub struct Pending<T>(Box<dyn FnOnce() -> Result<T, Error> + Send>);

impl<T> std::fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Pending<T> {
    pub(super) fn answered(answer: Result<T, Error>) -> Self {
        Pending(Box::new(move || answer))
    }

    pub(super) fn queued(
        core: Arc<Core>,
        place: Arc<QueuedWrite>,
        answer: impl FnOnce() -> Option<Verdict<T>> + Send + 'static,
    ) -> Self {
        let queued = Queued { core, place };
        Pending(Box::new(move || {
            // Not whether the engine is still open: somebody else may have committed this write before it closed.
            queued.core.same_process()?;
            queued.core.store.wait(&queued.place)?;
            match answer() {
                Some(verdict) => Ok(verdict?),
                None => Err(Failure::internal("the store did not run the job").into()),
            }
        }))
    }

    /// Waits until the write is kept, as the engine's durability says, or was refused.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn wait(self) -> Result<T, Error> {
        (self.0)()
    }

    /// The same write with its answer made into something else, on the thread that waits.
    pub fn map<U: Send + 'static>(self, f: impl FnOnce(T) -> U + Send + 'static) -> Pending<U> {
        Pending(Box::new(move || self.wait().map(f)))
    }
}

/// A place in the queue that is given up when nobody waits for it any more.
struct Queued {
    core: Arc<Core>,
    place: Arc<QueuedWrite>,
}

impl Drop for Queued {
    fn drop(&mut self) {
        // A forked child must not touch its parent's locks.
        if self.core.same_process().is_ok() {
            self.core.store.cancel(&self.place);
        }
    }
}
