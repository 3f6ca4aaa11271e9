//! What a host needs around the API: which requests are the API's, which of them only read, and the response to a request
//! that failed before it reached the API.

use http::{Method, Response};

use super::auth::hide_tenant_key_error;
use super::options::RestOptions;
use super::response::{ApiResponse, mint_request_id};
use super::routes::{self, Effect, ROUTES, Resolution};
use crate::error::Error;
use crate::random::OsRandom;

/// The paths of the API, each once, as in [`OPENAPI`](super::OPENAPI): `{session_id}` stands for one segment.
pub fn paths() -> Vec<&'static str> {
    let mut paths: Vec<_> = ROUTES.iter().map(|route| route.path).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// Whether the path (without the query) is one of the API's by default, for a host that shares its root with the API.
pub fn is_api_path(path: &str) -> bool {
    RestOptions::default().is_api_path(path)
}

/// Whether answering needs no write: for hosts that keep reads from waiting behind writes.
pub fn is_read_only(method: &Method, path: &str) -> bool {
    RestOptions::default().is_read_only(method, path)
}

impl RestOptions {
    /// [`is_api_path`] for the API with these options.
    pub fn is_api_path(&self, path: &str) -> bool {
        !matches!(routes::resolve(self.routing(), &Method::OPTIONS, path), Resolution::NotFound)
    }

    /// [`is_read_only`] for the API with these options.
    pub fn is_read_only(&self, method: &Method, path: &str) -> bool {
        match routes::resolve(self.routing(), method, path) {
            Resolution::Route(route, _) => route.effect == Effect::Read,
            Resolution::Options(_) | Resolution::MethodNotAllowed(_) | Resolution::NotFound => true,
        }
    }
}

/// The API's response to a request that failed outside it: the engine did not open, the host could not read the request,
/// [`authorize`](super::authorize()) refused it. It does not tell clients that the host's own secret key is wrong.
pub fn error_response(error: Error) -> Response<Vec<u8>> {
    ApiResponse::from_error(hide_tenant_key_error(error)).into_http(&mint_request_id(&OsRandom), false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn paths_are_those_of_the_table() {
        assert_eq!(paths().len(), 9);
        assert!(paths().into_iter().all(is_api_path));
        for other in ["/", "", "/v1", "/v1/sessions/", "/v1/users"] {
            assert!(!is_api_path(other), "{other}");
        }
    }

    #[test]
    fn a_request_that_changes_state_is_not_read_only() {
        for (method, path, reads) in [
            (Method::GET, "/v1/sessions", true),
            (Method::HEAD, "/v1/sessions/x", true),
            (Method::POST, "/v1/sessions/verify", true),
            (Method::POST, "/v1/auth/sign-in", false),
            (Method::POST, "/v1/auth/sign-out", false),
            (Method::DELETE, "/v1/sessions", false),
            (Method::POST, "/v1/auth/token/refresh", false),
            (Method::PATCH, "/v1/admin/config", false),
            (Method::PUT, "/v1/admin/config", true),
            (Method::POST, "/nowhere", true),
        ] {
            assert_eq!(is_read_only(&method, path), reads, "{method} {path}");
        }
    }

    #[test]
    fn an_error_from_outside_has_the_same_envelope() {
        let response = error_response(Error::new(ErrorCode::MissingToken, "no token"));
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["error"]["request_id"], response.headers()["x-request-id"].to_str().unwrap());
        let response = error_response(Error::new(ErrorCode::InvalidApiKey, "the key is wrong"));
        assert_eq!(response.status(), 500);
        assert_eq!(response.extensions().get::<Error>().map(Error::code), Some(ErrorCode::Internal));
    }
}
