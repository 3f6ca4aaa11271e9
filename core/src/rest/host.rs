//! What a host needs around the API: which requests are the API's, what answering them asks of the database, and the response to a request
//! that failed before it reached the API.

use http::{Method, Response};

use super::auth::hide_tenant_key_error;
use super::options::RestOptions;
use super::response::{ApiResponse, mint_request_id};
use super::routes::{self, ROUTES, Resolution, Work};
use crate::error::Error;
use crate::random::OsRandom;

/// The paths of the API, each once, as in [`OPENAPI`](super::OPENAPI): `{session_id}` stands for one segment.
///
/// ```
/// assert!(hellojohn::rest::paths().contains(&"/v1/sessions/{session_id}"));
/// ```
pub fn paths() -> Vec<&'static str> {
    let mut paths: Vec<_> = ROUTES.iter().map(|route| route.path).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// Whether the path (without the query) is one of the API's by default, for a host that shares its root with the API.
///
/// ```
/// assert!(hellojohn::rest::is_api_path("/v1/sessions") && !hellojohn::rest::is_api_path("/"));
/// ```
pub fn is_api_path(path: &str) -> bool {
    RestOptions::default().is_api_path(path)
}

/// What answering asks of the database: for hosts that answer on several pools of threads.
///
/// ```
/// use hellojohn::rest::{Work, http::Method, work};
///
/// assert_eq!(work(&Method::POST, "/v1/auth/token/refresh"), Work::Write);
/// ```
pub fn work(method: &Method, path: &str) -> Work {
    RestOptions::default().work(method, path)
}

impl RestOptions {
    /// [`is_api_path`] for the API with these options.
    pub fn is_api_path(&self, path: &str) -> bool {
        !matches!(routes::resolve(self.routing(), &Method::OPTIONS, path), Resolution::NotFound)
    }

    /// [`work`] for the API with these options.
    ///
    /// ```
    /// use hellojohn::rest::{RestOptions, Work, http::Method};
    ///
    /// assert_eq!(RestOptions::default().work(&Method::GET, "/v1/sessions"), Work::List);
    /// ```
    pub fn work(&self, method: &Method, path: &str) -> Work {
        match routes::resolve(self.routing(), method, path) {
            Resolution::Route(route, _) => route.work,
            Resolution::Dashboard(_)
            | Resolution::Options(_)
            | Resolution::MethodNotAllowed(_)
            | Resolution::NotFound => Work::Lookup,
        }
    }
}

/// The API's response to a request that failed outside it: the engine did not open, the host could not read the request,
/// [`authorize`](super::authorize()) refused it. It does not tell clients that the host's own secret key is wrong.
///
/// ```
/// use hellojohn::{Error, ErrorCode, rest::error_response};
///
/// let response = error_response(Error::new(ErrorCode::StorageIo, "the disk is gone"));
/// assert_eq!(response.status(), 500);
/// assert!(!String::from_utf8_lossy(response.body()).contains("disk")); // for the host alone
/// ```
pub fn error_response(error: Error) -> Response<Vec<u8>> {
    ApiResponse::from_error(hide_tenant_key_error(error)).into_http(&mint_request_id(&OsRandom), false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn paths_are_those_of_the_table() {
        assert_eq!(paths().len(), 18);
        assert!(paths().into_iter().all(is_api_path));
        for other in ["/", "", "/v1", "/v1/sessions/", "/v1/users"] {
            assert!(!is_api_path(other), "{other}");
        }
    }

    #[test]
    fn requests_are_told_apart_by_what_they_ask_of_the_database() {
        for (method, path, expected) in [
            (Method::GET, "/v1/sessions", Work::List),
            (Method::HEAD, "/v1/sessions", Work::List),
            (Method::GET, "/v1/events", Work::List),
            (Method::GET, "/v1/revocations", Work::List),
            (Method::GET, "/v1/admin/stats", Work::Survey),
            (Method::GET, "/v1/sessions/count", Work::Survey),
            (Method::POST, "/v1/sessions/revoke", Work::Write),
            (Method::HEAD, "/v1/sessions/x", Work::Lookup),
            (Method::POST, "/v1/sessions/verify", Work::Lookup),
            (Method::POST, "/v1/auth/sign-in", Work::Write),
            (Method::POST, "/v1/auth/sign-out", Work::Write),
            (Method::DELETE, "/v1/sessions", Work::Write),
            (Method::POST, "/v1/auth/token/refresh", Work::Write),
            (Method::POST, "/v1/auth/adopt", Work::Write),
            (Method::PATCH, "/v1/admin/config", Work::Write),
            (Method::PUT, "/v1/admin/config", Work::Lookup),
            (Method::POST, "/nowhere", Work::Lookup),
        ] {
            assert_eq!(work(&method, path), expected, "{method} {path}");
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
