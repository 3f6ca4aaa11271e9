//! Copying databases, for which no engine is needed: backups, and moves to another file or server.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use hellojohn::{CopyPhase, Jwks, RestorePolicy};
use napi::bindgen_prelude::Env;
use napi_derive::napi;

use crate::calls::CallRunner;
use crate::completion_queue::CompletionQueue;
use crate::encode::{encode, encode_nothing, encode_record};
use crate::thread_pool::SURVEYS;

/// How far a copy has come, for JavaScript to look at while it goes on.
#[napi]
pub struct NativeProgress {
    state: Arc<Progress>,
}

#[derive(Default)]
struct Progress {
    copied: AtomicI64,
    total: AtomicI64,
    /// Of a copy into another database: the position of its phase in `CopyPhase::ALL`.
    phase: AtomicUsize,
}

#[napi]
impl NativeProgress {
    /// Nothing is copied yet.
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        NativeProgress { state: Arc::default() }
    }

    /// How many bytes are copied.
    #[napi(catch_unwind)]
    pub fn copied_bytes(&self) -> i64 {
        self.state.copied.load(Ordering::Relaxed)
    }

    /// How many bytes there are; 0 before the copy has begun.
    #[napi(catch_unwind)]
    pub fn total_bytes(&self) -> i64 {
        self.state.total.load(Ordering::Relaxed)
    }
}

/// How far a copy into another database has come, for JavaScript to look at while it goes on.
#[napi]
pub struct NativeCopyProgress {
    state: Arc<Progress>,
}

#[napi]
impl NativeCopyProgress {
    /// Nothing is counted yet.
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        NativeCopyProgress { state: Arc::default() }
    }

    /// What the copy is at: a word of `CopyPhase`.
    #[napi(catch_unwind)]
    pub fn phase(&self) -> &'static str {
        let phase = CopyPhase::ALL.get(self.state.phase.load(Ordering::Relaxed));
        phase.map_or("", |phase| phase.as_str())
    }

    /// How many rows the phase has dealt with.
    #[napi(catch_unwind)]
    pub fn rows(&self) -> i64 {
        self.state.copied.load(Ordering::Relaxed)
    }

    /// How many it has to deal with, about; 0 while they are being counted.
    #[napi(catch_unwind)]
    pub fn total_rows(&self) -> i64 {
        self.state.total.load(Ordering::Relaxed)
    }
}

/// Two databases → `CopyReport`.
#[napi(catch_unwind)]
pub fn copy_database(
    env: Env,
    completion_queue: &CompletionQueue,
    from: String,
    to: String,
    progress: &NativeCopyProgress,
) -> u32 {
    let state = Arc::clone(&progress.state);
    CallRunner::without_engine(completion_queue).submit_without_engine(env, &SURVEYS, move || {
        encode(&hellojohn::copy_database(&from, &to, |step| {
            let phase = CopyPhase::ALL.iter().position(|phase| *phase == step.phase).unwrap_or_default();
            state.phase.store(phase, Ordering::Relaxed);
            state.copied.store(step.rows as i64, Ordering::Relaxed);
            state.total.store(step.total_rows as i64, Ordering::Relaxed);
        })?)
    })
}

/// The path of a database and of a new file → nothing.
#[napi(catch_unwind)]
pub fn backup_database(
    env: Env,
    completion_queue: &CompletionQueue,
    database: String,
    to: String,
    progress: &NativeProgress,
) -> u32 {
    let state = Arc::clone(&progress.state);
    CallRunner::without_engine(completion_queue).submit_without_engine(env, &SURVEYS, move || {
        hellojohn::backup_database(&database, &to, |copied| {
            state.total.store(copied.total_bytes as i64, Ordering::Relaxed);
            state.copied.store(copied.copied_bytes as i64, Ordering::Relaxed);
        })?;
        encode_nothing()
    })
}

/// The path of a backup, that of a database, and a policy → nothing.
#[napi(catch_unwind)]
pub fn restore_database(
    env: Env,
    completion_queue: &CompletionQueue,
    backup: String,
    to: String,
    policy: String,
) -> u32 {
    CallRunner::without_engine(completion_queue).submit_without_engine(env, &SURVEYS, move || {
        hellojohn::restore_database(&backup, &to, policy.parse::<RestorePolicy>()?)?;
        encode_nothing()
    })
}

/// The path of a backup, that of a database, that of a log of events and a JWK Set in JSON → `ReplayReport`.
#[napi(catch_unwind)]
pub fn restore_database_with_events(
    env: Env,
    completion_queue: &CompletionQueue,
    backup: String,
    to: String,
    log: String,
    jwks: String,
) -> u32 {
    CallRunner::without_engine(completion_queue).submit_without_engine(env, &SURVEYS, move || {
        let keys: Jwks = jwks.parse()?;
        encode_record(&hellojohn::restore_database_with_events(&backup, &to, log, &keys)?)
    })
}
