//! The calls of the documents, as they stand there.

use hellojohn::CreateSession;
use serde_json::json;

use crate::host::{Call, Host, TENANT, user};

/// The headers of the documented calls.
fn documented(call: Call<'_>) -> Call<'_> {
    call.header("Authorization", "Bearer sk_live_Vq3nT8kLx0cJ5wRzE7uYbA").header("X-Tenant-ID", TENANT)
}

#[test]
fn the_documented_calls_are_answered_as_documented() {
    let host = Host::new();
    let owner = "usr_01HABCDEF123456";
    for _ in 0..7 {
        host.tenant.create(CreateSession::new(user(owner))).unwrap();
    }

    let list = documented(host.get("/v1/sessions?user_id=usr_01HABCDEF123456")).send().is(200);
    assert_eq!(list.body["data"].as_array().unwrap().len(), 7);
    let id = list.body["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(documented(host.get(&format!("/v1/sessions/{id}"))).send().is(200).body, list.body["data"][0]);
    // The documents' own ids are no ids of ours: they name nothing.
    documented(host.get("/v1/sessions/ses_01HABCDEF999888")).send().fails(404, "session_not_found");
    documented(host.delete("/v1/sessions/ses_01HABCDEF999888")).send().fails(404, "session_not_found");
    documented(host.delete(&format!("/v1/sessions/{id}"))).send().is(204);

    let verify = |body: &str| {
        let call = documented(host.post("/v1/sessions/verify")).header("Content-Type", "application/json");
        call.bytes(body).send().is(200).body
    };
    assert_eq!(verify(r#"{"token": "eyJhbGciOiJFZERTQSJ9..."}"#)["error"]["code"], "invalid_token");

    let patch = |body: &str| {
        let call = documented(host.call("PATCH", "/v1/admin/config"));
        call.header("Content-Type", "application/json").bytes(body).send().is(200).body
    };
    assert_eq!(patch(r#"{"max_sessions_per_user": 5}"#)["max_sessions_per_user"], 5);
    assert_eq!(patch(r#"{"idle_timeout": "7d"}"#)["idle_timeout"], "7d");
    let all = patch(
        r#"{
    "session_duration": "14d",
    "access_token_ttl": "15m",
    "idle_timeout": "7d",
    "max_sessions_per_user": 5
  }"#,
    );
    assert_eq!(all["session_duration"], "14d");
    for profile in [
        r#"{"session_duration": "30d", "access_token_ttl": "1h", "idle_timeout": null}"#,
        r#"{"session_duration": "24h", "access_token_ttl": "15m", "idle_timeout": "1h", "max_sessions_per_user": 3}"#,
        r#"{"session_duration": "8h", "access_token_ttl": "5m", "idle_timeout": "30m", "max_sessions_per_user": 2}"#,
    ] {
        patch(profile);
    }

    let revoke = documented(host.delete("/v1/sessions?user_id=usr_01HABCDEF123456")).send().is(200);
    assert_eq!(revoke.body, json!({"revoked": 6}));
}

#[test]
fn head_and_options_and_unknown_methods_are_answered() {
    let host = Host::new();
    host.create("usr_1");
    let head = documented(host.call("HEAD", "/v1/sessions")).send().is(200);
    let get = documented(host.get("/v1/sessions")).send().is(200);
    assert_eq!(head.body, json!(null));
    assert_eq!(head.header("content-length"), get.body.to_string().len().to_string());
    assert_eq!(head.header("content-type"), "application/json");
    host.call("HEAD", "/v1/sessions").send().is(401);

    let options = host.call("OPTIONS", "/v1/sessions").send().is(204);
    assert_eq!(options.header("allow"), "GET, DELETE, HEAD, OPTIONS");
    host.call("OPTIONS", "/v1/nothing").send().fails(404, "not_found");
    for (method, target, allow) in [
        ("PUT", "/v1/sessions", "GET, DELETE, HEAD, OPTIONS"),
        ("POST", "/v1/sessions/ses_x", "GET, DELETE, HEAD, OPTIONS"),
        ("DELETE", "/v1/sessions/verify", "POST, OPTIONS"),
        ("GET", "/v1/auth/sign-in", "POST, OPTIONS"),
        ("DELETE", "/v1/admin/config", "GET, PATCH, HEAD, OPTIONS"),
        ("TRACE", "/v1/admin/stats", "GET, HEAD, OPTIONS"),
        ("BREW", "/.well-known/jwks.json", "GET, HEAD, OPTIONS"),
    ] {
        let answer = host.call(method, target).send().fails(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow);
    }
}
