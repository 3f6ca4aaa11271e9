//! A client of the REST API: what holds for every answer is required here, whatever was asked.

use std::sync::Mutex;

use hellojohn::rest::http::{Method, Request, Response};
use hellojohn::rest::{AccessCookieOptions, ClientAddress, CookieOptions, RestApi, RestOptions};
use hellojohn::{CreateSession, Error, ErrorCode, IpAddress, Tenant};
use serde_json::Value;

use crate::fixture::SECRET;

use super::model::Mistake;

pub(super) const REFRESH_COOKIE: &str = "__Host-hj_refresh";
pub(super) const ACCESS_COOKIE: &str = "__Host-hj_access";
pub(super) const PASSWORD: &str = "correct horse";
const ALLOWED_ORIGIN: &str = "https://app.example.com";
const ATTRIBUTES: &str = "HttpOnly; Secure; SameSite=Lax";

/// A client of one tenant's API.
pub(super) struct Client {
    tenant: Tenant,
    pub has_cookies: bool,
    pub page: usize,
    pub mistake: Option<Mistake>,
}

/// A request in the making.
pub(super) struct Ask {
    method: Method,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
    address: Option<IpAddress>,
    /// The user of the password.
    user: Option<CreateSession>,
}

/// What an answer does to the cookies of the browser.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cookies {
    Kept,
    /// The refresh token and the access token, each with its `Max-Age` in seconds.
    Set([(String, i64); 2]),
    Cleared,
}

/// An answer: its body, or the error in it.
pub(super) struct Reply {
    pub outcome: Result<Value, Error>,
    pub cookies: Cookies,
}

impl Ask {
    pub(super) fn new(method: Method, target: impl Into<String>) -> Self {
        let target = target.into();
        Ask { method, target, headers: Vec::new(), body: None, address: None, user: None }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub(super) fn secret_key(self) -> Self {
        self.bearer(SECRET)
    }

    /// As a browser sends it that has other cookies too.
    pub(super) fn cookie(self, name: &str, value: &str) -> Self {
        self.header("cookie", format!("theme=dark; {name}={value}; other=rt_x"))
    }

    pub(super) fn json(self, body: Value) -> Self {
        Ask { body: Some(body), ..self }
    }

    pub(super) fn at(self, address: Option<&str>) -> Self {
        Ask { address: address.map(|address| address.parse().expect("an address")), ..self }
    }

    pub(super) fn user(self, user: CreateSession) -> Self {
        Ask { user: Some(user), ..self }
    }
}

impl Client {
    pub(super) fn new(tenant: &Tenant, has_cookies: bool, page: usize, mistake: Option<Mistake>) -> Self {
        Client { tenant: tenant.clone(), has_cookies, page, mistake }
    }

    /// The API as a host mounts it that knows one user: the one who signs in.
    fn api(&self, user: Option<CreateSession>) -> RestApi {
        let mut options =
            RestOptions::default().longest_requested_session(Some("100y".parse().expect("a duration")));
        if self.has_cookies {
            let cookie = CookieOptions::default()
                .access(Some(AccessCookieOptions::default()))
                .allowed_origins(vec![ALLOWED_ORIGIN.to_owned()]);
            options = options.cookie(Some(cookie));
        }
        let api = RestApi::new(self.tenant.clone(), options).expect("options that fit");
        let user = Mutex::new(user);
        api.authenticate_with(move |credentials| {
            let user = user.lock().expect("no panic").take();
            Ok(user.filter(|_| credentials.password() == PASSWORD))
        })
    }

    /// A request of a page that may use the cookies, as the browser or the page shows it.
    pub(super) fn on_page(&self, ask: Ask) -> Ask {
        match self.page {
            0 => ask.header("sec-fetch-site", "same-origin"),
            1 => ask.header("host", "api.example.com").header("origin", "https://api.example.com"),
            _ => ask.header("sec-fetch-site", "cross-site").header("origin", ALLOWED_ORIGIN),
        }
    }

    pub(super) fn send(&self, ask: Ask) -> Reply {
        let mut request = Request::builder().method(ask.method).uri(ask.target);
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        if let Some(address) = ask.address {
            request = request.extension(ClientAddress(Some(address)));
        }
        if ask.body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = ask.body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let answer = self.api(ask.user).handle(request.body(body).expect("a request"));
        let cookies = self.read_cookies(&answer);
        Reply { outcome: self.read(&answer), cookies }
    }

    /// The body, or the error that the host is told.
    fn read(&self, answer: &Response<Vec<u8>>) -> Result<Value, Error> {
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().expect("ASCII"));
        assert!(header("x-request-id").is_some_and(|id| id.starts_with("req_")));
        assert_eq!(header("www-authenticate").is_some(), status == 401);
        let body = match &answer.body()[..] {
            [] => Value::Null,
            body => serde_json::from_slice(body).expect("JSON"),
        };
        let Some(error) = answer.extensions().get::<Error>() else {
            assert_eq!(status, if body.is_null() { 204 } else { 200 });
            return Ok(body);
        };
        let told = &body["error"];
        assert_eq!((status, &told["status"]), (error.code().http_status(), &status.into()));
        assert_eq!(told["code"], error.code().as_str());
        // What is wrong with the server, its host is told.
        assert_eq!(told["message"] == error.detail(), status < 500, "{told}");
        match self.mistake {
            Some(Mistake::StorageRefusal) if status >= 500 => {
                Err(Error::new(ErrorCode::SessionRevoked, "a storage error"))
            }
            _ => Err(error.clone()),
        }
    }

    fn read_cookies(&self, answer: &Response<Vec<u8>>) -> Cookies {
        let mut found = Vec::new();
        for header in answer.headers().get_all("set-cookie") {
            assert!(header.is_sensitive() || header.as_bytes().windows(2).any(|pair| pair == b"=;"));
            let text = header.to_str().expect("ASCII");
            let (pair, attributes) = text.split_once("; Path=/; Max-Age=").expect("for the whole host");
            let (age, attributes) = attributes.split_once("; ").expect("more of them");
            assert_eq!(attributes, ATTRIBUTES);
            let (name, value) = pair.split_once('=').expect("a name");
            found.push((name.to_owned(), value.to_owned(), age.parse().expect("seconds")));
        }
        if found.is_empty() {
            return Cookies::Kept;
        }
        assert!(self.has_cookies, "a cookie of a host that has none: {found:?}");
        let [(refresh, token, age), (access, access_token, access_age)] =
            found.try_into().expect("both cookies");
        assert_eq!((&refresh[..], &access[..]), (REFRESH_COOKIE, ACCESS_COOKIE));
        if token.is_empty() {
            assert_eq!((access_token.as_str(), age, access_age), ("", 0, 0));
            return Cookies::Cleared;
        }
        assert!(answer.status() == 200, "a cookie is set by a refusal");
        Cookies::Set([(token, age), (access_token, access_age)])
    }
}
