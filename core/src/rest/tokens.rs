//! `/v1/auth/token/refresh` and `/v1/auth/sign-out`: what the holder of a token can do with it.

use http::request::Parts;
use serde_json::{Map, Value, json};

use super::Settings;
use super::auth::{as_credential, bearer, hide_tenant_key_error, is_meant_as_secret_key, secret_key};
use super::cookies::CookieOptions;
use super::request::{Call, reject_unknown_members, take_text};
use super::response::Answer;
use crate::engine::{Grant, RefreshRequest, SignOutScope, Tenant};
use crate::error::{Error, ErrorCode};

/// Puts a grant's tokens into an answer: `access_token`, `expires_in`, `session_id`; `refresh_token` beside them, or in
/// the cookie if there is one.
pub(super) fn granted(grant: &Grant, cookie: Option<&CookieOptions>, session: Option<Value>) -> Answer {
    let mut body = json!({
        "access_token": grant.access_token.expose(),
        "expires_in": grant.expires_in,
        "session_id": grant.session.id,
    });
    if let Some(session) = session {
        body["session"] = session;
    }
    match cookie {
        Some(cookie) => Answer::ok(body).with_cookie(cookie.set(grant)),
        None => {
            body["refresh_token"] = Value::from(grant.refresh_token.expose());
            Answer::ok(body)
        }
    }
}

/// A token that a request presents.
struct Presented {
    token: String,
    from_cookie: bool,
}

/// The refresh token of the cookie, whose use is subject to its guard.
fn in_cookie(settings: &Settings, parts: &Parts) -> Result<Option<Presented>, Error> {
    let Some(token) = settings.cookie().read(parts)? else { return Ok(None) };
    settings.cookie().guard(parts)?;
    Ok(Some(Presented { token: token.to_owned(), from_cookie: true }))
}

/// The refresh token of the body.
fn in_body(body: &mut Map<String, Value>) -> Result<Option<Presented>, Error> {
    let token = take_text(body, "refresh_token")?;
    reject_unknown_members(body)?;
    Ok(token.map(|token| Presented { token, from_cookie: false }))
}

/// The bearer token: an access or a refresh token, but not the secret key.
fn in_header(tenant: &Tenant, parts: &Parts) -> Result<Option<Presented>, Error> {
    let Some(token) = bearer(parts)? else { return Ok(None) };
    if is_meant_as_secret_key(token) {
        secret_key(tenant, token)?;
        return Err(Error::new(
            ErrorCode::InsufficientPermissions,
            "signing out needs a token of the session; the secret key revokes sessions",
        ));
    }
    Ok(Some(Presented { token: token.to_owned(), from_cookie: false }))
}

/// The error's answer. A cookie whose token will never be good again is forgotten with it.
fn refused(settings: &Settings, error: Error, from_cookie: bool) -> Answer {
    let dead = matches!(
        error.code(),
        ErrorCode::RefreshTokenInvalid
            | ErrorCode::RefreshTokenReused
            | ErrorCode::SessionExpired
            | ErrorCode::SessionRevoked
    );
    let forget = if dead && from_cookie { settings.cookie().clear() } else { None };
    Answer::error(error).with_cookie(forget)
}

fn missing(what: &str) -> Error {
    Error::new(ErrorCode::MissingToken, format!("no {what} was given"))
}

/// Refreshes with the token of the body, else of the cookie. One that came in the cookie goes back in the cookie, never
/// in the JSON: it was put where no script reads it.
pub(super) fn refresh(
    settings: &Settings,
    tenant: &Tenant,
    call: &Call<'_>,
    mut body: Map<String, Value>,
) -> Result<Answer, Error> {
    let presented = match in_body(&mut body)? {
        None => match in_cookie(settings, call.parts) {
            Err(error) => return Ok(refused(settings, error, true)),
            Ok(presented) => presented.ok_or_else(|| missing("refresh token"))?,
        },
        Some(presented) => {
            if settings.cookie_mode() {
                // The answer sets the cookie: another site must not plant a session of its choice.
                settings.cookie().guard(call.parts)?;
            }
            presented
        }
    };
    let (ip_address, user_agent) = call.client();
    match tenant.refresh(&presented.token, RefreshRequest { ip_address, user_agent }) {
        Ok(grant) => Ok(granted(&grant, settings.cookie_for(presented.from_cookie), None)),
        Err(error) => Ok(refused(settings, hide_tenant_key_error(error), presented.from_cookie)),
    }
}

/// Signs out with the refresh token of the body, else the bearer token (access or refresh token), else the cookie.
pub(super) fn sign_out(
    settings: &Settings,
    tenant: &Tenant,
    call: &Call<'_>,
    mut body: Map<String, Value>,
) -> Result<Answer, Error> {
    let scope = match take_text(&mut body, "scope")? {
        None => SignOutScope::default(),
        Some(scope) => scope.parse()?,
    };
    let explicit = match in_body(&mut body)? {
        None => in_header(tenant, call.parts)?,
        presented => presented,
    };
    let presented = match explicit {
        None => match in_cookie(settings, call.parts) {
            Err(error) => return Ok(refused(settings, error, true)),
            Ok(presented) => presented.ok_or_else(|| missing("access or refresh token"))?,
        },
        Some(presented) => presented,
    };
    match tenant.sign_out(&presented.token, scope) {
        Ok(_) => {
            // Another site must not make the browser forget a cookie that it could not use.
            let cookie = settings.cookie_for(presented.from_cookie);
            let cookie = cookie.filter(|cookie| cookie.guard(call.parts).is_ok());
            Ok(Answer::no_content().with_cookie(cookie.and_then(CookieOptions::clear)))
        }
        Err(error) => Ok(refused(settings, as_credential(error), presented.from_cookie)),
    }
}
