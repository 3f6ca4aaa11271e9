//! `POST /v1/auth/sign-in`: the host decides who the user is, the engine opens the session.

use std::fmt;
use std::sync::Arc;

use http::Response;
use serde_json::{Map, Value};
use zeroize::Zeroize;

use super::auth::{Caller, hide_tenant_key_error};
use super::request::Call;
use super::response::Answer;
use super::sessions::session_json;
use super::{Api, tokens};
use crate::duration::Duration;
use crate::engine::{CreateSession, Grant};
use crate::error::{Error, ErrorCode};
use crate::model::client::{IpAddress, UserAgent};

/// What a user presents to sign in: the JSON object of the request without `session_options`. `email` and `password` are
/// there and are not empty; whatever else the client sent stands beside them. Printing it shows nothing; it is wiped
/// when dropped.
pub struct Credentials(Map<String, Value>);

impl Credentials {
    /// The e-mail address; not checked.
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

/// The host could not say whether the credentials are good: its user store is down, say. The client gets a plain 500.
/// Any error turns into it with `?`; the cause stays with the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthenticateError;

impl<E: std::error::Error> From<E> for AuthenticateError {
    fn from(_: E) -> Self {
        AuthenticateError
    }
}

/// A sign-in that waits for the host's word on the [`credentials`](Self::credentials).
#[must_use = "the client waits for the answer of `finish`"]
pub struct PendingSignIn {
    api: Arc<Api>,
    request_id: String,
    credentials: Credentials,
    duration: Option<Duration>,
    ip_address: Option<IpAddress>,
    user_agent: Option<UserAgent>,
}

impl fmt::Debug for PendingSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingSignIn").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

/// Reads a sign-in.
pub(super) fn begin(
    api: &Arc<Api>,
    request_id: &str,
    call: &Call<'_>,
    mut body: Map<String, Value>,
) -> Result<PendingSignIn, Error> {
    if api.settings.cookie_mode() {
        // The answer sets a cookie: another site must not sign the browser in as somebody of its choice.
        api.settings.cookie().guard(call.parts)?;
    }
    let options = body.remove("session_options");
    let credentials = Credentials(body);
    for name in ["email", "password"] {
        match credentials.0.get(name) {
            Some(Value::String(text)) if !text.is_empty() => {}
            None | Some(Value::Null) => return Err(Error::validation(name, "is required")),
            Some(Value::String(_)) => return Err(Error::validation(name, "must not be empty")),
            Some(_) => return Err(Error::validation(name, "must be a string")),
        }
    }
    let (ip_address, user_agent) = call.client();
    Ok(PendingSignIn {
        api: Arc::clone(api),
        request_id: request_id.to_owned(),
        credentials,
        duration: requested_duration(options)?,
        ip_address,
        user_agent,
    })
}

/// `session_options.duration`.
fn requested_duration(options: Option<Value>) -> Result<Option<Duration>, Error> {
    let options = match options {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(options)) => options,
        Some(_) => return Err(Error::validation("session_options", "must be a JSON object")),
    };
    let mut duration = None;
    for (name, value) in &options {
        match (name.as_str(), value) {
            ("duration", Value::Null) => {}
            ("duration", value) => duration = Some(Duration::from_json("session_options.duration", value)?),
            _ => return Err(Error::validation("session_options", "may hold duration only")),
        }
    }
    Ok(duration)
}

impl PendingSignIn {
    /// What to check.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Ends the sign-in with the host's word and answers the client.
    ///
    /// - `Ok(Some(user))`: the credentials are this user's. A session opens for 200; the request's address and user agent
    ///   are recorded where `user` has none. A `duration` in `user` counts; without one the client's wish counts, up to
    ///   [`longest_requested_session`](super::RestOptions::longest_requested_session).
    /// - `Ok(None)`: they are nobody's: 401 `invalid_credentials`, whatever was wrong with them.
    /// - `Err`: the host cannot say: 500 `internal`.
    pub fn finish(self, outcome: Result<Option<CreateSession>, AuthenticateError>) -> Response<Vec<u8>> {
        let answer = match outcome {
            Ok(Some(user)) => self.open_session(user).unwrap_or_else(Answer::error),
            Ok(None) => Answer::error(Error::new(
                ErrorCode::InvalidCredentials,
                "the credentials are not those of a user",
            )),
            Err(AuthenticateError) => {
                Answer::error(Error::new(ErrorCode::Internal, "the host's authenticate function failed"))
            }
        };
        answer.into_response(&self.request_id, false)
    }

    /// Answers that this host offers no sign-in: 404 `not_found`.
    pub fn not_offered(self) -> Response<Vec<u8>> {
        let error = Error::new(ErrorCode::NotFound, "this host offers no sign-in");
        Answer::error(error).into_response(&self.request_id, false)
    }

    fn open_session(&self, mut user: CreateSession) -> Result<Answer, Error> {
        let Api { tenant, settings, .. } = &*self.api;
        let client = &mut user.client;
        client.ip_address = client.ip_address.or(self.ip_address);
        client.user_agent = client.user_agent.take().or_else(|| self.user_agent.clone());
        if let (None, Some(wish)) = (user.duration, self.duration) {
            let longest = match settings.longest_requested_session {
                Some(longest) => longest,
                None => tenant.config()?.session_duration,
            };
            user.duration = Some(if wish.as_secs() < longest.as_secs() { wish } else { longest });
        }
        let grant = tenant.create(user).map_err(|error| match error.code() {
            // The client has no part in what the host says about the user.
            ErrorCode::ValidationError => {
                Error::new(ErrorCode::Internal, format!("the host's user does not fit: {}", error.detail()))
            }
            _ => hide_tenant_key_error(error),
        })?;
        self.signed_in(&grant)
    }

    fn signed_in(&self, grant: &Grant) -> Result<Answer, Error> {
        let session = session_json(&grant.session, &Caller::Anybody)?;
        Ok(tokens::granted(grant, self.api.settings.cookie_for(false), Some(session)))
    }
}
