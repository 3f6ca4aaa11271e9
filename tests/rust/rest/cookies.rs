//! Cookie mode, and cookies where it is off.

use hellojohn::rest::{CookieOptions, FormerCookie, RestOptions, SameSite};
use serde_json::json;

use crate::host::{Answer, Call, Host};

const NAME: &str = "__Host-hj_refresh";

fn cookie_host() -> Host {
    Host::with(RestOptions::default().cookie(Some(CookieOptions::default())))
}

fn sign_in(host: &Host) -> Answer {
    let body = json!({"email": "ada@example.com", "password": "correct horse"});
    host.post("/v1/auth/sign-in").json(&body).send().is(200)
}

/// The value that a `Set-Cookie` sets.
fn value(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie").split(';').next().unwrap();
    cookie.split_once('=').unwrap().1.to_owned()
}

fn refresh<'a>(host: &'a Host, token: &str) -> Call<'a> {
    host.post("/v1/auth/token/refresh").header("cookie", format!("theme=dark; {NAME}={token}; x=\"y\""))
}

fn from_own_page(call: Call<'_>) -> Call<'_> {
    call.header("sec-fetch-site", "same-origin")
}

#[test]
fn the_refresh_token_travels_in_the_cookie_only() {
    let host = cookie_host();
    let signed_in = sign_in(&host);
    assert!(signed_in.body.get("refresh_token").is_none());
    let token = value(&signed_in);
    assert!(token.starts_with("rt_") && !signed_in.body.to_string().contains(&token));
    assert_eq!(
        signed_in.header("set-cookie"),
        format!("{NAME}={token}; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax")
    );
    assert!(signed_in.headers["set-cookie"].is_sensitive());

    host.clock.advance_millis(60_000);
    let refreshed = from_own_page(refresh(&host, &token)).send().is(200);
    assert!(refreshed.body.get("refresh_token").is_none());
    assert_ne!(value(&refreshed), token);
    assert!(refreshed.header("set-cookie").contains("Max-Age=2591940;"), "until the session ends");
    // A native application may use the same API with the token in the body; its successor goes the same safe way.
    let body = json!({"refresh_token": value(&refreshed)});
    let native = host.post("/v1/auth/token/refresh").json(&body).send().is(200);
    assert!(native.body.get("refresh_token").is_none() && value(&native).starts_with("rt_"));
}

#[test]
fn the_cookie_is_cleared_when_its_token_is_dead() {
    let host = cookie_host();
    let cleared = format!("{NAME}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax");
    let signed_in = sign_in(&host);
    let sign_out = host.post("/v1/auth/sign-out").header("cookie", format!("{NAME}={}", value(&signed_in)));
    assert_eq!(from_own_page(sign_out).send().is(204).header("set-cookie"), cleared);
    let dead = from_own_page(refresh(&host, &value(&signed_in))).send().fails(401, "session_revoked");
    assert_eq!(dead.header("set-cookie"), cleared);
    let bad = from_own_page(refresh(&host, "rt_x")).send().fails(401, "refresh_token_invalid");
    assert_eq!(bad.header("set-cookie"), cleared);
    // With the access token, too.
    let signed_in = sign_in(&host);
    let token = signed_in.body["access_token"].as_str().unwrap();
    let sign_out = || host.post("/v1/auth/sign-out").bearer(token);
    let elsewhere = [("origin", "https://evil.test"), ("sec-fetch-site", "cross-site")];
    let foreign = elsewhere.iter().fold(sign_out(), |call, (name, value)| call.header(name, value));
    assert_eq!(
        foreign.send().is(204).header("set-cookie"),
        "",
        "another site made the browser forget its cookie"
    );
    assert_eq!(from_own_page(sign_out()).send().is(204).header("set-cookie"), cleared);
    // What only may be over for a while stays.
    host.engine.close().unwrap();
    let busy = from_own_page(refresh(&host, "rt_x")).send();
    assert_eq!(busy.header("set-cookie"), if busy.status == 503 { "" } else { cleared.as_str() });
}

#[test]
fn another_site_cannot_plant_a_cookie() {
    let host = cookie_host();
    let token = value(&sign_in(&host));
    let old = "old-session-0001";
    let row = format!(r#"{{"user_id":"usr_1","credential":"{old}"}}"#);
    host.tenant.import(row.as_bytes(), &hellojohn::ImportRequest::default(), |_| {}).unwrap();
    let before = host.dump();
    for (target, body) in [
        ("/v1/auth/token/refresh", json!({"refresh_token": token})),
        ("/v1/auth/adopt", json!({"credential": old})),
    ] {
        let plant = host.post(target).json(&body);
        let plant = plant.header("origin", "https://evil.test").header("sec-fetch-site", "cross-site");
        let refused = plant.send().fails(403, "insufficient_permissions");
        assert_eq!(refused.header("set-cookie"), "");
    }
    assert_eq!(host.dump(), before);
    let adopted = from_own_page(host.post("/v1/auth/adopt").json(&json!({"credential": old}))).send().is(200);
    assert!(adopted.header("set-cookie").starts_with(&format!("{NAME}=rt_")));
    assert_eq!(adopted.body.get("refresh_token"), None);
}

#[test]
fn another_site_cannot_use_the_cookie() {
    let host = cookie_host();
    let token = value(&sign_in(&host));
    host.clock.advance_millis(60_000);
    let before = host.dump();
    let refused = |headers: &[(&str, &str)]| {
        for target in ["/v1/auth/token/refresh", "/v1/auth/sign-out"] {
            let mut call = host.post(target).header("cookie", format!("{NAME}={token}"));
            for (name, value) in headers {
                call = call.header(name, value);
            }
            let answer = call.send().fails(403, "insufficient_permissions");
            assert_eq!(
                answer.header("set-cookie"),
                "",
                "another site cannot make the browser forget it either"
            );
        }
    };
    refused(&[]);
    refused(&[("sec-fetch-site", "cross-site")]);
    refused(&[("sec-fetch-site", "same-site")]);
    refused(&[("sec-fetch-site", "cross-site"), ("x-requested-with", "XMLHttpRequest")]);
    refused(&[("origin", "https://evil.test"), ("host", "api.example.com")]);
    refused(&[("origin", "null"), ("host", "api.example.com")]);
    let body = json!({"email": "ada@example.com", "password": "correct horse"});
    host.post("/v1/auth/sign-in")
        .json(&body)
        .header("sec-fetch-site", "cross-site")
        .send()
        .fails(403, "insufficient_permissions");
    assert_eq!(host.dump(), before);
    for (name, value) in [("x-requested-with", "fetch"), ("origin", "https://api.example.com")] {
        let call = refresh(&host, &token).header("host", "api.example.com").header(name, value);
        call.send().is(200);
    }
}

#[test]
fn cookies_of_others_may_hold_anything() {
    let host = cookie_host();
    let token = value(&sign_in(&host));
    let odd = host
        .post("/v1/auth/token/refresh")
        .header("cookie", [b"a=\xff; ", NAME.as_bytes(), b"=", token.as_bytes()].concat());
    from_own_page(odd).send().is(200);
}

/// The headers of an answer that set or clear cookies.
fn set_cookies(answer: &Answer) -> Vec<String> {
    let headers = answer.headers.get_all("set-cookie").iter();
    headers.map(|header| header.to_str().unwrap().to_owned()).collect()
}

#[test]
fn former_cookies_that_the_host_names_are_always_cleared() {
    let former = vec![
        FormerCookie::default().domain(Some("example.com".into())),
        FormerCookie::default().name(Some("sid".into())).path(Some("/app".into())),
    ];
    let cookie = CookieOptions::default().former(Some(former));
    let host = Host::with(RestOptions::default().cookie(Some(cookie)));
    let tail = "Max-Age=0; HttpOnly; Secure; SameSite=Lax";
    let cleared = [
        format!("hj_refresh_token=; Path=/; Domain=example.com; {tail}"),
        format!("sid=; Path=/app; {tail}"),
    ];
    let signed_in = sign_in(&host);
    assert_eq!(set_cookies(&signed_in)[1..], cleared);
    host.clock.advance_millis(60_000);
    let by_former = |target: &str, token: &str| {
        let call = host.post(target).header("cookie", format!("hj_refresh_token=rt_x; sid={token}"));
        from_own_page(call).send()
    };
    let refreshed = by_former("/v1/auth/token/refresh", &value(&signed_in)).is(200);
    assert!(set_cookies(&refreshed)[0].starts_with("__Host-hj_refresh=rt_"));
    assert_eq!(set_cookies(&refreshed)[1..], cleared);
    let signed_out = by_former("/v1/auth/sign-out", &value(&refreshed)).is(204);
    assert!(set_cookies(&signed_out)[0].starts_with("__Host-hj_refresh=; "));
    assert_eq!(set_cookies(&signed_out)[1..], cleared);
    // With a list, only what it names is read.
    let none = CookieOptions::default().former(Some(Vec::new()));
    let host = Host::with(RestOptions::default().cookie(Some(none)));
    let token = value(&sign_in(&host));
    let call = host.post("/v1/auth/token/refresh").header("cookie", format!("hj_refresh_token={token}"));
    from_own_page(call).send().fails(401, "missing_token");
}

/// The path of the cookie was `/v1/auth` and is `/`: the browser sends both, the older one first.
#[test]
fn a_leftover_of_the_same_name_locks_no_user_out() {
    let cookie = CookieOptions::default().secure(false);
    let host = Host::with(RestOptions::default().cookie(Some(cookie)));
    let leftover = host.create("usr_ada");
    host.tenant.revoke(leftover.session.id).unwrap();
    host.clock.advance_millis(60_000);
    let token = value(&sign_in(&host));
    let cookies = format!("hj_refresh_token={}; hj_refresh_token={token}", leftover.refresh_token.expose());
    let call = host.post("/v1/auth/token/refresh").header("cookie", cookies);
    let answer = from_own_page(call).send().is(200);
    assert_eq!(
        set_cookies(&answer)[1..],
        ["hj_refresh_token=; Path=/v1/auth; Max-Age=0; HttpOnly; SameSite=Lax"]
    );
}

#[test]
fn a_cookie_for_frames_of_other_sites_is_partitioned_and_needs_an_allowed_origin() {
    let cookie = CookieOptions::default()
        .partitioned(true)
        .allowed_origins(vec!["https://app.example.com".into(), "capacitor://localhost".into()]);
    let host = Host::with(RestOptions::default().cookie(Some(cookie)));
    let body = json!({"email": "ada@example.com", "password": "correct horse"});
    let call = || host.post("/v1/auth/sign-in").json(&body);
    call().send().fails(403, "insufficient_permissions");
    for origin in ["https://app.example.com", "capacitor://localhost"] {
        let from = call().header("origin", origin).header("sec-fetch-site", "cross-site");
        let set = from.send().is(200).header("set-cookie").to_owned();
        assert!(
            set.ends_with("; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=None; Partitioned"),
            "{set}"
        );
    }
}

#[test]
fn options_of_the_cookie_are_checked() {
    let cookie =
        CookieOptions::default().name(Some("__Host-refresh".into())).same_site(Some(SameSite::Strict));
    let host = Host::with(RestOptions::default().cookie(Some(cookie)));
    let set = sign_in(&host).header("set-cookie").to_owned();
    assert!(set.starts_with("__Host-refresh=rt_"), "{set}");
    assert!(set.ends_with("; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Strict"), "{set}");

    let cookie = CookieOptions::default()
        .domain(Some("example.com".into()))
        .secure(false)
        .allowed_origins(vec!["https://app.example.com".into()]);
    let host = Host::with(RestOptions::default().cookie(Some(cookie)));
    let signed_in = sign_in(&host);
    let set = signed_in.header("set-cookie");
    assert!(set.ends_with("; Path=/; Domain=example.com; Max-Age=2592000; HttpOnly; SameSite=Lax"), "{set}");
    let cookie = format!("hj_refresh_token={}", value(&signed_in));
    let call =
        host.post("/v1/auth/token/refresh").header("cookie", cookie).header("sec-fetch-site", "same-site");
    call.header("origin", "https://app.example.com").send().is(200);

    let bad = CookieOptions::default().name(Some("a b".into()));
    let options = RestOptions::default().cookie(Some(bad));
    assert!(hellojohn::rest::RestApi::new(host.tenant.clone(), options).is_err());
}

#[test]
fn without_cookie_mode_a_cookie_still_never_ends_up_in_json() {
    let host = Host::new();
    let grant = host.create("usr_1");
    let answer = from_own_page(refresh(&host, grant.refresh_token.expose())).send().is(200);
    assert!(answer.body.get("refresh_token").is_none());
    assert!(value(&answer).starts_with("rt_"));
    refresh(&host, grant.refresh_token.expose()).send().fails(403, "insufficient_permissions");
}
