//! `hj_grant`: the tokens that a device gets.

use std::ffi::c_char;

use hellojohn_core::{Grant, UpdatedSession};

use crate::abi::get;
use crate::session::hj_session;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// What a device gets when it signs in, refreshes, or when the host updates its session: the session and its tokens.
/// Freeing a grant wipes its tokens from memory. The getters answer NULL or 0 for a NULL grant.
pub struct hj_grant {
    session: hj_session,
    tokens: Texts,
    access_token: TextOffset,
    refresh_token: TextOffset,
    expires_in: u64,
    evicted_ids: Texts,
    evicted: Vec<TextOffset>,
}

impl hj_grant {
    pub(crate) fn new(grant: &Grant) -> Self {
        let mut evicted_ids = Texts::default();
        let evicted = grant.evicted.iter().map(|id| evicted_ids.add(id)).collect();
        let (access, refresh) = (grant.access_token.expose(), grant.refresh_token.expose());
        let mut tokens = Texts::with_capacity(access.len() + refresh.len() + 2);
        hj_grant {
            session: hj_session::new(&grant.session),
            access_token: tokens.add(access),
            refresh_token: tokens.add(refresh),
            tokens,
            expires_in: grant.expires_in,
            evicted_ids,
            evicted,
        }
    }

    pub(crate) fn from_update(updated: &UpdatedSession) -> Self {
        let access = updated.access_token.expose();
        let mut tokens = Texts::with_capacity(access.len() + 1);
        hj_grant {
            session: hj_session::new(&updated.session),
            access_token: tokens.add(access),
            refresh_token: TextOffset::ABSENT,
            tokens,
            expires_in: updated.expires_in,
            evicted_ids: Texts::default(),
            evicted: Vec::new(),
        }
    }
}

impl Drop for hj_grant {
    fn drop(&mut self) {
        self.tokens.wipe();
    }
}

/// The session; it lives inside the grant.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_grant_session(grant: *const hj_grant) -> *const hj_session {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(grant, |grant| &raw const grant.session) }
}

/// The access token (JWT).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_grant_access_token(grant: *const hj_grant) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(grant, |grant| grant.tokens.c_str(grant.access_token)) }
}

/// The session's live refresh token ("rt_…"); NULL after an update, which leaves the refresh token as it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_grant_refresh_token(grant: *const hj_grant) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(grant, |grant| grant.tokens.c_str(grant.refresh_token)) }
}

/// The lifetime of the access token in seconds ("expires_in" of RFC 6749).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_grant_expires_in_s(grant: *const hj_grant) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(grant, |grant| grant.expires_in) }
}

/// How many ids there are of older sessions that this sign-in revoked to keep max_sessions_per_user. Of more than 500, as
/// after that was lowered, there are the ids of the newest 500.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_grant_evicted_count(grant: *const hj_grant) -> usize {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(grant, |grant| grant.evicted.len()) }
}

/// The id of an evicted session, oldest first; NULL past the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_grant_evicted(grant: *const hj_grant, index: usize) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe {
        get(grant, |grant| {
            grant.evicted_ids.c_str(grant.evicted.get(index).copied().unwrap_or(TextOffset::ABSENT))
        })
    }
}

/// Frees a grant with its session and wipes its tokens; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_grant_free(grant: *mut hj_grant) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(grant) }
}
