//! Runs the calls that JavaScript makes: inline on JavaScript's thread, or on a pool, from where the completion queue delivers
//! the answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hellojohn::{Actor, Error, ErrorCode, Pending, Tenant, defer_lease_waits};
use napi::bindgen_prelude::{Either, Env};
use napi_derive::napi;
use serde_json::{Map, Value};

use crate::completion_queue::{CompletionQueue, Completions};
use crate::guard::catch_panic;
use crate::late_answers::tell_after;
use crate::lazy_engine::{LazyEngine, OpenTenant};
use crate::observed::{ANSWERED_INLINE, collect_reports};
use crate::thread_pool::{LOOKUPS, ThreadPool, WRITES};

pub(crate) type Answer = Result<String, Error>;

/// The outcome of a call that returns it at once instead of through the completion queue.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct Outcome {
    /// The error code, or null.
    pub code: Option<String>,
    /// The answer's JSON, or the error's detail.
    pub text: String,
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        match answer {
            Ok(text) => Outcome { code: None, text },
            Err(error) => {
                Outcome { code: Some(error.code().as_str().to_owned()), text: error.detail().to_owned() }
            }
        }
    }
}

/// Reads the JSON object of a request.
pub(crate) fn read_object(json: &str) -> Result<Map<String, Value>, Error> {
    serde_json::from_str(json).map_err(|_| Error::validation("request", "must be a JSON object"))
}

/// The engine of one `HelloJohn` object, and the way back to JavaScript.
#[derive(Clone)]
pub(crate) struct CallRunner {
    /// None when the options were refused.
    pub engine: Option<Arc<LazyEngine>>,
    /// Who makes the changes of this object.
    pub actor: Option<Actor>,
    pub completions: Arc<Completions>,
}

impl CallRunner {
    /// For calls that need no engine.
    pub(crate) fn without_engine(completion_queue: &CompletionQueue) -> Self {
        CallRunner { engine: None, actor: None, completions: Arc::clone(&completion_queue.completions) }
    }

    /// Runs `body` on a pool; the completion queue delivers the answer.
    pub(crate) fn submit(
        &self,
        env: Env,
        pool: &Arc<ThreadPool>,
        body: impl FnOnce(&LazyEngine, Duration) -> Answer + Send + 'static,
    ) -> u32 {
        let call = self.completions.register(env);
        match self.engine.clone() {
            Some(engine) => self.run(call, pool, move |queued| body(&engine, queued)),
            None => self.completions.complete(call, Err(refused_options_error())),
        }
        call
    }

    /// [`submit`](Self::submit) for work that needs no engine.
    pub(crate) fn submit_without_engine(
        &self,
        env: Env,
        pool: &Arc<ThreadPool>,
        body: impl FnOnce() -> Answer + Send + 'static,
    ) -> u32 {
        let call = self.completions.register(env);
        self.run(call, pool, move |_| body());
        call
    }

    fn run(&self, call: u32, pool: &Arc<ThreadPool>, body: impl FnOnce(Duration) -> Answer + Send + 'static) {
        self.run_or_pass_on(call, pool, |queued| Some(body(queued)));
    }

    /// Runs `body`, which gets the time that it has waited for a thread. Nothing as its outcome: another job will answer.
    fn run_or_pass_on(
        &self,
        call: u32,
        pool: &Arc<ThreadPool>,
        body: impl FnOnce(Duration) -> Option<Answer> + Send + 'static,
    ) {
        let completions = Arc::clone(&self.completions);
        #[expect(
            clippy::disallowed_methods,
            reason = "how long the job waited for a thread; no answer depends on it"
        )]
        let called_at = Instant::now();
        let is_observed = completions.reports.are_wanted();
        let job = move || {
            if completions.is_abandoned() {
                return;
            }
            let run =
                || catch_panic(|| Ok(body(called_at.elapsed()))).unwrap_or_else(|error| Some(Err(error)));
            let ((answer, reports), left) = defer_lease_waits(|| collect_reports(is_observed, run));
            // What was told of a read that another job repeats is dropped.
            let Some(answer) = answer else { return };
            completions.reports.keep(call, reports);
            if left.is_zero() {
                completions.complete(call, answer);
            } else {
                tell_after(left, Box::new(move || completions.complete(call, answer)));
            }
        };
        // A write that was begun may commit without this job, so only the job knows the right answer, late or not.
        if let Err(job) = pool.submit(Box::new(job)) {
            job();
        }
    }

    /// Runs a read on another thread.
    pub(crate) fn read(
        &self,
        env: Env,
        pool: &Arc<ThreadPool>,
        body: impl FnOnce(&OpenTenant) -> Answer + Send + 'static,
    ) -> u32 {
        self.submit(env, pool, move |engine, queued| body(engine.open(queued)?.as_ref()))
    }

    /// Runs a read on JavaScript's thread, which takes less time than changing threads; on another thread if it would block.
    pub(crate) fn read_inline(
        &self,
        env: Env,
        body: impl Fn(&LazyEngine, &Tenant) -> Answer + Send + 'static,
    ) -> Either<String, u32> {
        let answer = self.engine.as_ref().and_then(|engine| {
            let open = engine.if_open()?;
            Some(self.observe_inline(|| catch_panic(|| body(engine, &open.non_blocking))))
        });
        let (answer, reports) = answer.map_or((None, None), |(answer, reports)| (Some(answer), reports));
        Either::B(match answer {
            Some(Ok(answer)) => {
                self.completions.reports.keep(ANSWERED_INLINE, reports);
                return Either::A(answer);
            }
            Some(Err(error)) if error.code() == ErrorCode::StorageBusy => {
                self.submit(env, &WRITES, move |engine, queued| read_blocking(engine, queued, &body))
            }
            Some(Err(error)) => {
                let call = self.completions.register(env);
                self.completions.reports.keep(call, reports);
                self.completions.complete(call, Err(error));
                call
            }
            None => {
                self.submit(env, &LOOKUPS, move |engine, queued| body(engine, &engine.open(queued)?.tenant))
            }
        })
    }

    /// Begins a read of an engine whose every read waits for a network: reads that are begun in one turn share a round trip.
    /// Nothing for another engine, or one that is not open.
    pub(crate) fn begin_read<W: FnOnce() -> Answer + Send + 'static>(
        &self,
        env: Env,
        begin: impl FnOnce(&Tenant) -> Result<W, Error>,
    ) -> Option<u32> {
        let open = self.engine.as_ref()?.if_open().filter(|open| open.tenant.reads_over_network())?;
        let call = self.completions.register(env);
        // It is told when its answer is there, but measured, if it is to be told, from here.
        match self.observe_inline(|| catch_panic(|| begin(&open.tenant))).0 {
            Ok(wait) => self.run(call, &open.round_trips, move |_| wait()),
            Err(error) => self.completions.complete(call, Err(error)),
        }
        Some(call)
    }

    /// Runs a read on a pool whose threads never wait for a lock; on another one if it would block.
    pub(crate) fn read_on(
        &self,
        env: Env,
        pool: &Arc<ThreadPool>,
        body: impl Fn(&LazyEngine, &Tenant) -> Answer + Send + 'static,
    ) -> u32 {
        let call = self.completions.register(env);
        let Some(engine) = self.engine.clone() else {
            self.completions.complete(call, Err(refused_options_error()));
            return call;
        };
        let calls = self.clone();
        self.run_or_pass_on(call, pool, move |queued| {
            let outcome =
                engine.open(queued).and_then(|open| catch_panic(|| body(&engine, &open.non_blocking)));
            match outcome {
                Err(error) if error.code() == ErrorCode::StorageBusy => {
                    calls.run(call, &WRITES, move |queued| read_blocking(&engine, queued, &body));
                    None
                }
                outcome => Some(outcome),
            }
        });
        call
    }

    /// Runs a read on JavaScript's thread, which also opens the engine there if it is not open.
    pub(crate) fn run_sync(&self, body: impl FnOnce(&Tenant) -> Answer) -> Answer {
        let engine = self.engine.as_ref().ok_or_else(refused_options_error)?;
        let run = || catch_panic(|| body(&engine.open(Duration::ZERO)?.tenant));
        let (answer, reports) = self.observe_inline(run);
        self.completions.reports.keep(ANSWERED_INLINE, reports);
        answer
    }

    /// Runs `body` on JavaScript's thread; its answer, and what the engine told of it if JavaScript wants to know.
    fn observe_inline<T>(&self, body: impl FnOnce() -> T) -> (T, Option<String>) {
        collect_reports(self.completions.reports.are_wanted(), body)
    }

    /// Whether the cached answer whose validator has this number is certainly fresh, or also one that is remembered for a time. Never waits.
    pub(crate) fn is_fresh(&self, number: i64, or_leased: bool) -> bool {
        self.engine.as_ref().is_some_and(|engine| {
            engine.if_open().is_some_and(|open| {
                catch_panic(|| engine.validators.is_fresh(number, or_leased, &open.tenant)).unwrap_or(false)
            })
        })
    }

    /// Runs a write on another thread.
    pub(crate) fn write(&self, env: Env, body: impl FnOnce(&OpenTenant) -> Answer + Send + 'static) -> u32 {
        self.write_on(env, &WRITES, body)
    }

    /// Runs a write on this pool.
    pub(crate) fn write_on(
        &self,
        env: Env,
        pool: &Arc<ThreadPool>,
        body: impl FnOnce(&OpenTenant) -> Answer + Send + 'static,
    ) -> u32 {
        let actor = self.actor.clone();
        self.submit(env, pool, move |engine, queued| {
            engine.write(queued, |open| match actor {
                Some(actor) => body(&open.with_actor(actor)),
                None => body(open),
            })
        })
    }

    /// Queues a write in the engine on this thread, if the engine is open: writes that are queued before the next commit share
    /// it.
    pub(crate) fn begin_write(
        &self,
        env: Env,
        begin: impl FnOnce(&OpenTenant) -> Result<Pending<Answer>, Error> + Send + 'static,
    ) -> u32 {
        let Some(mut open) = self.engine.as_ref().and_then(|engine| engine.if_open()) else {
            return self.write(env, move |open| begin(open)?.wait()?);
        };
        if let Some(actor) = self.actor.clone() {
            open = Arc::new(open.with_actor(actor));
        }
        let call = self.completions.register(env);
        // It is told when its answer is there, but measured, if it is to be told, from here.
        match self.observe_inline(|| catch_panic(|| begin(&open))).0 {
            Ok(pending) => self.run(call, &open.commits, move |_| pending.wait()?),
            Err(error) => self.completions.complete(call, Err(error)),
        }
        call
    }
}

/// A read that has to wait for a lock: some answers make the database remember the time first. It counts as a write, so that
/// the time that it waits has a limit.
fn read_blocking(
    engine: &LazyEngine,
    queued: Duration,
    body: &impl Fn(&LazyEngine, &Tenant) -> Answer,
) -> Answer {
    engine.write(queued, |open| body(engine, &open.tenant))
}

fn refused_options_error() -> Error {
    Error::new(ErrorCode::Internal, "the options were refused")
}
