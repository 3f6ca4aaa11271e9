//! What a host asks before and after the API itself: which requests are the API's, which of them only read, and how a
//! request is answered that failed on its way here.

use http::{Method, Response};

use super::auth::hide_tenant_key_error;
use super::response::{self, Answer};
use super::routes::{self, Endpoint, ROUTES, Resolution};
use crate::error::Error;
use crate::random::OsRandom;

/// The paths of the API, each once, as in [`OPENAPI`](super::OPENAPI): `{session_id}` stands for one segment.
pub fn paths() -> Vec<&'static str> {
    let mut paths: Vec<_> = ROUTES.iter().map(|route| route.path).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// Whether the path (without the query) is one of the API's: a host that shares its root with the API passes the other
/// ones on.
pub fn is_api_path(path: &str) -> bool {
    !matches!(routes::resolve(&Method::OPTIONS, path), Resolution::NotFound)
}

/// Whether answering needs no write: for hosts that keep reads from waiting behind writes.
pub fn is_read_only(method: &Method, path: &str) -> bool {
    match routes::resolve(method, path) {
        Resolution::Route(route, _) => match route.endpoint {
            Endpoint::ListSessions
            | Endpoint::ReadSession
            | Endpoint::Verify
            | Endpoint::SignIn // the write comes with `PendingSignIn::finish`
            | Endpoint::ReadConfig
            | Endpoint::Stats
            | Endpoint::Jwks => true,
            Endpoint::RevokeSessions
            | Endpoint::RevokeSession
            | Endpoint::Refresh
            | Endpoint::SignOut
            | Endpoint::ChangeConfig => false,
        },
        Resolution::Options(_) | Resolution::MethodNotAllowed(_) | Resolution::NotFound => true,
    }
}

/// The API's answer to a request that failed outside it: the engine did not open, the host could not read the request,
/// [`authorize`](super::authorize) refused it. That the host's own secret key is wrong is not told to clients.
pub fn error_response(error: Error) -> Response<Vec<u8>> {
    Answer::error(hide_tenant_key_error(error)).into_response(&response::request_id(&OsRandom), false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn paths_are_the_tables() {
        assert_eq!(paths().len(), 9);
        assert!(paths().into_iter().all(is_api_path));
        for other in ["/", "", "/v1", "/v1/sessions/", "/v1/users"] {
            assert!(!is_api_path(other), "{other}");
        }
    }

    #[test]
    fn what_changes_state_is_no_read() {
        for (method, path, reads) in [
            (Method::GET, "/v1/sessions", true),
            (Method::HEAD, "/v1/sessions/x", true),
            (Method::POST, "/v1/sessions/verify", true),
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
