//! Arbitrary requests: never a panic, never a 500, and without credentials never a change.

use std::sync::OnceLock;

use hellojohn::ListQuery;
use hellojohn::rest::http::{HeaderName, HeaderValue, Method, Request, Uri};
use proptest::prelude::*;

use crate::host::{Host, SECRET, TENANT, read};

/// A host with sessions, and what it looks like.
struct Shared {
    host: Host,
    dump: Vec<String>,
}

impl Shared {
    fn new() -> Self {
        let host = Host::new();
        host.create("usr_1");
        host.create("usr_2");
        host.clock.advance_millis(60_000);
        Shared { dump: host.dump(), host }
    }
}

/// Method, target, headers, body.
type Parts = (String, String, Vec<(String, Vec<u8>)>, Vec<u8>);

/// What a request may present.
struct Presented {
    id: String,
    access_token: String,
    refresh_token: String,
}

fn method() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec!["GET", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "PUT"]).prop_map(str::to_owned),
        1 => "[A-Za-z]{1,8}",
    ]
}

fn target() -> impl Strategy<Value = String> {
    let path = prop::sample::select(vec![
        "/v1/sessions",
        "/v1/sessions/",
        "/v1/sessions/ID",
        "/v1/sessions/verify",
        "/v1/auth/sign-in",
        "/v1/auth/token/refresh",
        "/v1/auth/sign-out",
        "/v1/auth/adopt",
        "/v1/admin/config",
        "/v1/admin/stats",
        "/.well-known/jwks.json",
        "/",
    ]);
    let tail = prop_oneof![6 => Just(String::new()), 2 => "[!-~]{0,12}", 1 => "(%[0-9A-Fa-f]{2}){1,4}", 1 => "/[.]{1,2}"];
    let pair = (
        prop::sample::select(vec!["user_id", "status", "limit", "cursor", "except", "x", ""]),
        prop_oneof![
            "[!-~]{0,16}",
            "(%[0-9A-Fa-f]{2}){0,5}",
            Just("current".to_owned()),
            Just("usr_1".to_owned())
        ],
    );
    let query = prop::collection::vec(pair.prop_map(|(name, value)| format!("{name}={value}")), 0..3);
    (path, tail, query).prop_map(|(path, tail, query)| {
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        format!("{path}{tail}{query}")
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::sample::select(vec![
        "token",
        "session_id",
        "refresh_token",
        "credential",
        "scope",
        "email",
        "password",
        "session_options",
        "idle_timeout",
        "max_sessions_per_user",
        "x",
    ]);
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("\"global\"".to_owned()),
        Just("{\"duration\":\"1h\"}".to_owned()),
        Just("\"REFRESH\"".to_owned()),
        Just("\"ACCESS\"".to_owned()),
        "-?[0-9]{1,22}(\\.[0-9])?",
        "\"[ -!#-\\[\\]-~]{0,20}\"",
        "[\\[\\]{}\",:a-z0-9]{0,12}",
    ];
    let object = prop::collection::vec((name, value), 0..4).prop_map(|members| {
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(",")).into_bytes()
    });
    prop_oneof![3 => Just(Vec::new()), 6 => object, 1 => prop::collection::vec(any::<u8>(), 0..64)]
}

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let name = prop::sample::select(vec![
        "content-type",
        "cookie",
        "origin",
        "host",
        "sec-fetch-site",
        "x-tenant-id",
        "x-forwarded-for",
        "user-agent",
        "content-encoding",
        "x-requested-with",
        "authorization",
    ]);
    let value = prop_oneof![
        Just(b"application/json".to_vec()),
        Just(b"same-origin".to_vec()),
        Just(TENANT.as_bytes().to_vec()),
        "(hj_refresh_token|__Host-hj_refresh)=[!-~]{0,30}".prop_map(String::into_bytes),
        "(Bearer|bearer|Basic)? ?[ -~]{0,24}".prop_map(String::into_bytes),
        prop::collection::vec(32_u8..=255, 0..24),
    ];
    prop::collection::vec((name.prop_map(str::to_owned), value), 0..4)
}

/// The request if it is one that a server could hand over.
fn request(presented: &Presented, (method, target, headers, body): Parts) -> Option<Request<Vec<u8>>> {
    let mut request = Request::new(Vec::new());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = target.replace("ID", &presented.id).parse::<Uri>().ok()?;
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(&value).ok()?;
        request.headers_mut().append(HeaderName::try_from(name).ok()?, value);
    }
    if !request.headers().contains_key("content-type") {
        request.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    }
    *request.body_mut() = match String::from_utf8(body) {
        Ok(text) => text
            .replace("ACCESS", &presented.access_token)
            .replace("REFRESH", &presented.refresh_token)
            .into_bytes(),
        Err(bytes) => bytes.into_bytes(),
    };
    Some(request)
}

fn parts() -> impl Strategy<Value = Parts> {
    (method(), target(), headers(), body())
}

fn config() -> ProptestConfig {
    let cases = std::env::var("HJ_REST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1_000);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn without_credentials_nothing_changes() {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    let shared = SHARED.get_or_init(Shared::new);
    let nothing = Presented {
        id: shared.host.tenant.list(&ListQuery::default()).expect("a page").data[0].id.to_string(),
        access_token: "x.y.z".into(),
        refresh_token: "rt_x".into(),
    };
    proptest!(config(), |(parts in parts())| {
        let Some(request) = request(&nothing, parts) else { return Ok(()) };
        let head = *request.method() == Method::HEAD;
        let answer = read(shared.host.api.handle(request), head);
        prop_assert!(answer.status < 500, "{}", answer.body);
        let unchanged = shared.host.dump() == shared.dump;
        prop_assert!(unchanged, "changed by {}", answer.status);
    });
}

#[test]
fn with_credentials_nothing_breaks() {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    let shared = SHARED.get_or_init(Shared::new);
    proptest!(config(), |(parts in parts(), secret in any::<bool>())| {
        let grant = shared.host.create("usr_1");
        let presented = Presented {
            id: grant.session.id.to_string(),
            access_token: grant.access_token.expose().into(),
            refresh_token: grant.refresh_token.expose().into(),
        };
        let Some(mut request) = request(&presented, parts) else { return Ok(()) };
        let bearer = if secret { SECRET } else { presented.access_token.as_str() };
        let bearer = HeaderValue::try_from(format!("Bearer {bearer}")).expect("a header");
        request.headers_mut().insert("authorization", bearer);
        let head = *request.method() == Method::HEAD;
        let answer = read(shared.host.api.handle(request), head);
        prop_assert!(answer.status < 500, "{}", answer.body);
    });
}
