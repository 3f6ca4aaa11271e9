//! Requests to the host's own routes by cookies: the table of `docs/COOKIES.md`, row by row, and what it cannot say.

use std::collections::BTreeMap;

use hellojohn::rest::http::{HeaderMap, Method, Request, request::Parts};
use hellojohn::rest::{
    AccessCookieOptions, Authorization, AuthorizeOptions, CookieOptions, MissingToken, RestOptions,
};
use hellojohn::{ConfigPatch, CreateSession, Grant, RefreshRequest, Tenant};
use serde_json::json;

use crate::credentials::{rows, words};
use crate::host::{Host, SECRET, user};

pub const ACCESS: &str = "__Host-hj_access";
const REFRESH: &str = "__Host-hj_refresh";
pub const NONE: &[&str] = &[];
pub const HOUR: i64 = 3_600_000;
const ORIGIN: &str = "https://app.example.com";

pub fn cookie() -> CookieOptions {
    CookieOptions::default()
        .access(Some(AccessCookieOptions::default()))
        .allowed_origins(vec!["https://admin.example.org".into()])
}

pub fn page_host() -> Host {
    Host::with(RestOptions::default().cookie(Some(cookie())))
}

pub fn renewing() -> AuthorizeOptions {
    AuthorizeOptions::default().renew(true)
}

/// What a browser says of the page that made a request.
pub fn origin_headers(page: &str) -> &'static [(&'static str, &'static str)] {
    match page {
        "own" => &[("sec-fetch-site", "same-origin"), ("origin", ORIGIN)],
        "typed" => &[("sec-fetch-site", "none")],
        "link" => &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")],
        "sibling" => &[("sec-fetch-site", "same-site"), ("origin", "https://evil.example.com")],
        "cross" => &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
        "allowed" => &[("sec-fetch-site", "cross-site"), ("origin", "https://admin.example.org")],
        "silent" => &[],
        _ => panic!("{page}"),
    }
}

/// A request such as `own POST`.
pub fn request(kind: &str, headers: &[(&str, String)]) -> Parts {
    let (page, method) = kind.split_once(' ').expect("a page and a method");
    let mut request = Request::builder().uri("/account").header("host", "app.example.com");
    request = match method {
        "socket" => request.header("upgrade", "websocket"),
        _ => request.method(Method::from_bytes(method.as_bytes()).expect("a method")),
    };
    let said = origin_headers(page).iter().map(|(name, value)| (*name, (*value).to_owned()));
    for (name, value) in said.chain(headers.iter().cloned()) {
        request = request.header(name, value);
    }
    request.body(()).expect("a request").into_parts().0
}

pub fn cookie_header(
    access: &[impl AsRef<str>],
    refresh: &[impl AsRef<str>],
) -> Option<(&'static str, String)> {
    let access = access.iter().map(|token| format!("{ACCESS}={}", token.as_ref()));
    let refresh = refresh.iter().map(|token| format!("{REFRESH}={}", token.as_ref()));
    let all: Vec<String> = access.chain(refresh).collect();
    (!all.is_empty()).then(|| ("cookie", all.join("; ")))
}

/// What the words of the table mean: tokens of sessions whose users are named like the words.
pub struct Tokens {
    access: BTreeMap<&'static str, String>,
    refresh: BTreeMap<&'static str, String>,
}

impl Tokens {
    pub fn new(host: &Host, other_tenant: &Tenant) -> Self {
        let create = |tenant: &Tenant, name: &str| -> Grant {
            host.clock.advance_millis(1_000);
            tenant.create(CreateSession::new(user(&format!("usr_{name}")))).expect("a session")
        };
        let refresh =
            |token: &str| host.tenant.refresh(token, RefreshRequest::default()).expect("a successor");
        let expired = create(&host.tenant, "expired");
        let reused = create(&host.tenant, "reused");
        let last = refresh(reused.refresh_token.expose());
        host.clock.advance_millis(2 * HOUR);
        refresh(last.refresh_token.expose());
        let (valid, other) = (create(&host.tenant, "valid"), create(&host.tenant, "other"));
        let ended = create(&host.tenant, "ended");
        host.tenant.revoke(ended.session.id).expect("a revocation");
        let foreign = create(other_tenant, "foreign");
        let stale = create(&host.tenant, "good");
        host.clock.advance_millis(60_000);
        let good = refresh(stale.refresh_token.expose());
        let text = |grant: &Grant| grant.access_token.expose().to_owned();
        Tokens {
            access: BTreeMap::from([
                ("expired", text(&expired)),
                ("valid", text(&valid)),
                ("other", text(&other)),
                ("ended", text(&ended)),
                ("foreign", text(&foreign)),
                ("garbage", "a.b.c".to_owned()),
            ]),
            refresh: BTreeMap::from([
                ("good", good.refresh_token.expose().to_owned()),
                ("stale", stale.refresh_token.expose().to_owned()),
                ("reused", reused.refresh_token.expose().to_owned()),
                ("ended", ended.refresh_token.expose().to_owned()),
                ("foreign", foreign.refresh_token.expose().to_owned()),
                ("garbage", "rt_x".to_owned()),
            ]),
        }
    }

    pub fn request(
        &self,
        kind: &str,
        bearer: &'static str,
        access: &'static str,
        refresh: &'static str,
    ) -> Parts {
        let find = |tokens: &BTreeMap<&'static str, String>, cell| {
            words(cell).into_iter().map(|word| tokens[word].clone()).collect::<Vec<_>>()
        };
        let (access, refresh) = (find(&self.access, access), find(&self.refresh, refresh));
        let mut headers: Vec<(&str, String)> = cookie_header(&access, &refresh).into_iter().collect();
        if let [word] = words(bearer)[..] {
            headers.push(("authorization", format!("Bearer {}", self.access[word])));
        }
        request(kind, &headers)
    }
}

/// What came of a request, in the words of the table.
pub fn outcome(found: &Authorization) -> String {
    match &found.auth {
        Ok(Some(auth)) => auth.user_id.as_str().trim_start_matches("usr_").to_owned(),
        Ok(None) => "anonymous".to_owned(),
        Err(error) => format!("{} {}", error.code().http_status(), error.code().as_str()),
    }
}

pub fn set_cookies(headers: &HeaderMap) -> Vec<String> {
    headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("ASCII").to_owned()).collect()
}

fn afterwards(row: &[&str], headers: &HeaderMap) -> &'static str {
    let cookies = set_cookies(headers);
    assert_eq!(headers.contains_key("cache-control"), !cookies.is_empty(), "{row:?}");
    let tail = "; HttpOnly; Secure; SameSite=Lax";
    for cookie in &cookies {
        assert!(cookie.ends_with(tail) && cookie.contains("; Path=/; "), "{row:?} {cookie}");
    }
    match &cookies[..] {
        [] => "kept",
        [refresh, access] if refresh.contains("=;") => {
            assert_eq!(*refresh, format!("{REFRESH}=; Path=/; Max-Age=0{tail}"), "{row:?}");
            assert_eq!(*access, format!("{ACCESS}=; Path=/; Max-Age=0{tail}"), "{row:?}");
            "cleared"
        }
        [refresh, access] => {
            assert!(refresh.starts_with(&format!("{REFRESH}=rt_")), "{row:?}");
            assert!(access.starts_with(&format!("{ACCESS}=ey")), "{row:?}");
            "set"
        }
        other => panic!("{row:?} {other:?}"),
    }
}

#[test]
fn a_request_to_a_page_is_read_as_its_table_says() {
    for missing_token in [MissingToken::Reject, MissingToken::Allow] {
        let host = page_host();
        host.tenant
            .update_config(&ConfigPatch::default().refresh_reuse_window(Some("60s".parse().unwrap())))
            .unwrap();
        let other = host.engine.tenant(&"tnt_other".parse().unwrap(), &SECRET.parse().unwrap()).unwrap();
        for row in rows("## Pages:") {
            let [kind, bearer, access, refresh, expected, cookies] = row[..] else { panic!("{row:?}") };
            let tokens = Tokens::new(&host, &other);
            let parts = tokens.request(kind, bearer, access, refresh);
            let options = renewing().missing_token(missing_token);
            let by_reading = host.api.authorize_by_reading(&parts, &options);
            assert!(
                by_reading.is_some() || ["set", "cleared"].contains(&cookies) || expected.starts_with("401")
            );
            let found = host.api.authorize(&parts, &options);
            let passes = missing_token == MissingToken::Allow && bearer == "–" && expected.starts_with("401");
            assert_eq!(outcome(&found), if passes { "anonymous" } else { expected }, "{row:?}");
            assert_eq!(afterwards(&row, &found.headers), cookies, "{row:?}");
            // What was set is good for the next request.
            if cookies == "set" {
                let set = set_cookies(&found.headers);
                let pairs: Vec<&str> = set.iter().map(|cookie| cookie.split(';').next().unwrap()).collect();
                let next = request("own GET", &[("cookie", pairs.join("; "))]);
                let next = host.api.authorize_by_reading(&next, &AuthorizeOptions::default()).unwrap();
                assert_eq!(outcome(&next), expected, "{row:?}");
            }
        }
    }
}

/// Any host of the domain can set the cookie of release 1, for all paths and all hosts.
#[test]
fn a_cookie_that_another_host_has_planted_signs_no_browser_in() {
    let host = page_host();
    let planted = host.create("usr_evil").refresh_token.expose().to_owned();
    let cookies = format!("hj_refresh_token={planted}; hj_access_token={planted}");
    for kind in ["own GET", "typed GET", "link GET", "own POST"] {
        let parts = request(kind, &[("cookie", cookies.clone())]);
        let found = host.api.authorize(&parts, &renewing());
        assert_eq!((outcome(&found).as_str(), found.headers.len()), ("401 missing_token", 0), "{kind}");
    }
    let call = host.post("/v1/auth/token/refresh").header("cookie", cookies);
    call.header("sec-fetch-site", "same-origin").send().fails(401, "missing_token");
}

#[test]
fn a_page_of_an_attacker_cannot_sign_a_browser_in() {
    let host = page_host();
    let body = json!({"email": "ada@example.com", "password": "correct horse"});
    for page in ["cross", "sibling", "link"] {
        let call = host.post("/v1/auth/sign-in").json(&body).header("host", "app.example.com");
        let call = origin_headers(page).iter().fold(call, |call, (name, value)| call.header(name, value));
        let refused = call.send().fails(403, "insufficient_permissions");
        assert_eq!(set_cookies(&refused.headers), Vec::<String>::new());
    }
}
