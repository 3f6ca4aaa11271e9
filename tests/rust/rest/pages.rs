//! Requests to the host's own routes by cookies: the table of `docs/COOKIES.md`, row by row, and what it cannot say.

use std::collections::BTreeMap;

use hellojohn::rest::http::{HeaderMap, Method, Request, request::Parts};
use hellojohn::rest::{
    AccessCookieOptions, Authorization, AuthorizeOptions, CookieOptions, MissingToken, RestOptions,
    Verification,
};
use hellojohn::{ConfigPatch, CreateSession, Grant, RefreshRequest, RequiredAuth, Tenant};
use serde_json::{Value, json};

use crate::credentials::{rows, words};
use crate::host::{Host, SECRET, user};

const ACCESS: &str = "__Host-hj_access";
const REFRESH: &str = "__Host-hj_refresh";
const NONE: &[&str] = &[];
const HOUR: i64 = 3_600_000;
const ORIGIN: &str = "https://app.example.com";

fn cookie() -> CookieOptions {
    CookieOptions::default()
        .access(Some(AccessCookieOptions::default()))
        .allowed_origins(vec!["https://admin.example.org".into()])
}

fn page_host() -> Host {
    Host::with(RestOptions::default().cookie(Some(cookie())))
}

fn renewing() -> AuthorizeOptions {
    AuthorizeOptions::default().renew(true)
}

/// What a browser says of the page that made a request.
fn origin_headers(page: &str) -> &'static [(&'static str, &'static str)] {
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
fn request(kind: &str, headers: &[(&str, String)]) -> Parts {
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

fn cookie_header(access: &[impl AsRef<str>], refresh: &[impl AsRef<str>]) -> Option<(&'static str, String)> {
    let access = access.iter().map(|token| format!("{ACCESS}={}", token.as_ref()));
    let refresh = refresh.iter().map(|token| format!("{REFRESH}={}", token.as_ref()));
    let all: Vec<String> = access.chain(refresh).collect();
    (!all.is_empty()).then(|| ("cookie", all.join("; ")))
}

/// What the words of the table mean: tokens of sessions whose users are named like the words.
struct Tokens {
    access: BTreeMap<&'static str, String>,
    refresh: BTreeMap<&'static str, String>,
}

impl Tokens {
    fn new(host: &Host, other_tenant: &Tenant) -> Self {
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

    fn request(
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
fn outcome(found: &Authorization) -> String {
    match &found.auth {
        Ok(Some(auth)) => auth.user_id.as_str().trim_start_matches("usr_").to_owned(),
        Ok(None) => "anonymous".to_owned(),
        Err(error) => format!("{} {}", error.code().http_status(), error.code().as_str()),
    }
}

fn set_cookies(headers: &HeaderMap) -> Vec<String> {
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

/// Without cookies of its own to send, a host rotates nothing and clears nothing.
#[test]
fn a_host_that_cannot_send_cookies_changes_none() {
    let host = page_host();
    let other = host.engine.tenant(&"tnt_other".parse().unwrap(), &SECRET.parse().unwrap()).unwrap();
    let tokens = Tokens::new(&host, &other);
    let before = host.dump();
    for (refresh, expected) in [
        ("good", "good"),
        ("reused", "401 token_expired"),
        ("ended", "401 token_expired"),
        ("garbage", "401 token_expired"),
    ] {
        for kind in ["own GET", "own POST", "link GET"] {
            let parts = tokens.request(kind, "–", "expired", refresh);
            let found =
                host.api.authorize_by_reading(&parts, &AuthorizeOptions::default()).expect("no write");
            assert_eq!(outcome(&found), expected, "{kind} {refresh}");
            assert!(found.headers.is_empty());
        }
    }
    assert_eq!(host.dump(), before);
}

#[test]
fn without_a_window_of_reuse_nothing_is_rotated() {
    let host = page_host();
    host.tenant
        .update_config(
            &ConfigPatch::from_json(json!({"refresh_reuse_window": 0}).as_object().unwrap()).unwrap(),
        )
        .unwrap();
    let grant = host.create("usr_1");
    let before = host.dump();
    let parts = request("own GET", &[cookie_header(NONE, &[grant.refresh_token.expose()]).unwrap()]);
    for _ in 0..3 {
        let found = host.api.authorize(&parts, &renewing());
        assert_eq!((outcome(&found).as_str(), found.headers.len()), ("1", 0));
    }
    assert_eq!(host.dump(), before);
}

#[test]
fn twenty_requests_at_once_renew_to_the_same_cookies() {
    let host = page_host();
    let grant = host.create("usr_1");
    host.clock.advance_millis(2 * HOUR);
    let presented = cookie_header(&[grant.access_token.expose()], &[grant.refresh_token.expose()]).unwrap();
    let barrier = std::sync::Barrier::new(20);
    let ask = || {
        let parts = request("own GET", std::slice::from_ref(&presented));
        barrier.wait();
        let found = host.api.authorize(&parts, &renewing());
        assert_eq!(outcome(&found), "1");
        set_cookies(&found.headers)
    };
    let all: Vec<Vec<String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert_eq!(all[0].len(), 2);
    assert!(all.iter().all(|cookies| *cookies == all[0]), "{all:?}");
    let session = host.tenant.get(grant.session.id).unwrap();
    assert_eq!(session.end_reason, None, "nothing looked like reuse");
}

#[test]
fn the_cookies_have_the_attributes_of_the_document() {
    let host = page_host();
    let body = json!({"email": "ada@example.com", "password": "correct horse"});
    let signed_in = host.post("/v1/auth/sign-in").json(&body).send().is(200);
    let cookies = set_cookies(&signed_in.headers);
    let token = signed_in.body["access_token"].as_str().unwrap();
    assert_eq!(
        cookies[1..],
        [format!("{ACCESS}={token}; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax")]
    );
    assert!(
        signed_in.headers.get_all("set-cookie").iter().all(hellojohn::rest::http::HeaderValue::is_sensitive)
    );
    // It lasts no longer than its session.
    let short = json!({"email": "ada@example.com", "password": "correct horse", "session_options": {"duration": "5m"}});
    let signed_in = host.post("/v1/auth/sign-in").json(&short).send().is(200);
    assert!(set_cookies(&signed_in.headers)[1].contains("; Max-Age=300; "));
    let named =
        cookie().access(Some(AccessCookieOptions::default().name(Some("pages".into())))).secure(false);
    let host = Host::with(RestOptions::default().cookie(Some(named.domain(Some("example.com".into())))));
    let signed_in = host.post("/v1/auth/sign-in").json(&body).send().is(200);
    assert!(set_cookies(&signed_in.headers)[1].starts_with("pages=ey"));
    assert!(
        set_cookies(&signed_in.headers)[1]
            .ends_with("; Path=/; Domain=example.com; Max-Age=3600; HttpOnly; SameSite=Lax")
    );
}

#[test]
fn without_the_option_no_access_cookie_is_set_or_read() {
    let host = Host::with(RestOptions::default().cookie(Some(CookieOptions::default())));
    let body = json!({"email": "ada@example.com", "password": "correct horse"});
    let signed_in = host.post("/v1/auth/sign-in").json(&body).send().is(200);
    assert_eq!(set_cookies(&signed_in.headers).len(), 1);
    let grant = host.create("usr_1");
    let cookies = cookie_header(&[grant.access_token.expose()], &[grant.refresh_token.expose()]).unwrap();
    let found = host.api.authorize(&request("own GET", std::slice::from_ref(&cookies)), &renewing());
    assert_eq!(outcome(&found), "401 missing_token");
    let call = host.get("/v1/sessions").header("cookie", &cookies.1).header("sec-fetch-site", "same-origin");
    call.send().fails(401, "missing_token");
}

/// The API's own routes: the user's take the cookie, by the rule for what changes something.
#[test]
fn the_routes_of_a_user_take_the_access_cookie_from_own_pages() {
    let host = page_host();
    let (grant, neighbour) = (host.create("usr_1"), host.create("usr_1"));
    let stranger = host.create("usr_2");
    let cookies = cookie_header(&[grant.access_token.expose()], NONE).unwrap().1;
    let call = |method: &str, target: &str, page: &str| {
        let call = host.call(method, target).header("cookie", &cookies).header("host", "app.example.com");
        origin_headers(page).iter().fold(call, |call, (name, value)| call.header(name, value))
    };
    let before = host.dump();
    for page in ["own", "typed", "link", "silent", "sibling", "cross"] {
        let listed = call("GET", "/v1/sessions", page).send().is(200);
        assert_eq!(listed.body["data"].as_array().unwrap().len(), 2, "{page}");
    }
    let one = format!("/v1/sessions/{}", neighbour.session.id);
    for page in ["silent", "sibling", "cross", "link"] {
        for target in [one.as_str(), "/v1/sessions", "/v1/sessions?except=current"] {
            let refused = call("DELETE", target, page).header("content-type", "application/json");
            refused.header("x-requested-with", "fetch").send().fails(403, "insufficient_permissions");
        }
    }
    call("DELETE", &format!("/v1/sessions/{}", stranger.session.id), "own")
        .send()
        .fails(404, "session_not_found");
    // What is the secret key's takes no cookie, from no page.
    for (method, target) in
        [("GET", "/v1/admin/config"), ("POST", "/v1/sessions/verify"), ("GET", "/v1/events")]
    {
        call(method, target, "own").send().fails(401, "missing_token");
    }
    assert_eq!(host.dump(), before);
    call("DELETE", &one, "own").send().is(204);
    call("DELETE", "/v1/sessions?except=current", "allowed").send().is(200);
    // The header wins.
    let own = stranger.access_token.expose();
    let listed = call("GET", "/v1/sessions", "cross").bearer(own).send().is(200);
    assert_eq!(listed.body["data"][0]["user_id"], "usr_2");
    call("DELETE", "/v1/sessions?except=current", "cross").bearer(own).send().is(200);
    call("GET", "/v1/sessions", "own").bearer("a.b.c").send().fails(401, "invalid_token");
    // Two of different users.
    let two = cookie_header(&[grant.access_token.expose(), own], NONE).unwrap().1;
    host.get("/v1/sessions").header("cookie", two).send().fails(400, "bad_request");
}

#[test]
fn a_sign_out_ends_the_session_of_the_access_cookie_and_clears_both() {
    let host = page_host();
    let sign_out = |access: &[&str], refresh: &[&str], page: &str| {
        let call = host.post("/v1/auth/sign-out").header("host", "app.example.com");
        let call = call.header("cookie", cookie_header(access, refresh).unwrap().1);
        origin_headers(page).iter().fold(call, |call, (name, value)| call.header(name, value)).send()
    };
    let ended = |grant: &Grant| host.tenant.get(grant.session.id).unwrap().end_reason.is_some();
    let (one, two) = (host.create("usr_1"), host.create("usr_1"));
    for page in ["sibling", "cross", "silent"] {
        let refused =
            sign_out(&[one.access_token.expose()], &[], page).fails(403, "insufficient_permissions");
        assert_eq!(set_cookies(&refused.headers), Vec::<String>::new());
    }
    let cleared = |answer: &HeaderMap| {
        let cookies = set_cookies(answer);
        cookies.len() == 2 && cookies.iter().all(|cookie| cookie.contains("=; Path=/; Max-Age=0;"))
    };
    let answer = sign_out(&[one.access_token.expose()], &[], "own").is(204);
    assert!(cleared(&answer.headers) && ended(&one) && !ended(&two));
    // An expired one still says which session it is of.
    host.clock.advance_millis(2 * HOUR);
    let answer = sign_out(&[two.access_token.expose()], &["rt_x"], "own").is(204);
    assert!(cleared(&answer.headers) && ended(&two));
    let answer = sign_out(&["a.b.c"], &[], "own").fails(401, "invalid_token");
    assert!(cleared(&answer.headers));
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

#[test]
fn a_token_that_no_cookie_holds_is_an_error_of_the_host() {
    let host = page_host();
    let claims = |bytes: usize| -> Value { json!({"text": "x".repeat(bytes)}) };
    let sign_in = |bytes: usize| {
        let user = CreateSession::from_json(
            json!({"user_id": "usr_1", "claims": claims(bytes)}).as_object().unwrap().clone(),
        );
        let body = json!({"email": "ada@example.com", "password": "correct horse"});
        let call = host.post("/v1/auth/sign-in").json(&body);
        match host.api.begin(call.request()) {
            hellojohn::rest::Step::Authenticate(pending) => pending.finish(Ok(Some(user.unwrap()))),
            _ => panic!("no sign-in"),
        }
    };
    assert_eq!(sign_in(2_200).status(), 200);
    let refused = sign_in(3_500);
    assert_eq!(refused.status(), 500);
    assert!(!refused.headers().contains_key("set-cookie"));
    let error = refused.extensions().get::<hellojohn::Error>().unwrap();
    assert!(error.detail().contains("too long for a cookie"), "{error}");
    assert_eq!(
        host.tenant.stats().unwrap().sessions.active,
        1,
        "the session that no page would know has ended"
    );
    // An update may do it later: pages go on by the refresh cookie.
    let grant = host.create("usr_2");
    let patch = json!({"claims": claims(3_500)}).as_object().unwrap().clone();
    host.tenant.update(grant.session.id, hellojohn::IdentityPatch::from_json(patch).unwrap()).unwrap();
    host.clock.advance_millis(2 * HOUR);
    let parts = request("own GET", &[cookie_header(NONE, &[grant.refresh_token.expose()]).unwrap()]);
    let found = host.api.authorize(&parts, &renewing());
    assert_eq!(outcome(&found), "2");
    assert_eq!(
        set_cookies(&found.headers)[1],
        format!("{ACCESS}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax")
    );
}

#[test]
fn what_a_route_requires_holds_for_cookies_too() {
    let host = page_host();
    let grant = host.create("usr_1");
    let asking = |required: RequiredAuth| renewing().required(required);
    let fresh = cookie_header(&[grant.access_token.expose()], &[grant.refresh_token.expose()]).unwrap();
    let role = || asking(RequiredAuth::default().role(Some("admin".parse().unwrap())));
    let mfa = || asking(RequiredAuth::default().mfa(true));
    for (options, expected) in
        [(role(), "403 insufficient_permissions"), (mfa(), "401 reauthentication_required")]
    {
        let found = host.api.authorize(&request("own GET", std::slice::from_ref(&fresh)), &options);
        assert_eq!((outcome(&found).as_str(), found.headers.len()), (expected, 0));
        // Not even an anonymous route lets a user pass who is known and may not.
        let optional = options.clone().missing_token(MissingToken::Allow);
        let found = host.api.authorize(&request("own GET", std::slice::from_ref(&fresh)), &optional);
        assert_eq!(outcome(&found), expected);
        let found = host.api.authorize(
            &request("link GET", &[cookie_header(NONE, &[grant.refresh_token.expose()]).unwrap()]),
            &options,
        );
        assert_eq!(outcome(&found), expected);
    }
    // The renewed cookies are sent all the same: the old refresh token is used up.
    host.clock.advance_millis(2 * HOUR);
    let found = host.api.authorize(&request("own GET", std::slice::from_ref(&fresh)), &mfa());
    assert_eq!(
        (outcome(&found).as_str(), set_cookies(&found.headers).len()),
        ("401 reauthentication_required", 2)
    );
    let local = AuthorizeOptions::default().verification(Verification::Local);
    let fresh = host.create("usr_3");
    let parts = request("own GET", &[cookie_header(&[fresh.access_token.expose()], NONE).unwrap()]);
    host.tenant.revoke(fresh.session.id).unwrap();
    assert_eq!(outcome(&host.api.authorize(&parts, &local)), "3");
    assert_eq!(outcome(&host.api.authorize(&parts, &renewing())), "401 session_revoked");
}

#[test]
fn a_store_that_fails_lets_no_cookie_pass() {
    let host = page_host();
    let grant = host.create("usr_1");
    let cookies = cookie_header(&[grant.access_token.expose()], &[grant.refresh_token.expose()]).unwrap();
    host.engine.close().unwrap();
    for missing_token in [MissingToken::Reject, MissingToken::Allow] {
        let options = renewing().missing_token(missing_token);
        for kind in ["own GET", "link GET"] {
            let found = host.api.authorize(&request(kind, std::slice::from_ref(&cookies)), &options);
            assert_eq!(outcome(&found), "503 engine_closed");
        }
    }
}
