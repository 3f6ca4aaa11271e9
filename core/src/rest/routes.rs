//! The table of routes (SPEC 7.3), and which of them a request means.

use http::Method;

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody; the request itself carries what proves it.
    Open,
    /// The tenant's secret key.
    SecretKey,
    /// The secret key, or an access token for what is its user's own.
    SecretKeyOrUser,
}

/// What the body must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// Nothing: a body that would be ignored may be a misunderstanding about what is to be ended.
    None,
    /// A JSON object, or nothing.
    Optional,
    /// A JSON object.
    Required,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Endpoint {
    ListSessions,
    RevokeSessions,
    ReadSession,
    RevokeSession,
    Verify,
    SignIn,
    Refresh,
    SignOut,
    ReadConfig,
    ChangeConfig,
    Stats,
    Jwks,
}

/// One row of the table.
#[derive(Debug)]
pub(super) struct Route {
    pub method: Method,
    /// Exact bytes, but for [`ID`] at the end.
    pub path: &'static str,
    /// The query parameters that it knows.
    pub query: &'static [&'static str],
    pub access: Access,
    pub body: Body,
    pub endpoint: Endpoint,
}

/// Stands for one segment, the id of a session.
const ID: &str = "{session_id}";

macro_rules! routes {
    ($($method:ident $path:literal [$($query:literal)*] $access:ident $body:ident => $endpoint:ident;)*) => {
        pub(super) static ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            path: $path,
            query: &[$($query),*],
            access: Access::$access,
            body: Body::$body,
            endpoint: Endpoint::$endpoint,
        },)*];
    };
}

routes! {
    GET "/v1/sessions" ["user_id" "status" "limit" "cursor"] SecretKeyOrUser None => ListSessions;
    DELETE "/v1/sessions" ["user_id" "except"] SecretKeyOrUser None => RevokeSessions;
    POST "/v1/sessions/verify" [] SecretKey Required => Verify;
    GET "/v1/sessions/{session_id}" [] SecretKeyOrUser None => ReadSession;
    DELETE "/v1/sessions/{session_id}" [] SecretKeyOrUser None => RevokeSession;
    POST "/v1/auth/sign-in" [] Open Required => SignIn;
    POST "/v1/auth/token/refresh" [] Open Optional => Refresh;
    POST "/v1/auth/sign-out" [] Open Optional => SignOut;
    GET "/v1/admin/config" [] SecretKey None => ReadConfig;
    PATCH "/v1/admin/config" [] SecretKey Required => ChangeConfig;
    GET "/v1/admin/stats" [] SecretKey None => Stats;
    GET "/.well-known/jwks.json" [] Open None => Jwks;
}

/// What a method and a path mean.
#[derive(Debug)]
pub(super) enum Resolution<'a> {
    /// A row of the table, and the segment of the path that stands for an id, as sent.
    Route(&'static Route, &'a str),
    /// The path exists and the question is what can be done with it.
    Options(String),
    /// The path exists, the method does not; the value of `Allow`.
    MethodNotAllowed(String),
    NotFound,
}

/// A HEAD is answered where a GET is.
pub(super) fn resolve<'a>(method: &Method, path: &'a str) -> Resolution<'a> {
    let Some((pattern, id)) = pattern_of(path) else { return Resolution::NotFound };
    let of_path = || ROUTES.iter().filter(move |route| route.path == pattern);
    let wanted = if method == Method::HEAD { &Method::GET } else { method };
    match of_path().find(|route| route.method == *wanted) {
        Some(route) => Resolution::Route(route, id),
        None => {
            let mut allowed: Vec<&str> = of_path().map(|route| route.method.as_str()).collect();
            if allowed.contains(&"GET") {
                allowed.push("HEAD");
            }
            allowed.push("OPTIONS");
            let allowed = allowed.join(", ");
            match *method {
                Method::OPTIONS => Resolution::Options(allowed),
                _ => Resolution::MethodNotAllowed(allowed),
            }
        }
    }
}

/// The path of the table that this one matches: by its exact bytes, without normalising anything, so that no two layers
/// can disagree on what a path means. A segment for an id is never empty.
fn pattern_of(path: &str) -> Option<(&'static str, &str)> {
    let exact = ROUTES.iter().find(|route| route.path == path && !path.ends_with(ID));
    if let Some(route) = exact {
        return Some((route.path, ""));
    }
    ROUTES.iter().find_map(|route| {
        let id = path.strip_prefix(route.path.strip_suffix(ID)?)?;
        (!id.is_empty() && !id.contains('/')).then_some((route.path, id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(method: Method, path: &str) -> Option<(Endpoint, &str)> {
        match resolve(&method, path) {
            Resolution::Route(route, id) => Some((route.endpoint, id)),
            _ => None,
        }
    }

    #[test]
    fn paths_match_by_their_exact_bytes() {
        assert_eq!(endpoint(Method::DELETE, "/v1/sessions"), Some((Endpoint::RevokeSessions, "")));
        assert_eq!(endpoint(Method::DELETE, "/v1/sessions/x"), Some((Endpoint::RevokeSession, "x")));
        assert_eq!(endpoint(Method::HEAD, "/v1/sessions/.."), Some((Endpoint::ReadSession, "..")));
        for path in [
            "/v1/sessions/",
            "//v1/sessions",
            "/v1//sessions",
            "/v1/sessions//",
            "/v1/sessions/x/",
            "/v1/sessions/../sessions",
            "/v1/sessions/{session_id}/x",
            "/v1/%73essions",
            "/V1/sessions",
            "/v1/sessions;x",
            "*",
            "",
            "/",
        ] {
            assert!(matches!(resolve(&Method::DELETE, path), Resolution::NotFound), "{path}");
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        for (method, path, allowed) in [
            (Method::PUT, "/v1/sessions", "GET, DELETE, HEAD, OPTIONS"),
            (Method::GET, "/v1/sessions/verify", "POST, OPTIONS"),
            (Method::POST, "/v1/admin/config", "GET, PATCH, HEAD, OPTIONS"),
            (Method::HEAD, "/v1/auth/sign-in", "POST, OPTIONS"),
        ] {
            match resolve(&method, path) {
                Resolution::MethodNotAllowed(allow) => assert_eq!(allow, allowed),
                other => panic!("{method} {path}: {other:?}"),
            }
        }
        assert!(matches!(resolve(&Method::OPTIONS, "/v1/sessions/x"), Resolution::Options(_)));
    }
}
