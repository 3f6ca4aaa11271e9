//! `/v1/sessions` with the secret key: list, read, revoke, verify.

use hellojohn::{ClientInfo, CreateSession, IdentityPatch, SessionId};
use serde_json::{Value, json};

use crate::host::{Host, START, TENANT, user};

fn ids(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|session| session["id"].as_str().unwrap()).collect()
}

#[test]
fn a_session_as_documented() {
    let host = Host::new();
    let agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/120.0.0.0 Safari/537.36";
    let grant = host
        .tenant
        .create(
            CreateSession::new(user("usr_01HABCDEF123456")).client(
                ClientInfo::default()
                    .user_agent(Some(agent.parse().unwrap()))
                    .ip_address(Some("203.0.113.42".parse().unwrap()))
                    .country(Some("US".parse().unwrap())),
            ),
        )
        .unwrap();
    host.clock.advance_millis(1_999);
    let grant = host.tenant.refresh(grant.refresh_token.expose(), Default::default()).unwrap();
    let answer = host.get(&format!("/v1/sessions/{}", grant.session.id)).secret().send().is(200);
    assert_eq!(
        answer.body,
        json!({
            "id": grant.session.id.to_string(),
            "user_id": "usr_01HABCDEF123456",
            "tenant_id": TENANT,
            "status": "active",
            "user_agent": agent,
            "ip_address": "203.0.113.42",
            "country": "US",
            "device_type": "desktop",
            "device_fingerprint": null,
            "created_at": "2024-01-15T10:30:00Z",
            "last_active_at": "2024-01-15T10:30:01Z", // milliseconds are dropped
            "expires_at": "2024-02-14T10:30:00Z",
            "access_expires_at": "2024-01-15T11:30:01Z",
            "revoked_at": null,
            "end_reason": null,
            "org_id": null,
            "role": null,
            "mfa_verified": false,
            "email": null,
            "claims": {},
            "auth_time": "2024-01-15T10:30:00Z",
            "factors": [],
            "actor": null,
            "last_ip_address": "203.0.113.42",
            "last_user_agent": agent,
        })
    );
    host.tenant.revoke(grant.session.id).unwrap();
    let answer = host.get(&format!("/v1/sessions/{}", grant.session.id)).secret().send().is(200);
    assert_eq!(answer.body["status"], "revoked");
    assert_eq!(answer.body["end_reason"], "revoked");
    assert_eq!(answer.body["revoked_at"], "2024-01-15T10:30:01Z");
}

#[test]
fn lists_filter_and_page() {
    let host = Host::new();
    let mut made: Vec<String> = Vec::new();
    for index in 0..25 {
        host.clock.advance_millis(1);
        let owner = if index % 5 == 0 { "usr_a+b c" } else { "usr_other" };
        made.push(host.create(owner).session.id.to_string());
    }
    made.reverse();
    host.tenant.revoke(made[0].parse().unwrap()).unwrap();

    let all = host.get("/v1/sessions").secret().send().is(200);
    assert_eq!(ids(&all.body), made[1..21].iter().map(String::as_str).collect::<Vec<_>>());
    assert!(all.body["data"][0].get("current").is_none(), "current means nothing to the secret key");
    let pagination = &all.body["pagination"];
    assert_eq!((&pagination["limit"], &pagination["has_more"]), (&json!(20), &json!(true)));
    let next = format!("/v1/sessions?cursor={}", pagination["next_cursor"].as_str().unwrap());
    let rest = host.get(&next).secret().send().is(200);
    assert_eq!(ids(&rest.body), made[21..].iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(rest.body["pagination"], json!({"limit": 20, "has_more": false, "next_cursor": null}));

    for target in ["/v1/sessions?user_id=usr_a%2Bb+c", "/v1/sessions?user_id=usr_a%2bb%20c"] {
        assert_eq!(ids(&host.get(target).secret().send().is(200).body).len(), 5, "{target}");
    }
    for (target, count) in [
        ("/v1/sessions?status=revoked", 1),
        ("/v1/sessions?status=expired", 0),
        ("/v1/sessions?status=all&limit=100", 25),
        ("/v1/sessions?status=active&limit=3", 3),
        ("/v1/sessions?limit=99999999999999999999999", 24),
        ("/v1/sessions?user_id=usr_unknown", 0),
    ] {
        assert_eq!(ids(&host.get(target).secret().send().is(200).body).len(), count, "{target}");
    }
    let clamped = host.get("/v1/sessions?limit=101").secret().send().is(200);
    assert_eq!(clamped.body["pagination"]["limit"], 100);
    // A cursor of one list is nothing to another.
    let foreign = format!("{next}&status=all");
    host.get(&foreign).secret().send().fails(422, "validation_error");
}

#[test]
fn revoking_one_session() {
    let host = Host::new();
    let (one, other) = (host.create("usr_1"), host.create("usr_1"));
    let target = format!("/v1/sessions/{}", one.session.id);
    for _ in 0..2 {
        let answer = host.delete(&target).secret().send().is(204);
        assert_eq!(answer.body, Value::Null);
    }
    assert!(host.tenant.verify_access_token(one.access_token.expose()).is_err());
    assert!(host.tenant.refresh(one.refresh_token.expose(), Default::default()).is_err());
    assert!(host.tenant.verify_session(other.session.id).is_ok());
    // Its id with an escape is the same id.
    let escaped = format!("/v1/sessions/{}", other.session.id.to_string().replace('_', "%5F"));
    host.delete(&escaped).secret().send().is(204);
    assert!(host.tenant.verify_session(other.session.id).is_err());
}

#[test]
fn revoking_a_user_and_the_tenant() {
    let host = Host::new();
    for owner in ["usr_1", "usr_1", "usr_2", "usr_3"] {
        host.create(owner);
    }
    let revoked = |target: &str| host.delete(target).secret().send().is(200).body;
    assert_eq!(revoked("/v1/sessions?user_id=usr_1"), json!({"revoked": 2}));
    assert_eq!(revoked("/v1/sessions?user_id=usr_1"), json!({"revoked": 0}));
    assert_eq!(revoked("/v1/sessions?user_id=usr_unknown"), json!({"revoked": 0}));
    assert_eq!(revoked("/v1/sessions"), json!({"revoked": 2}));
    assert_eq!(host.get("/v1/sessions").secret().send().is(200).body["data"], json!([]));
}

fn verify(host: &Host, body: &Value) -> Value {
    host.post("/v1/sessions/verify").secret().json(body).send().is(200).body
}

#[test]
fn verifying_tokens_and_ids() {
    let host = Host::new();
    let mut request = CreateSession::new(user("usr_01HABCDEF123456"));
    request.identity.role = Some("member".parse().unwrap());
    request.identity.org_id = Some("org_01HABCDEF777666".parse().unwrap());
    request.identity.mfa_verified = true;
    let grant = host.tenant.create(request).unwrap();
    let valid = json!({
        "valid": true,
        "session_id": grant.session.id.to_string(),
        "user_id": "usr_01HABCDEF123456",
        "tenant_id": TENANT,
        "role": "member",
        "org_id": "org_01HABCDEF777666",
        "mfa_verified": true,
        "claims": {},
        "auth_time": "2024-01-15T10:30:00Z",
        "factors": [],
        "actor": null,
        "outdated": false,
        "expires_at": "2024-01-15T11:30:00Z",
    });
    let by_token = json!({"token": grant.access_token.expose()});
    let by_id = json!({"session_id": grant.session.id.to_string()});
    assert_eq!(verify(&host, &by_token), valid);
    assert_eq!(verify(&host, &by_id), valid);
    let change = json!({"role": "guest", "org_id": null, "mfa_verified": false, "claims": {"plan": "free"}});
    let patch = IdentityPatch::from_json(change.as_object().unwrap().clone()).unwrap();
    let updated = host.tenant.update(grant.session.id, patch).unwrap();
    let mut now = valid;
    for (name, value) in change.as_object().unwrap() {
        now[name] = value.clone();
    }
    assert_eq!(verify(&host, &by_id), now);
    assert_eq!(verify(&host, &json!({"token": updated.access_token.expose()})), now);
    now["outdated"] = true.into();
    assert_eq!(verify(&host, &by_token), now);

    let code = |body: &Value| {
        let answer = verify(&host, body);
        assert_eq!((&answer["valid"], answer.as_object().unwrap().len()), (&json!(false), 2));
        assert!(answer["error"]["message"].is_string());
        answer["error"]["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(code(&json!({"token": "eyJhbGciOiJFZERTQSJ9..."})), "invalid_token");
    assert_eq!(code(&json!({"token": grant.refresh_token.expose()})), "invalid_token");
    assert_eq!(code(&json!({"token": "x".repeat(60_000)})), "invalid_token");
    assert_eq!(code(&json!({"session_id": "ses_01HABCDEF999888"})), "session_not_found");
    host.clock.advance_millis(3_600_000);
    assert_eq!(code(&by_token), "token_expired");
    host.tenant.revoke(grant.session.id).unwrap();
    assert_eq!(code(&by_id), "session_revoked");
    let other = host.create("usr_2");
    host.clock.advance_millis(31 * 86_400_000);
    assert_eq!(code(&json!({"session_id": other.session.id.to_string()})), "session_expired");

    let unknown: SessionId = grant.session.id;
    host.tenant.purge(hellojohn::PurgeBefore::Time(hellojohn::Timestamp::from_millis(START * 2))).unwrap();
    assert_eq!(code(&json!({"session_id": unknown.to_string()})), "session_not_found");
}

#[test]
fn a_token_is_seen_as_revoked_by_the_very_next_request() {
    let host = Host::new();
    let grant = host.create("usr_1");
    let by_token = json!({"token": grant.access_token.expose()});
    assert_eq!(verify(&host, &by_token)["valid"], true);
    host.delete(&format!("/v1/sessions/{}", grant.session.id)).secret().send().is(204);
    assert_eq!(verify(&host, &by_token)["error"]["code"], "session_revoked");
}

#[test]
fn what_to_verify_is_required_once() {
    let host = Host::new();
    for body in [
        json!({}),
        json!({"token": null}),
        json!({"token": ""}),
        json!({"session_id": ""}),
        json!({"token": 5}),
        json!({"token": ["x"]}),
        json!({"token": "x", "session_id": "y"}),
        json!({"token": "x", "more": 1}),
        json!([]),
        json!("token"),
    ] {
        host.post("/v1/sessions/verify").secret().json(&body).send().fails(422, "validation_error");
    }
}
