//! The caller of a request: the holder of the tenant's secret key, or a user with an access token; strictly apart.

use std::sync::Arc;

use http::HeaderName;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::access_cookie::AccessTokens;
use super::cookies::RefreshCookie;
use super::csrf::require_own_page;
use super::options::CheckedOptions;
use super::request_head::single_header;
use crate::engine::{Tenant, VerifiedAccess};
use crate::error::{Error, ErrorCode};

/// How a secret key begins; an access token never does.
const SECRET_KEY_PREFIX: &str = "sk_";

/// The callers that a route accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Every caller; the request itself carries what proves it.
    Open,
    /// The tenant's secret key.
    SecretKey,
    /// The secret key, or every caller where the host publishes the revocation list.
    RevocationList,
    /// The secret key, or an access token for what is its user's own.
    SecretKeyOrUser,
}

/// The caller of a request.
pub(super) enum Caller {
    /// A caller that the route does not ask for a credential.
    Anonymous,
    /// The holder of the secret key: may do everything in this tenant.
    SecretKey,
    /// A user: may see and end their own sessions.
    User(Arc<VerifiedAccess>),
}

/// Refuses a request whose `X-Tenant-ID` names another tenant.
pub(super) fn require_same_tenant(parts: &Parts, tenant: &Tenant) -> Result<(), Error> {
    let named = single_header(parts, &HeaderName::from_static("x-tenant-id"))?;
    if named.is_some_and(|named| named != tenant.id().as_str().as_bytes()) {
        return Err(Error::new(ErrorCode::TenantMismatch, "X-Tenant-ID names another tenant"));
    }
    Ok(())
}

/// The credentials of `Authorization: Bearer`; the scheme in any case (RFC 9110, section 11.1).
pub(super) fn read_bearer_credentials(parts: &Parts) -> Result<Option<&str>, Error> {
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

/// Whether these credentials are a secret key, good or bad, and not a token.
pub(super) fn has_secret_key_prefix(credentials: &str) -> bool {
    credentials.starts_with(SECRET_KEY_PREFIX)
}

/// Finds the caller of a request to a route of this access.
///
/// Without an `Authorization` header, the cookie of the access token counts on the routes of a user, where the host has
/// one; a request that changes something must then come from a page of the host or of an allowed origin.
///
/// # Errors
/// `missing_token`; `invalid_api_key`; `invalid_token`, `token_expired`, `session_revoked`, `session_expired` for an
/// access token, which is verified against the store; `insufficient_permissions` for one where it may do nothing.
pub(super) fn authenticate(
    tenant: &Tenant,
    options: &CheckedOptions,
    parts: &Parts,
    access: Access,
) -> Result<Caller, Error> {
    let routing = options.routing;
    if access == Access::Open || access == Access::RevocationList && routing.publishes_revocations {
        return Ok(Caller::Anonymous);
    }
    let missing = || Error::new(ErrorCode::MissingToken, "the Authorization header has no bearer token");
    let Some(credentials) = read_bearer_credentials(parts)? else {
        let by_cookie = options.access_cookie().filter(|_| access == Access::SecretKeyOrUser);
        let name = by_cookie.ok_or_else(missing)?;
        return authenticate_by_cookie(tenant, options.cookie(), name, parts);
    };
    if has_secret_key_prefix(credentials) && !routing.has_admin {
        return Err(Error::new(ErrorCode::InsufficientPermissions, "this API takes no secret key"));
    }
    if has_secret_key_prefix(credentials) {
        return require_secret_key(tenant, credentials).map(|()| Caller::SecretKey);
    }
    let verified =
        tenant.verify_access_token(credentials).map_err(|refused| to_credential_error(refused.error))?;
    if access != Access::SecretKeyOrUser {
        return Err(Error::new(ErrorCode::InsufficientPermissions, "this request needs the secret key"));
    }
    Ok(Caller::User(verified))
}

fn authenticate_by_cookie(
    tenant: &Tenant,
    cookie: &RefreshCookie,
    name: &str,
    parts: &Parts,
) -> Result<Caller, Error> {
    let tokens = AccessTokens::read(name, parts);
    if tokens.is_empty() {
        let problem = "the request has neither a bearer token nor a cookie with an access token";
        return Err(Error::new(ErrorCode::MissingToken, problem));
    }
    require_own_page(cookie, parts)?;
    let verify =
        |token: &str| tenant.verify_access_token(token).map_err(|refused| to_credential_error(refused.error));
    let token = tokens.pick(|token| Ok(verify(token)?.claims.clone()))?;
    verify(token).map(Caller::User)
}

/// Refuses any other key than the tenant's.
pub(super) fn require_secret_key(tenant: &Tenant, credentials: &str) -> Result<(), Error> {
    if tenant.is_secret_key(credentials) {
        return Ok(());
    }
    Err(Error::new(ErrorCode::InvalidApiKey, "the secret key is not this tenant's"))
}

/// The error for a caller whose token served as a credential: a session that is gone makes it a bad credential (401), not
/// a missing page (404); a secret key that was changed elsewhere is the host's problem, not the user's.
pub(super) fn to_credential_error(error: Error) -> Error {
    match error.code() {
        ErrorCode::SessionNotFound => {
            Error::new(ErrorCode::InvalidToken, "the session of the access token is gone")
        }
        _ => hide_tenant_key_error(error),
    }
}

/// Turns `invalid_api_key` into `internal` for a caller that presented no secret key: from the engine it says that the
/// tenant's secret key was changed in another process, which only the host can mend.
pub(super) fn hide_tenant_key_error(error: Error) -> Error {
    match error.code() {
        ErrorCode::InvalidApiKey => {
            Error::new(ErrorCode::Internal, "the tenant's secret key was changed; open the tenant anew")
        }
        _ => error,
    }
}
