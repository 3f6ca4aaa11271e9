//! `POST /v1/auth/sign-in`: the host decides who the user is, the engine opens the session.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::FORWARDED;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response};
use serde_json::{Map, Value};
use zeroize::Zeroize;

use super::auth::{Caller, hide_tenant_key_error};
use super::cookie_jar::CookieJar;
use super::csrf::require_trusted_origin;
use super::request::{ApiRequest, ApiState};
use super::response::ApiResponse;
use super::sessions::encode_session;
use super::tokens::respond_with_grant;
use crate::duration::Duration;
use crate::engine::{CreateSession, SignInAttempt};
use crate::error::{Error, ErrorCode};
use crate::model::client::UserAgent;
use crate::model::client_hints::ClientHints;
use crate::model::ip_address::IpAddress;
use crate::object_reader::ObjectReader;

/// What a user presents to sign in: the JSON object of the request without `session_options`. `email` and `password` are
/// present and not empty; other members that the client sent are beside them. Its Debug output shows nothing; it is
/// wiped when dropped.
///
/// ```
/// use hellojohn::rest::{AuthenticateError, Credentials};
///
/// fn authenticate(credentials: &Credentials) -> Result<Option<hellojohn::CreateSession>, AuthenticateError> {
///     let is_right = credentials.email() == "ada@example.com" && credentials.password() == "correct horse";
///     let has_code = credentials.text("code") == Some("123456") && credentials.as_object().len() == 3;
///     Ok(if is_right && has_code { Some(hellojohn::CreateSession::new("usr_ada".parse()?)) } else { None })
/// }
/// ```
pub struct Credentials(Map<String, Value>);

impl Credentials {
    /// The e-mail address, as sent: its form is not checked.
    pub fn email(&self) -> &str {
        self.text("email").unwrap_or_default()
    }

    /// The password.
    pub fn password(&self) -> &str {
        self.text("password").unwrap_or_default()
    }

    /// Another member that is a string, such as a one-time code.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The whole object. Do not log it.
    pub fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl Drop for Credentials {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        _ => {}
    }
}

/// The host could not check the credentials: its user store is down, say. The client gets a plain 500. Each error turns
/// into this one with `?`; the cause stays with the host.
///
/// ```
/// use hellojohn::rest::AuthenticateError;
///
/// fn look_up(email: &str) -> Result<String, AuthenticateError> {
///     Ok(std::fs::read_to_string(format!("users/{email}"))?) // a missing folder is the host's own problem
/// }
/// assert_eq!(look_up("ada@example.com"), Err(AuthenticateError));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthenticateError;

impl<E: std::error::Error> From<E> for AuthenticateError {
    fn from(_: E) -> Self {
        AuthenticateError
    }
}

/// A sign-in that waits until the host has checked the [`credentials`](Self::credentials).
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let api = hellojohn::rest::RestApi::new(tenant.clone(), hellojohn::rest::RestOptions::default())?;
/// use hellojohn::rest::{Step, http::Request};
///
/// let request = Request::post("/v1/auth/sign-in")
///     .header("content-type", "application/json")
///     .body(r#"{"email": "ada@example.com", "password": "correct horse"}"#)
///     .expect("a request");
/// let Step::Authenticate(pending) = api.begin(request.clone()) else { panic!("a sign-in") };
/// assert_eq!(pending.credentials().email(), "ada@example.com");
/// // The host has checked them, however long that took.
/// let response = pending.finish(Ok(Some(hellojohn::CreateSession::new("usr_ada".parse()?))));
/// assert_eq!(response.status(), 200);
///
/// let Step::Authenticate(pending) = api.begin(request) else { panic!("a sign-in") };
/// assert_eq!(pending.not_offered().status(), 404);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[must_use = "the client waits for the response of `finish`"]
pub struct PendingSignIn {
    state: Arc<ApiState>,
    request_id: String,
    credentials: Credentials,
    attempt: SignInAttempt,
    duration: Option<Duration>,
    ip_address: Option<IpAddress>,
    user_agent: Option<UserAgent>,
    client_hints: ClientHints,
    /// The headers that clear former cookies.
    former_cookies: Vec<HeaderValue>,
}

impl fmt::Debug for PendingSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingSignIn").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

/// Reads a sign-in, up to the point where the host must check the credentials.
pub(super) fn begin(mut request: ApiRequest<'_>) -> Result<PendingSignIn, Error> {
    let mut former_cookies = Vec::new();
    if let Some(cookie) = request.options().response_cookie(false) {
        // The response sets a cookie: another site must not sign the browser in as a user of its choice.
        require_trusted_origin(cookie, request.parts)?;
        former_cookies = CookieJar::read(cookie, request.parts).clear_former();
    }
    let mut body = std::mem::take(&mut request.body);
    let options = body.remove_entry("session_options").into_iter().collect();
    let credentials = Credentials(body);
    for name in ["email", "password"] {
        match credentials.0.get(name) {
            Some(Value::String(text)) if !text.is_empty() => {}
            None | Some(Value::Null) => return Err(Error::validation(name, "is required")),
            Some(Value::String(_)) => return Err(Error::validation(name, "must not be empty")),
            Some(_) => return Err(Error::validation(name, "must be a string")),
        }
    }
    let (ip_address, user_agent) = request.client();
    let duration = read_duration(ObjectReader::request(options))?;
    let client = ip_address.filter(|address| !is_unnamed_proxy(request.parts, *address));
    let attempt = request.tenant().begin_sign_in(credentials.email(), client).map_err(|error| {
        match error.code() {
            // An address of spaces only.
            ErrorCode::ValidationError => Error::validation("email", "must not be empty"),
            _ => hide_tenant_key_error(error),
        }
    })?;
    Ok(PendingSignIn {
        state: Arc::clone(request.state),
        request_id: request.request_id.to_owned(),
        credentials,
        attempt,
        duration,
        ip_address,
        user_agent,
        client_hints: request.client_hints(),
        former_cookies,
    })
}

/// Whether the host took the address of a proxy of its own for the client's: then the request names another client in a
/// header, and the address is one that no client on the Internet has. All clients would share its limit.
fn is_unnamed_proxy(parts: &Parts, address: IpAddress) -> bool {
    let is_forwarded = [FORWARDED, HeaderName::from_static("x-forwarded-for")]
        .iter()
        .any(|name| parts.headers.contains_key(name));
    is_forwarded
        && match address.get() {
            IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
            IpAddr::V6(address) => {
                address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
            }
        }
}

/// Reads `session_options.duration`.
fn read_duration(mut body: ObjectReader) -> Result<Option<Duration>, Error> {
    let Some(mut options) = body.object("session_options")? else { return Ok(None) };
    let duration = options.optional("duration")?;
    options.finish().map_err(|_| Error::validation("session_options", "may hold duration only"))?;
    Ok(duration)
}

impl PendingSignIn {
    /// What the host has to check.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Finishes the sign-in with the host's outcome and returns the response to the client.
    ///
    /// - `Ok(Some(user))`: the credentials are this user's. A session opens for 200; the request's address and user agent
    ///   are recorded where `user` has none, and its client hints tell the kind of device. A `duration` in `user` counts;
    ///   without one the duration that the client asked for counts, up to [`longest_requested_session`](super::RestOptions::longest_requested_session).
    /// - `Ok(None)`: the credentials are not those of a user: 401 `invalid_credentials`, whether the address or the
    ///   password was wrong. The sign-in stays counted as failed.
    /// - `Err`: the host could not check them: 500 `internal`. The sign-in counts as if it had not been tried.
    ///
    /// While the account is at its limit the first two are 429 `too_many_requests` alike, unless the user has signed in
    /// from this address before: see [`SignInAttempt::succeed`].
    pub fn finish(self, outcome: Result<Option<CreateSession>, AuthenticateError>) -> Response<Vec<u8>> {
        let request_id = self.request_id.clone();
        let response = match outcome {
            Ok(Some(user)) => self.open_session(user).unwrap_or_else(ApiResponse::from_error),
            Ok(None) => ApiResponse::from_error(self.attempt.fail()),
            Err(AuthenticateError) => {
                // The client gets the same 500 if that fails; the failure then stays counted.
                let _ = self.attempt.cancel();
                let problem = "the host's authenticate function failed";
                ApiResponse::from_error(Error::new(ErrorCode::Internal, problem))
            }
        };
        response.into_http(&request_id, false)
    }

    /// Responds that this host offers no sign-in: 404 `not_found`.
    pub fn not_offered(self) -> Response<Vec<u8>> {
        let _ = self.attempt.cancel(); // else it stays counted, where no sign-in can succeed
        let error = Error::new(ErrorCode::NotFound, "this host offers no sign-in");
        ApiResponse::from_error(error).into_http(&self.request_id, false)
    }

    fn open_session(self, mut user: CreateSession) -> Result<ApiResponse, Error> {
        let ApiState { tenant, options } = &*self.state;
        let client = &mut user.client;
        client.ip_address = client.ip_address.or(self.ip_address);
        // The hints of a request belong to its user agent.
        if client.user_agent.is_none() && user.hints == ClientHints::default() {
            user.hints = self.client_hints.clone();
        }
        client.user_agent = client.user_agent.take().or_else(|| self.user_agent.clone());
        if let (None, Some(requested)) = (user.duration, self.duration) {
            let longest = match options.longest_requested_session {
                Some(longest) => longest,
                None => tenant.config()?.session_duration,
            };
            user.duration = Some(if requested.as_secs() < longest.as_secs() { requested } else { longest });
        }
        let grant = self.attempt.succeed(user).map_err(|error| match error.code() {
            // The client has no part in what the host says about the user.
            ErrorCode::ValidationError => {
                Error::new(ErrorCode::Internal, format!("the host's user does not fit: {}", error.detail()))
            }
            _ => hide_tenant_key_error(error),
        })?;
        let cookie = options.response_cookie(false);
        if cookie.is_some_and(|cookie| !cookie.has_room_for(&grant)) {
            // Pages would not know the user, whatever they do.
            tenant.revoke(grant.session.id)?;
            let problem =
                "the host's user has claims that make the access token too long for a cookie of 4096 bytes";
            return Err(Error::new(ErrorCode::Internal, problem));
        }
        let session = encode_session(&grant.session, &Caller::Anonymous)?;
        let response = respond_with_grant(&grant, cookie, Some(session));
        Ok(response.with_cookies(self.former_cookies.clone()))
    }
}
