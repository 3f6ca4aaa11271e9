//! A refresh by what a request brings in cookies: for the route of refreshes, and for pages that are renewed on the way.

use http::HeaderValue;
use http::request::Parts;

use super::auth::hide_tenant_key_error;
use super::cookie_jar::{CookieJar, is_dead};
use super::cookies::RefreshCookie;
use super::request::read_client;
use crate::engine::{Grant, RefreshRequest, Tenant};
use crate::error::{Error, ErrorCode};

/// What a refresh came to.
pub(super) struct CookieRefresh {
    pub outcome: Result<Box<Grant>, Error>,
    /// The `Set-Cookie` headers of the answer.
    pub cookies: Vec<HeaderValue>,
}

/// Refreshes with the best of the cookies. They are cleared when none of them can ever be good again.
///
/// # Errors
/// Errors of the store before a token was presented.
pub(super) fn refresh_by_cookie(
    tenant: &Tenant,
    cookie: &RefreshCookie,
    jar: &CookieJar<'_>,
    parts: &Parts,
) -> Result<CookieRefresh, Error> {
    let (token, is_doubtful) = match jar.sole_token() {
        Some(token) => (Some(token), false),
        None => {
            let presented = jar.inspect(tenant).map_err(hide_tenant_key_error)?;
            (presented.tokens.first().copied(), presented.is_doubtful)
        }
    };
    let (outcome, is_dead) = match token {
        Some(token) => {
            let (ip_address, user_agent) = read_client(parts);
            let outcome = tenant.refresh(token, RefreshRequest { ip_address, user_agent });
            let is_dead = outcome.as_ref().is_err_and(is_dead);
            (outcome.map(Box::new).map_err(hide_tenant_key_error), is_dead)
        }
        None => {
            let problem = "no refresh cookie holds a refresh token of this tenant";
            (Err(Error::new(ErrorCode::RefreshTokenInvalid, problem)), true)
        }
    };
    let cookies = match &outcome {
        Ok(grant) => cookie.set(grant).into_iter().chain(jar.clear_former()).collect(),
        Err(_) if is_dead && !is_doubtful => jar.clear_all(),
        Err(_) => Vec::new(),
    };
    Ok(CookieRefresh { outcome, cookies })
}
