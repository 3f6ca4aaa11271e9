//! Brings answers from the pool back to JavaScript: one thread-safe function for each Node environment (the main thread or a
//! worker) delivers all completed calls at once. A deferred for each call would cost a thread-safe function each.
//!
//! JavaScript's function is held weakly while no call waits for its answer: a module that a test runner or a development server
//! has loaded anew is collected, with everything that it refers to, when nothing uses it any more.
//!
//! The promises live in JavaScript, keyed by the number of the call. So nothing native refers to an environment that may be
//! torn down at any moment, except this one function; and the cleanup hook releases it, under the lock that every use of it
//! takes, before Node deletes it.

use std::collections::HashMap;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use hellojohn::Error;
use napi::bindgen_prelude::{Env, Function, JsValue, Unknown};
use napi::{Result, check_status, sys};
use napi_derive::napi;

use crate::delivery::{Completion, call_with};
use crate::lazy_engine::LazyEngine;
use crate::observed::{ANSWERED_INLINE, KeptReports};
use crate::shared_engine::run_before_end;

struct State {
    /// Null after the environment, or JavaScript's end of the queue, is gone.
    function: sys::napi_threadsafe_function,
    /// JavaScript's function: strong while calls wait, else weak. Used on the thread of the environment only.
    deliver: sys::napi_ref,
    next_call: u32,
    /// Calls without an answer in JavaScript: while there are any, the process stays alive.
    pending: usize,
    completed: Vec<Completion>,
    /// Answers of delivered calls that JavaScript has still to take, by the number of the call.
    long_answers: HashMap<u32, String>,
}

/// The pool's end of the queue.
pub(crate) struct Completions {
    state: Mutex<State>,
    /// The engines of the environment.
    engines: Mutex<Vec<Weak<LazyEngine>>>,
    /// What the engine told of the calls.
    pub(crate) reports: KeptReports,
}

// SAFETY: the raw function is made for use from any thread, and is used under the lock only.
unsafe impl Send for Completions {}
// SAFETY: as above.
unsafe impl Sync for Completions {}

impl Completions {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn engines(&self) -> MutexGuard<'_, Vec<Weak<LazyEngine>>> {
        self.engines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has an engine closed when the environment ends.
    pub(crate) fn close_at_end(&self, engine: &Arc<LazyEngine>) {
        let mut engines = self.engines();
        engines.retain(|engine| engine.strong_count() > 0);
        engines.push(Arc::downgrade(engine));
    }

    /// Refuses the calls of the environment, which is about to end, and closes its engines.
    fn close_engines(&self) {
        let engines: Vec<_> = std::mem::take(&mut *self.engines()).iter().filter_map(Weak::upgrade).collect();
        if engines.iter().any(|engine| engine.refuse_calls()) {
            run_before_end(move || engines.iter().for_each(|engine| drop(engine.close())));
        }
    }

    /// Registers a call and returns its number. On the JavaScript thread only.
    pub(crate) fn register(&self, env: Env) -> u32 {
        let mut state = self.state();
        state.next_call = state.next_call.wrapping_add(1).max(ANSWERED_INLINE + 1);
        state.pending += 1;
        if state.pending == 1 && !state.function.is_null() {
            // SAFETY: on the thread of `env`, with a function that is not released and a reference that is not deleted.
            unsafe {
                sys::napi_ref_threadsafe_function(env.raw(), state.function);
                sys::napi_reference_ref(env.raw(), state.deliver, ptr::null_mut());
            }
        }
        state.next_call
    }

    /// Drops the answers, now and from now on. The function to release, unless that was done before.
    fn end(&self) -> Option<sys::napi_threadsafe_function> {
        let mut state = self.state();
        state.completed.clear();
        state.long_answers.clear();
        self.reports.set_wanted(false);
        let function = std::mem::replace(&mut state.function, ptr::null_mut());
        (!function.is_null()).then_some(function)
    }

    /// Answers a call, from any thread. When the environment is gone, the answer is dropped.
    pub(crate) fn complete(&self, call: u32, outcome: std::result::Result<String, Error>) {
        let mut state = self.state();
        if state.function.is_null() {
            return;
        }
        state.completed.push(Completion { call, outcome: outcome.map(Some) });
        if state.completed.len() == 1 {
            // SAFETY: the function is not released, and cannot be while the lock is held. The queue is never full: it has no limit.
            unsafe {
                sys::napi_call_threadsafe_function(
                    state.function,
                    ptr::null_mut(),
                    sys::ThreadsafeFunctionCallMode::nonblocking,
                )
            };
        }
    }

    /// Whether the environment is gone, so that work that has not begun is not needed.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.state().function.is_null()
    }
}

/// JavaScript's end of the queue, made once for each environment.
#[napi]
pub struct CompletionQueue {
    pub(crate) completions: Arc<Completions>,
    env: sys::napi_env,
}

#[napi]
impl CompletionQueue {
    /// `deliver` gets one flat array: for each call its number, the error code or null, and the answer, the error's detail, or
    /// null for an answer that [`CompletionQueue::take_long_answer`] gives. It must not throw. The queue does not keep it: the caller has each of the two keep the other.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: Env, deliver: Function<'_, Unknown<'_>, Unknown<'_>>) -> Result<Self> {
        let mut reference = ptr::null_mut();
        // SAFETY: `deliver` is a value of this environment; `reference` is written on success.
        check_status!(unsafe {
            sys::napi_create_reference(env.raw(), deliver.value().value, 0, &mut reference)
        })?;
        let state = State {
            function: ptr::null_mut(),
            deliver: reference,
            next_call: 0,
            pending: 0,
            completed: Vec::new(),
            long_answers: HashMap::new(),
        };
        let (state, engines, reports) = (Mutex::new(state), Mutex::default(), KeptReports::default());
        let completions = Arc::new(Completions { state, engines, reports });
        let function = create_function(&env, &completions)?;
        completions.state().function = function;
        // Hooks run in reverse order: this one before Node's own that deletes the function.
        let abandoned = Arc::clone(&completions);
        env.add_env_cleanup_hook((), move |()| {
            if let Some(function) = abandoned.end() {
                release_function(function);
            }
            abandoned.close_engines();
        })?;
        Ok(CompletionQueue { completions, env: env.raw() })
    }

    /// The long answer of a delivered call, once. Fails if JavaScript cannot hold so long a text.
    #[napi]
    pub fn take_long_answer(&self, call: u32) -> Option<String> {
        self.completions.state().long_answers.remove(&call)
    }

    /// Says whether to keep what the engine tells of the calls that are made from now on.
    #[napi]
    pub fn set_observed(&self, is_observed: bool) {
        self.completions.reports.set_wanted(is_observed);
    }

    /// What the engine told of a call as JSON, once: for each operation its name, the tenant's id, the error's code, nanoseconds,
    /// rows, and whether a cache answered. [`ANSWERED_INLINE`] stands for the call that was answered last on this thread.
    #[napi]
    pub fn take_reports(&self, call: u32) -> Option<String> {
        self.completions.reports.take(call)
    }
}

impl Drop for CompletionQueue {
    /// In the garbage collector, when nothing in JavaScript can call the engine or wait for it any more.
    fn drop(&mut self) {
        if let Some(function) = self.completions.end() {
            release_function(function);
            let deliver = self.completions.state().deliver;
            // SAFETY: on the thread of the environment, which has not ended: its hook would have taken the function. Calls,
            // which would use the reference, need the queue.
            unsafe { sys::napi_delete_reference(self.env, deliver) };
        }
    }
}

fn release_function(function: sys::napi_threadsafe_function) {
    // SAFETY: the last use: every other thread sees null since `Completions::end`.
    unsafe { sys::napi_release_threadsafe_function(function, sys::ThreadsafeFunctionReleaseMode::release) };
}

fn create_function(env: &Env, completions: &Arc<Completions>) -> Result<sys::napi_threadsafe_function> {
    const NAME: &str = "hellojohn";
    let mut name = ptr::null_mut();
    // SAFETY: `NAME` is valid for its length; `name` is written on success.
    check_status!(unsafe {
        sys::napi_create_string_utf8(env.raw(), NAME.as_ptr().cast(), NAME.len() as isize, &mut name)
    })?;
    let context = Arc::into_raw(Arc::clone(completions)).cast_mut().cast::<c_void>();
    let mut function = ptr::null_mut();
    // SAFETY: `name` is a value of this environment; `context` is one reference to the completions, which
    // `release_context` drops.
    let status = unsafe {
        sys::napi_create_threadsafe_function(
            env.raw(),
            ptr::null_mut(), // `deliver_completions` finds JavaScript's function itself
            ptr::null_mut(),
            name,
            0,
            1,
            context,
            Some(release_context),
            context,
            Some(deliver_completions),
            &mut function,
        )
    };
    if status != sys::Status::napi_ok {
        // SAFETY: Node did not take the reference.
        drop(unsafe { Arc::from_raw(context.cast::<Completions>()) });
    }
    check_status!(status)?;
    // Idle, it must not keep the process alive.
    // SAFETY: on the thread of `env`, with a function that was just made.
    check_status!(unsafe { sys::napi_unref_threadsafe_function(env.raw(), function) })?;
    Ok(function)
}

unsafe extern "C" fn release_context(_env: sys::napi_env, context: *mut c_void, _hint: *mut c_void) {
    // SAFETY: Node calls this once, with the reference from `create_function`.
    let completions = unsafe { Arc::from_raw(context.cast::<Completions>()) };
    // Already null, unless the environment ended without running its hooks.
    completions.state().function = ptr::null_mut();
}

/// Runs on the JavaScript thread.
unsafe extern "C" fn deliver_completions(
    env: sys::napi_env,
    _function: sys::napi_value,
    context: *mut c_void,
    _data: *mut c_void,
) {
    if env.is_null() || context.is_null() {
        return; // the environment is being torn down
    }
    // SAFETY: Node calls this only before `release_context`.
    let completions = unsafe { &*context.cast::<Completions>() };
    let mut deliver = ptr::null_mut();
    let completed = {
        let mut state = completions.state();
        if state.function.is_null() {
            return;
        }
        // SAFETY: on the thread of `env`, with a reference that is not deleted before the function is null.
        unsafe { sys::napi_get_reference_value(env, state.deliver, &mut deliver) };
        let mut completed = std::mem::take(&mut state.completed);
        for completion in &mut completed {
            if let Some(answer) = completion.take_long_answer() {
                state.long_answers.insert(completion.call, answer);
            }
        }
        let had_pending = state.pending > 0;
        state.pending = state.pending.saturating_sub(completed.len());
        if had_pending && state.pending == 0 {
            // SAFETY: on the thread of `env`, with a function that is not released and a reference that is not deleted.
            unsafe {
                sys::napi_unref_threadsafe_function(env, state.function);
                sys::napi_reference_unref(env, state.deliver, ptr::null_mut());
            }
        }
        completed
    };
    if deliver.is_null() {
        return; // collected: nothing waits
    }
    // A panic must not unwind into Node. Only the allocator could panic here.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: `env` is what Node passed in, `deliver` a value of it.
        unsafe { call_with(env, deliver, &completed) }
    }));
}
