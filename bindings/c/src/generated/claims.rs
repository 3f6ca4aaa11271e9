//! Written by `make generate` from core's schema; do not edit.

use std::ffi::c_char;

use hellojohn_core::{AccessClaims, Timestamp};

use crate::abi::get;
use crate::factor_list::FactorList;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// The claims of an access token that was verified. The getters answer NULL, 0 or false for NULL claims.
pub struct hj_claims {
    texts: Texts,
    user_id: TextOffset,
    session_id: TextOffset,
    tenant_id: TextOffset,
    org_id: TextOffset,
    role: TextOffset,
    mfa_verified: bool,
    auth_time: i64,
    factors: FactorList,
    actor_user_id: TextOffset,
    email: TextOffset,
    issued_at: i64,
    expires_at: i64,
    token_id: TextOffset,
    payload: TextOffset,
    pub(crate) outdated: bool,
}

impl hj_claims {
    pub(crate) fn new(claims: &AccessClaims) -> Self {
        let mut texts = Texts::with_capacity(512);
        hj_claims {
            user_id: texts.add(&claims.user_id),
            session_id: texts.add(&claims.session_id),
            tenant_id: texts.add(&claims.tenant_id),
            org_id: texts.add_optional(claims.org_id.as_ref()),
            role: texts.add_optional(claims.role.as_ref()),
            mfa_verified: claims.mfa_verified,
            auth_time: claims.auth_time.map_or(0, Timestamp::as_millis),
            factors: FactorList::new(&claims.factors),
            actor_user_id: texts.add_optional(claims.actor_user_id.as_ref()),
            email: texts.add_optional(claims.email.as_ref()),
            issued_at: claims.issued_at.as_millis(),
            expires_at: claims.expires_at.as_millis(),
            token_id: texts.add(&claims.token_id),
            payload: texts.add_json(&claims.payload),
            outdated: false,
            texts,
        }
    }
}

/// "sub": the user.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_user_id(claims: *const hj_claims) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.texts.c_str(claims.user_id)) }
}

/// "session_id": the session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_session_id(claims: *const hj_claims) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.texts.c_str(claims.session_id)) }
}

/// "tenant_id": the tenant.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_tenant_id(claims: *const hj_claims) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.texts.c_str(claims.tenant_id)) }
}

/// "org_id": the organisation that was active. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_org_id(claims: *const hj_claims) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.texts.c_str(claims.org_id)) }
}

/// "role": the user's role. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_role(claims: *const hj_claims) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.texts.c_str(claims.role)) }
}

/// "mfa_verified": whether a second factor was passed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_mfa_verified(claims: *const hj_claims) -> bool {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.mfa_verified) }
}

/// "auth_time": when the user authenticated, a whole second. Tokens of earlier releases do not say it. 0 if
/// there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_auth_time_ms(claims: *const hj_claims) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.auth_time) }
}

/// How many methods the user has passed, at most 8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_factor_count(claims: *const hj_claims) -> usize {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.factors.len()) }
}

/// A method that the user has passed, such as "otp", the newest last; NULL past the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_factor_method(claims: *const hj_claims, index: usize) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.factors.method(index)) }
}

/// When the user has passed that method last; 0 past the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_factor_at_ms(claims: *const hj_claims, index: usize) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.factors.at_ms(index)) }
}

/// "act.sub": who acts for the user, if another person does. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_actor_user_id(claims: *const hj_claims) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.texts.c_str(claims.actor_user_id)) }
}

/// "email": the user's e-mail address. NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_email(claims: *const hj_claims) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.texts.c_str(claims.email)) }
}

/// "iat": when the token was issued, a whole second.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_issued_at_ms(claims: *const hj_claims) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.issued_at) }
}

/// "exp": from when it is no longer good, a whole second.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_expires_at_ms(claims: *const hj_claims) -> i64 {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.expires_at) }
}

/// "jti": the id of the token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_token_id(claims: *const hj_claims) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.texts.c_str(claims.token_id)) }
}

/// The whole payload, the host's own claims included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_payload_json(claims: *const hj_claims) -> *const c_char {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.texts.c_str(claims.payload)) }
}

/// Whether the token was issued before the last update of its session: the client should refresh, and the
/// session says what holds now. Always false after hj_tenant_verify_locally.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_outdated(claims: *const hj_claims) -> bool {
    // SAFETY: the caller promises NULL or a live object ("Objects").
    unsafe { get(claims, |claims| claims.outdated) }
}

/// Frees the object; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_claims_free(claims: *mut hj_claims) {
    // SAFETY: the caller promises NULL or an object that no thread uses any more ("Objects").
    unsafe { unwind::free(claims) }
}
