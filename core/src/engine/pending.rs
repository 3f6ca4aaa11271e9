//! Calls that were begun and not waited for yet.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::awaited::{Awaited, unwrap};
use super::inner::EngineInner;
use super::tenant::Tenant;
use super::waiting_threads::CallKind;
use crate::error::{Error, Failure, Refusal};
use crate::fork;
use crate::store::QueuedWrite;

/// A call that was begun: [`wait`](Self::wait) gives its answer, and so does `.await`, because it is a [`Future`]. Writes that are
/// pending at the same time share a commit, and so one sync of the disk: a thread that has many writes to do begins them all before it
/// waits for the first. Reads that are pending at the same time share a round trip to a database server, where there is one; over a file
/// they are read when they are waited for. The answer of a read is of some instant between its beginning and its answer.
///
/// If it is dropped without an answer, a write either happens or does not.
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
///
/// # As a future
/// It works in every runtime and needs none. The first poll hands the call to a thread of the engine's own, which makes it and wakes the
/// task; no thread polls, and the task's thread never waits for a disk, a lock or a network. The engine starts such a thread when there is
/// work for it (4 for writes, 8 for reads, 64 for [`Tenant::begin_call`](crate::Tenant::begin_call) at most) and ends it after ten seconds
/// without work. Where the system refuses the first thread, the call is made on the thread that polls.
///
/// It is cancel-safe in the sense of `select!`: polling `&mut pending` again later goes on with the same call. A future that is dropped (by
/// a time-out, say) takes back a call that no thread has begun with; else the call runs to its end and its answer is lost, as when a
/// connection breaks. A refresh may be repeated then: it gets the same successor.
///
/// A panic of the host's code in the call, such as its clock, is resumed where the future is polled. Polling it again after its answer
/// panics too.
///
/// ```
/// use hellojohn::{CreateSession, Engine, Tenant};
///
/// async fn sign_in(tenant: &Tenant, user: &str) -> Result<String, hellojohn::Error> {
///     let grant = tenant.begin_create(CreateSession::new(user.parse()?)).await?;
///     let verified = tenant.begin_verify_access_token(grant.access_token.expose()).await?;
///     Ok(verified.session.user_id.to_string())
/// }
///
/// # let engine = Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// assert_eq!(runtime.block_on(sign_in(&tenant, "usr_1"))?, "usr_1");
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[must_use = "a write that is never waited for may never happen"]
pub struct Pending<T, E = Error> {
    state: State<Result<T, E>>,
}

type Call<A> = Box<dyn FnOnce() -> A + Send>;

enum State<A> {
    /// To be made where it is waited for: by a thread of the engine for a future, if it may have to wait.
    Begun(Call<A>, Option<WaitsIn>),
    /// Handed to a thread.
    Awaited(Arc<Awaited<A>>),
    Answered,
}

/// Whose threads a call may wait in.
#[derive(Clone)]
struct WaitsIn {
    inner: Arc<EngineInner>,
    kind: CallKind,
}

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
        let waits_in = WaitsIn { inner: Arc::clone(&inner), kind: CallKind::Write };
        let write = CancelOnDrop { inner, queued };
        let call = move || {
            // Does not check whether the engine is still open: another caller's thread may have committed this write
            // before the engine was closed.
            fork::require_same_process()?;
            write.inner.store.wait(&write.queued)?;
            match take_answer() {
                Some(answer) => Ok(answer?),
                None => Err(Failure::internal("the store did not run the job").into()),
            }
        };
        Pending::begun(call, Some(waits_in))
    }

    /// The same write with more work after it, on the thread that waits.
    pub(super) fn and_then<U: Send + 'static>(
        self,
        complete: impl FnOnce(T) -> Result<U, Error> + Send + 'static,
    ) -> Pending<U> {
        let waits_in = self.waits_in();
        Pending::begun(move || self.wait().and_then(complete), waits_in)
    }
}

impl<T: Send + 'static, E: From<Error> + Send + 'static> Pending<T, E> {
    fn begun(call: impl FnOnce() -> Result<T, E> + Send + 'static, waits_in: Option<WaitsIn>) -> Self {
        Pending { state: State::Begun(Box::new(call), waits_in) }
    }

    /// An answer that is known already.
    pub(super) fn ready(answer: Result<T, E>) -> Self {
        Pending::begun(move || answer, None)
    }

    /// Work that is done on the thread that waits.
    pub(super) fn deferred(
        inner: &Arc<EngineInner>,
        kind: CallKind,
        call: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Self {
        Pending::begun(call, Some(WaitsIn { inner: Arc::clone(inner), kind }))
    }

    fn waits_in(&self) -> Option<WaitsIn> {
        match &self.state {
            State::Begun(_, waits_in) => waits_in.clone(),
            State::Awaited(_) | State::Answered => None,
        }
    }

    /// Waits for the answer on this thread. A write is kept then, as the engine's durability says, or was refused.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// let grant = tenant.begin_create(hellojohn::CreateSession::new("usr_1".parse()?)).wait()?;
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of the operation.
    ///
    /// # Panics
    /// If it was polled as a future before and has given its answer there.
    pub fn wait(mut self) -> Result<T, E> {
        match mem::replace(&mut self.state, State::Answered) {
            State::Begun(call, _) => call(),
            // The thread that makes the call is the parent's.
            State::Awaited(_) if fork::is_child() => Err(forked().into()),
            State::Awaited(awaited) => awaited.wait(),
            State::Answered => panic!("{ANSWERED_BEFORE}"),
        }
    }

    /// The same call with its answer turned into something else, on the thread that waits.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// let begun = tenant.begin_create(hellojohn::CreateSession::new("usr_1".parse()?));
    /// let id: hellojohn::SessionId = begun.map(|grant| grant.session.id).wait()?;
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn map<U: Send + 'static>(self, convert: impl FnOnce(T) -> U + Send + 'static) -> Pending<U, E> {
        let waits_in = self.waits_in();
        Pending::begun(move || self.wait().map(convert), waits_in)
    }

    /// The same call with work after it whether it succeeded or not, on the thread that waits.
    pub(super) fn then(self, finish: impl FnOnce(Result<T, E>) -> Result<T, E> + Send + 'static) -> Self {
        let waits_in = self.waits_in();
        Pending::begun(move || finish(self.wait()), waits_in)
    }
}

impl Tenant {
    /// Begins any calls of this tenant's, on a thread of the engine's own once the answer is awaited: for asynchronous programs, the way to
    /// the calls that have no `begin_…` of their own, and to several in a row. At most 64 run at a time. With
    /// [`Pending::wait`] they run on the thread that waits.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// async fn sign_out_everywhere(tenant: &hellojohn::Tenant, user: &str) -> Result<u64, hellojohn::Error> {
    ///     let user: hellojohn::UserId = user.parse()?;
    ///     tenant.begin_call(move |tenant| tenant.revoke_user(&user, None)).await
    /// }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # assert_eq!(runtime.block_on(sign_out_everywhere(&tenant, "usr_1"))?, 0);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of `calls`.
    pub fn begin_call<T: Send + 'static, E: From<Error> + Send + 'static>(
        &self,
        calls: impl FnOnce(&Tenant) -> Result<T, E> + Send + 'static,
    ) -> Pending<T, E> {
        let tenant = self.clone();
        Pending::deferred(&self.inner, CallKind::Other, move || calls(&tenant))
    }
}

const ANSWERED_BEFORE: &str = "a pending call was asked again after it had given its answer";

fn forked() -> Error {
    let found = fork::require_same_process().err();
    found.unwrap_or_else(|| Failure::internal("the process was taken for a forked child")).into()
}

impl<T: Send + 'static, E: From<Error> + Send + 'static> Future for Pending<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (call, waits_in) = match &self.state {
            State::Awaited(_) if fork::is_child() => return Poll::Ready(Err(forked().into())),
            State::Awaited(awaited) => {
                let Poll::Ready(outcome) = awaited.poll(context) else { return Poll::Pending };
                self.state = State::Answered; // before a panic of the call is resumed
                return Poll::Ready(unwrap(outcome));
            }
            State::Answered => panic!("{ANSWERED_BEFORE}"),
            State::Begun(..) => match mem::replace(&mut self.state, State::Answered) {
                State::Begun(call, waits_in) => (call, waits_in),
                State::Awaited(_) | State::Answered => unreachable!("looked at before"),
            },
        };
        // In a forked child, where there are no threads, the call fails at once.
        let Some(waits_in) = waits_in.filter(|_| !fork::is_child()) else { return Poll::Ready(call()) };
        let awaited = Awaited::new(call, context.waker());
        match waits_in.inner.threads.submit(waits_in.kind, awaited.job()) {
            Ok(()) => {
                self.state = State::Awaited(awaited);
                Poll::Pending
            }
            Err(_) => Poll::Ready(awaited.wait()), // there is no thread to be had
        }
    }
}

impl<T, E> Drop for Pending<T, E> {
    /// Takes a call back that no thread has begun with.
    fn drop(&mut self) {
        if let State::Awaited(awaited) = &self.state
            && !fork::is_child()
        {
            drop(awaited.take_call());
        }
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

#[cfg(test)]
mod tests;
