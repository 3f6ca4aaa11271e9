//! `POST /v1/auth/token/refresh` and `POST /v1/auth/sign-out` without cookies.

use hellojohn::{Grant, ImportRequest};
use serde_json::{Value, json};

use crate::host::{Answer, Host};

fn refresh(host: &Host, token: &str) -> Answer {
    host.post("/v1/auth/token/refresh").json(&json!({"refresh_token": token})).send()
}

fn is_alive(host: &Host, grant: &Grant) -> bool {
    host.tenant.verify_session(grant.session.id).is_ok()
}

#[test]
fn a_refresh_token_is_exchanged() {
    let host = Host::new();
    let grant = host.create("usr_1");
    host.clock.advance_millis(60_000);
    let answer = host
        .post("/v1/auth/token/refresh")
        .json(&json!({"refresh_token": grant.refresh_token.expose()}))
        .header("user-agent", "later/1")
        .client_address("192.0.2.9")
        .send()
        .is(200);
    let names: Vec<&str> = answer.body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["access_token", "expires_in", "refresh_token", "session_id"]);
    assert_eq!(answer.body["expires_in"], 3600);
    assert_eq!(answer.body["session_id"], grant.session.id.to_string());
    let session = host.tenant.get(grant.session.id).unwrap();
    assert_eq!(session.last_ip_address, Some("192.0.2.9".parse().unwrap()));
    assert_eq!(session.last_user_agent.unwrap().as_str(), "later/1");
    // A lost answer is repeated.
    let replay = refresh(&host, grant.refresh_token.expose()).is(200);
    assert_eq!(replay.body["refresh_token"], answer.body["refresh_token"]);
}

/// The credential of a session that was imported.
const OLD: &str = "old-session-0001";

fn adopt(host: &Host, body: &Value) -> Answer {
    host.post("/v1/auth/adopt").json(body).send()
}

#[test]
fn the_credential_of_an_old_system_is_exchanged() {
    let host = Host::new();
    let row = format!(r#"{{"user_id":"usr_1","credential":"{OLD}"}}"#);
    host.tenant.import(row.as_bytes(), &ImportRequest::default(), |_| {}).unwrap();
    let answer = host
        .post("/v1/auth/adopt")
        .json(&json!({"credential": OLD}))
        .header("user-agent", "later/1")
        .client_address("192.0.2.9")
        .send()
        .is(200);
    let names: Vec<&str> = answer.body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["access_token", "expires_in", "refresh_token", "session_id"]);
    let session = host.tenant.get(answer.body["session_id"].as_str().unwrap().parse().unwrap()).unwrap();
    assert_eq!(session.last_ip_address, Some("192.0.2.9".parse().unwrap()));
    assert_eq!(session.last_user_agent.unwrap().as_str(), "later/1");
    let again = adopt(&host, &json!({"credential": OLD})).is(200);
    assert_eq!(again.body["refresh_token"], answer.body["refresh_token"]);
    host.clock.advance_millis(10_001);
    adopt(&host, &json!({"credential": OLD})).fails(401, "refresh_token_reused");
}

#[test]
fn a_credential_that_was_not_imported_is_refused() {
    let host = Host::new();
    let before = host.dump();
    for body in [json!({}), json!({"credential": null}), json!({"credential": ""})] {
        adopt(&host, &body).fails(401, "missing_token");
    }
    for body in [json!({"credential": 1}), json!({"credential": OLD, "refresh_token": "rt_"}), json!([])] {
        adopt(&host, &body).fails(422, "validation_error");
    }
    for credential in [OLD.to_owned(), "short".to_owned(), "x".repeat(5_000)] {
        adopt(&host, &json!({"credential": credential})).fails(401, "refresh_token_invalid");
    }
    assert_eq!(host.dump(), before);
}

#[test]
fn a_token_that_is_not_a_live_refresh_token_is_refused() {
    let host = Host::new();
    let before = host.dump();
    for body in [json!({}), json!({"refresh_token": null}), json!({"refresh_token": ""})] {
        host.post("/v1/auth/token/refresh").json(&body).send().fails(401, "missing_token");
    }
    host.post("/v1/auth/token/refresh").send().fails(401, "missing_token");
    for body in
        [json!({"refresh_token": 1}), json!({"refresh_token": {}}), json!({"refreshToken": "rt_"}), json!([])]
    {
        host.post("/v1/auth/token/refresh").json(&body).send().fails(422, "validation_error");
    }
    refresh(&host, "rt_AAAA").fails(401, "refresh_token_invalid");
    assert_eq!(host.dump(), before);

    let grant = host.create("usr_1");
    refresh(&host, grant.access_token.expose()).fails(401, "refresh_token_invalid");
    // A bearer token is not looked at: a refresh is proven by the refresh token.
    host.post("/v1/auth/token/refresh")
        .bearer(grant.refresh_token.expose())
        .send()
        .fails(401, "missing_token");
    refresh(&host, grant.refresh_token.expose()).is(200);
    host.clock.advance_millis(11_000);
    refresh(&host, grant.refresh_token.expose()).fails(401, "refresh_token_reused");
    refresh(&host, grant.refresh_token.expose()).fails(401, "session_revoked");
    let grant = host.create("usr_1");
    host.clock.advance_millis(30 * 86_400_000);
    refresh(&host, grant.refresh_token.expose()).fails(401, "session_expired");
}

#[test]
fn a_restored_backup_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (live, backup) = (folder.path().join("live.db"), folder.path().join("backup.db"));
    let open = |path: &std::path::Path| {
        let engine = hellojohn::Engine::open(path).unwrap();
        let tenant = engine
            .tenant(&"tnt_1".parse().unwrap(), &"sk_test_one_5Gh8Wq2Lk7Xv4Np9Bd3".parse().unwrap())
            .unwrap();
        (engine, tenant)
    };
    let (engine, tenant) = open(&live);
    let old = tenant.create(hellojohn::CreateSession::new("usr_1".parse().unwrap())).unwrap();
    engine.close().unwrap();
    std::fs::copy(&live, &backup).unwrap();
    let (_engine, tenant) = open(&live);
    let newer = tenant.refresh(old.refresh_token.expose(), Default::default()).unwrap();
    let (_engine, tenant) = open(&backup);
    let api = hellojohn::rest::RestApi::new(tenant, Default::default()).unwrap();
    let request = hellojohn::rest::http::Request::post("/v1/auth/token/refresh")
        .header("content-type", "application/json")
        .body(json!({"refresh_token": newer.refresh_token.expose()}).to_string())
        .unwrap();
    crate::host::read(api.handle(request), false).fails(401, "refresh_token_ahead");
}

#[test]
fn signing_out_with_each_kind_of_token() {
    let host = Host::new();
    let sign_out = |token: &str, body: Option<Value>| {
        let call = host.post("/v1/auth/sign-out").bearer(token);
        match body {
            Some(body) => call.json(&body).send(),
            None => call.send(),
        }
    };
    let grant = host.create("usr_1");
    sign_out(grant.access_token.expose(), None).is(204);
    assert!(!is_alive(&host, &grant));
    sign_out(grant.access_token.expose(), None).is(204); // again: nothing left to do

    let grant = host.create("usr_1");
    sign_out(grant.refresh_token.expose(), Some(json!({}))).is(204);
    assert!(!is_alive(&host, &grant));

    let (grant, other) = (host.create("usr_1"), host.create("usr_1"));
    let in_body = json!({"refresh_token": grant.refresh_token.expose(), "scope": "local"});
    host.post("/v1/auth/sign-out").json(&in_body).send().is(204);
    assert!(!is_alive(&host, &grant) && is_alive(&host, &other));

    let grant = host.create("usr_1");
    sign_out(grant.access_token.expose(), Some(json!({"scope": "global"}))).is(204);
    assert!(!is_alive(&host, &grant) && !is_alive(&host, &other));
    sign_out(grant.access_token.expose(), Some(json!({"scope": "global"}))).fails(401, "session_revoked");
    assert_eq!(host.tenant.get(grant.session.id).unwrap().end_reason.unwrap().as_str(), "revoke_all");

    // With an access token that has expired and the refresh token beside it.
    let grant = host.create("usr_1");
    host.clock.advance_millis(3_600_000);
    let both = json!({"refresh_token": grant.refresh_token.expose()});
    sign_out(grant.access_token.expose(), Some(both)).is(204);
    assert!(!is_alive(&host, &grant));
    // It signs out alone, too, and gives no access.
    let (grant, other) = (host.create("usr_1"), host.create("usr_1"));
    host.clock.advance_millis(3_600_000);
    host.get("/v1/sessions").bearer(grant.access_token.expose()).send().fails(401, "token_expired");
    sign_out(grant.access_token.expose(), None).is(204);
    assert!(!is_alive(&host, &grant) && is_alive(&host, &other));
    sign_out(other.access_token.expose(), Some(json!({"scope": "global"}))).is(204);
    assert!(!is_alive(&host, &other));
}

#[test]
fn a_sign_out_that_proves_nothing_ends_no_session() {
    let host = Host::new();
    let grant = host.create("usr_1");
    let before = host.dump();
    let token = grant.access_token.expose();
    host.post("/v1/auth/sign-out").send().fails(401, "missing_token");
    host.post("/v1/auth/sign-out").bearer("x.y.z").send().fails(401, "invalid_token");
    host.post("/v1/auth/sign-out").bearer("rt_x").send().fails(401, "refresh_token_invalid");
    host.post("/v1/auth/sign-out").secret().send().fails(403, "insufficient_permissions");
    host.post("/v1/auth/sign-out").bearer("sk_live_wrong").send().fails(401, "invalid_api_key");
    for body in [json!({"scope": "everyone"}), json!({"scope": 1}), json!({"user_id": "usr_1"})] {
        host.post("/v1/auth/sign-out").bearer(token).json(&body).send().fails(422, "validation_error");
    }
    assert_eq!(host.dump(), before);
}

#[test]
fn the_session_of_a_token_may_be_gone() {
    let host = Host::new();
    let grant = host.create("usr_1");
    host.tenant.revoke(grant.session.id).unwrap();
    host.clock.advance_millis(1_000);
    host.tenant.purge(hellojohn::PurgeBefore::OlderThan(hellojohn::Duration::from_secs(1).unwrap())).unwrap();
    host.clock.advance_millis(1_000);
    host.tenant.purge(hellojohn::PurgeBefore::OlderThan(hellojohn::Duration::from_secs(1).unwrap())).unwrap();
    let token = grant.access_token.expose();
    host.get("/v1/sessions").bearer(token).send().fails(401, "invalid_token");
    host.post("/v1/auth/sign-out").bearer(token).send().fails(401, "invalid_token");
    refresh(&host, grant.refresh_token.expose()).fails(401, "refresh_token_invalid");
}
