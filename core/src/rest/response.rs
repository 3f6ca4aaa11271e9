//! ApiResponses: JSON, the envelope of errors, headers that every answer has.

use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, SET_COOKIE,
    WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use ulid::Ulid;

use crate::error::{Error, ErrorCode, Reauthentication};
use crate::random::Random;

/// Mints an id for a request, `req_…`: in the envelope of an error and in the `X-Request-Id` of every response.
pub(super) fn mint_request_id(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    // Without entropy the id is not unique; the request itself may still succeed, or say what is wrong.
    let _ = random.fill(&mut bytes);
    let mut text = [0; ulid::ULID_LEN];
    format!("req_{}", Ulid::from_bytes(bytes).array_to_str(&mut text))
}

/// An answer as JSON.
///
/// # Errors
/// `internal` for a value that cannot be written as JSON; none of the engine's is one.
pub(super) fn encode(value: &impl Serialize) -> Result<Value, Error> {
    let unwritable = |_| Error::new(ErrorCode::Internal, "an answer could not be written as JSON");
    serde_json::to_value(value).map_err(unwritable)
}

/// Names the request in its response.
pub(super) fn set_request_id(response: &mut Response<Vec<u8>>, request_id: &str) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
}

/// Who may keep a response, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cache {
    Never,
    /// Any cache, for an hour.
    PublicHour,
    /// Any cache, for two seconds.
    PublicSeconds,
    /// The client's own cache, for two seconds.
    PrivateSeconds,
}

impl Cache {
    fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Cache::Never => "no-store",
            Cache::PublicHour => "public, max-age=3600",
            Cache::PublicSeconds => "public, max-age=2",
            Cache::PrivateSeconds => "private, max-age=2",
        })
    }
}

/// The outcome of a request, before it is written as HTTP.
#[derive(Debug, PartialEq)]
pub(super) struct ApiResponse {
    status: StatusCode,
    body: Option<Value>,
    cache: Cache,
    cookies: Vec<HeaderValue>,
    allow: Option<HeaderValue>,
    error: Option<Error>,
}

impl ApiResponse {
    fn new(status: StatusCode, body: Option<Value>) -> Self {
        ApiResponse { status, body, cache: Cache::Never, cookies: Vec::new(), allow: None, error: None }
    }

    /// 200 with this body.
    pub fn ok(body: Value) -> Self {
        ApiResponse::new(StatusCode::OK, Some(body))
    }

    /// 204.
    pub fn no_content() -> Self {
        ApiResponse::new(StatusCode::NO_CONTENT, None)
    }

    /// The error's status and envelope; [`into_http`](Self::into_http) adds the request id.
    pub fn from_error(error: Error) -> Self {
        let status = StatusCode::from_u16(error.code().http_status());
        ApiResponse {
            error: Some(error),
            ..ApiResponse::new(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), None)
        }
    }

    /// Lets caches keep the response.
    pub fn with_cache(self, cache: Cache) -> Self {
        ApiResponse { cache, ..self }
    }

    /// Adds `Set-Cookie` headers.
    pub fn with_cookies(mut self, cookies: impl IntoIterator<Item = HeaderValue>) -> Self {
        self.cookies.extend(cookies);
        self
    }

    /// Names the methods that the path has.
    pub fn with_allow(self, allow: &str) -> Self {
        ApiResponse { allow: HeaderValue::from_str(allow).ok(), ..self }
    }

    /// Writes the response; the response to a HEAD has no body.
    pub fn into_http(self, request_id: &str, is_head: bool) -> Response<Vec<u8>> {
        let envelope = self.error.as_ref().map(|error| encode_error(error, request_id));
        let body = envelope.or(self.body).map(|body| body.to_string().into_bytes());
        let mut response = Response::new(Vec::new());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: Option<HeaderValue>| {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        };
        let fixed = HeaderValue::from_static;
        set(CACHE_CONTROL, Some(self.cache.header()));
        set(HeaderName::from_static("x-content-type-options"), Some(fixed("nosniff")));
        set(ALLOW, self.allow);
        set(CONTENT_TYPE, body.as_ref().map(|_| fixed("application/json")));
        if is_head {
            // The length that a GET would have: the server in front cannot compute it from a body that is not there.
            set(CONTENT_LENGTH, body.as_ref().map(|body| HeaderValue::from(body.len())));
        }
        // RFC 9110 asks for a challenge on every 401.
        let required = self.error.as_ref().and_then(Error::required_authentication);
        set(
            WWW_AUTHENTICATE,
            match required {
                Some(required) => HeaderValue::from_str(&step_up_challenge(required)).ok(),
                None => (self.status == StatusCode::UNAUTHORIZED).then(|| fixed("Bearer")),
            },
        );
        let wait_secs = match &self.error {
            Some(error) if error.code() == ErrorCode::StorageBusy => Some(1),
            Some(error) => error.retry_after_secs(),
            None => None,
        };
        set(RETRY_AFTER, wait_secs.map(HeaderValue::from));
        for cookie in self.cookies {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        if let Some(error) = self.error {
            response.extensions_mut().insert(error);
        }
        set_request_id(&mut response, request_id);
        *response.body_mut() = body.filter(|_| !is_head).unwrap_or_default();
        response
    }
}

/// The challenge of RFC 9470: the token is good, the user has to authenticate again.
fn step_up_challenge(required: &Reauthentication) -> String {
    let challenge = "Bearer error=\"insufficient_user_authentication\"";
    match required.max_age_secs {
        Some(max_age) => format!("{challenge}, max_age=\"{max_age}\""),
        None => challenge.to_owned(),
    }
}

/// `{"error": {code, message, status, request_id}}`, and `max_age` (seconds or null) and `factors` where the user must authenticate
/// again. The detail of a failure of the server is for the host only: it is in the response's extensions.
fn encode_error(error: &Error, request_id: &str) -> Value {
    let mut envelope = json!({ "error": error });
    envelope["error"]["request_id"] = request_id.into();
    envelope
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn every_error_has_its_status_and_envelope() {
        for code in ErrorCode::ALL {
            let response =
                ApiResponse::from_error(Error::new(*code, "secret detail")).into_http("req_1", false);
            assert_eq!(response.status(), code.http_status());
            assert_eq!(response.extensions().get::<Error>().map(Error::code), Some(*code));
            let body: Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(body["error"]["code"], code.as_str());
            assert_eq!(body["error"]["status"], code.http_status());
            assert_eq!(body["error"]["request_id"], "req_1");
            assert_eq!(code.http_status() < 500, body["error"]["message"] == "secret detail");
        }
    }

    #[test]
    fn request_ids_differ() {
        let random = SeededRandom::new(1);
        assert_ne!(mint_request_id(&random), mint_request_id(&random));
        assert_eq!(mint_request_id(&random).len(), "req_".len() + 26);
    }
}
