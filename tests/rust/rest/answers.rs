//! What REST answers is what the same answer of the Rust crate is in JSON.

use hellojohn::{
    CreateSession, Error, ErrorCode, EventQuery, Limit, ListQuery, Reauthentication, SessionFilter,
};
use serde_json::{Value, json};

use crate::host::{Host, user};

fn open() -> Host {
    let host = Host::new();
    host.tenant
        .update_config(&r#"{"event_retention":"90d","revocation_list":true}"#.parse().unwrap())
        .unwrap();
    for _ in 0..3 {
        let request = json!({
            "user_id": "usr_1", "role": "admin", "claims": {"plan": "pro"}, "factors": ["pwd", "otp"],
            "ip_address": "203.0.113.42", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)", "country": "ES",
        });
        host.tenant.create(CreateSession::from_json(request.as_object().unwrap().clone()).unwrap()).unwrap();
        host.clock.advance_millis(1_234);
    }
    host
}

#[track_caller]
fn ask(host: &Host, path: &str) -> Value {
    host.get(path).secret().send().is(200).body
}

/// Without what REST adds about the request: how many rows it asked for.
fn without_limit(mut page: Value) -> Value {
    assert!(page["pagination"].as_object_mut().unwrap().remove("limit").is_some());
    page
}

#[test]
fn sessions_lists_and_explanations() {
    let host = open();
    let tenant = &host.tenant;
    let id = tenant.list(&ListQuery::default()).unwrap().data[0].id;
    assert_eq!(ask(&host, &format!("/v1/sessions/{id}")), json!(tenant.get(id).unwrap()));
    assert_eq!(ask(&host, &format!("/v1/sessions/{id}/explain")), json!(tenant.explain(id).unwrap()));
    let query = ListQuery::default().limit(Limit::new(2).unwrap());
    let page = tenant.list(&query).unwrap();
    assert_eq!(without_limit(ask(&host, "/v1/sessions?limit=2")), json!(page));
    assert!(json!(page)["pagination"]["next_cursor"].is_string());
    let page = tenant.list(&query.cursor(page.next_cursor)).unwrap();
    assert_eq!(json!(page)["pagination"], json!({"has_more": false, "next_cursor": null}));
    assert_eq!(ask(&host, "/v1/admin/stats"), json!(tenant.stats().unwrap()));
    let series = tenant.stats_series("24h".parse().unwrap()).unwrap();
    assert_eq!(ask(&host, "/v1/admin/stats?series=24h"), json!(series));
    assert_eq!(ask(&host, "/v1/admin/keys")["data"], json!(tenant.keys().unwrap()));
    assert_eq!(ask(&host, "/v1/admin/config"), tenant.config().unwrap().to_json_with_warnings());
    assert_eq!(host.get("/.well-known/jwks.json").send().is(200).body, json!(tenant.jwks().unwrap()));
    assert_eq!(ask(&host, "/v1/revocations"), json!(tenant.revocations(0).unwrap()));
    let events = tenant.events(&EventQuery::default().limit(Limit::new(2).unwrap())).unwrap();
    assert_eq!(without_limit(ask(&host, "/v1/events?limit=2")), json!(events));
    assert!(json!(events)["data"][1]["at"].as_str().unwrap().ends_with('Z'));
    let filter = SessionFilter::of_user(user("usr_1"));
    let call = host.post("/v1/sessions/revoke").secret();
    let shown = call.json(&json!({"filter": {"user_id": "usr_1"}, "dry_run": true})).send().is(200).body;
    assert_eq!(shown, json!(tenant.preview_revoke_where(&filter).unwrap()));
}

#[test]
fn tokens_verifications_and_errors() {
    let host = open();
    let tenant = &host.tenant;
    let grant = tenant.create(CreateSession::new(user("usr_2"))).unwrap();
    let (token, refresh_token) = (grant.access_token.expose(), grant.refresh_token.expose());
    let expected = json!({
        "access_token": token, "expires_in": 3600, "session_id": grant.session.id, "refresh_token": refresh_token,
    });
    assert_eq!(json!(grant), expected);
    let call = host.post("/v1/auth/token/refresh").json(&json!({"refresh_token": refresh_token}));
    let fresh = call.send().is(200).body;
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&fresh), members(&json!(grant)));

    let verify = |body: Value| host.post("/v1/sessions/verify").secret().json(&body).send().is(200).body;
    let verified = tenant.verify_access_token(token).unwrap();
    assert_eq!(verify(json!({"token": token})), json!(*verified));
    tenant.revoke(grant.session.id).unwrap();
    let refused = tenant.verify_access_token(token).unwrap_err();
    assert_eq!(verify(json!({"token": token})), json!(refused));

    let answer = host.get("/v1/sessions").send().fails(401, "missing_token");
    let mut envelope = answer.body["error"].clone();
    envelope.as_object_mut().unwrap().remove("request_id");
    let message = envelope["message"].as_str().unwrap();
    assert_eq!(envelope, json!(Error::new(ErrorCode::MissingToken, message)));
    // A failure of the server tells a client nothing.
    let failure = json!(Error::new(ErrorCode::StorageIo, "/var/lib/sessions.db is gone"));
    assert!(failure["status"] == 500 && !failure.to_string().contains("/var"));
    let required = json!(Reauthentication::new(Some(300), vec!["otp".to_owned()]));
    assert_eq!(required, json!({"max_age": 300, "factors": ["otp"]}));
}
