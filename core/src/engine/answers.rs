//! What calls answer with. These types lie below the operations, because the engine's caches hold them.

use std::fmt;

use super::cache_validator::CacheValidator;
use super::token_cache::CountedBytes;
use crate::clock::Timestamp;
use crate::error::{Error, Failure, Refusal};
use crate::json;
use crate::model::id::SessionId;
use crate::model::identity::Identity;
use crate::model::session::Session;
use crate::schema::public_record;
use crate::secret::{AccessToken, RefreshToken};
use crate::token::access_claims::AccessClaims;

/// What a device gets when it signs in or refreshes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Grant {
    /// The session.
    pub session: Session,
    /// The access token.
    pub access_token: AccessToken,
    /// The session's live refresh token. A session has one at a time.
    pub refresh_token: RefreshToken,
    /// How long the access token lasts from now, in seconds (RFC 6749, section 5.1).
    pub expires_in: u64,
    /// The sessions that this sign-in evicted under the cap, oldest first; of more than 500, as after a cap was lowered, the
    /// newest 500. Empty after a refresh.
    pub evicted: Vec<SessionId>,
}

/// A changed session with an access token that carries the change.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UpdatedSession {
    /// The session.
    pub session: Session,
    /// The access token. The refresh token stays as it is.
    pub access_token: AccessToken,
    /// How long the access token lasts from now, in seconds.
    pub expires_in: u64,
}

/// An access token that is not expired, of a session that is active.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct VerifiedAccess {
    /// The session as it is now: decide by its organisation, role, second factor and claims.
    pub session: Session,
    /// What the token says: the same as the session, unless it is outdated.
    pub claims: AccessClaims,
    /// Whether the token was issued before the last [`update`](crate::Tenant::update) of the session. The client gets
    /// one that is not by a refresh.
    pub outdated: bool,
    pub(super) validator: CacheValidator,
}

impl VerifiedAccess {
    /// What [`Tenant::is_fresh`](crate::Tenant::is_fresh) needs to say later whether this answer still holds.
    pub fn validator(&self) -> &CacheValidator {
        &self.validator
    }
}

impl CountedBytes for VerifiedAccess {
    fn counted_bytes(&self) -> usize {
        // Taken apart, so that a new field has to be counted before this compiles.
        let VerifiedAccess { session, claims, outdated: _, validator: _ } = self;
        let Session {
            id: _,
            user_id,
            tenant_id,
            status: _,
            user_agent,
            ip_address: _,
            country: _,
            device_type: _,
            device_fingerprint,
            created_at: _,
            last_active_at: _,
            expires_at: _,
            access_expires_at: _,
            revoked_at: _,
            end_reason: _,
            identity: Identity { org_id, role, mfa_verified: _, email, claims: own },
            last_ip_address: _,
            last_user_agent,
        } = session;
        let AccessClaims {
            user_id: token_user_id,
            session_id: _,
            tenant_id: token_tenant_id,
            org_id: token_org_id,
            role: token_role,
            mfa_verified: _,
            email: token_email,
            issued_at: _,
            expires_at: _,
            token_id,
            payload,
        } = claims;
        let texts = [
            Some(user_id.as_str()),
            Some(tenant_id.as_str()),
            user_agent.as_ref().map(|text| text.as_str()),
            device_fingerprint.as_ref().map(|text| text.as_str()),
            org_id.as_ref().map(|text| text.as_str()),
            role.as_ref().map(|text| text.as_str()),
            email.as_ref().map(|text| text.as_str()),
            last_user_agent.as_ref().map(|text| text.as_str()),
            Some(token_user_id.as_str()),
            Some(token_tenant_id.as_str()),
            token_org_id.as_ref().map(|text| text.as_str()),
            token_role.as_ref().map(|text| text.as_str()),
            token_email.as_ref().map(|text| text.as_str()),
            Some(&**token_id),
        ];
        let texts: usize = texts.iter().flatten().map(|text| text.len() + json::ALLOCATION_BYTES).sum();
        size_of::<VerifiedAccess>() + texts + json::heap_bytes(own.as_object()) + json::heap_bytes(payload)
    }
}

/// Why a verification failed, with the session if it is known but has ended. Turns into a plain [`Error`] with `?`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct VerifyError {
    /// The error.
    pub error: Error,
    /// The ended session.
    pub session: Option<Box<Session>>,
}

impl VerifyError {
    /// The refusal of a session that has ended.
    pub(super) fn ended(session: Session, refusal: Refusal) -> Self {
        VerifyError { error: refusal.into(), session: Some(Box::new(session)) }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for VerifyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<Error> for VerifyError {
    fn from(error: Error) -> Self {
        VerifyError { error, session: None }
    }
}

impl From<Failure> for VerifyError {
    fn from(failure: Failure) -> Self {
        Error::from(failure).into()
    }
}

impl From<VerifyError> for Error {
    fn from(refused: VerifyError) -> Error {
        refused.error
    }
}

public_record! {
    /// The sessions of a tenant by status.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct SessionCounts {
        /// Sessions that are active.
        pub active: u64,
        /// Sessions that reached their end.
        pub expired: u64,
        /// Sessions that were ended before it.
        pub revoked: u64,
    }
}

public_record! {
    /// Counts over one tenant. As JSON: the names below, times in milliseconds since the epoch.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct Stats {
        /// Its sessions by status.
        pub sessions: SessionCounts,
        /// Sign-ins of the last 24 hours.
        pub created_last_24h: u64,
        /// The size of the whole database in bytes, without the write-ahead log.
        pub database_bytes: u64,
        /// The size of the write-ahead log in bytes. Up to some 100 MB are normal: the log is reused from its beginning, not
        /// cut. Far more means that a reader of another program holds on to an old state.
        pub log_bytes: u64,
        /// The earliest end by the clock that no sweep has written down yet.
        pub oldest_unswept_at: Option<Timestamp>,
        /// By how many milliseconds the highest time that the database has seen is ahead of the clock; 0 if it is not. The
        /// database keeps to that time: see `lower_clock_mark`.
        pub clock_ahead_ms: u64,
    }
}
