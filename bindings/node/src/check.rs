//! Checking a database, for which no engine is needed.

use hellojohn::Jwks;
use napi::bindgen_prelude::Env;
use napi_derive::napi;

use crate::calls::CallRunner;
use crate::completion_queue::CompletionQueue;
use crate::encode::{encode, encode_record};
use crate::thread_pool::SURVEYS;

/// The path of a database → `CheckReport`.
#[napi(catch_unwind)]
pub fn check_database(env: Env, completion_queue: &CompletionQueue, database: String) -> u32 {
    CallRunner::without_engine(completion_queue)
        .submit_without_engine(env, &SURVEYS, move || encode(&hellojohn::check_database(&database)?))
}

/// The path of a log of events and a JWK Set in JSON → `EventLogReport`.
#[napi(catch_unwind)]
pub fn verify_event_log(env: Env, completion_queue: &CompletionQueue, path: String, jwks: String) -> u32 {
    CallRunner::without_engine(completion_queue).submit_without_engine(env, &SURVEYS, move || {
        encode_record(&hellojohn::verify_event_log_file(path, &jwks.parse::<Jwks>()?)?)
    })
}
