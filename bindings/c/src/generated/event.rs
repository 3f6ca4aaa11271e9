//! Written by `make generate` from core's schema; do not edit.

use std::ffi::c_char;

use hellojohn_core::Event;

use crate::abi::get;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// Something that happened to a session, the settings or the keys of a tenant. A page frees the events inside
/// of it. The getters answer NULL or 0 for a NULL event.
pub struct hj_event {
    texts: Texts,
    seq: u64,
    id: TextOffset,
    r#type: TextOffset,
    at: i64,
    session_id: TextOffset,
    user_id: TextOffset,
    actor: TextOffset,
    data: TextOffset,
    hash: TextOffset,
}

impl hj_event {
    pub(crate) fn new(event: &Event) -> Self {
        let mut texts = Texts::with_capacity(512);
        hj_event {
            seq: event.seq,
            id: texts.add(&event.id),
            r#type: texts.add(&event.r#type),
            at: event.at.as_millis(),
            session_id: texts.add_optional(event.session_id.as_ref()),
            user_id: texts.add_optional(event.user_id.as_ref()),
            actor: texts.add_optional(event.actor.as_ref()),
            data: texts.add_json(&event.data),
            hash: texts.add_optional(event.hash.as_ref()),
            texts,
        }
    }
}

/// Its number: the events of a tenant are counted from 1 in the order of their commits, without a gap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_seq(event: *const hj_event) -> u64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event, |event| event.seq) }
}

/// Its id: "evt_" and a ULID of the time at which it was recorded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_id(event: *const hj_event) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event, |event| event.texts.c_str(event.id)) }
}

/// What it tells of. One of "session.created", "session.refreshed", "session.adopted", "session.updated",
/// "session.ended", "session.purged", "config.updated", "key.rotated", "key.retired", "secret_key.changed",
/// "refresh_key.rotated", "tenant.imported" or "database.restored".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_type(event: *const hj_event) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event, |event| event.texts.c_str(event.r#type)) }
}

/// When it happened. An end by the clock may have been recorded later than it happened.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_at_ms(event: *const hj_event) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event, |event| event.at) }
}

/// The session that it is about. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_session_id(event: *const hj_event) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event, |event| event.texts.c_str(event.session_id)) }
}

/// The user of that session. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_user_id(event: *const hj_event) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event, |event| event.texts.c_str(event.user_id)) }
}

/// Who did it, as the host has named them; absent for what the clock did, and where the host named none. NULL
/// if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_actor(event: *const hj_event) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event, |event| event.texts.c_str(event.actor)) }
}

/// More about it; "docs/SPEC.md", section 10, lists the members by type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_data_json(event: *const hj_event) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event, |event| event.texts.c_str(event.data)) }
}

/// The hash that chains it to the event before it; absent until it is sealed. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_hash(event: *const hj_event) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(event, |event| event.texts.c_str(event.hash)) }
}

/// Frees the object; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_event_free(event: *mut hj_event) {
    // SAFETY: the caller promises NULL or an object that no thread uses any more ("Objects").
    unsafe { unwind::free(event) }
}
