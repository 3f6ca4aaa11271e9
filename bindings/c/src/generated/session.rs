//! Written by `make generate` from core's schema; do not edit.

use std::ffi::c_char;

use hellojohn_core::{Session, Timestamp};

use crate::abi::get;
use crate::factor_list::FactorList;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// One authenticated period of one user on one device, as it was when the call answered. A page or a grant
/// frees the sessions inside of it. The getters answer NULL, 0 or false for a NULL session.
pub struct hj_session {
    texts: Texts,
    id: TextOffset,
    user_id: TextOffset,
    tenant_id: TextOffset,
    status: TextOffset,
    user_agent: TextOffset,
    ip_address: TextOffset,
    country: TextOffset,
    device_type: TextOffset,
    device_fingerprint: TextOffset,
    created_at: i64,
    last_active_at: i64,
    expires_at: i64,
    access_expires_at: i64,
    revoked_at: i64,
    end_reason: TextOffset,
    org_id: TextOffset,
    role: TextOffset,
    mfa_verified: bool,
    email: TextOffset,
    claims: TextOffset,
    auth_time: i64,
    factors: FactorList,
    last_ip_address: TextOffset,
    last_user_agent: TextOffset,
    pub(crate) is_active: bool,
    pub(crate) actor_user_id: TextOffset,
    pub(crate) actor_reason: TextOffset,
}

impl hj_session {
    pub(crate) fn new(session: &Session) -> Self {
        let mut texts = Texts::with_capacity(512);
        let user_agent = texts.add_optional(session.user_agent.as_ref());
        let ip_address = texts.add_optional(session.ip_address.as_ref());
        hj_session {
            id: texts.add(&session.id),
            user_id: texts.add(&session.user_id),
            tenant_id: texts.add(&session.tenant_id),
            status: texts.add(&session.status),
            user_agent,
            ip_address,
            country: texts.add_optional(session.country.as_ref()),
            device_type: texts.add(&session.device_type),
            device_fingerprint: texts.add_optional(session.device_fingerprint.as_ref()),
            created_at: session.created_at.as_millis(),
            last_active_at: session.last_active_at.as_millis(),
            expires_at: session.expires_at.as_millis(),
            access_expires_at: session.access_expires_at.as_millis(),
            revoked_at: session.revoked_at.map_or(0, Timestamp::as_millis),
            end_reason: texts.add_optional(session.end_reason.as_ref()),
            org_id: texts.add_optional(session.identity.org_id.as_ref()),
            role: texts.add_optional(session.identity.role.as_ref()),
            mfa_verified: session.identity.mfa_verified,
            email: texts.add_optional(session.identity.email.as_ref()),
            claims: texts.add_json(&session.identity.claims),
            auth_time: session.auth_time.as_millis(),
            factors: FactorList::new(&session.factors),
            last_ip_address: if session.last_ip_address == session.ip_address {
                ip_address
            } else {
                texts.add_optional(session.last_ip_address.as_ref())
            },
            last_user_agent: if session.last_user_agent == session.user_agent {
                user_agent
            } else {
                texts.add_optional(session.last_user_agent.as_ref())
            },
            is_active: session.status == hellojohn_core::Status::Active,
            actor_user_id: texts.add_optional(session.actor.as_ref().map(|actor| &actor.user_id)),
            actor_reason: texts.add_optional(session.actor.as_ref().map(|actor| &actor.reason)),
            texts,
        }
    }
}

/// Its id: "ses_" and a ULID. A name, never a credential.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_id(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.id)) }
}

/// The user who signed in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_user_id(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.user_id)) }
}

/// The tenant that it belongs to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_tenant_id(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.tenant_id)) }
}

/// Its status. One of "active", "expired" or "revoked".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_status(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.status)) }
}

/// The "User-Agent" header of the sign-in. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_user_agent(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.user_agent)) }
}

/// The address of the sign-in, in canonical form. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_ip_address(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.ip_address)) }
}

/// The country of the sign-in as the host gave it: two letters (ISO 3166-1 alpha-2). NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_country(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.country)) }
}

/// The kind of device, given or derived from the user agent. One of "desktop", "mobile", "tablet", "bot" or
/// "unknown".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_device_type(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.device_type)) }
}

/// The host's fingerprint of the device. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_device_fingerprint(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.device_fingerprint)) }
}

/// The sign-in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_created_at_ms(session: *const hj_session) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.created_at) }
}

/// The sign-in or the last rotation of the refresh token; verifying never moves it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_last_active_at_ms(session: *const hj_session) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.last_active_at) }
}

/// The end of the session, and of its refresh token with it; fixed at sign-in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_expires_at_ms(session: *const hj_session) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.expires_at) }
}

/// When its newest access token expires.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_access_expires_at_ms(session: *const hj_session) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.access_expires_at) }
}

/// When it was revoked: only if its status is "revoked". 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_revoked_at_ms(session: *const hj_session) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.revoked_at) }
}

/// Why it ended. One of "sign_out", "revoked", "revoke_all", "revoke_tenant", "max_sessions", "idle_timeout",
/// "refresh_token_reuse", "restored" or "expired". NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_end_reason(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.end_reason)) }
}

/// The organisation that is active in the session, at most 255 bytes. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_org_id(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.org_id)) }
}

/// The user's role, at most 255 bytes. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_role(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.role)) }
}

/// Whether a second factor was passed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_mfa_verified(session: *const hj_session) -> bool {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.mfa_verified) }
}

/// The user's e-mail address, at most 320 bytes. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_email(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.email)) }
}

/// The host's own claims: a JSON object of at most 4096 bytes, put at the top level of every access token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_claims_json(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.claims)) }
}

/// When the user authenticated: the sign-in, or the factor that was passed last. A refresh never moves it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_auth_time_ms(session: *const hj_session) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.auth_time) }
}

/// How many methods the user has passed, at most 8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_factor_count(session: *const hj_session) -> usize {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.factors.len()) }
}

/// A method that the user has passed, such as "otp", the newest last; NULL past the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_factor_method(session: *const hj_session, index: usize) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.factors.method(index)) }
}

/// When the user has passed that method last; 0 past the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_factor_at_ms(session: *const hj_session, index: usize) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.factors.at_ms(index)) }
}

/// The address last seen: of the newest refresh that gave one, else of the sign-in. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_last_ip_address(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.last_ip_address)) }
}

/// The user agent last seen: of the newest refresh that gave one, else of the sign-in. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_last_user_agent(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.last_user_agent)) }
}

/// Whether its status is "active".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_is_active(session: *const hj_session) -> bool {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.is_active) }
}

/// Who acts for the user in this session. NULL if no other person does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_actor_user_id(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.actor_user_id)) }
}

/// Why that person acts for the user. NULL if none does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_actor_reason(session: *const hj_session) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(session, |session| session.texts.c_str(session.actor_reason)) }
}

/// Frees the object; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_session_free(session: *mut hj_session) {
    // SAFETY: the caller promises NULL or an object that no thread uses any more ("Objects").
    unsafe { unwind::free(session) }
}
