//! The answer of a call that a thread waits for, on its way to the future.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::{Condvar, Mutex};

use super::lane::{Job, Late};
use crate::store::lease_wait::defer;

/// What a call comes to: its answer, or the panic of the host's code in it.
pub(super) type Outcome<A> = Result<A, Box<dyn Any + Send>>;

/// A call that is handed to a thread.
pub(super) struct Awaited<A> {
    progress: Mutex<Progress<A>>,
    /// Wakes a thread that waits for the answer after all.
    answered: Condvar,
}

struct Progress<A> {
    /// Absent once a thread makes the call, or its answer is not wanted any more.
    call: Option<Box<dyn FnOnce() -> A + Send>>,
    outcome: Option<Outcome<A>>,
    /// Of the task that polled last.
    waker: Option<Waker>,
}

impl<A> Awaited<A> {
    /// Takes the call back, to make it elsewhere or never.
    pub(super) fn take_call(&self) -> Option<Box<dyn FnOnce() -> A + Send>> {
        self.progress.lock().call.take()
    }
}

impl<A: Send + 'static> Awaited<A> {
    pub(super) fn new(call: Box<dyn FnOnce() -> A + Send>, waker: &Waker) -> Arc<Self> {
        let progress = Progress { call: Some(call), outcome: None, waker: Some(waker.clone()) };
        Arc::new(Awaited { progress: Mutex::new(progress), answered: Condvar::new() })
    }

    /// What a thread does for it. The thread is not kept while other machines may still remember what the call has changed.
    pub(super) fn job(self: &Arc<Self>) -> Job {
        let awaited = Arc::clone(self);
        Box::new(move || {
            let call = awaited.take_call()?;
            let (outcome, wait) = defer(|| catch_unwind(AssertUnwindSafe(call)));
            match wait {
                None => awaited.answer(outcome),
                Some(after) => {
                    let deliver = Box::new(move || awaited.answer(outcome));
                    return Some(Late { after, deliver });
                }
            }
            None
        })
    }

    fn answer(&self, outcome: Outcome<A>) {
        let mut progress = self.progress.lock();
        progress.outcome = Some(outcome);
        let waker = progress.waker.take();
        drop(progress);
        self.answered.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// What the call came to, or the promise to wake the task.
    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<Outcome<A>> {
        let mut progress = self.progress.lock();
        if let Some(outcome) = progress.outcome.take() {
            return Poll::Ready(outcome);
        }
        if progress.waker.as_ref().is_none_or(|waker| !waker.will_wake(context.waker())) {
            let former = progress.waker.replace(context.waker().clone());
            drop(progress); // a waker's drop is the host's code
            drop(former);
        }
        Poll::Pending
    }

    /// Waits for the answer on this thread.
    pub(super) fn wait(&self) -> A {
        if let Some(call) = self.take_call() {
            return call(); // no thread has begun with it
        }
        let mut progress = self.progress.lock();
        loop {
            if let Some(outcome) = progress.outcome.take() {
                drop(progress);
                return unwrap(outcome);
            }
            self.answered.wait(&mut progress);
        }
    }
}

/// The answer; resumes the panic of a call that panicked.
pub(super) fn unwrap<A>(outcome: Outcome<A>) -> A {
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}
