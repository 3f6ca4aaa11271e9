//! What the table of pages in `docs/COOKIES.md` cannot say: requests at the same time, attributes, limits, the API's own routes.

use hellojohn::rest::http::HeaderMap;
use hellojohn::rest::{
    AccessCookieOptions, AuthorizeOptions, CookieOptions, MissingToken, RestOptions, Verification,
};
use hellojohn::{ConfigPatch, CreateSession, Grant, RequiredAuth};
use serde_json::{Value, json};

use crate::host::{Host, SECRET};
use crate::pages::{
    ACCESS, HOUR, NONE, Tokens, cookie, cookie_header, origin_headers, outcome, page_host, renewing, request,
    set_cookies,
};

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
