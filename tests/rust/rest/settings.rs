//! `/v1/admin` and the key set.

use hellojohn::LocalVerification;
use serde_json::{Value, json};

use crate::host::Host;

#[test]
fn settings_are_read_and_changed() {
    let host = Host::new();
    let defaults = json!({
        "session_duration": "30d",
        "access_token_ttl": "1h",
        "idle_timeout": null,
        "max_sessions_per_user": null,
        "refresh_reuse_window": "10s",
        "event_retention": null,
        "record_retention": null,
        "max_actor_duration": "1h",
        "warnings": [],
        "revocation_list": false,
    });
    assert_eq!(host.get("/v1/admin/config").secret().send().is(200).body, defaults);
    let patch = json!({
        "session_duration": "14d",
        "access_token_ttl": 900,
        "idle_timeout": "7d",
        "max_sessions_per_user": 5,
    });
    let changed = json!({
        "session_duration": "14d",
        "access_token_ttl": "900s",
        "idle_timeout": "7d",
        "max_sessions_per_user": 5,
        "refresh_reuse_window": "10s",
        "event_retention": null,
        "record_retention": null,
        "max_actor_duration": "1h",
        "warnings": [],
        "revocation_list": false,
    });
    let answer = host.call("PATCH", "/v1/admin/config").secret().json(&patch).send().is(200);
    assert_eq!(answer.body, changed);
    assert_eq!(host.call("PATCH", "/v1/admin/config").secret().json(&json!({})).send().is(200).body, changed);
    assert_eq!(host.get("/v1/admin/config").secret().send().is(200).body, changed);
}

#[test]
fn one_bad_setting_refuses_the_patch() {
    let host = Host::new();
    let before = host.dump();
    for patch in [
        json!({"session_duration": "1d", "idle_timeout": "0d"}),
        json!({"session_duration": "1d", "unknown": 1}),
        json!({"sessionDuration": "1d"}),
        json!({"max_sessions_per_user": 0}),
        json!({"refresh_reuse_window": "61s"}),
        json!([{"session_duration": "1d"}]),
        json!(null),
    ] {
        let answer = host.call("PATCH", "/v1/admin/config").secret().json(&patch).send();
        answer.fails(422, "validation_error");
    }
    assert_eq!(host.dump(), before);
}

#[test]
fn sessions_are_counted() {
    let host = Host::new();
    let grant = host.create("usr_1");
    host.create("usr_1");
    host.tenant.revoke(grant.session.id).unwrap();
    let stats = host.get("/v1/admin/stats").secret().send().is(200).body;
    assert_eq!(stats["sessions"], json!({"active": 1, "expired": 0, "revoked": 1}));
    assert_eq!((&stats["created_last_24h"], &stats["oldest_unswept_at"]), (&json!(2), &Value::Null));
    assert!(stats["database_bytes"].as_u64().is_some_and(|bytes| bytes > 0));
    assert!(stats["log_bytes"].is_u64());
    host.clock.advance_millis(31 * 86_400_000);
    let stats = host.get("/v1/admin/stats").secret().send().is(200).body;
    assert_eq!(stats["oldest_unswept_at"], "2024-02-14T10:30:00Z");
}

#[test]
fn the_key_set_is_open_and_may_be_cached() {
    let host = Host::new();
    let answer = host.get("/.well-known/jwks.json").send().is(200);
    assert_eq!(answer.header("cache-control"), "public, max-age=3600");
    assert_eq!(answer.body, host.tenant.jwks().unwrap().to_json());
    assert_eq!(answer.body["keys"].as_array().unwrap().len(), 2);
    // It changes with a rotation; the old tokens' key stays.
    let grant = host.create("usr_1");
    host.tenant.rotate_keys().unwrap();
    let rotated = host.get("/.well-known/jwks.json").send().is(200);
    assert_eq!(rotated.body["keys"].as_array().unwrap().len(), 3);
    assert!(host.tenant.verify_locally(grant.access_token.expose(), &LocalVerification::default()).is_ok());
}
