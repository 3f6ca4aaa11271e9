//! Written by `make generate` from core's schema; do not edit.

use std::ffi::c_char;

use hellojohn_core::{Config, Duration};

use crate::abi::get;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// The settings of a tenant that were in force when the call answered. The getters answer NULL or 0 for a
/// NULL config.
pub struct hj_config {
    texts: Texts,
    session_duration: u64,
    access_token_ttl: u64,
    idle_timeout: u64,
    max_sessions_per_user: u64,
    refresh_reuse_window: u64,
    event_retention: u64,
    record_retention: u64,
    revocation_list: bool,
    max_actor_duration: u64,
    pub(crate) json: TextOffset,
    pub(crate) warnings_json: TextOffset,
}

impl hj_config {
    pub(crate) fn new(config: &Config) -> Self {
        let mut texts = Texts::with_capacity(512);
        hj_config {
            session_duration: config.session_duration.as_secs(),
            access_token_ttl: config.access_token_ttl.as_secs(),
            idle_timeout: config.idle_timeout.map_or(0, Duration::as_secs),
            max_sessions_per_user: config.max_sessions_per_user.unwrap_or(0),
            refresh_reuse_window: config.refresh_reuse_window.as_secs(),
            event_retention: config.event_retention.map_or(0, Duration::as_secs),
            record_retention: config.record_retention.map_or(0, Duration::as_secs),
            revocation_list: config.revocation_list,
            max_actor_duration: config.max_actor_duration.as_secs(),
            json: texts.add_json(config),
            warnings_json: texts
                .add_json(&config.warnings().iter().map(|warning| warning.as_str()).collect::<Vec<_>>()),
            texts,
        }
    }
}

/// How long a session lasts after sign-in; default 30 days. Binds at sign-in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_config_session_duration_s(config: *const hj_config) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(config, |config| config.session_duration) }
}

/// How long an access token lasts; default 1 hour. Binds at the next token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_config_access_token_ttl_s(config: *const hj_config) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(config, |config| config.access_token_ttl) }
}

/// After how long without a refresh a session is revoked; default never. Binds at once. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_config_idle_timeout_s(config: *const hj_config) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(config, |config| config.idle_timeout) }
}

/// How many active sessions a user may have, at least 1; default unlimited. Binds at the user's next sign-in.
/// 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_config_max_sessions_per_user(config: *const hj_config) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(config, |config| config.max_sessions_per_user) }
}

/// For how long after a rotation the former refresh token still answers with the same successor, 0 to 60
/// seconds; default 10 seconds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_config_refresh_reuse_window_s(config: *const hj_config) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(config, |config| config.refresh_reuse_window) }
}

/// For how long events are kept; default null: none are recorded. Binds at once: what happens afterwards is
/// recorded. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_config_event_retention_s(config: *const hj_config) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(config, |config| config.event_retention) }
}

/// After how long the record of an ended session is deleted by maintenance; default never. 0 if there is
/// none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_config_record_retention_s(config: *const hj_config) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(config, |config| config.record_retention) }
}

/// Whether the ends of sessions are listed for verifiers away from the engine; default false. Binds at once:
/// the list begins with what ends afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_config_revocation_list(config: *const hj_config) -> bool {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(config, |config| config.revocation_list) }
}

/// How long a session may last in which another person acts for the user; default 1 hour. Binds when it
/// starts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_config_max_actor_duration_s(config: *const hj_config) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(config, |config| config.max_actor_duration) }
}

/// The settings as a JSON object, durations as they were given: {"session_duration":"30d", …}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_config_json(config: *const hj_config) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(config, |config| config.texts.c_str(config.json)) }
}

/// What is allowed and probably not meant, as a JSON array of words; "[]" if there is nothing.
/// "idle_timeout_below_two_access_tokens": a user who is at work may be signed out, because only a refresh
/// counts as use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_config_warnings_json(config: *const hj_config) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(config, |config| config.texts.c_str(config.warnings_json)) }
}

/// Frees the object; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_config_free(config: *mut hj_config) {
    // SAFETY: the caller promises NULL or an object that no thread uses any more ("Objects").
    unsafe { unwind::free(config) }
}
