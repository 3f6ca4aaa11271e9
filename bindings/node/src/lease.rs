//! Shortening the leases on a database that machines share, for which no engine is needed.

use std::time::Duration;

use napi::bindgen_prelude::Env;
use napi_derive::napi;

use crate::calls::CallRunner;
use crate::completion_queue::CompletionQueue;
use crate::encode::encode;
use crate::thread_pool::SURVEYS;

/// The URL of a database and the longest lease in milliseconds → how long ending calls wait from now on, in milliseconds.
#[napi(catch_unwind)]
pub fn lower_lease(env: Env, completion_queue: &CompletionQueue, database: String, longest_ms: u32) -> u32 {
    let longest = Duration::from_millis(u64::from(longest_ms));
    CallRunner::without_engine(completion_queue).submit_without_engine(env, &SURVEYS, move || {
        encode(&u64::try_from(hellojohn::lower_lease(database, longest)?.as_millis()).unwrap_or(u64::MAX))
    })
}
