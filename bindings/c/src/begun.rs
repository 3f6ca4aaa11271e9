//! A call that was begun: the host waits for its answer itself, or has a thread of the library wait and is told.

use std::ffi::c_void;
use std::mem::{self, ManuallyDrop};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use hellojohn_core::{Error, ErrorCode, is_forked_child};

use crate::threads::{Lane, ThreadMark, Threads};
use crate::unwind;

/// Told that the answer of a call that was begun is there. See "Event loops" at the top of the header.
pub type hj_completion = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

type Call<T, E> = Box<dyn FnOnce() -> Result<T, E> + Send>;

/// A call that was begun. Freeing it withdraws its completion.
pub(crate) struct Begun<T: Send + 'static, E: From<Error> + Send + 'static = Error> {
    /// What errors call it.
    name: &'static str,
    /// Not touched in a forked child, whose locks may be taken for ever.
    shared: ManuallyDrop<Arc<Shared<T, E>>>,
    threads: Arc<Threads>,
    lane: fn(&Threads) -> &Lane,
}

struct Shared<T, E> {
    state: Mutex<State<T, E>>,
    changed: Condvar,
}

struct State<T, E> {
    stage: Stage<T, E>,
    completion: Completion,
    is_freed: bool,
}

enum Stage<T, E> {
    Begun(Call<T, E>),
    /// A thread of the library will take it up.
    Queued(Call<T, E>),
    /// A thread of the library waits for the answer.
    Running,
    Answered(Result<T, E>),
    Taken,
}

enum Completion {
    None,
    Promised(HostCompletion),
    Running(ThreadMark),
    Over,
}

struct HostCompletion {
    function: unsafe extern "C" fn(*mut c_void),
    user_data: *mut c_void,
}

// SAFETY: the host's function may be called from any thread, as the contract ("Event loops") says.
unsafe impl Send for HostCompletion {}

impl<T: Send + 'static, E: From<Error> + Send + 'static> Begun<T, E> {
    pub(crate) fn new(
        name: &'static str,
        threads: &Arc<Threads>,
        lane: fn(&Threads) -> &Lane,
        call: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Self {
        let state =
            State { stage: Stage::Begun(Box::new(call)), completion: Completion::None, is_freed: false };
        let shared = Shared { state: Mutex::new(state), changed: Condvar::new() };
        Begun { name, shared: ManuallyDrop::new(Arc::new(shared)), threads: Arc::clone(threads), lane }
    }

    /// The threads of the engine, for an answer that is a handle itself. A call that is running holds none of them, so that freeing the
    /// last handle waits for it.
    pub(crate) fn threads(&self) -> &Arc<Threads> {
        &self.threads
    }

    /// Waits for the answer and takes it. What no thread of the library has taken up yet runs on this one, so that a completion
    /// may wait for another call.
    pub(crate) fn wait(&self) -> Result<T, E> {
        require_same_process()?;
        let mut state = self.shared.lock();
        loop {
            match mem::replace(&mut state.stage, Stage::Taken) {
                Stage::Begun(call) | Stage::Queued(call) => {
                    drop(state);
                    return call();
                }
                Stage::Answered(answer) => return answer,
                Stage::Running => {
                    state.stage = Stage::Running;
                    state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                Stage::Taken => return Err(Error::validation(self.name, "was waited for before").into()),
            }
        }
    }

    /// Has a thread of the library wait for the answer and tell the host then.
    pub(crate) fn notify(&self, function: hj_completion, user_data: *mut c_void) -> Result<(), Error> {
        let function = function.ok_or_else(|| Error::validation("completion", "must not be NULL"))?;
        require_same_process()?;
        let mut state = self.shared.lock();
        match mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Begun(call) => state.stage = Stage::Queued(call),
            other => {
                state.stage = other;
                return Err(Error::validation(self.name, "was waited for before, or has a completion"));
            }
        }
        state.completion = Completion::Promised(HostCompletion { function, user_data });
        drop(state);
        // From here on the completion may free this call, and with it the last handle of the engine.
        let (shared, threads) = (Arc::clone(&self.shared), Arc::clone(&self.threads));
        let job = move || {
            shared.run();
            None
        };
        if (self.lane)(&threads).submit(Box::new(job)).is_ok() {
            return Ok(());
        }
        let mut state = self.shared.lock();
        state.completion = Completion::None;
        match mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Queued(call) => state.stage = Stage::Begun(call),
            other => state.stage = other,
        }
        Err(Error::new(ErrorCode::Internal, "the system refuses a thread for the completion"))
    }
}

impl<T, E: From<Error>> Shared<T, E> {
    fn lock(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The work of the library's thread.
    fn run(&self) {
        let mut state = self.lock();
        if let Stage::Queued(call) = mem::replace(&mut state.stage, Stage::Taken) {
            state.stage = Stage::Running;
            drop(state);
            let answer = catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
                unwind::forget(panic);
                Err(Error::new(ErrorCode::Internal, "the engine panicked; this is a bug of the engine")
                    .into())
            });
            state = self.lock();
            state.stage = Stage::Answered(answer);
            self.changed.notify_all();
        }
        if !state.is_freed
            && let Completion::Promised(host) =
                mem::replace(&mut state.completion, Completion::Running(ThreadMark::current()))
        {
            drop(state);
            // SAFETY: the host passed a function that takes this pointer, and has not freed the call ("Event loops").
            unsafe { (host.function)(host.user_data) };
            self.lock().completion = Completion::Over;
            self.changed.notify_all();
        }
    }
}

impl<T: Send + 'static, E: From<Error> + Send + 'static> Drop for Begun<T, E> {
    /// Withdraws the completion; waits for one that another thread is in.
    fn drop(&mut self) {
        if is_forked_child() {
            return;
        }
        let mut state = self.shared.lock();
        state.is_freed = true;
        let unwanted = match mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Running => mem::replace(&mut state.stage, Stage::Running),
            unwanted => unwanted,
        };
        while matches!(state.completion, Completion::Running(thread) if thread != ThreadMark::current()) {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        drop(unwanted); // not under the lock: a write that has not begun is cancelled here
        // SAFETY: dropped once, here.
        unsafe { ManuallyDrop::drop(&mut self.shared) }
    }
}

fn require_same_process() -> Result<(), Error> {
    if is_forked_child() {
        return Err(Error::new(
            ErrorCode::Forked,
            "the process forked after its parent had used the library; only a program that it executes can use it",
        ));
    }
    Ok(())
}
