//! Who may not: credentials, tenants, and what the host itself does wrong.

use hellojohn::{Engine, SecretKey};
use serde_json::json;

use crate::host::{Host, SECRET, TENANT, all_differ};

const PROTECTED: [(&str, &str); 8] = [
    ("GET", "/v1/sessions"),
    ("DELETE", "/v1/sessions"),
    ("GET", "/v1/sessions/ses_x"),
    ("DELETE", "/v1/sessions/ses_x"),
    ("POST", "/v1/sessions/verify"),
    ("GET", "/v1/admin/config"),
    ("PATCH", "/v1/admin/config"),
    ("GET", "/v1/admin/stats"),
];

#[test]
fn credentials_come_first() {
    let host = Host::new();
    let grant = host.create("usr_1");
    let revoked = host.create("usr_1");
    host.tenant.revoke(revoked.session.id).unwrap();
    let before = host.dump();
    let near_secret = format!("{SECRET}x");
    for (method, target) in PROTECTED {
        // Also with a body and a query that would be refused.
        let call = |query: &str| host.call(method, &format!("{target}{query}"));
        let missing = [None, Some("Basic abc"), Some("Bearer"), Some("Bearer "), Some("Bearer   "), Some("")];
        for authorization in missing {
            let call = call("?nonsense=").bytes("{");
            let call = match authorization {
                Some(value) => call.header("authorization", value),
                None => call,
            };
            call.send().fails(401, "missing_token");
        }
        for wrong in ["sk_", "sk_live_abc12", &near_secret, "sk_live_ABC123", "sk_\u{e9}"] {
            call("").bearer(wrong).send().fails(401, "invalid_api_key");
        }
        for wrong in ["x", "eyJhbGciOiJFZERTQSJ9...", "a b", "\u{e9}", grant.refresh_token.expose()] {
            call("").bearer(wrong).send().fails(401, "invalid_token");
        }
        call("").bearer(revoked.access_token.expose()).send().fails(401, "session_revoked");
        let raw = call("").header("authorization", b"Bearer \xff\xfe");
        raw.send().fails(401, "invalid_token");
        // With two headers, two readers could take two different ones.
        call("").secret().secret().send().fails(400, "bad_request");
        call("").bearer(grant.access_token.expose()).secret().send().fails(400, "bad_request");
    }
    host.clock.advance_millis(3_600_000);
    host.get("/v1/sessions").bearer(grant.access_token.expose()).send().fails(401, "token_expired");
    host.clock.advance_millis(-3_600_000);
    host.engine.lower_clock_mark().unwrap();
    assert_eq!(host.dump(), before);
}

#[test]
fn the_scheme_is_written_in_any_case() {
    let host = Host::new();
    for scheme in ["bearer", "BEARER", "Bearer  "] {
        host.get("/v1/sessions").header("authorization", format!("{scheme} {SECRET}")).send().is(200);
    }
}

#[test]
fn a_request_for_another_tenant_is_refused_everywhere() {
    let host = Host::new();
    host.create("usr_1");
    let before = host.dump();
    let open = [
        ("POST", "/v1/auth/sign-in"),
        ("POST", "/v1/auth/token/refresh"),
        ("POST", "/v1/auth/sign-out"),
        ("POST", "/v1/auth/adopt"),
        ("GET", "/.well-known/jwks.json"),
    ];
    for (method, target) in PROTECTED.into_iter().chain(open) {
        for other in ["tnt_other", "", &TENANT.to_lowercase(), &format!("{TENANT}, {TENANT}")] {
            let call = host.call(method, target).secret().header("x-tenant-id", other);
            call.send().fails(403, "tenant_mismatch");
        }
        let twice =
            host.call(method, target).secret().header("x-tenant-id", TENANT).header("x-tenant-id", TENANT);
        twice.send().fails(400, "bad_request");
    }
    assert_eq!(host.dump(), before);
    host.get("/v1/sessions").secret().header("X-Tenant-ID", TENANT).send().is(200);
}

#[test]
fn another_tenants_things_are_unknown() {
    let host = Host::new();
    let other = host
        .engine
        .tenant(&"tnt_other".parse().unwrap(), &"sk_live_other_6Hm3Jd9Pf1Ls8Gv2".parse().unwrap())
        .unwrap();
    let grant = other.create(hellojohn::CreateSession::new("usr_1".parse().unwrap())).unwrap();
    let own = format!("/v1/sessions/{}", grant.session.id);
    host.get(&own).secret().send().fails(404, "session_not_found");
    host.delete(&own).secret().send().fails(404, "session_not_found");
    host.get("/v1/sessions").bearer(grant.access_token.expose()).send().fails(401, "invalid_token");
    host.get("/v1/sessions").bearer("sk_live_other_6Hm3Jd9Pf1Ls8Gv2").send().fails(401, "invalid_api_key");
    let body = json!({"refresh_token": grant.refresh_token.expose()});
    host.post("/v1/auth/token/refresh").json(&body).send().fails(401, "refresh_token_invalid");
    assert_eq!(host.delete("/v1/sessions").secret().send().is(200).body, json!({"revoked": 0}));
    assert!(other.verify_session(grant.session.id).is_ok());
}

#[test]
fn the_secret_key_follows_its_change() {
    let host = Host::new();
    let new: SecretKey = "sk_live_new_4Tn8Rk2Wq7Zx5Vb9Yc".parse().unwrap();
    host.tenant.change_secret_key(&new).unwrap();
    host.get("/v1/sessions").secret().send().fails(401, "invalid_api_key");
    host.get("/v1/sessions").bearer("sk_live_new_4Tn8Rk2Wq7Zx5Vb9Yc").send().is(200);
}

/// The key was changed by another process: the holder of the old key is told so; users are not accused of it.
#[test]
fn a_secret_key_that_another_process_changed_is_the_hosts_problem() {
    let host = Host::new();
    let grant = host.create("usr_1");
    let elsewhere = host.engine.tenant(&TENANT.parse().unwrap(), &SECRET.parse().unwrap()).unwrap();
    elsewhere.change_secret_key(&"sk_live_new_4Tn8Rk2Wq7Zx5Vb9Yc".parse().unwrap()).unwrap();
    host.get("/v1/sessions").secret().send().fails(401, "invalid_api_key");
    host.get("/v1/sessions").bearer("sk_live_new_4Tn8Rk2Wq7Zx5Vb9Yc").send().fails(401, "invalid_api_key");
    host.get("/v1/sessions").bearer(grant.access_token.expose()).send().fails(500, "internal");
    host.get("/.well-known/jwks.json").send().fails(500, "internal");
    let body = json!({"refresh_token": grant.refresh_token.expose()});
    host.post("/v1/auth/token/refresh").json(&body).send().fails(500, "internal");
    host.post("/v1/auth/sign-out").json(&body).send().fails(500, "internal");
    let body = json!({"email": "ada@example.com", "password": "correct horse"});
    host.post("/v1/auth/sign-in").json(&body).send().fails(500, "internal");
}

#[test]
fn a_closed_engine_is_answered_as_such() {
    let host = Host::new();
    let grant = host.create("usr_1");
    host.engine.close().unwrap();
    host.get("/v1/sessions").secret().send().fails(503, "engine_closed");
    host.get("/v1/sessions").bearer(grant.access_token.expose()).send().fails(503, "engine_closed");
    host.delete("/v1/sessions").secret().send().fails(503, "engine_closed");
    host.get("/v1/admin/stats").secret().send().fails(503, "engine_closed");
    host.get("/.well-known/jwks.json").send().fails(503, "engine_closed");
    // A store that cannot say is neither "valid" nor "not valid".
    let body = json!({"token": grant.access_token.expose()});
    host.post("/v1/sessions/verify").secret().json(&body).send().fails(503, "engine_closed");
}

#[test]
fn a_busy_database_asks_for_patience() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let engine = Engine::builder().busy_timeout(std::time::Duration::from_millis(50)).open(&path).unwrap();
    let tenant = engine.tenant(&TENANT.parse().unwrap(), &SECRET.parse().unwrap()).unwrap();
    let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse().unwrap())).unwrap();
    let api = hellojohn::rest::RestApi::new(tenant.clone(), Default::default()).unwrap();
    let holder = rusqlite::Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let request = hellojohn::rest::http::Request::delete(format!("/v1/sessions/{}", grant.session.id))
        .header("authorization", format!("Bearer {SECRET}"))
        .body("")
        .unwrap();
    let answer = crate::host::read(api.handle(request), false).fails(503, "storage_busy");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.body.to_string().contains("sessions.db"));
    holder.execute_batch("ROLLBACK").unwrap();
    assert!(tenant.verify_session(grant.session.id).is_ok());
}

#[test]
fn every_request_has_an_id_of_its_own() {
    let host = Host::new();
    let ids = (0..50).map(|_| host.get("/v1/sessions").header("x-request-id", "req_mine").send().request_id);
    assert!(all_differ(ids.collect::<Vec<_>>()));
}
