//! The three ways to verify, named so that nobody mixes them up (SPEC 3).

use std::fmt;
use std::sync::Arc;

use super::Tenant;
use super::cache_validator::CacheValidator;
use super::refresh::ended;
use super::tenant::TenantSnapshot;
use super::token_cache;
use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::error::{Error, ErrorCode, Failure, Refusal};
use crate::model::id::SessionId;
use crate::model::session::Session;
use crate::token::ACCESS_TOKEN_MAX;
use crate::token::access_claims::AccessClaims;
use crate::token::verifier::{self, Expected, Rejection};

/// What local verification may be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalVerification {
    /// The `aud` to expect; default: the tenant's id, which is what the tenant's tokens have.
    pub audience: Option<String>,
    /// For how many seconds after its `exp` a token is still good, 0 to 60; default 0.
    pub leeway_secs: u64,
}

/// A live access token of a live session.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct VerifiedAccess {
    /// The session.
    pub session: Session,
    /// What the token says.
    pub claims: AccessClaims,
    /// For [`Tenant::is_fresh`].
    pub basis: CacheValidator,
}

/// Why something did not verify, with the session if it is known but has ended. Turns into a plain [`Error`] with `?`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct VerifyError {
    /// The error.
    pub error: Error,
    /// The ended session.
    pub session: Option<Box<Session>>,
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

/// What the store knows about a session.
enum Found {
    Alive(Session, CacheValidator),
    Ended(Session, Refusal),
    /// The tenant's keys are not those any more that the token was verified with.
    KeysChanged(Arc<TenantSnapshot>),
}

pub(super) fn unknown() -> Refusal {
    Refusal::new(ErrorCode::SessionNotFound, "no such session")
}

impl Tenant {
    /// Verifies by session id against the store: refuses a session from the instant that the call which ended it
    /// returned, in every thread and every process on the database.
    ///
    /// # Errors
    /// `session_not_found`; with the session: `session_revoked`, `session_expired`.
    pub fn verify_session(&self, id: SessionId) -> Result<Session, VerifyError> {
        Ok(self.verify_session_cacheable(id)?.0)
    }

    /// [`verify_session`](Self::verify_session), with what the answer rests on.
    ///
    /// # Errors
    /// As [`verify_session`](Self::verify_session).
    pub fn verify_session_cacheable(&self, id: SessionId) -> Result<(Session, CacheValidator), VerifyError> {
        match self.find(id, None)? {
            Found::Alive(session, basis) => Ok((session, basis)),
            Found::Ended(session, refusal) => Err(with_session(session, refusal)),
            Found::KeysChanged(_) => Err(Failure::internal("no keys were used").into()),
        }
    }

    /// Verifies an access token, then its session against the store, as [`verify_session`](Self::verify_session) does.
    /// Asked again about a token of late, the engine saves itself the signature, and the store as well while nobody has
    /// committed.
    ///
    /// # Errors
    /// `missing_token`, `invalid_token`, `token_expired`, `session_not_found`; with the session: `session_revoked`,
    /// `session_expired`.
    pub fn verify_access_token(&self, token: &str) -> Result<Arc<VerifiedAccess>, VerifyError> {
        if token.len() > ACCESS_TOKEN_MAX {
            return Err(Error::new(ErrorCode::InvalidToken, Rejection::Invalid.detail()).into());
        }
        self.core.usable()?; // a forked child must not touch its parent's locks
        let name = token_cache::name(self.state.handle, token);
        let known = self.core.known.get(&name);
        if let Some(known) = &known
            && self.is_fresh(&known.basis)?
        {
            return Ok(Arc::clone(known));
        }
        let mut keys = self.recent()?;
        let now = self.core.now_from_memory()?;
        loop {
            let (claims, used) = match &known {
                Some(known) if known.basis.version == keys.version => (known.claims.clone(), keys),
                _ => self.verified_claims(token, keys, now, None, None)?,
            };
            let version = used.version;
            match self.find(claims.session_id, Some((&claims, version)))? {
                Found::Alive(session, basis) => {
                    let verified = Arc::new(VerifiedAccess { session, claims, basis });
                    self.core.known.remember(name, &verified);
                    return Ok(verified);
                }
                Found::Ended(session, refusal) => return Err(with_session(session, refusal)),
                Found::KeysChanged(newer) => keys = newer,
            }
        }
    }

    /// Verifies an access token by signature and claims only. A token stays good until its `exp`, even after its session
    /// was revoked: for immediate revocation use [`verify_access_token`](Self::verify_access_token).
    ///
    /// # Errors
    /// `missing_token`, `invalid_token`, `token_expired`; `validation_error` for a leeway over 60 seconds.
    pub fn verify_locally(&self, token: &str, options: &LocalVerification) -> Result<AccessClaims, Error> {
        let leeway = match options.leeway_secs {
            0 => None,
            secs @ 1..=60 => Some(Duration::from_secs(secs)?),
            _ => return Err(Error::validation("leeway", "must be 0 to 60 seconds")),
        };
        let keys = self.recent()?;
        let now = self.core.now_from_memory()?;
        let (claims, _) = self.verified_claims(token, keys, now, options.audience.as_deref(), leeway)?;
        Ok(claims)
    }

    /// Signature and claims under these keys, or under the database's if these do not know the token's key; and which
    /// they were.
    pub(super) fn verified_claims(
        &self,
        token: &str,
        keys: Arc<TenantSnapshot>,
        now: Timestamp,
        audience: Option<&str>,
        leeway: Option<Duration>,
    ) -> Result<(AccessClaims, Arc<TenantSnapshot>), Error> {
        let expected = Expected {
            issuer: &self.core.issuer,
            tenant_id: self.id(),
            audience: audience.unwrap_or(self.id().as_str()),
            now,
            leeway,
        };
        let (outcome, keys) = match verifier::verify(token, &keys.ring, &expected) {
            Err(Rejection::UnknownKey) => {
                let latest = self.latest()?;
                (verifier::verify(token, &latest.ring, &expected), latest)
            }
            outcome => (outcome, keys),
        };
        let claims = outcome.map_err(|rejection| Error::new(rejection.code(), rejection.detail()))?;
        Ok((claims, keys))
    }

    /// Looks the session up, for a token if there is one: its claims and the version of the keys it was verified with.
    fn find(&self, id: SessionId, token: Option<(&AccessClaims, i64)>) -> Result<Found, Error> {
        self.read(|r| {
            if token.is_some_and(|(_, version)| version != r.current.version) {
                return Ok(Ok(Found::KeysChanged(Arc::clone(&r.current))));
            }
            // Again, now that the database's time is known: other processes may have seen a later one.
            if token.is_some_and(|(claims, _)| r.now >= claims.expires_at) {
                return Ok(Err(Refusal::new(ErrorCode::TokenExpired, Rejection::Expired.detail())));
            }
            let Some(row) = r.store.session(r.tenant, id)? else { return Ok(Err(unknown())) };
            if token.is_some_and(|(claims, _)| claims.user_id != row.user_id) {
                return Ok(Err(Refusal::new(ErrorCode::InvalidToken, Rejection::Invalid.detail())));
            }
            let end = r.effective_end(&row.life);
            let token_end = token.map(|(claims, _)| claims.expires_at);
            let basis = self.basis(r, &row, end, token_end);
            let session = self.view(row, end);
            Ok(Ok(match end {
                None => Found::Alive(session, basis),
                Some(end) => Found::Ended(session, ended(end)),
            }))
        })
    }
}

fn with_session(session: Session, refusal: Refusal) -> VerifyError {
    VerifyError { error: refusal.into(), session: Some(Box::new(session)) }
}
