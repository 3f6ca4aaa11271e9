//! Services and layers without a server: inside of tokio and without any runtime.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use ::tower::{Layer, Service, ServiceExt, service_fn};
use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};

use super::*;
use crate::engine::{CreateSession, Engine, ListQuery, Tenant};
use crate::error::Error;
use crate::rest::http::header::SET_COOKIE;
use crate::rest::http::{Method, Request, Response};
use crate::rest::{
    AccessCookieOptions, AuthorizeOptions, BODY_MAX, CookieOptions, MissingToken, RestApi, RestOptions,
};

/// Unparks the thread that blocks on a future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest runtime there is.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn open() -> (Engine, Tenant, RestApi) {
    let engine = Engine::open(":memory:").unwrap();
    let secret = "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse().unwrap();
    let tenant = engine.tenant(&"tnt_acme".parse().unwrap(), &secret).unwrap();
    let cookie = CookieOptions::default().access(Some(AccessCookieOptions::default()));
    let api = RestApi::new(tenant.clone(), RestOptions::default().cookie(Some(cookie))).unwrap();
    let api = api.authenticate_with(|credentials| {
        assert_ne!(credentials.password(), "bomb", "of the host's");
        Ok(Some(CreateSession::new("usr_ada".parse().unwrap())))
    });
    (engine, tenant, api)
}

/// A service that says who asks.
async fn who(request: Request<Full<Bytes>>) -> Result<Response<String>, Infallible> {
    Ok(match find_user(request.extensions()) {
        Ok(user) => Response::new(user.map_or("visitor".to_owned(), |user| user.user_id.to_string())),
        Err(error) => {
            let mut response = Response::new(error.to_string());
            response.extensions_mut().insert(error);
            response
        }
    })
}

fn get(headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let request =
        headers.iter().fold(Request::get("/"), |request, (name, value)| request.header(*name, *value));
    request.body(Full::default()).unwrap()
}

async fn answer<S, B>(service: S, request: Request<B>) -> (u16, String)
where
    S: Service<Request<B>, Error = Infallible>,
    S::Response: Into<Response<GuardedBody<Full<Bytes>>>>,
{
    let response: Response<GuardedBody<Full<Bytes>>> = service.oneshot(request).await.unwrap().into();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status.as_u16(), String::from_utf8(body.to_vec()).unwrap())
}

/// A guarded service as a host has it: with the body of its responses made one type.
fn guarded(
    api: &RestApi,
    options: AuthorizeOptions,
) -> impl Service<Request<Full<Bytes>>, Response = Response<GuardedBody<Full<Bytes>>>, Error = Infallible> {
    let inner = service_fn(async |request| Ok(who(request).await?.map(|text| Full::new(Bytes::from(text)))));
    AuthLayer::new(api.clone(), options).layer(inner)
}

async fn is_guarded() {
    let (_engine, tenant, api) = open();
    let grant = tenant.create(CreateSession::new("usr_1".parse().unwrap())).unwrap();
    let bearer = format!("Bearer {}", grant.access_token.expose());
    let anyone = || AuthorizeOptions::default().missing_token(MissingToken::Allow);
    let users = || guarded(&api, AuthorizeOptions::default());
    let authorized = [("authorization", bearer.as_str())];
    assert_eq!(answer(users(), get(&authorized)).await, (200, "usr_1".to_owned()));
    assert_eq!(answer(guarded(&api, anyone()), get(&authorized)).await.1, "usr_1");
    assert_eq!(answer(guarded(&api, anyone()), get(&[])).await, (200, "visitor".to_owned()));
    let (status, text) = answer(users(), get(&[])).await;
    assert!(status == 401 && text.contains("missing_token"), "{status} {text}");
    let preflight = [("origin", "https://a.test"), ("access-control-request-method", "GET")];
    let mut preflight = get(&preflight);
    *preflight.method_mut() = Method::OPTIONS;
    assert_eq!(answer(users(), preflight).await, (204, String::new()));
    tenant.revoke(grant.session.id).unwrap();
    let (status, text) = answer(users(), get(&authorized)).await;
    assert!(status == 401 && text.contains("session_revoked"), "{status} {text}");
    let bare = who(get(&authorized)).await.unwrap();
    assert!(bare.body().contains("no guard stands in front") && bare.extensions().get::<Error>().is_some());
}

#[test]
fn a_guard_needs_no_runtime() {
    block_on(is_guarded());
}

#[tokio::test]
async fn a_guard_runs_in_a_runtime() {
    is_guarded().await;
}

#[test]
fn cookies_are_renewed_on_the_way_and_the_address_is_what_the_host_says() {
    let (_engine, tenant, api) = open();
    let sign_in = Request::post("/v1/auth/sign-in")
        .header("content-type", "application/json")
        .header("sec-fetch-site", "same-origin")
        .body(r#"{"email":"ada@example.com","password":"x"}"#.to_owned())
        .unwrap();
    let rest = RestService::new(api.clone()).client_address(|_| "203.0.113.7".parse().ok());
    let response = block_on(rest.oneshot(sign_in)).unwrap();
    assert_eq!(response.status(), 200);
    let listed = tenant.list(&ListQuery::default()).unwrap().data;
    assert_eq!(listed[0].ip_address.unwrap().to_string(), "203.0.113.7");
    // The refresh cookie alone: the guard gets an access cookie for it.
    let cookies = response.headers().get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap());
    let refresh = cookies.map(|cookie| cookie.split(';').next().unwrap()).find(|it| it.contains("refresh"));
    let layer = AuthLayer::new(api, AuthorizeOptions::default())
        .client_address(|request| request.headers.get("x-real-ip")?.to_str().ok()?.parse().ok());
    let inner = service_fn(async |request| {
        let mut response = who(request).await?.map(Full::<Bytes>::from);
        // A cache that may keep the page must not keep the cookies.
        response.headers_mut().insert("cache-control", "public, max-age=60".parse().unwrap());
        Ok::<_, Infallible>(response)
    });
    let headers =
        [("cookie", refresh.unwrap()), ("sec-fetch-site", "same-origin"), ("x-real-ip", "203.0.113.8")];
    let response = block_on(layer.layer(inner).oneshot(get(&headers))).unwrap();
    assert_eq!((response.status().as_u16(), response.headers().get_all(SET_COOKIE).iter().count()), (200, 2));
    assert_eq!(response.headers()["cache-control"], "no-store");
    let listed = tenant.list(&ListQuery::default()).unwrap().data;
    assert_eq!(listed[0].last_ip_address.unwrap().to_string(), "203.0.113.8");
}

/// A body whose connection breaks.
struct Broken;

impl Body for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(Some(Err(io::Error::other("the connection broke"))))
    }
}

#[test]
fn what_is_wrong_with_a_request_is_told_and_spoils_nothing() {
    let (engine, _tenant, api) = open();
    let rest = RestService::new(api);
    let ask = |body: &str| {
        let request = Request::post("/v1/auth/sign-in").header("content-type", "application/json");
        let response = block_on(rest.clone().oneshot(request.body(body.to_owned()).unwrap())).unwrap();
        (response.status().as_u16(), response.extensions().get::<Error>().cloned())
    };
    assert_eq!(ask(&"x".repeat(BODY_MAX + 1)).0, 413);
    assert_eq!(ask("{").0, 400);
    let (status, error) = ask(r#"{"email":"ada@example.com","password":"bomb"}"#);
    assert_eq!((status, error.unwrap().detail()), (500, "answering the request panicked"));
    let broken =
        block_on(rest.clone().oneshot(Request::post("/v1/auth/sign-in").body(Broken).unwrap())).unwrap();
    assert_eq!(broken.status(), 400);
    let error = broken.extensions().get::<Error>().unwrap();
    assert_eq!(std::error::Error::source(error).unwrap().to_string(), "the connection broke");
    assert_eq!(ask(r#"{"email":"ada@example.com","password":"x"}"#).0, 200);
    engine.close().unwrap();
    assert_eq!(ask(r#"{"email":"ada@example.com","password":"x"}"#).0, 503);
}

/// What tonic, axum and hyper ask of a layer and of its service.
#[test]
fn a_guarded_service_is_what_hosts_ask_for() {
    fn check<L, S>(_: L)
    where
        L: Layer<S> + Clone + Send + Sync + 'static,
        L::Service: Service<Request<S::Body>, Response = Response<GuardedBody<Full<Bytes>>>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        <L::Service as Service<Request<S::Body>>>::Future: Send + 'static,
        S: Host,
    {
    }
    trait Host {
        type Body;
    }
    impl Host for RestService {
        type Body = Full<Bytes>;
    }
    let (_engine, _tenant, api) = open();
    check::<_, RestService>(AuthLayer::new(api, AuthorizeOptions::default()));
}
