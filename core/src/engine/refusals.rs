//! What operations refuse with, each said once.

use crate::error::{Error, ErrorCode, Refusal};
use crate::model::session::{End, EndReason};
use crate::token::verifier::Rejection;

pub(super) fn unknown_session() -> Refusal {
    Refusal::new(ErrorCode::SessionNotFound, "no such session")
}

/// The error for a session that has ended. SPEC 9: an idle session is `revoked`, yet a refresh answers `session_expired`.
pub(super) fn ended_session(end: End) -> Refusal {
    match end.reason {
        EndReason::Expired => Refusal::new(ErrorCode::SessionExpired, "the session has expired"),
        EndReason::IdleTimeout => {
            Refusal::new(ErrorCode::SessionExpired, "the session was idle for too long")
        }
        _ => Refusal::new(ErrorCode::SessionRevoked, "the session was revoked"),
    }
}

pub(super) fn missing_refresh_token() -> Refusal {
    Refusal::new(ErrorCode::MissingToken, "no refresh token was given")
}

pub(super) fn invalid_refresh_token() -> Refusal {
    Refusal::new(ErrorCode::RefreshTokenInvalid, "not a refresh token of this tenant")
}

pub(super) fn missing_credential() -> Refusal {
    Refusal::new(ErrorCode::MissingToken, "no credential was given")
}

pub(super) fn unknown_credential() -> Refusal {
    Refusal::new(ErrorCode::RefreshTokenInvalid, "not a credential that was imported into this tenant")
}

pub(super) fn refresh_token_ahead() -> Refusal {
    Refusal::new(
        ErrorCode::RefreshTokenAhead,
        "the refresh token is newer than the database, which was restored from a backup",
    )
}

pub(super) fn refresh_token_reused() -> Refusal {
    Refusal::new(
        ErrorCode::RefreshTokenReused,
        "the refresh token was used before; its session has been ended",
    )
}

/// The refusal of an access token.
pub(super) fn rejected_access_token(rejection: Rejection) -> Refusal {
    Refusal::new(rejection.code(), rejection.detail())
}

pub(super) fn wrong_secret_key() -> Refusal {
    Refusal::new(ErrorCode::InvalidApiKey, "the secret key is not this tenant's")
}

pub(super) fn wrong_credentials() -> Refusal {
    Refusal::new(ErrorCode::InvalidCredentials, "the credentials are not those of a user")
}

pub(super) fn too_many_sign_ins(wait_secs: u64) -> Refusal {
    let detail = format!(
        "too many sign-ins have failed for this account or from this address; try again in {wait_secs} seconds"
    );
    Refusal::because(Error::new(ErrorCode::TooManyRequests, detail).retry_after(wait_secs))
}

pub(super) fn too_many_rotations(retiring: usize, wait_secs: u64) -> Refusal {
    let detail = format!(
        "{retiring} signing keys are retiring already; retire one of them, or wait {wait_secs} seconds for the first to leave"
    );
    Refusal::because(Error::new(ErrorCode::TooManyRequests, detail).retry_after(wait_secs))
}

pub(super) fn too_many_consumers() -> Refusal {
    Refusal::because(Error::validation("name", "is one too many: a tenant has at most 1,000 consumers"))
}

pub(super) fn unknown_key() -> Refusal {
    Refusal::new(ErrorCode::NotFound, "no such key")
}

/// Refuses a plan that more sessions match than its preview has counted.
pub(super) fn require_planned(planned: u64, found: u64) -> Result<(), Error> {
    if found <= planned {
        return Ok(());
    }
    let problem = format_args!("is of {planned} sessions, but {found} match now: make a new one");
    Err(Error::validation("plan", problem))
}

pub(super) fn revocation_list_off() -> Refusal {
    Refusal::because(Error::validation("revocation_list", "is not switched on in the tenant's settings"))
}
