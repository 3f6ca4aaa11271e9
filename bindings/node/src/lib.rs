//! Node-API addon under the npm package `@hellojohn/node`: one method for each operation of the engine, no rules of its
//! own. Not a public interface: the package in `npm/node` is, and the two are always released together.
//!
//! Requests come in as texts and JSON, answers go out as JSON with the names of SPEC 1 and times in milliseconds.

mod attempt;
mod authorize;
mod backup;
mod calls;
mod check;
mod clock;
mod command_line;
mod completion_queue;
mod delivery;
mod encode;
mod guard;
mod json_text;
mod late_answers;
mod lazy_engine;
mod lease;
mod observed;
mod options;
mod rest;
#[path = "generated/session.rs"]
mod session_values;
mod shared_engine;
mod sign_in;
mod tenant;
mod thread_pool;
mod together;
mod validator_table;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use hellojohn::{EngineBuilder, ErrorCode, OsRandom, Random};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

/// The error table: HTTP status by code.
#[napi(catch_unwind)]
pub fn error_statuses() -> BTreeMap<String, u32> {
    ErrorCode::ALL.iter().map(|code| (code.as_str().to_owned(), u32::from(code.http_status()))).collect()
}

/// The addon's version: the package refuses one that is not its own.
#[napi(catch_unwind)]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Whether this is the first call in the process, so that the caller is the one to see to its end.
#[napi(catch_unwind)]
pub fn is_first_in_process() -> bool {
    static WAS_CALLED: AtomicBool = AtomicBool::new(false);
    !WAS_CALLED.swap(true, Ordering::Relaxed)
}

/// A new name for one that holds leases. Node's own module for random bytes takes longer to load than all of the package.
#[napi(catch_unwind)]
pub fn new_holder() -> napi::Result<Buffer> {
    let mut bytes = vec![0; 16];
    OsRandom.fill(&mut bytes).map_err(|_| napi::Error::from_reason("there is no randomness"))?;
    Ok(bytes.into())
}

/// Closes every engine of the process, which is about to end.
#[napi(catch_unwind)]
pub fn close_engines() {
    shared_engine::close_all();
}

/// How many answers about tokens, about sessions and about requests, each, one JavaScript object caches.
#[napi(catch_unwind)]
pub fn answer_cache_max() -> u32 {
    validator_table::ANSWER_CACHE_MAX
}

/// `token_cache_bytes` where the host gives none.
#[napi(catch_unwind)]
pub fn token_cache_bytes_default() -> i64 {
    EngineBuilder::TOKEN_CACHE_BYTES_DEFAULT as i64
}

/// The largest `token_cache_capacity`.
#[napi(catch_unwind)]
pub fn token_cache_capacity_max() -> u32 {
    EngineBuilder::TOKEN_CACHE_CAPACITY_MAX as u32
}
