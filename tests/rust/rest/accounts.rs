//! A user with an access token: sees and ends only their own sessions.

use hellojohn::{CreateSession, SessionActor};
use serde_json::{Value, json};

use crate::host::{Host, user};

#[test]
fn a_user_lists_their_own_sessions() {
    let host = Host::new();
    let (one, two, _other) = (host.create("usr_1"), host.create("usr_1"), host.create("usr_2"));
    for target in ["/v1/sessions", "/v1/sessions?user_id=usr_1"] {
        let page = host.get(target).bearer(one.access_token.expose()).send().is(200);
        let seen: Vec<_> = page.body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|session| (session["id"].clone(), session["current"].clone()))
            .collect();
        let expected = [
            (json!(two.session.id.to_string()), json!(false)),
            (json!(one.session.id.to_string()), json!(true)),
        ];
        assert_eq!(seen, expected);
    }
    let foreign = host.get("/v1/sessions?user_id=usr_2").bearer(one.access_token.expose()).send();
    foreign.fails(403, "insufficient_permissions");
}

#[test]
fn a_user_reads_and_ends_their_own_sessions() {
    let host = Host::new();
    let (one, two, other) = (host.create("usr_1"), host.create("usr_1"), host.create("usr_2"));
    let token = one.access_token.expose();
    let own = host.get(&format!("/v1/sessions/{}", one.session.id)).bearer(token).send().is(200);
    assert_eq!(own.body["current"], true);
    let sibling = format!("/v1/sessions/{}", two.session.id);
    assert_eq!(host.get(&sibling).bearer(token).send().is(200).body["current"], false);
    host.delete(&sibling).bearer(token).send().is(204);
    assert!(host.tenant.verify_session(two.session.id).is_err());

    let foreign = format!("/v1/sessions/{}", other.session.id);
    let before = host.dump();
    host.get(&foreign).bearer(token).send().fails(404, "session_not_found");
    host.delete(&foreign).bearer(token).send().fails(404, "session_not_found");
    host.delete("/v1/sessions?user_id=usr_2").bearer(token).send().fails(403, "insufficient_permissions");
    host.delete("/v1/sessions?user_id=usr_2&except=current")
        .bearer(token)
        .send()
        .fails(403, "insufficient_permissions");
    assert_eq!(host.dump(), before);

    // Their own session ends with the token that says so.
    host.delete(&format!("/v1/sessions/{}", one.session.id)).bearer(token).send().is(204);
    host.get("/v1/sessions").bearer(token).send().fails(401, "session_revoked");
}

#[test]
fn a_user_signs_out_their_other_devices_or_all() {
    let host = Host::new();
    let grants: Vec<_> = (0..4).map(|_| host.create("usr_1")).collect();
    let other = host.create("usr_2");
    let token = grants[0].access_token.expose();
    let revoked = |target: &str| host.delete(target).bearer(token).send().is(200).body;
    assert_eq!(revoked("/v1/sessions?except=current"), json!({"revoked": 3}));
    assert_eq!(revoked("/v1/sessions?except=current&user_id=usr_1"), json!({"revoked": 0}));
    assert_eq!(revoked("/v1/sessions"), json!({"revoked": 1}));
    assert!(host.tenant.verify_session(other.session.id).is_ok());
}

#[test]
fn who_acts_for_a_user_is_shown_to_the_user_and_named_in_what_that_person_does() {
    let host = Host::new();
    host.tenant.update_config(&r#"{"event_retention": "1d"}"#.parse().unwrap()).unwrap();
    let actor = SessionActor::new(user("op"), "ticket 4711".parse().unwrap());
    let acted = host.tenant.create(CreateSession::new(user("usr_1")).actor(Some(actor))).unwrap();
    let (own, other) = (host.create("usr_1"), host.create("usr_1"));
    let page = host.get("/v1/sessions").bearer(own.access_token.expose()).send().is(200).body;
    let actors: Vec<&Value> =
        page["data"].as_array().unwrap().iter().map(|session| &session["actor"]).collect();
    let named = json!({"user_id": "op", "reason": "ticket 4711"});
    assert_eq!(actors, [&Value::Null, &Value::Null, &named]);
    let token = acted.access_token.expose();
    let verify = host.post("/v1/sessions/verify").json(&json!({"token": token}));
    let verified = verify.secret().send().is(200).body;
    assert_eq!((&verified["user_id"], &verified["actor"]), (&json!("usr_1"), &named));

    let end = |session, token| {
        host.delete(&format!("/v1/sessions/{session}")).bearer(token).send().is(204);
        let events = host.get(&format!("/v1/events?session_id={session}&types=session.ended")).secret();
        events.send().is(200).body["data"][0]["actor"].clone()
    };
    assert_eq!(end(other.session.id, token), "op");
    assert_eq!(end(acted.session.id, own.access_token.expose()), Value::Null);
    host.get("/v1/sessions").bearer(token).send().fails(401, "session_revoked");
}

#[test]
fn an_exception_needs_the_access_token_of_a_session() {
    let host = Host::new();
    let grant = host.create("usr_1");
    let before = host.dump();
    for target in ["/v1/sessions?except=current", "/v1/sessions?user_id=usr_1&except=current"] {
        host.delete(target).secret().send().fails(422, "validation_error");
    }
    let token = grant.access_token.expose();
    let other = format!("/v1/sessions?except={}", grant.session.id);
    host.delete(&other).bearer(token).send().fails(422, "validation_error");
    assert_eq!(host.dump(), before);
}

#[test]
fn a_user_may_not_administrate() {
    let host = Host::new();
    let grant = host.create("usr_1");
    let token = grant.access_token.expose();
    let before = host.dump();
    for (method, target) in [("GET", "/v1/admin/config"), ("GET", "/v1/admin/stats")] {
        host.call(method, target).bearer(token).send().fails(403, "insufficient_permissions");
    }
    let patch = host.call("PATCH", "/v1/admin/config").json(&json!({"idle_timeout": "1s"}));
    patch.bearer(token).send().fails(403, "insufficient_permissions");
    let verify = host.post("/v1/sessions/verify").json(&json!({"token": token}));
    verify.bearer(token).send().fails(403, "insufficient_permissions");
    assert_eq!(host.dump(), before);
}

#[test]
fn a_refresh_token_is_no_credential_here() {
    let host = Host::new();
    let grant = host.create("usr_1");
    host.get("/v1/sessions").bearer(grant.refresh_token.expose()).send().fails(401, "invalid_token");
}
