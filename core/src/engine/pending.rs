//! Calls that were begun and not waited for yet.

use std::fmt;
use std::sync::Arc;

use super::inner::EngineInner;
use crate::error::{Error, Failure, Refusal};
use crate::fork;
use crate::store::QueuedWrite;

/// A call that was begun: [`wait`](Self::wait) gives its answer. Writes that are pending at the same time share a commit,
/// and so one sync of the disk: a thread that has many writes to do begins them all before it waits for the first. Reads that
/// are pending at the same time share a round trip to a database server, where there is one; over a file they are read when
/// they are waited for. The answer of a read is of some instant between its beginning and the return of `wait`.
///
/// If it is dropped without waiting, a write either happens or does not.
///
/// ```
/// use hellojohn::{CreateSession, Engine, Grant, Pending};
///
/// let engine = Engine::open(":memory:")?;
/// let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// let begun: Vec<Pending<Grant>> = ["usr_1", "usr_2", "usr_3"]
///     .into_iter()
///     .map(|user| Ok(tenant.begin_create(CreateSession::new(user.parse()?))))
///     .collect::<Result<_, hellojohn::Error>>()?;
/// for pending in begun {
///     println!("{}", pending.wait()?.session.id); // all three share one commit
/// }
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[must_use = "a write that is never waited for may never happen"]
pub struct Pending<T, E = Error>(Box<dyn FnOnce() -> Result<T, E> + Send>);

impl<T, E> fmt::Debug for Pending<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Pending<T> {
    /// The answer of a queued write; `take_answer` gives what its job left.
    pub(super) fn queued(
        inner: Arc<EngineInner>,
        queued: Arc<QueuedWrite>,
        take_answer: impl FnOnce() -> Option<Result<T, Refusal>> + Send + 'static,
    ) -> Self {
        let write = CancelOnDrop { inner, queued };
        Pending(Box::new(move || {
            // Does not check whether the engine is still open: another caller's thread may have committed this write
            // before the engine was closed.
            fork::require_same_process()?;
            write.inner.store.wait(&write.queued)?;
            match take_answer() {
                Some(answer) => Ok(answer?),
                None => Err(Failure::internal("the store did not run the job").into()),
            }
        }))
    }

    /// The same write with more work after it, on the thread that waits.
    pub(super) fn and_then<U: Send + 'static>(
        self,
        complete: impl FnOnce(T) -> Result<U, Error> + Send + 'static,
    ) -> Pending<U> {
        Pending(Box::new(move || self.wait().and_then(complete)))
    }
}

impl<T: Send + 'static, E: Send + 'static> Pending<T, E> {
    /// An answer that is known already.
    pub(super) fn ready(answer: Result<T, E>) -> Self {
        Pending(Box::new(move || answer))
    }

    /// Work that is done on the thread that waits.
    pub(super) fn deferred(call: impl FnOnce() -> Result<T, E> + Send + 'static) -> Self {
        Pending(Box::new(call))
    }

    /// Waits for the answer. A write is kept then, as the engine's durability says, or was refused.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn wait(self) -> Result<T, E> {
        (self.0)()
    }

    /// The same call with its answer turned into something else, on the thread that waits.
    pub fn map<U: Send + 'static>(self, convert: impl FnOnce(T) -> U + Send + 'static) -> Pending<U, E> {
        Pending(Box::new(move || self.wait().map(convert)))
    }

    /// The same call with work after it whether it succeeded or not, on the thread that waits.
    pub(super) fn then(self, finish: impl FnOnce(Result<T, E>) -> Result<T, E> + Send + 'static) -> Self {
        Pending(Box::new(move || finish(self.wait())))
    }
}

/// A queued write that is cancelled, if it has not begun, once its answer is no longer wanted.
struct CancelOnDrop {
    inner: Arc<EngineInner>,
    queued: Arc<QueuedWrite>,
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        // A forked child must not touch its parent's locks.
        if !fork::is_child() {
            self.inner.store.cancel(&self.queued);
        }
    }
}
