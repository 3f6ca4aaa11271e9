//! A host that mounts the API: one tenant with a clock that stands still, and requests whose answers are held against
//! what every answer must be and against the OpenAPI description.

use std::collections::HashSet;
use std::net::IpAddr;

use hellojohn::rest::http::{HeaderMap, Request, Response};
use hellojohn::rest::{AuthenticateError, ClientAddress, Credentials, OPENAPI, RestApi, RestOptions};
use hellojohn::{
    Claims, CreateSession, Engine, Grant, ListQuery, ManualClock, SeededRandom, SessionFilter, StatusFilter,
    Tenant, Timestamp,
};
use serde_json::{Value, json};

/// 2024-01-15T10:30:00Z, the moment of the documents.
pub const START: i64 = 1_705_314_600_000;
pub const TENANT: &str = "tnt_01HABCDEF654321";
pub const SECRET: &str = "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA";

pub struct Host {
    pub engine: Engine,
    pub tenant: Tenant,
    pub clock: ManualClock,
    pub api: RestApi,
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    pub request_id: String,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("an ASCII header"))
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:#}", self.body);
        self
    }

    #[track_caller]
    pub fn fails(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code()), (status, code), "{:#}", self.body);
        self
    }
}

/// A request in the making.
pub struct Call<'a> {
    host: &'a Host,
    request: hellojohn::rest::http::request::Builder,
    method: String,
    target: String,
    body: Vec<u8>,
}

impl Call<'_> {
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.request = self.request.header(name, value.as_ref());
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub fn secret(self) -> Self {
        self.bearer(SECRET)
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").bytes(body.to_string())
    }

    pub fn bytes(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    pub fn client_address(mut self, address: &str) -> Self {
        let address: IpAddr = address.parse().expect("an address");
        self.request = self.request.extension(ClientAddress(Some(address.into())));
        self
    }

    pub fn request(self) -> Request<Vec<u8>> {
        self.request.body(self.body).expect("a request")
    }

    /// Sends it and checks what holds for every answer.
    #[track_caller]
    pub fn send(self) -> Answer {
        let (host, method, target) = (self.host, self.method.clone(), self.target.clone());
        let answer = read(host.api.handle(self.request()), method == "HEAD");
        check_documented(&method, &target, &answer);
        answer
    }
}

/// Reads an answer and checks what holds for every one.
#[track_caller]
pub fn read(response: Response<Vec<u8>>, head: bool) -> Answer {
    let (parts, body) = response.into_parts();
    let body =
        if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("a JSON body") };
    let answer = Answer {
        status: parts.status.as_u16(),
        request_id: parts.headers["x-request-id"].to_str().expect("an id").to_owned(),
        headers: parts.headers,
        body,
    };
    assert!(answer.request_id.starts_with("req_"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let cached = match answer.header("cache-control") {
        "no-store" => None,
        "public, max-age=3600" => Some("keys"),
        "public, max-age=2" | "private, max-age=2" => Some("list"),
        other => panic!("{other}"),
    };
    assert!(
        head || cached.is_none_or(|member| !answer.body[member].is_null()),
        "only the key set and the revocation list may be cached"
    );
    assert_eq!(answer.status == 401, answer.headers.contains_key("www-authenticate"));
    assert_eq!(answer.status == 405, answer.headers.contains_key("allow") && answer.status >= 400);
    if answer.status >= 400 && !head {
        let error = &answer.body["error"];
        assert_eq!(error["status"], answer.status);
        assert_eq!(error["request_id"], *answer.request_id);
        assert!(error["message"].as_str().is_some_and(|line| !line.is_empty() && !line.contains('\n')));
        assert_eq!(answer.header("content-type"), "application/json");
    }
    answer
}

/// The path of the description that a target belongs to.
fn documented_path(target: &str) -> Option<&str> {
    let path = target.split('?').next().unwrap_or_default();
    let segment = path.strip_prefix("/v1/sessions/");
    match segment {
        Some("verify" | "revoke" | "count") => Some(path),
        Some(id) if id.ends_with("/explain") => Some("/v1/sessions/{session_id}/explain"),
        Some(id) if !id.is_empty() && !id.contains('/') => Some("/v1/sessions/{session_id}"),
        _ => Some(path),
    }
}

/// An answer of a documented operation has a documented status.
#[track_caller]
fn check_documented(method: &str, target: &str, answer: &Answer) {
    let document: Value = serde_json::from_str(OPENAPI).expect("JSON");
    let path = documented_path(target).unwrap_or_default();
    let method = if method == "HEAD" { "GET" } else { method };
    match document["paths"].get(path) {
        None => assert_eq!(answer.status, 404, "{method} {target}"),
        Some(item) => match item.get(method.to_ascii_lowercase()) {
            Some(operation) if method == method.to_ascii_uppercase() => {
                let documented = operation["responses"].get(answer.status.to_string());
                assert!(documented.is_some(), "{method} {target}: {} is not documented", answer.status);
            }
            _ => assert!(answer.status == 405 || method == "OPTIONS", "{method} {target}"),
        },
    }
}

/// What the host knows of its users.
fn authenticate(credentials: &Credentials) -> Result<Option<CreateSession>, AuthenticateError> {
    match (credentials.email(), credentials.password()) {
        ("ada@example.com", "correct horse") => Ok(Some(CreateSession::new(user("usr_ada")))),
        ("bob@example.com", "battery staple") => Ok(Some(CreateSession::new(user("usr_bob")))),
        // "Remember me" as the host means it.
        ("long@example.com", _) => {
            Ok(Some(CreateSession::new(user("usr_long")).duration(Some("1y".parse().expect("a duration")))))
        }
        // A user whose claims fit themselves, but no access token.
        ("wide@example.com", _) => {
            let mut wide = CreateSession::new(user(&"\u{1}".repeat(255)));
            let claims = json!({"wide": "\u{1}".repeat(600)});
            wide.identity.claims = Claims::new(claims.as_object().expect("an object").clone())?;
            wide.identity.role = Some("\u{1}".repeat(255).parse()?);
            wide.identity.org_id = Some("\u{1}".repeat(255).parse()?);
            Ok(Some(wide))
        }
        ("down@example.com", _) => {
            Err("the user store at 10.0.0.7 is down".parse::<i32>().unwrap_err().into())
        }
        _ => Ok(None),
    }
}

pub fn user(id: &str) -> hellojohn::UserId {
    id.parse().expect("a user id")
}

impl Host {
    pub fn new() -> Self {
        Host::with(RestOptions::default())
    }

    pub fn with(options: RestOptions) -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(START));
        let engine = Engine::builder()
            .clock(clock.clone())
            .random(SeededRandom::new(7))
            .open(":memory:")
            .expect("an engine");
        let tenant = engine.tenant(&TENANT.parse().expect("an id"), &SECRET.parse().expect("a key"));
        let tenant = tenant.expect("a tenant");
        let api = RestApi::new(tenant.clone(), options).expect("an API").authenticate_with(authenticate);
        Host { engine, tenant, clock, api }
    }

    pub fn call(&self, method: &str, target: &str) -> Call<'_> {
        Call {
            host: self,
            request: Request::builder().method(method).uri(target),
            method: method.into(),
            target: target.into(),
            body: Vec::new(),
        }
    }

    pub fn get(&self, target: &str) -> Call<'_> {
        self.call("GET", target)
    }

    pub fn post(&self, target: &str) -> Call<'_> {
        self.call("POST", target)
    }

    pub fn delete(&self, target: &str) -> Call<'_> {
        self.call("DELETE", target)
    }

    pub fn create(&self, id: &str) -> Grant {
        self.tenant.create(CreateSession::new(user(id))).expect("a session")
    }

    /// Everything that a request could change: sessions, settings, keys.
    pub fn dump(&self) -> Vec<String> {
        let mut dump = vec![
            self.tenant.config().expect("the settings").to_json().to_string(),
            self.tenant.jwks().expect("the keys").to_string(),
        ];
        let every = SessionFilter::default().status(Some(StatusFilter::All));
        let mut list = ListQuery::default().filter(every);
        loop {
            let page = self.tenant.list(&list).expect("a page");
            dump.extend(page.data.iter().map(|session| serde_json::to_string(session).expect("JSON")));
            match page.next_cursor {
                Some(cursor) => list.cursor = Some(cursor),
                None => return dump,
            }
        }
    }
}

/// The values of a set are all different.
pub fn all_differ<T: std::hash::Hash + Eq>(values: impl IntoIterator<Item = T>) -> bool {
    let mut seen = HashSet::new();
    values.into_iter().all(|value| seen.insert(value))
}
