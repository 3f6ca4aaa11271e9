//! A browser, and each extractor, without a socket.

use ::axum::body::to_bytes;
use ::axum::middleware::from_fn_with_state;
use ::axum::routing::{any, get, post};
use ::tower::ServiceExt;

use super::*;
use crate::clock::ManualClock;
use crate::engine::{CreateSession, Engine, Tenant};
use crate::rest::http::header::SET_COOKIE;
use crate::rest::http::{HeaderMap, Method};
use crate::rest::{AccessCookieOptions, BODY_MAX, CookieOptions, MissingToken, RestOptions};

fn open(clock: &ManualClock) -> (Engine, Tenant, RestApi) {
    let engine = Engine::builder().clock(clock.clone()).open(":memory:").unwrap();
    let secret = "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse().unwrap();
    let tenant = engine.tenant(&"tnt_acme".parse().unwrap(), &secret).unwrap();
    let cookie = CookieOptions::default().access(Some(AccessCookieOptions::default()));
    let api =
        RestApi::new(tenant.clone(), RestOptions::default().cookie(Some(cookie)).dashboard(true)).unwrap();
    let api = api.authenticate_with(|credentials| {
        Ok((credentials.password() == "correct horse")
            .then(|| CreateSession::new("usr_ada".parse().unwrap())))
    });
    (engine, tenant, api)
}

fn app(api: &RestApi) -> Router {
    let guarded =
        |options: AuthorizeOptions| from_fn_with_state(AuthGuard::new(api.clone(), options), require_auth);
    let user = |CurrentUser(user): CurrentUser| async move { user.user_id.to_string() };
    let home = |MaybeUser(user): MaybeUser| async move {
        user.map_or_else(|| "visitor".to_owned(), |user| user.user_id.to_string())
    };
    let optional = || guarded(AuthorizeOptions::default().missing_token(MissingToken::Allow));
    Router::new()
        .route("/account", get(user).post(user))
        .route("/any", any(|| async { "ran" }))
        .route_layer(guarded(AuthorizeOptions::default()))
        .merge(Router::new().route("/", get(home)).route("/mixed", get(user)).route_layer(optional()))
        .route("/bare", get(user))
        .merge(
            Router::new()
                .route("/layer", get(user))
                .route_layer(AuthGuard::new(api.clone(), AuthorizeOptions::default())),
        )
        .route("/echo", post(|| async {}))
        .merge(router(api.clone()))
}

async fn ask(
    app: &Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, HeaderMap, String) {
    let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body.to_owned())).unwrap();
    let peer: SocketAddr = "203.0.113.7:1".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

fn cookies(headers: &HeaderMap) -> String {
    let set = headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    set.map(|cookie| cookie.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn a_browser_signs_in_is_renewed_and_signs_out() {
    let clock = ManualClock::new(crate::clock::Timestamp::from_millis(1_705_314_600_000));
    let (_engine, tenant, api) = open(&clock);
    let app = app(&api);
    let own = ("sec-fetch-site", "same-origin");
    let credentials = r#"{"email":"ada@example.com","password":"correct horse"}"#;
    let json = [own, ("content-type", "application/json")];
    let (status, headers, _) = ask(&app, "POST", "/v1/auth/sign-in", &json, credentials).await;
    assert_eq!((status, headers.get_all(SET_COOKIE).iter().count()), (200, 2));
    let first = cookies(&headers);
    let account = |cookie: String| {
        let app = app.clone();
        async move { ask(&app, "GET", "/account", &[own, ("cookie", &cookie)], "").await }
    };
    let (status, headers, text) = account(first.clone()).await;
    assert_eq!((status, text.as_str(), cookies(&headers).as_str()), (200, "usr_ada", ""));
    clock.advance_millis(2 * 3_600_000);
    let (status, headers, text) = account(first.clone()).await;
    assert_eq!((status, text.as_str()), (200, "usr_ada"));
    assert_eq!(headers["cache-control"], "no-store");
    let second = cookies(&headers);
    assert_ne!(second, first);
    let listed = tenant.list(&crate::engine::ListQuery::default()).unwrap();
    assert_eq!(listed.data[0].ip_address.unwrap().to_string(), "203.0.113.7");
    let (status, ..) =
        ask(&app, "POST", "/account", &[("sec-fetch-site", "same-site"), ("cookie", &second)], "").await;
    assert_eq!(status, 403);
    let (status, headers, _) = ask(&app, "POST", "/v1/auth/sign-out", &[own, ("cookie", &second)], "").await;
    assert_eq!((status, cookies(&headers).as_str()), (204, "__Host-hj_refresh=; __Host-hj_access="));
    let (status, headers, _) = account(second).await;
    assert_eq!((status, cookies(&headers).as_str()), (401, "__Host-hj_refresh=; __Host-hj_access="));
}

#[tokio::test]
async fn extractors_tell_the_user_or_refuse() {
    let clock = ManualClock::new(crate::clock::Timestamp::from_millis(1_705_314_600_000));
    let (engine, tenant, api) = open(&clock);
    let app = app(&api);
    let grant = tenant.create(CreateSession::new("usr_1".parse().unwrap())).unwrap();
    let bearer = format!("Bearer {}", grant.access_token.expose());
    for (path, anonymous, known) in [
        ("/account", (401, "missing_token"), (200, "usr_1")),
        ("/layer", (401, "missing_token"), (200, "usr_1")),
        ("/", (200, "visitor"), (200, "usr_1")),
        ("/mixed", (401, "missing_token"), (200, "usr_1")),
        ("/bare", (500, "internal"), (500, "internal")),
    ] {
        for (headers, (expected, part)) in
            [(&[][..], anonymous), (&[("authorization", bearer.as_str())], known)]
        {
            let (status, _, text) = ask(&app, "GET", path, headers, "").await;
            assert_eq!(status, expected, "{path} {text}");
            assert!(text.contains(part), "{path} {text}");
        }
    }
    for (path, expected) in
        [("/.well-known/jwks.json", 200), ("/dashboard/", 200), ("/v1/sessions/x", 401), ("/v1/nothing", 404)]
    {
        assert_eq!(ask(&app, "GET", path, &[], "").await.0, expected, "{path}");
    }
    let preflight = [("origin", "https://evil.test"), ("access-control-request-method", "GET")];
    let (status, headers, text) = ask(&app, "OPTIONS", "/any", &preflight, "").await;
    let allows = headers.keys().any(|name| name.as_str().starts_with("access-control"));
    assert_eq!((status, text.as_str(), allows), (204, "", false));
    let long = "x".repeat(BODY_MAX + 1);
    assert_eq!(ask(&app, "POST", "/v1/auth/sign-in", &[], &long).await.0, 413);
    engine.close().unwrap();
    assert_eq!(ask(&app, "GET", "/account", &[("authorization", &bearer)], "").await.0, 503);
}
