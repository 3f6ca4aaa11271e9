//! `/v1/auth/token/refresh` and `/v1/auth/sign-out`: the requests that prove themselves by a token.

use serde_json::{Value, json};

use super::auth::{
    has_secret_key_prefix, hide_tenant_key_error, read_bearer_credentials, require_secret_key,
    to_credential_error,
};
use super::cookies::CookieOptions;
use super::csrf::require_trusted_origin;
use super::request::ApiRequest;
use super::response::ApiResponse;
use crate::engine::{Grant, RefreshRequest, SignOutScope};
use crate::error::{Error, ErrorCode};
use crate::object_reader::ObjectReader;

/// Puts a grant's tokens into a response: `access_token`, `expires_in`, `session_id`; `refresh_token` beside them, or in
/// the cookie if there is one.
pub(super) fn respond_with_grant(
    grant: &Grant,
    cookie: Option<&CookieOptions>,
    session: Option<Value>,
) -> ApiResponse {
    let mut body = json!({
        "access_token": grant.access_token.expose(),
        "expires_in": grant.expires_in,
        "session_id": grant.session.id,
    });
    if let Some(session) = session {
        body["session"] = session;
    }
    match cookie {
        Some(cookie) => ApiResponse::ok(body).with_cookie(cookie.set_cookie(grant)),
        None => {
            body["refresh_token"] = Value::from(grant.refresh_token.expose());
            ApiResponse::ok(body)
        }
    }
}

/// Refreshes with the token of the body, else of the cookie. A token that came in the cookie is replaced in the cookie,
/// never in the JSON: it was put where no script reads it.
pub(super) fn refresh(mut request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let mut body = ObjectReader::request(std::mem::take(&mut request.body));
    let in_body = body.optional("refresh_token")?;
    body.finish()?;
    let presented = match in_body {
        Some(token) => {
            if request.options().is_cookie_mode() {
                // The response sets the cookie: another site must not plant a session of its choice.
                require_trusted_origin(request.options().cookie(), request.parts)?;
            }
            PresentedCredential { token, from_cookie: false }
        }
        None => match read_cookie_token(&request) {
            Ok(presented) => presented.ok_or_else(|| missing_token_error("refresh token"))?,
            Err(error) => return Ok(respond_with_refusal(&request, error, true)),
        },
    };
    let (ip_address, user_agent) = request.client();
    let PresentedCredential { token, from_cookie } = presented;
    match request.tenant().refresh(&token, RefreshRequest { ip_address, user_agent }) {
        Ok(grant) => Ok(respond_with_grant(&grant, request.options().response_cookie(from_cookie), None)),
        Err(error) => Ok(respond_with_refusal(&request, hide_tenant_key_error(error), from_cookie)),
    }
}

/// Signs out with the refresh token of the body, else the bearer token (access or refresh token), else the cookie.
pub(super) fn sign_out(mut request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let mut body = ObjectReader::request(std::mem::take(&mut request.body));
    let scope = body.optional::<SignOutScope>("scope")?.unwrap_or_default();
    let in_body = body.optional("refresh_token")?;
    body.finish()?;
    let outside_cookie = match in_body {
        Some(token) => Some(PresentedCredential { token, from_cookie: false }),
        None => read_bearer_token(&request)?,
    };
    let presented = match outside_cookie {
        Some(presented) => presented,
        None => match read_cookie_token(&request) {
            Ok(presented) => presented.ok_or_else(|| missing_token_error("access or refresh token"))?,
            Err(error) => return Ok(respond_with_refusal(&request, error, true)),
        },
    };
    match request.tenant().sign_out(&presented.token, scope) {
        Ok(_) => {
            // Another site must not make the browser forget a cookie that it could not use.
            let cookie = request.options().response_cookie(presented.from_cookie);
            let cookie = cookie.filter(|cookie| require_trusted_origin(cookie, request.parts).is_ok());
            Ok(ApiResponse::no_content().with_cookie(cookie.and_then(CookieOptions::clear_cookie)))
        }
        Err(error) => Ok(respond_with_refusal(&request, to_credential_error(error), presented.from_cookie)),
    }
}

/// A token that a request presents.
struct PresentedCredential {
    token: String,
    from_cookie: bool,
}

/// The refresh token of the cookie, if this request may use it.
fn read_cookie_token(request: &ApiRequest<'_>) -> Result<Option<PresentedCredential>, Error> {
    let cookie = request.options().cookie();
    let Some(token) = cookie.read_token(request.parts)? else { return Ok(None) };
    require_trusted_origin(cookie, request.parts)?;
    Ok(Some(PresentedCredential { token: token.to_owned(), from_cookie: true }))
}

/// The bearer token: an access or a refresh token, but not the secret key.
fn read_bearer_token(request: &ApiRequest<'_>) -> Result<Option<PresentedCredential>, Error> {
    let Some(token) = read_bearer_credentials(request.parts)? else { return Ok(None) };
    if has_secret_key_prefix(token) {
        require_secret_key(request.tenant(), token)?;
        return Err(Error::new(
            ErrorCode::InsufficientPermissions,
            "signing out needs a token of the session; the secret key revokes sessions",
        ));
    }
    Ok(Some(PresentedCredential { token: token.to_owned(), from_cookie: false }))
}

/// The response to a refused token. It clears the cookie of a token that will never be good again.
fn respond_with_refusal(request: &ApiRequest<'_>, error: Error, from_cookie: bool) -> ApiResponse {
    let is_dead = matches!(
        error.code(),
        ErrorCode::RefreshTokenInvalid
            | ErrorCode::RefreshTokenReused
            | ErrorCode::SessionExpired
            | ErrorCode::SessionRevoked
    );
    let cleared = if is_dead && from_cookie { request.options().cookie().clear_cookie() } else { None };
    ApiResponse::from_error(error).with_cookie(cleared)
}

fn missing_token_error(kind: &str) -> Error {
    Error::new(ErrorCode::MissingToken, format!("no {kind} was given"))
}
