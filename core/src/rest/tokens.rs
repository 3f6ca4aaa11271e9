//! `/v1/auth/token/refresh` and `/v1/auth/sign-out`: the requests that prove themselves by a token.

use serde_json::{Value, json};

use super::access_cookie::AccessTokens;
use super::auth::{
    has_secret_key_prefix, hide_tenant_key_error, read_bearer_credentials, require_secret_key,
    to_credential_error,
};
use super::cookie_jar::CookieJar;
use super::cookie_refresh;
use super::cookies::RefreshCookie;
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
    cookie: Option<&RefreshCookie>,
    session: Option<Value>,
) -> ApiResponse {
    let mut body = match cookie {
        Some(_) => json!(grant.without_refresh_token()),
        None => json!(grant),
    };
    if let Some(session) = session {
        body["session"] = session;
    }
    ApiResponse::ok(body).with_cookies(cookie.map(|cookie| cookie.set(grant)).into_iter().flatten())
}

/// Refreshes with the token of the body, else of the cookie. A token that came in the cookie is replaced in the cookie,
/// never in the JSON: it was put where no script reads it. `docs/COOKIES.md` has the table of all cases.
pub(super) fn refresh(mut request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let mut body = ObjectReader::request(std::mem::take(&mut request.body));
    let in_body = body.optional::<String>("refresh_token")?;
    body.finish()?;
    let Some(token) = in_body else { return refresh_by_cookie(&request) };
    exchange_body(&request, || exchange(&request, &token))
}

/// Adopts an imported session with the credential of its old system, which the body has: the client's own, as a refresh token
/// is. What becomes of the cookie is as for a refresh with the token in the body.
pub(super) fn adopt(mut request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let mut body = ObjectReader::request(std::mem::take(&mut request.body));
    let credential = body.optional::<String>("credential")?;
    body.finish()?;
    let credential = credential.ok_or_else(|| missing_token_error("credential"))?;
    exchange_body(&request, || {
        let (ip_address, user_agent) = request.client();
        let adopted = request.tenant().adopt(&credential, RefreshRequest { ip_address, user_agent });
        adopted.map_err(hide_tenant_key_error)
    })
}

/// Answers with the grant for what stood in the body; the refresh token in the cookie, where the host keeps it there.
fn exchange_body(
    request: &ApiRequest<'_>,
    exchange: impl FnOnce() -> Result<Grant, Error>,
) -> Result<ApiResponse, Error> {
    let cookie = request.options().response_cookie(false);
    let mut former = Vec::new();
    if let Some(cookie) = cookie {
        // The response sets the cookie: another site must not plant a session of its choice.
        require_trusted_origin(cookie, request.parts)?;
        former = CookieJar::read(cookie, request.parts).clear_former();
    }
    let grant = exchange()?;
    Ok(respond_with_grant(&grant, cookie, None).with_cookies(former))
}

fn refresh_by_cookie(request: &ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let cookie = request.options().cookie();
    let jar = CookieJar::read(cookie, request.parts);
    if !jar.has_cookies() {
        return Err(missing_token_error("refresh token"));
    }
    require_trusted_origin(cookie, request.parts)?;
    let refreshed = cookie_refresh::refresh_by_cookie(request.tenant(), cookie, &jar, request.parts)?;
    Ok(match refreshed.outcome {
        Ok(grant) => ApiResponse::ok(json!(grant.without_refresh_token())),
        Err(error) => ApiResponse::from_error(error),
    }
    .with_cookies(refreshed.cookies))
}

fn exchange(request: &ApiRequest<'_>, token: &str) -> Result<Grant, Error> {
    let (ip_address, user_agent) = request.client();
    request.tenant().refresh(token, RefreshRequest { ip_address, user_agent }).map_err(hide_tenant_key_error)
}

/// Signs out with what is genuine: the refresh token of the body, else the bearer token (access or refresh token; an access
/// token may have expired); and with every cookie, because the browser forgets them all. `docs/COOKIES.md` has the table
/// of all cases.
pub(super) fn sign_out(mut request: ApiRequest<'_>) -> Result<ApiResponse, Error> {
    let mut body = ObjectReader::request(std::mem::take(&mut request.body));
    let scope = body.optional::<SignOutScope>("scope")?.unwrap_or_default();
    let in_body = body.optional::<String>("refresh_token")?;
    body.finish()?;

    let mut outcomes = SignOutOutcomes::default();
    if let Some(token) = &in_body {
        outcomes.add(present(&request, token, scope))?;
    }
    if !outcomes.is_signed_out {
        match read_bearer_token(&request) {
            Ok(Some(token)) => outcomes.add(present(&request, token, scope))?,
            Ok(None) => {}
            Err(error) => outcomes.add(Err(error))?,
        }
    }
    let cookie = request.options().cookie();
    let jar = CookieJar::read(cookie, request.parts);
    let access = request.options().access_cookie().map(|name| AccessTokens::read(name, request.parts));
    let access = access.as_ref().map(AccessTokens::as_slice).unwrap_or_default();
    let has_cookies = jar.has_cookies() || !access.is_empty();
    let mut cleared = Vec::new();
    if has_cookies || request.options().is_cookie_mode() {
        match require_trusted_origin(cookie, request.parts) {
            Ok(()) => {
                sign_out_of_cookies(&request, &jar, scope, &mut outcomes)?;
                // Beside the refresh token of its session: that one, or its session, may be gone.
                for token in access {
                    outcomes.add(present(&request, token, scope))?;
                }
                cleared = jar.clear_all();
            }
            // Another site cannot use the cookie, nor make the browser forget it.
            Err(refused) if has_cookies => outcomes.add(Err(refused))?,
            Err(_) => {}
        }
    }
    let response = match outcomes.into_result() {
        Ok(()) => ApiResponse::no_content(),
        Err(error) => ApiResponse::from_error(error),
    };
    Ok(response.with_cookies(cleared))
}

fn sign_out_of_cookies(
    request: &ApiRequest<'_>,
    jar: &CookieJar<'_>,
    scope: SignOutScope,
    outcomes: &mut SignOutOutcomes,
) -> Result<(), Error> {
    if !jar.has_cookies() {
        return Ok(());
    }
    let tokens = match jar.sole_token() {
        Some(token) => vec![token],
        None => jar.inspect(request.tenant()).map_err(hide_tenant_key_error)?.tokens,
    };
    if tokens.is_empty() {
        let problem = "no refresh cookie holds a refresh token of this tenant";
        outcomes.add(Err(Error::new(ErrorCode::RefreshTokenInvalid, problem)))?;
    }
    for token in tokens {
        outcomes.add(present(request, token, scope))?;
    }
    Ok(())
}

/// Signs out with one token.
fn present(request: &ApiRequest<'_>, token: &str, scope: SignOutScope) -> Result<(), Error> {
    request.tenant().sign_out(token, scope).map(drop).map_err(to_credential_error)
}

/// What the credentials of a sign-out came to.
#[derive(Default)]
struct SignOutOutcomes {
    /// Whether one of them was genuine.
    is_signed_out: bool,
    /// Why the first of the others was refused.
    refusal: Option<Error>,
}

impl SignOutOutcomes {
    /// Adds the outcome of one credential.
    ///
    /// # Errors
    /// What is no refusal of the credential: then it is not known whether the session goes on.
    fn add(&mut self, outcome: Result<(), Error>) -> Result<(), Error> {
        match outcome {
            Ok(()) => self.is_signed_out = true,
            Err(error) if error.code().http_status() >= 500 => return Err(error),
            Err(error) => {
                self.refusal.get_or_insert(error);
            }
        }
        Ok(())
    }

    fn into_result(self) -> Result<(), Error> {
        match self.refusal {
            _ if self.is_signed_out => Ok(()),
            Some(refusal) => Err(refusal),
            None => Err(missing_token_error("access or refresh token")),
        }
    }
}

/// The bearer token: an access or a refresh token, but not the secret key.
fn read_bearer_token<'a>(request: &ApiRequest<'a>) -> Result<Option<&'a str>, Error> {
    let Some(token) = read_bearer_credentials(request.parts)? else { return Ok(None) };
    if has_secret_key_prefix(token) {
        require_secret_key(request.tenant(), token)?;
        return Err(Error::new(
            ErrorCode::InsufficientPermissions,
            "signing out needs a token of the session; the secret key revokes sessions",
        ));
    }
    Ok(Some(token))
}

fn missing_token_error(kind: &str) -> Error {
    Error::new(ErrorCode::MissingToken, format!("no {kind} was given"))
}
