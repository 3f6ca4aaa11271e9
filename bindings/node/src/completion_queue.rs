//! Brings answers from the pool back to JavaScript: one thread-safe function for each Node environment (the main thread or a
//! worker) delivers all completed calls at once. A deferred for each call would cost a thread-safe function each.
//!
//! The promises live in JavaScript, keyed by the number of the call. So nothing native refers to an environment that may be
//! torn down at any moment, except this one function; and the cleanup hook releases it, under the lock that every use of it
//! takes, before Node deletes it.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use hellojohn::{Error, ErrorCode};
use napi::bindgen_prelude::{Env, Function, JsValue, Unknown};
use napi::{Result, check_status, sys};
use napi_derive::napi;

use crate::lazy_engine::LazyEngine;
use crate::shared_engine::run_before_end;

/// A call with its answer.
struct Completion {
    call: u32,
    outcome: std::result::Result<String, Error>,
}

struct State {
    /// Null after the environment is gone.
    function: sys::napi_threadsafe_function,
    next_call: u32,
    /// Calls without an answer in JavaScript: while there are any, the process stays alive.
    pending: usize,
    completed: Vec<Completion>,
}

/// The pool's end of the queue.
pub(crate) struct Completions {
    state: Mutex<State>,
    /// The engines of the environment.
    engines: Mutex<Vec<Weak<LazyEngine>>>,
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
        state.next_call = state.next_call.wrapping_add(1);
        state.pending += 1;
        if state.pending == 1 && !state.function.is_null() {
            // SAFETY: on the thread of `env`, with a function that is not released.
            unsafe { sys::napi_ref_threadsafe_function(env.raw(), state.function) };
        }
        state.next_call
    }

    /// Answers a call, from any thread. When the environment is gone, the answer is dropped.
    pub(crate) fn complete(&self, call: u32, outcome: std::result::Result<String, Error>) {
        let mut state = self.state();
        if state.function.is_null() {
            return;
        }
        state.completed.push(Completion { call, outcome });
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
}

#[napi]
impl CompletionQueue {
    /// `deliver` gets one flat array: for each call its number, the error code or null, and the answer's JSON or the
    /// error's detail. It must not throw.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: Env, deliver: Function<'_, Unknown<'_>, Unknown<'_>>) -> Result<Self> {
        let state = State { function: ptr::null_mut(), next_call: 0, pending: 0, completed: Vec::new() };
        let completions = Arc::new(Completions { state: Mutex::new(state), engines: Mutex::default() });
        let function = create_function(&env, deliver.value().value, &completions)?;
        completions.state().function = function;
        // Hooks run in reverse order: this one before Node's own that deletes the function.
        let abandoned = Arc::clone(&completions);
        env.add_env_cleanup_hook((), move |()| {
            {
                let mut state = abandoned.state();
                let function = std::mem::replace(&mut state.function, ptr::null_mut());
                state.completed.clear();
                // SAFETY: the last use; every other thread sees null from now on.
                unsafe {
                    sys::napi_release_threadsafe_function(
                        function,
                        sys::ThreadsafeFunctionReleaseMode::release,
                    )
                };
            }
            abandoned.close_engines();
        })?;
        Ok(CompletionQueue { completions })
    }
}

fn create_function(
    env: &Env,
    deliver: sys::napi_value,
    completions: &Arc<Completions>,
) -> Result<sys::napi_threadsafe_function> {
    const NAME: &str = "hellojohn";
    let mut name = ptr::null_mut();
    // SAFETY: `NAME` is valid for its length; `name` is written on success.
    check_status!(unsafe {
        sys::napi_create_string_utf8(env.raw(), NAME.as_ptr().cast(), NAME.len() as isize, &mut name)
    })?;
    let context = Arc::into_raw(Arc::clone(completions)).cast_mut().cast::<c_void>();
    let mut function = ptr::null_mut();
    // SAFETY: `deliver` and `name` are values of this environment; `context` is one reference to the completions, which
    // `release_context` drops.
    let status = unsafe {
        sys::napi_create_threadsafe_function(
            env.raw(),
            deliver,
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
    deliver: sys::napi_value,
    context: *mut c_void,
    _data: *mut c_void,
) {
    if env.is_null() || context.is_null() {
        return; // the environment is being torn down
    }
    // SAFETY: Node calls this only before `release_context`.
    let completions = unsafe { &*context.cast::<Completions>() };
    let completed = {
        let mut state = completions.state();
        let completed = std::mem::take(&mut state.completed);
        state.pending = state.pending.saturating_sub(completed.len());
        if state.pending == 0 && !state.function.is_null() {
            // SAFETY: on the thread of `env`, with a function that is not released.
            unsafe { sys::napi_unref_threadsafe_function(env, state.function) };
        }
        completed
    };
    // A panic must not unwind into Node. Only the allocator could panic here.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: `env` and `deliver` are what Node passed in.
        unsafe { call_deliver(env, deliver, &completed) }
    }));
}

/// Calls `deliver` with the flat array.
///
/// # Safety
/// On the JavaScript thread of `env`, inside a handle scope.
unsafe fn call_deliver(env: sys::napi_env, deliver: sys::napi_value, completed: &[Completion]) -> Option<()> {
    let ok = |status: sys::napi_status| (status == sys::Status::napi_ok).then_some(());
    let text = |text: &str| {
        let mut value = ptr::null_mut();
        // SAFETY: `text` is valid for its length.
        ok(unsafe {
            sys::napi_create_string_utf8(env, text.as_ptr().cast(), text.len() as isize, &mut value)
        })?;
        Some(value)
    };
    let (mut null, mut undefined, mut batch) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: all of them write their value on success.
    unsafe {
        ok(sys::napi_get_null(env, &mut null))?;
        ok(sys::napi_get_undefined(env, &mut undefined))?;
        ok(sys::napi_create_array_with_length(env, completed.len() * 3, &mut batch))?;
    }
    for (index, Completion { call, outcome }) in completed.iter().enumerate() {
        let mut number = ptr::null_mut();
        // SAFETY: writes its value on success.
        ok(unsafe { sys::napi_create_uint32(env, *call, &mut number) })?;
        let (code, answer) = match outcome {
            // An answer that JavaScript cannot hold must still settle its promise.
            Ok(answer) => match text(answer) {
                Some(answer) => (null, answer),
                None => (text(ErrorCode::Internal.as_str())?, text("the answer is too long")?),
            },
            Err(error) => (text(error.code().as_str())?, text(error.detail())?),
        };
        for (offset, value) in [number, code, answer].into_iter().enumerate() {
            // SAFETY: values of this environment.
            ok(unsafe { sys::napi_set_element(env, batch, (index * 3 + offset) as u32, value) })?;
        }
    }
    // SAFETY: as above. An exception cannot come: `deliver` does not throw; in a worker that is being terminated Node
    // itself deals with it.
    ok(unsafe { sys::napi_call_function(env, undefined, deliver, 1, &batch, ptr::null_mut()) })
}
