//! Checking a database, for which no engine is needed.

use std::sync::Arc;

use napi::bindgen_prelude::Env;
use napi_derive::napi;

use crate::calls::CallRunner;
use crate::completion_queue::CompletionQueue;
use crate::encode::encode;
use crate::thread_pool::SURVEYS;

/// The path of a database → `CheckReport`.
#[napi(catch_unwind)]
pub fn check_database(env: Env, completion_queue: &CompletionQueue, database: String) -> u32 {
    let calls =
        CallRunner { engine: None, actor: None, completions: Arc::clone(&completion_queue.completions) };
    calls.submit_without_engine(env, &SURVEYS, move || encode(&hellojohn::check_database(&database)?))
}
