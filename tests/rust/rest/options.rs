//! Options that decide which routes there are and where the API is mounted.

use hellojohn::ErrorCode;
use hellojohn::rest::http::{HeaderValue, Method, Request};
use hellojohn::rest::{CookieOptions, RestApi, RestOptions, Work};
use serde_json::json;

use crate::host::{Host, read};

#[test]
fn without_admin_the_api_is_its_users_only() {
    let host = Host::with(RestOptions::default().admin(false));
    let before = host.dump();
    for (method, target) in [
        ("GET", "/v1/admin/config"),
        ("PATCH", "/v1/admin/config"),
        ("GET", "/v1/admin/stats"),
        ("POST", "/v1/sessions/verify"),
        ("OPTIONS", "/v1/admin/stats"),
    ] {
        host.call(method, target).secret().json(&json!({})).send().fails(404, "not_found");
    }
    for (method, target) in
        [("GET", "/v1/sessions"), ("DELETE", "/v1/sessions"), ("DELETE", "/v1/sessions/ses_x")]
    {
        host.call(method, target).secret().send().fails(403, "insufficient_permissions");
    }
    assert_eq!(host.dump(), before);
    let grant = host.create("usr_1");
    host.get("/v1/sessions").bearer(grant.access_token.expose()).send().is(200);
    host.get("/.well-known/jwks.json").send().is(200);
    let body = json!({"email": "ada@example.com", "password": "correct horse"});
    host.post("/v1/auth/sign-in").json(&body).send().is(200);
    let options = RestOptions::default().admin(false);
    assert!(!options.is_api_path("/v1/admin/stats") && options.is_api_path("/v1/sessions"));
}

#[test]
fn the_revocation_list_needs_the_key_unless_the_host_publishes_it() {
    let target = "/v1/revocations?since=0";
    let on: hellojohn::ConfigPatch = r#"{"revocation_list": true}"#.parse().unwrap();
    let host = Host::new();
    host.get(target).secret().send().fails(422, "validation_error");
    host.tenant.update_config(&on).unwrap();
    let grant = host.create("usr_1");
    host.get(target).send().fails(401, "missing_token");
    host.get(target).bearer(grant.access_token.expose()).send().fails(403, "insufficient_permissions");
    for bad in ["/v1/revocations?since=-1", "/v1/revocations?since=x", "/v1/revocations?since="] {
        host.get(bad).secret().send().fails(422, "validation_error");
    }
    let answer = host.get(target).secret().send().is(200);
    assert_eq!(answer.header("cache-control"), "private, max-age=2");
    assert_eq!((&answer.body["since"], &answer.body["has_more"]), (&json!(0), &json!(false)));

    for admin in [true, false] {
        let host = Host::with(RestOptions::default().public_revocations(true).admin(admin));
        host.tenant.update_config(&on).unwrap();
        let answer = host.get("/v1/revocations").send().is(200);
        assert_eq!(answer.header("cache-control"), "public, max-age=2");
        host.get("/v1/revocations").bearer("no token").send().is(200);
        host.call("POST", "/v1/revocations").send().fails(405, "method_not_allowed");
    }
    let users = Host::with(RestOptions::default().admin(false));
    users.get(target).secret().send().fails(404, "not_found");
}

#[test]
fn a_slash_behind_a_path_is_an_option() {
    let host = Host::with(RestOptions::default().trailing_slash(true));
    let grant = host.create("usr_1");
    let send = |host: &Host, method: &str, target: &str| {
        read(host.api.handle(host.call(method, target).secret().request()), false)
    };
    let one = format!("/v1/sessions/{}/", grant.session.id);
    assert_eq!(
        send(&host, "GET", "/v1/sessions/?user_id=usr_1").is(200).body["data"].as_array().unwrap().len(),
        1
    );
    send(&host, "GET", &one).is(200);
    // A lost id must not end the sessions of the tenant.
    send(&host, "DELETE", "/v1/sessions/").fails(404, "not_found");
    send(&host, "DELETE", &one).is(204);
    let options = RestOptions::default().trailing_slash(true);
    assert_eq!(options.work(&Method::DELETE, &one), Work::Write);
    assert_eq!(options.work(&Method::GET, &one), Work::Lookup);
    let strict = Host::new();
    send(&strict, "GET", "/v1/sessions/").fails(404, "not_found");
}

#[test]
fn a_cookie_that_would_not_come_back_is_an_error_at_the_start() {
    let host = Host::new();
    let api = |path: &str, mount_path: Option<&str>| {
        let cookie = CookieOptions::default().path(path.into());
        let mount_path = mount_path.map(str::to_owned);
        let options = RestOptions::default().cookie(Some(cookie)).mount_path(mount_path);
        RestApi::new(host.tenant.clone(), options).map(drop)
    };
    for (path, mount_path) in [
        ("/", None),
        ("/", Some("/auth")),
        ("/v1/auth", None),
        ("/auth/v1/auth", Some("/auth")),
        ("/auth", Some("/auth")),
    ] {
        assert_eq!(api(path, mount_path), Ok(()), "{path} {mount_path:?}");
    }
    for (path, mount_path) in [
        ("/v1/auth", Some("/auth")),
        ("/auth/v1/auth", None),
        ("/v1/auth/token", None),
        ("/", Some("auth")),
        ("/", Some("/auth/")),
        ("/", Some("/a b")),
    ] {
        let refused = api(path, mount_path).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::ValidationError, "{path} {mount_path:?}");
    }
    let refused = api("/v1/auth", Some("/auth")).unwrap_err();
    assert!(refused.detail().contains("/auth/v1/auth/token/refresh"), "{refused}");
}

#[test]
fn the_dashboard_is_an_option_and_its_files_need_no_credentials() {
    let on = Host::with(RestOptions::default().dashboard(true));
    let ask = |host: &Host, method: &str, target: &str, known: &str| {
        let request = Request::builder().method(method).uri(target).header("if-none-match", known);
        host.api.handle(request.body(Vec::new()).unwrap())
    };
    for target in ["/dashboard/", "/dashboard/app.js", "/dashboard/app.css", "/dashboard/icon.svg"] {
        let answer = ask(&on, "GET", target, "");
        assert_eq!(answer.status(), 200, "{target}");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"));
        assert!(!answer.body().is_empty());
        let again = ask(&on, "GET", target, answer.headers()["etag"].to_str().unwrap());
        assert_eq!((again.status().as_u16(), again.body().len()), (304, 0), "{target}");
    }
    let redirect = ask(&on, "GET", "/dashboard", "");
    assert_eq!(
        (redirect.status().as_u16(), &redirect.headers()["location"]),
        (308, &HeaderValue::from_static("dashboard/"))
    );
    assert_eq!(ask(&on, "POST", "/dashboard/", "").status(), 405);
    assert_eq!(ask(&Host::new(), "GET", "/dashboard/", "").status(), 404);
    let refused = RestOptions::default().dashboard(true).admin(false).validate().unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ValidationError);
}
