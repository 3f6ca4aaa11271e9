//! The table of routes (SPEC 7.3): one row names the method, the path, the query parameters, the accepted callers, the
//! body, what answering asks of the database, and the handler.

use http::{Method, Response};

use super::auth::Access;
use super::dashboard::{self, DashboardFile};
use super::request::{ApiRequest, Body};
use super::response::ApiResponse;
use super::routing::Routing;
use super::sign_in::PendingSignIn;
use super::{admin, events, revocations, sessions, sign_in, tokens};
use crate::error::Error;

/// What answering a request asks of the database, for hosts that keep short work from waiting behind long work.
///
/// ```
/// use hellojohn::rest::{RestOptions, Work, http::Method, work};
///
/// assert_eq!(work(&Method::GET, "/v1/sessions"), Work::List);
/// assert_eq!(RestOptions::default().work(&Method::POST, "/v1/auth/sign-in"), Work::Write);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Work {
    /// A few rows by their keys, or nothing at all.
    Lookup,
    /// A page: at most 1,000 rows.
    List,
    /// Every session of the tenant, in steps.
    Survey,
    /// A write, which may wait for other writes and for the disk.
    Write,
}

/// What a handler came to.
pub(super) enum Outcome {
    Response(ApiResponse),
    /// A file of the dashboard.
    File(Response<Vec<u8>>),
    /// A sign-in that needs the host's check of the credentials first.
    SignIn(Box<PendingSignIn>),
}

impl From<ApiResponse> for Outcome {
    fn from(response: ApiResponse) -> Self {
        Outcome::Response(response)
    }
}

impl From<PendingSignIn> for Outcome {
    fn from(pending: PendingSignIn) -> Self {
        Outcome::SignIn(Box::new(pending))
    }
}

/// One row of the table.
#[derive(Debug)]
pub(super) struct Route {
    pub method: Method,
    /// Exact bytes, but for [`ID`], of which it has one at most.
    pub path: &'static str,
    /// The query parameters that it knows.
    pub query: &'static [&'static str],
    pub access: Access,
    pub body: Body,
    pub work: Work,
    pub handle: fn(ApiRequest<'_>) -> Result<Outcome, Error>,
}

/// Stands for one segment, the id of a session.
const ID: &str = "{session_id}";

macro_rules! routes {
    ($(
        $method:ident $path:literal [$($query:literal)*]
        $access:ident $body:ident $work:ident => $module:ident::$handler:ident;
    )*) => {
        pub(super) static ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            path: $path,
            query: &[$($query),*],
            access: Access::$access,
            body: Body::$body,
            work: Work::$work,
            handle: |request| $module::$handler(request).map(Outcome::from),
        },)*];
    };
}

routes! {
    GET "/v1/sessions" [
        "user_id" "status" "country" "not_country" "ip_address" "not_ip_address" "device_type" "user_agent"
        "org_id" "role" "created_after" "created_before" "last_active_after" "last_active_before"
        "mfa_verified" "end_reason" "limit" "cursor"
    ] SecretKeyOrUser None List => sessions::list;
    GET "/v1/sessions/count" [
        "user_id" "status" "country" "not_country" "ip_address" "not_ip_address" "device_type" "user_agent"
        "org_id" "role" "created_after" "created_before" "last_active_after" "last_active_before"
        "mfa_verified" "end_reason"
    ] SecretKeyOrUser None Survey => sessions::count;
    DELETE "/v1/sessions" ["user_id" "except"] SecretKeyOrUser None Write => sessions::revoke_many;
    POST "/v1/sessions/revoke" [] SecretKey Required Write => sessions::revoke_where;
    POST "/v1/sessions/verify" [] SecretKey Required Lookup => sessions::verify;
    GET "/v1/sessions/{session_id}" [] SecretKeyOrUser None Lookup => sessions::read;
    DELETE "/v1/sessions/{session_id}" [] SecretKeyOrUser None Write => sessions::revoke;
    GET "/v1/sessions/{session_id}/explain" [] SecretKey None List => sessions::explain;
    POST "/v1/auth/sign-in" [] Open Required Write => sign_in::begin;
    POST "/v1/auth/token/refresh" [] Open Optional Write => tokens::refresh;
    POST "/v1/auth/adopt" [] Open Required Write => tokens::adopt;
    POST "/v1/auth/sign-out" [] Open Optional Write => tokens::sign_out;
    GET "/v1/events" ["after" "types" "user_id" "session_id" "limit"] SecretKey None List => events::list;
    GET "/v1/revocations" ["since"] RevocationList None List => revocations::read;
    GET "/v1/admin/config" [] SecretKey None Lookup => admin::read_config;
    PATCH "/v1/admin/config" [] SecretKey Required Write => admin::change_config;
    GET "/v1/admin/stats" ["series"] SecretKey None Survey => admin::stats;
    GET "/v1/admin/keys" [] SecretKey None Lookup => admin::list_keys;
    POST "/v1/admin/keys/rotate" [] SecretKey None Write => admin::rotate_keys;
    POST "/v1/admin/keys/retire" [] SecretKey Required Write => admin::retire_key;
    GET "/.well-known/jwks.json" [] Open None Lookup => admin::jwks;
}

/// What a method and a path mean.
#[derive(Debug)]
pub(super) enum Resolution<'a> {
    /// A row of the table, and the segment of the path that stands for an id, as sent.
    Route(&'static Route, &'a str),
    /// A file of the dashboard.
    Dashboard(DashboardFile),
    /// The path exists and the request asks for its methods; the value of `Allow`.
    Options(String),
    /// The path exists, the method does not; the value of `Allow`.
    MethodNotAllowed(String),
    NotFound,
}

fn is_offered(routing: Routing, route: &Route) -> bool {
    match route.access {
        Access::SecretKey => routing.has_admin,
        Access::RevocationList => routing.has_admin || routing.publishes_revocations,
        Access::Open | Access::SecretKeyOrUser => true,
    }
}

/// The path without the `/` behind it that it may have. Where an id could stand behind that `/`, an id that the client lost
/// must not turn a request to end one session into one to end all: only reading is possible there.
fn strip_slash<'a>(routing: Routing, method: &Method, path: &'a str) -> &'a str {
    let Some(stripped) = path.strip_suffix('/').filter(|_| routing.trailing_slash) else { return path };
    let has_id = ROUTES.iter().any(|route| route.path.strip_suffix(ID) == Some(path));
    let only_reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
    if has_id && !only_reads { path } else { stripped }
}

/// Finds the route of a request. A HEAD goes where a GET goes.
pub(super) fn resolve<'a>(routing: Routing, method: &Method, path: &'a str) -> Resolution<'a> {
    if let Some(file) = dashboard::find(path).filter(|_| routing.has_dashboard) {
        let allowed = "GET, HEAD, OPTIONS".to_owned();
        return match *method {
            Method::GET | Method::HEAD => Resolution::Dashboard(file),
            Method::OPTIONS => Resolution::Options(allowed),
            _ => Resolution::MethodNotAllowed(allowed),
        };
    }
    let Some((pattern, id)) = find_path(strip_slash(routing, method, path)) else {
        return Resolution::NotFound;
    };
    let of_path = || ROUTES.iter().filter(move |route| route.path == pattern && is_offered(routing, route));
    if of_path().next().is_none() {
        return Resolution::NotFound;
    }
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
fn find_path(path: &str) -> Option<(&'static str, &str)> {
    let exact = ROUTES.iter().find(|route| route.path == path && !path.contains(ID));
    if let Some(route) = exact {
        return Some((route.path, ""));
    }
    ROUTES.iter().find_map(|route| {
        let (before, after) = route.path.split_once(ID)?;
        let id = path.strip_prefix(before)?.strip_suffix(after)?;
        (!id.is_empty() && !id.contains('/')).then_some((route.path, id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Routing = Routing {
        has_admin: true,
        has_dashboard: false,
        publishes_revocations: false,
        trailing_slash: false,
    };

    /// The row's method and path, and the id.
    fn find_route(method: Method, path: &str) -> Option<(&'static str, &'static str, &str)> {
        match resolve(ALL, &method, path) {
            Resolution::Route(route, id) => Some((route.method.as_str(), route.path, id)),
            _ => None,
        }
    }

    #[test]
    fn paths_match_by_their_exact_bytes() {
        assert_eq!(find_route(Method::DELETE, "/v1/sessions"), Some(("DELETE", "/v1/sessions", "")));
        let one = "/v1/sessions/{session_id}";
        assert_eq!(find_route(Method::DELETE, "/v1/sessions/x"), Some(("DELETE", one, "x")));
        assert_eq!(find_route(Method::HEAD, "/v1/sessions/.."), Some(("GET", one, "..")));
        let explain = "/v1/sessions/{session_id}/explain";
        assert_eq!(find_route(Method::GET, "/v1/sessions/x/explain"), Some(("GET", explain, "x")));
        assert_eq!(find_route(Method::GET, "/v1/sessions/explain"), Some(("GET", one, "explain")));
        assert_eq!(find_route(Method::GET, "/v1/sessions//explain"), None);
        assert_eq!(find_route(Method::GET, "/v1/sessions/x/y/explain"), None);
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
            assert!(matches!(resolve(ALL, &Method::DELETE, path), Resolution::NotFound), "{path}");
        }
    }

    #[test]
    fn a_wrong_method_is_answered_with_the_allowed_ones() {
        for (method, path, allowed) in [
            (Method::PUT, "/v1/sessions", "GET, DELETE, HEAD, OPTIONS"),
            (Method::GET, "/v1/sessions/verify", "POST, OPTIONS"),
            (Method::POST, "/v1/admin/config", "GET, PATCH, HEAD, OPTIONS"),
            (Method::HEAD, "/v1/auth/sign-in", "POST, OPTIONS"),
        ] {
            match resolve(ALL, &method, path) {
                Resolution::MethodNotAllowed(allow) => assert_eq!(allow, allowed),
                other => panic!("{method} {path}: {other:?}"),
            }
        }
        assert!(matches!(resolve(ALL, &Method::OPTIONS, "/v1/sessions/x"), Resolution::Options(_)));
    }

    #[test]
    fn a_slash_behind_a_path_is_an_option_and_never_stands_for_a_lost_id() {
        let slashes = Routing { trailing_slash: true, ..ALL };
        for (method, path, is_found) in [
            (Method::GET, "/v1/sessions/", true),
            (Method::GET, "/v1/sessions/x/", true),
            (Method::DELETE, "/v1/sessions/x/", true),
            (Method::POST, "/v1/auth/sign-in/", true),
            (Method::GET, "/.well-known/jwks.json/", true),
            (Method::GET, "/v1/sessions", true),
            (Method::DELETE, "/v1/sessions/", false),
            (Method::DELETE, "/v1/sessions//", false),
            (Method::GET, "/v1/sessions//", false),
            (Method::GET, "//v1/sessions/", false),
            (Method::GET, "/", false),
        ] {
            let found = matches!(resolve(slashes, &method, path), Resolution::Route(..));
            assert_eq!(found, is_found, "{method} {path}");
            if path.ends_with('/') {
                assert!(matches!(resolve(ALL, &method, path), Resolution::NotFound), "{method} {path}");
            }
        }
    }

    #[test]
    fn without_admin_the_routes_of_the_secret_key_are_not_there() {
        let users = Routing { has_admin: false, ..ALL };
        for route in ROUTES {
            let path = route.path.replace(ID, "x");
            let is_found = matches!(resolve(users, &route.method, &path), Resolution::Route(..));
            let needs_key = matches!(route.access, Access::SecretKey | Access::RevocationList);
            assert_eq!(is_found, !needs_key, "{path}");
        }
        assert!(matches!(resolve(users, &Method::OPTIONS, "/v1/admin/config"), Resolution::NotFound));
        let published = Routing { publishes_revocations: true, ..users };
        assert!(matches!(resolve(published, &Method::GET, "/v1/revocations"), Resolution::Route(..)));
    }

    #[test]
    fn the_dashboard_is_there_when_it_is_switched_on() {
        let on = Routing { has_dashboard: true, trailing_slash: true, ..ALL };
        for path in ["/dashboard", "/dashboard/", "/dashboard/app.js", "/dashboard/config.json"] {
            assert!(matches!(resolve(on, &Method::HEAD, path), Resolution::Dashboard(_)), "{path}");
            assert!(matches!(resolve(on, &Method::POST, path), Resolution::MethodNotAllowed(_)), "{path}");
            assert!(matches!(resolve(ALL, &Method::GET, path), Resolution::NotFound), "{path}");
        }
        for path in ["/dashboard//", "/dashboard/app.js/", "/dashboard/x", "/dashboardx"] {
            assert!(matches!(resolve(on, &Method::GET, path), Resolution::NotFound), "{path}");
        }
    }
}
