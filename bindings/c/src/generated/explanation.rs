//! Written by `make generate` from core's schema; do not edit.

use std::ffi::c_char;

use hellojohn_core::{SessionExplanation, Timestamp};

use crate::abi::get;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// Why a session is over, or what will end it, as it was when the call answered. The getters answer NULL or 0
/// for a NULL explanation.
pub struct hj_explanation {
    texts: Texts,
    session_id: TextOffset,
    user_id: TextOffset,
    explained_at: i64,
    status: TextOffset,
    end_reason: TextOffset,
    ended_at: i64,
    ends_by: TextOffset,
    ends_at: i64,
    duration_ends_at: i64,
    idle_timeout_ends_at: i64,
    access_token_ends_at: i64,
    rank: u64,
    active_sessions: u64,
    max_sessions_per_user: u64,
    evicted_by_sign_in: u64,
    live_token: TextOffset,
    live_token_until: i64,
    former_token: TextOffset,
    former_token_until: i64,
    replays_left: u64,
    older_token: TextOffset,
    older_token_until: i64,
    pub(crate) actor_user_id: TextOffset,
    pub(crate) actor_reason: TextOffset,
}

impl hj_explanation {
    pub(crate) fn new(explanation: &SessionExplanation) -> Self {
        let mut texts = Texts::with_capacity(512);
        hj_explanation {
            session_id: texts.add(&explanation.session_id),
            user_id: texts.add(&explanation.user_id),
            explained_at: explanation.explained_at.as_millis(),
            status: texts.add(&explanation.status),
            end_reason: texts.add_optional(explanation.end_reason.as_ref()),
            ended_at: explanation.ended_at.map_or(0, Timestamp::as_millis),
            ends_by: texts.add_optional(explanation.ends_by.as_ref()),
            ends_at: explanation.ends_at.map_or(0, Timestamp::as_millis),
            duration_ends_at: explanation.duration_ends_at.map_or(0, Timestamp::as_millis),
            idle_timeout_ends_at: explanation.idle_timeout_ends_at.map_or(0, Timestamp::as_millis),
            access_token_ends_at: explanation.access_token_ends_at.as_millis(),
            rank: explanation.rank.unwrap_or(0),
            active_sessions: explanation.active_sessions.unwrap_or(0),
            max_sessions_per_user: explanation.max_sessions_per_user.unwrap_or(0),
            evicted_by_sign_in: explanation.evicted_by_sign_in.unwrap_or(0),
            live_token: texts.add(&explanation.live_token),
            live_token_until: explanation.live_token_until.map_or(0, Timestamp::as_millis),
            former_token: texts.add_optional(explanation.former_token.as_ref()),
            former_token_until: explanation.former_token_until.map_or(0, Timestamp::as_millis),
            replays_left: explanation.replays_left.unwrap_or(0),
            older_token: texts.add_optional(explanation.older_token.as_ref()),
            older_token_until: explanation.older_token_until.map_or(0, Timestamp::as_millis),
            actor_user_id: texts.add_optional(explanation.actor.as_ref().map(|actor| &actor.user_id)),
            actor_reason: texts.add_optional(explanation.actor.as_ref().map(|actor| &actor.reason)),
            texts,
        }
    }
}

/// The session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_session_id(explanation: *const hj_explanation) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.texts.c_str(explanation.session_id)) }
}

/// Its user.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_user_id(explanation: *const hj_explanation) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.texts.c_str(explanation.user_id)) }
}

/// The engine's now: what the explanation is of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_explained_at_ms(explanation: *const hj_explanation) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.explained_at) }
}

/// Its status. One of "active", "expired" or "revoked".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_status(explanation: *const hj_explanation) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.texts.c_str(explanation.status)) }
}

/// Why it ended. One of "sign_out", "revoked", "revoke_all", "revoke_tenant", "max_sessions", "idle_timeout",
/// "refresh_token_reuse", "restored" or "expired". NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_end_reason(explanation: *const hj_explanation) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.texts.c_str(explanation.end_reason)) }
}

/// When it ended. An idle session ended at the last instant at which it could have been refreshed. 0 if there
/// is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_ended_at_ms(explanation: *const hj_explanation) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.ended_at) }
}

/// Of an active session: what ends it first. One of "session_duration" or "idle_timeout". NULL if there is
/// none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_ends_by(explanation: *const hj_explanation) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.texts.c_str(explanation.ends_by)) }
}

/// Of an active session: the instant from which on it is over by the clock. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_ends_at_ms(explanation: *const hj_explanation) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.ends_at) }
}

/// Of an active session: the instant from which on it is over because it reached its end. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_duration_ends_at_ms(explanation: *const hj_explanation) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.duration_ends_at) }
}

/// Of an active session: the instant from which on it is over because it was idle; absent without an idle
/// time-out, and where the session reaches its end before. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_idle_timeout_ends_at_ms(explanation: *const hj_explanation) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.idle_timeout_ends_at) }
}

/// The instant from which on its newest access token is refused everywhere. Until then local verification
/// accepts it, also after the end of the session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_access_token_ends_at_ms(explanation: *const hj_explanation) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.access_token_ends_at) }
}

/// Of an active session: its place among the user's active ones, the oldest of which has 1. 0 if there is
/// none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_rank(explanation: *const hj_explanation) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.rank) }
}

/// Of an active session: how many active ones its user has. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_active_sessions(explanation: *const hj_explanation) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.active_sessions) }
}

/// The cap: how many active sessions a user may have. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_max_sessions_per_user(explanation: *const hj_explanation) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.max_sessions_per_user) }
}

/// Of an active session under a cap: which of the user's next sign-ins ends it, 1 for the very next, if no
/// session ends before. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_evicted_by_sign_in(explanation: *const hj_explanation) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.evicted_by_sign_in) }
}

/// How its live refresh token would be answered now. One of "rotated", "replayed", "refresh_token_reused",
/// "session_revoked" or "session_expired".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_live_token(explanation: *const hj_explanation) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.texts.c_str(explanation.live_token)) }
}

/// From which instant on it would be answered otherwise; absent if it never is. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_live_token_until_at_ms(explanation: *const hj_explanation) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.live_token_until) }
}

/// How the refresh token before that would be answered now; absent if there was none. One of "rotated",
/// "replayed", "refresh_token_reused", "session_revoked" or "session_expired". NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_former_token(explanation: *const hj_explanation) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.texts.c_str(explanation.former_token)) }
}

/// From which instant on it would be answered otherwise; absent if it never is. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_former_token_until_at_ms(explanation: *const hj_explanation) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.former_token_until) }
}

/// How often the former token would still be answered so; absent if it would not be replayed. 0 if there is
/// none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_replays_left(explanation: *const hj_explanation) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.replays_left) }
}

/// How a still older refresh token would be answered now; absent if there was none. One of "rotated",
/// "replayed", "refresh_token_reused", "session_revoked" or "session_expired". NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_older_token(explanation: *const hj_explanation) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.texts.c_str(explanation.older_token)) }
}

/// From which instant on it would be answered otherwise; absent if it never is. 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_older_token_until_at_ms(explanation: *const hj_explanation) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.older_token_until) }
}

/// Who acts for the user in the session. NULL if no other person does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_actor_user_id(explanation: *const hj_explanation) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.texts.c_str(explanation.actor_user_id)) }
}

/// Why that person acts for the user. NULL if none does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_actor_reason(explanation: *const hj_explanation) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(explanation, |explanation| explanation.texts.c_str(explanation.actor_reason)) }
}

/// Frees the object; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_explanation_free(explanation: *mut hj_explanation) {
    // SAFETY: the caller promises NULL or an object that no thread uses any more ("Objects").
    unsafe { unwind::free(explanation) }
}
