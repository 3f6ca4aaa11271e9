//! Bad input: the documented status and envelope, never a 500, never a change.

use serde_json::json;

use crate::host::{Call, Host, SECRET};

/// Sessions of three users, an hour of quiet since their sign-in, and what they look like.
fn quiet() -> (Host, Vec<String>) {
    let host = Host::new();
    for owner in ["usr_1", "usr_1", "usr_2", "current"] {
        host.create(owner);
    }
    host.clock.advance_millis(60_000);
    let dump = host.dump();
    (host, dump)
}

#[test]
fn queries_that_may_be_misunderstandings() {
    let (host, before) = quiet();
    for (query, status) in [
        ("?", 422),
        ("?&", 422),
        ("?user_id", 422),
        ("?user_id=", 422),
        ("?userId=usr_1", 422),
        ("?user-id=usr_1", 422),
        ("?USER_ID=usr_1", 422),
        ("?user=usr_1", 422),
        ("?user_id=usr_1&user_id=usr_2", 422),
        ("?user_id=usr_1&x=1", 422),
        ("?user_id[]=usr_1", 422),
        ("?user_id%5B%5D=usr_1", 422),
        ("?status=active", 422),
        ("?user_id=%00", 422),
        ("?user_id=usr_1;user_id=usr_2&limit=1", 422),
        ("?except=current", 422),
        ("?except=", 422),
        ("?user_id=%", 400),
        ("?user_id=%zz", 400),
        ("?user_id=%C0%AF", 400),
        ("?user_id=%ED%A0%80", 400),
        ("?%ff=1", 400),
        ("?user_id=%2", 400),
    ] {
        let answer = host.delete(&format!("/v1/sessions{query}")).secret().send();
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
    }
    let long = format!("?user_id={}", "x".repeat(256));
    host.delete(&format!("/v1/sessions{long}")).secret().send().fails(422, "validation_error");
    let longer = format!("?user_id={}", "x".repeat(9_000));
    host.delete(&format!("/v1/sessions{longer}")).secret().send().fails(400, "bad_request");
    assert_eq!(host.dump(), before);
}

#[test]
fn list_parameters() {
    let (host, before) = quiet();
    for query in [
        "?limit=0",
        "?limit=-1",
        "?limit=1.0",
        "?limit=%2B5",
        "?limit=5x",
        "?limit=0x10",
        "?limit=+5",
        "?status=Active",
        "?status=deleted",
        "?cursor=AAAA",
        "?cursor=%00",
        "?cursor=..",
        "?except=current",
        "?page=2",
    ] {
        host.get(&format!("/v1/sessions{query}")).secret().send().fails(422, "validation_error");
    }
    for target in
        ["/v1/admin/config?x=1", "/v1/admin/stats?x", "/.well-known/jwks.json?t=1", "/v1/sessions/ses_x?y=1"]
    {
        host.get(target).secret().send().fails(422, "validation_error");
    }
    assert_eq!(host.dump(), before);
}

#[test]
fn paths_that_try_to_be_others() {
    let (host, before) = quiet();
    for path in [
        "/v1/sessions/",
        "/v1/sessions//",
        "/v1/sessions/?user_id=usr_1",
        "//v1/sessions",
        "/v1//sessions",
        "/v1/./sessions",
        "/v1/sessions/x/..",
        "/v1/sessions/../sessions",
        "/v1/%73essions",
        "/v1%2Fsessions",
        "/v1/sessions%2F",
        "/v1/sessions%00",
        "/V1/SESSIONS",
        "/v1/sessions.json",
        "/v1/sessions;a=b",
        "/v1",
        "/",
        "/v2/sessions",
        "/v1/sessions/ses_x/revoke",
    ] {
        host.delete(path).secret().send().fails(404, "not_found");
    }
    assert_eq!(host.dump(), before);
}

#[test]
fn ids_that_try_to_be_others() {
    let (host, before) = quiet();
    let page = host.get("/v1/sessions?limit=1").secret().send().is(200);
    let id = page.body["data"][0]["id"].as_str().unwrap().to_owned();
    for segment in [
        "..".to_owned(),
        ".".into(),
        "%2e%2e".into(),
        "%2F".into(),
        "%2f..%2fsessions".into(),
        "%00".into(),
        "%".into(),
        "%zz".into(),
        "%C0%AF".into(),
        "%ff".into(),
        "*".into(),
        "verify%20".into(),
        "null".into(),
        "undefined".into(),
        "ses_".into(),
        "ses_01HABCDEF999888".into(),
        "x".repeat(5_000),
        id.to_lowercase(),
        format!("{id}%00"),
        format!("{id}%2F"),
        format!("{id}%20"),
        format!("+{id}"),
        format!("{id},{id}"),
        id.replace("ses_", "key_"),
        id.replace('_', "%255F"),
        format!("{id};v=1"),
    ] {
        for method in ["GET", "DELETE"] {
            let answer = host.call(method, &format!("/v1/sessions/{segment}")).secret().send();
            answer.fails(404, "session_not_found");
        }
    }
    assert_eq!(host.dump(), before);
}

/// Requests with a body, all that they need besides.
fn with_body(host: &Host) -> [Call<'_>; 6] {
    [
        host.post("/v1/sessions/verify").secret(),
        host.call("PATCH", "/v1/admin/config").secret(),
        host.post("/v1/auth/sign-in"),
        host.post("/v1/auth/token/refresh"),
        host.post("/v1/auth/sign-out"),
        host.post("/v1/auth/adopt"),
    ]
}

#[test]
fn bodies_that_cannot_be_read() {
    let (host, before) = quiet();
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    for body in [
        "{",
        "}",
        "nul",
        "{} {}",
        "{'token': 'x'}",
        "token=x",
        r#"{"scope": "global", "scope": "local"}"#,
        r#"{"max_sessions_per_user": 1, "max_sessions_per_\u0075ser": 2}"#,
        r#"{"a": 1e999}"#,
        "{\"a\": \"\u{1}\"}",
        r#"{"a": "\ud800"}"#,
        "<xml/>",
        &deep,
    ] {
        for call in with_body(&host) {
            call.header("content-type", "application/json").bytes(body).send().fails(400, "bad_request");
        }
    }
    for call in with_body(&host) {
        call.header("content-type", "application/json")
            .bytes(b"{\"a\": \"\xff\"}")
            .send()
            .fails(400, "bad_request");
    }
    assert_eq!(host.dump(), before);
}

#[test]
fn bodies_of_another_kind() {
    let (host, before) = quiet();
    let body = r#"{"max_sessions_per_user": 1}"#;
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/json; charset=latin1",
        "application/json; charset=utf-7",
    ] {
        for call in with_body(&host) {
            call.header("content-type", kind).bytes(body).send().fails(400, "bad_request");
        }
    }
    for call in with_body(&host) {
        call.bytes(body).send().fails(400, "bad_request");
    }
    for call in with_body(&host) {
        call.json(&json!({})).header("content-type", "application/json").send().fails(400, "bad_request");
    }
    for call in with_body(&host) {
        call.json(&json!({})).header("content-encoding", "gzip").send().fails(400, "bad_request");
    }
    assert_eq!(host.dump(), before);
    let charset = host.call("PATCH", "/v1/admin/config").secret();
    charset.header("content-type", "Application/JSON; Charset=UTF-8").bytes("{}").send().is(200);
}

#[test]
fn a_body_where_none_belongs() {
    let (host, before) = quiet();
    for target in ["/v1/sessions", "/v1/sessions/ses_x"] {
        for method in ["GET", "DELETE"] {
            let call = host.call(method, target).secret().json(&json!({"user_id": "usr_1"}));
            call.send().fails(400, "bad_request");
        }
    }
    assert_eq!(host.dump(), before);
}

#[test]
fn a_request_over_a_size_limit_is_refused() {
    let (host, before) = quiet();
    let huge = json!({"token": "x".repeat(64 * 1024)});
    for call in with_body(&host) {
        call.json(&huge).send().fails(413, "payload_too_large");
    }
    host.get("/v1/sessions").secret().bytes([b' '; 65_537]).send().fails(413, "payload_too_large");
    let full = format!("{{{}}}", " ".repeat(64 * 1024 - 2));
    let call = host.post("/v1/auth/sign-out").header("content-type", "application/json");
    call.bytes(full).send().fails(401, "missing_token");
    let wide = host.get("/v1/sessions").secret().header("x-filler", "x".repeat(40_000));
    wide.send().fails(400, "bad_request");
    let mut many = host.get("/v1/sessions").secret();
    for index in 0..200 {
        many = many.header(&format!("x-{index}"), "y");
    }
    many.send().fails(400, "bad_request");
    host.get("/v1/sessions").bearer(&"x".repeat(20_000)).send().fails(401, "invalid_token");
    assert_eq!(host.dump(), before);
}

#[test]
fn a_header_does_not_change_the_method() {
    let (host, before) = quiet();
    let get = host.get("/v1/sessions").secret().header("x-http-method-override", "DELETE");
    get.send().is(200);
    host.post("/v1/sessions").secret().header("x-http-method-override", "DELETE").send().is(405);
    host.call("delete", "/v1/sessions").header("authorization", format!("Bearer {SECRET}")).send().is(405);
    assert_eq!(host.dump(), before);
}
