//! Who calls: the holder of the tenant's secret key, or a user with an access token; strictly apart.

use std::sync::Arc;

use http::HeaderName;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::request::single_header;
use super::routes::Access;
use crate::engine::{Tenant, VerifiedAccess};
use crate::error::{Error, ErrorCode};

/// How a secret key begins; an access token never does.
const SECRET_KEY_PREFIX: &str = "sk_";

/// Who a request comes from.
pub(super) enum Caller {
    /// Nobody in particular.
    Anybody,
    /// The holder of the secret key: may do everything in this tenant.
    SecretKey,
    /// A user: may see and end their own sessions.
    User(Arc<VerifiedAccess>),
}

/// `X-Tenant-ID`, when sent, names this tenant.
pub(super) fn same_tenant(parts: &Parts, tenant: &Tenant) -> Result<(), Error> {
    let named = single_header(parts, &HeaderName::from_static("x-tenant-id"))?;
    if named.is_some_and(|named| named != tenant.id().as_str().as_bytes()) {
        return Err(Error::new(ErrorCode::TenantMismatch, "X-Tenant-ID names another tenant"));
    }
    Ok(())
}

/// The credentials of `Authorization: Bearer`; the scheme in any case (RFC 9110, section 11.1).
pub(super) fn bearer(parts: &Parts) -> Result<Option<&str>, Error> {
    let Some(value) = single_header(parts, &AUTHORIZATION)? else { return Ok(None) };
    let invalid = || Error::new(ErrorCode::InvalidToken, "the bearer token is not readable");
    let text = str::from_utf8(value).map_err(|_| invalid())?;
    let (scheme, credentials) = text.split_once(' ').unwrap_or((text, ""));
    let credentials = credentials.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || credentials.is_empty() {
        return Ok(None);
    }
    if credentials.contains(|c: char| !c.is_ascii_graphic()) && !credentials.starts_with(SECRET_KEY_PREFIX) {
        return Err(invalid());
    }
    Ok(Some(credentials))
}

/// What the credentials of a request are meant to be.
pub(super) fn is_meant_as_secret_key(credentials: &str) -> bool {
    credentials.starts_with(SECRET_KEY_PREFIX)
}

/// The caller whom a route of this access demands.
///
/// # Errors
/// `missing_token`; `invalid_api_key`; `invalid_token`, `token_expired`, `session_revoked`, `session_expired` for an
/// access token, which is verified against the store; `insufficient_permissions` for one where it may do nothing.
pub(super) fn authenticate(tenant: &Tenant, parts: &Parts, access: Access) -> Result<Caller, Error> {
    if access == Access::Open {
        return Ok(Caller::Anybody);
    }
    let missing = || Error::new(ErrorCode::MissingToken, "the Authorization header has no bearer token");
    let credentials = bearer(parts)?.ok_or_else(missing)?;
    if is_meant_as_secret_key(credentials) {
        return secret_key(tenant, credentials).map(|()| Caller::SecretKey);
    }
    let verified = tenant.verify_access_token(credentials).map_err(|refused| as_credential(refused.error))?;
    if access == Access::SecretKey {
        return Err(Error::new(ErrorCode::InsufficientPermissions, "this request needs the secret key"));
    }
    Ok(Caller::User(verified))
}

/// Refuses any other key than the tenant's.
pub(super) fn secret_key(tenant: &Tenant, credentials: &str) -> Result<(), Error> {
    if tenant.is_secret_key(credentials) {
        return Ok(());
    }
    Err(Error::new(ErrorCode::InvalidApiKey, "the secret key is not this tenant's"))
}

/// The error of a token that served as a credential: that its session is gone makes it a bad credential, not a missing
/// page; that the host's own key was changed elsewhere is not the user's mistake.
pub(super) fn as_credential(error: Error) -> Error {
    match error.code() {
        ErrorCode::SessionNotFound => {
            Error::new(ErrorCode::InvalidToken, "the session of the access token is gone")
        }
        _ => hide_tenant_key_error(error),
    }
}

/// `invalid_api_key` from the engine says that the tenant's secret key was changed in another process. Whoever did not
/// present one is told that the host has a problem.
pub(super) fn hide_tenant_key_error(error: Error) -> Error {
    match error.code() {
        ErrorCode::InvalidApiKey => {
            Error::new(ErrorCode::Internal, "the tenant's secret key was changed; open the tenant anew")
        }
        _ => error,
    }
}
