//! OWASP ASVS 5.0.0, chapter V7, Session Management: what concerns a session engine. What is the host's alone is in the table
//! without a test.

use std::collections::HashSet;

use hellojohn::{
    CreateSession, ErrorCode, Grant, IdentityPatch, LocalVerification, OsRandom, RequiredAuth, SessionFilter,
    SessionId, SignOutScope, StatusFilter, Tenant,
};
use hellojohn_tests::fixture::{DAY, Database, SECRET, START, tenant, user};
use serde_json::json;

use crate::forge::{Forge, decode};
use crate::rest::ask;

fn configure(tenant: &Tenant, patch: serde_json::Value) {
    let patch = hellojohn::ConfigPatch::from_json(patch.as_object().unwrap()).unwrap();
    tenant.update_config(&patch).unwrap();
}

fn is_refused_everywhere(tenant: &Tenant, grant: &Grant) -> bool {
    tenant.verify_session(grant.session.id).is_err()
        && tenant.verify_access_token(grant.access_token.expose()).is_err()
        && tenant.refresh(grant.refresh_token.expose(), Default::default()).is_err()
        && tenant.update(grant.session.id, IdentityPatch::default()).is_err()
}

#[test]
fn asvs_7_1_2_the_cap_evicts_the_oldest_session() {
    let forge = Forge::new();
    configure(&forge.tenant, json!({"max_sessions_per_user": 2}));
    forge.clock.advance_millis(1);
    let second = forge.tenant.create(CreateSession::new(user("usr_1"))).unwrap();
    assert_eq!(second.evicted, []);
    let third = forge.tenant.create(CreateSession::new(user("usr_1"))).unwrap();
    assert_eq!(third.evicted, [forge.grant.session.id]);
    assert!(is_refused_everywhere(&forge.tenant, &forge.grant));
}

#[test]
fn asvs_7_2_1_every_verification_is_the_engines() {
    // What a client says about itself is no proof: an id, a token without its signature, a cookie of its own making.
    let forge = Forge::new();
    let id = forge.grant.session.id.to_string();
    let unsigned = forge.token().rsplit_once('.').unwrap().0;
    for credential in [&id, "usr_1", unsigned, &format!("{unsigned}.")] {
        assert_eq!(ask(&forge, "GET", "/v1/sessions", Some(credential), None).status, 401, "{credential}");
    }
    assert_eq!(ask(&forge, "GET", "/v1/sessions", Some(forge.token()), None).status, 200);
}

#[test]
fn asvs_7_2_2_tokens_are_made_for_each_session() {
    let forge = Forge::new();
    let other = forge.tenant.create(CreateSession::new(user("usr_1"))).unwrap();
    assert_ne!(other.access_token, forge.grant.access_token);
    assert_ne!(other.refresh_token, forge.grant.refresh_token);
}

#[test]
fn asvs_7_2_3_refresh_tokens_have_256_bits_that_come_from_random_ones() {
    // A key of 32 random bytes a tenant and 16 random bytes a session, from the engine's generator, make a tag of 32 bytes.
    let forge = Forge::with(hellojohn::Engine::builder(), OsRandom, ":memory:");
    let before = forge.random().given().len();
    let mut tags = HashSet::new();
    for _ in 0..200 {
        let grant = forge.tenant.create(CreateSession::new(user("usr_1"))).unwrap();
        let bytes = decode(grant.refresh_token.expose().strip_prefix("rt_").unwrap());
        assert_eq!(bytes.len(), 53);
        assert!(tags.insert(bytes[21..].to_vec()), "unique");
    }
    let drawn = forge.random().given().split_off(before);
    let random_bytes: usize = drawn.iter().map(Vec::len).sum();
    assert!(random_bytes >= 200 * 16, "{random_bytes}");
    let ones: u32 = tags.iter().flatten().map(|byte| byte.count_ones()).sum();
    let bits = 200 * 256;
    assert!(ones.abs_diff(bits / 2) < 1_200, "{ones} of {bits}: more than ten standard deviations away");
}

#[test]
fn asvs_7_2_4_a_sign_in_makes_new_tokens_and_ends_the_session_that_it_replaces() {
    // Fixation: nothing that existed before a sign-in is a token of its session.
    let forge = Forge::new();
    let attempt = forge.tenant.begin_sign_in("ada@example.com", None).unwrap();
    let grant = attempt.succeed(CreateSession::new(user("usr_1"))).unwrap();
    assert_ne!(grant.session.id, forge.grant.session.id);
    // Ending the session before is one call of the host: it alone knows which one the browser had.
    forge.tenant.sign_out(forge.grant.refresh_token.expose(), SignOutScope::Local).unwrap();
    assert!(is_refused_everywhere(&forge.tenant, &forge.grant));
    assert!(forge.tenant.verify_session(grant.session.id).is_ok());
    // Re-authentication within a session (step-up) answers with a new access token, and the one before is outdated.
    let patch = IdentityPatch::from_json(json!({"factor": "otp"}).as_object().unwrap().clone()).unwrap();
    let stepped = forge.tenant.update(grant.session.id, patch).unwrap();
    assert_ne!(stepped.access_token, grant.access_token);
    assert!(forge.tenant.verify_access_token(grant.access_token.expose()).unwrap().outdated);
    assert!(!forge.tenant.verify_access_token(stepped.access_token.expose()).unwrap().outdated);
}

#[test]
fn asvs_7_3_1_an_idle_session_ends() {
    let forge = Forge::new();
    configure(&forge.tenant, json!({"idle_timeout": "30m"}));
    forge.clock.advance_millis(30 * 60_000);
    assert!(forge.tenant.verify_session(forge.grant.session.id).is_ok());
    forge.clock.advance_millis(1);
    assert!(is_refused_everywhere(&forge.tenant, &forge.grant));
}

#[test]
fn asvs_7_3_2_no_activity_prolongs_a_session() {
    let forge = Forge::new();
    let end = forge.grant.session.expires_at;
    let mut grant = forge.grant.clone();
    for day in 1..30 {
        forge.clock.set(hellojohn::Timestamp::from_millis(START + day * DAY));
        grant = forge.tenant.refresh(grant.refresh_token.expose(), Default::default()).unwrap();
        assert_eq!(grant.session.expires_at, end);
    }
    forge.clock.set(end);
    assert!(is_refused_everywhere(&forge.tenant, &grant));
}

#[test]
fn asvs_7_4_1_an_ended_session_is_refused_at_once_in_every_process() {
    let database = Database::new();
    let [here, there] = [database.open_at(START), database.open_at(START)];
    let (own, other) = (tenant(&here.engine, "tnt_a"), tenant(&there.engine, "tnt_a"));
    let grant = own.create(CreateSession::new(user("usr_1"))).unwrap();
    for verifier in [&own, &other] {
        assert!(verifier.verify_access_token(grant.access_token.expose()).is_ok());
    }
    own.revoke(grant.session.id).unwrap();
    for verifier in [&own, &other] {
        assert!(is_refused_everywhere(verifier, &grant));
    }
    // For services that verify locally there is a list of what ended (SPEC 22); without it a token is good until its `exp`.
    assert!(own.verify_locally(grant.access_token.expose(), &LocalVerification::default()).is_ok());
}

#[test]
fn asvs_7_4_1_the_revocation_list_names_what_ended() {
    let forge = Forge::new();
    configure(&forge.tenant, json!({"revocation_list": true}));
    forge.tenant.revoke(forge.grant.session.id).unwrap();
    let list = forge.tenant.revocations(0).unwrap();
    let claims: serde_json::Value =
        serde_json::from_slice(&decode(crate::forge::part(&list.list, 1))).unwrap();
    assert_eq!(claims["sessions"][0]["sid"], forge.grant.session.id.to_string());
}

#[test]
fn asvs_7_4_2_all_sessions_of_a_disabled_account_end_together() {
    let forge = Forge::new();
    let grants: Vec<Grant> =
        (0..20).map(|_| forge.tenant.create(CreateSession::new(user("usr_gone"))).unwrap()).collect();
    assert_eq!(forge.tenant.revoke_user(&user("usr_gone"), None).unwrap(), 20);
    assert!(grants.iter().all(|grant| is_refused_everywhere(&forge.tenant, grant)));
    assert!(forge.tenant.verify_session(forge.grant.session.id).is_ok(), "and no session of another user");
}

#[test]
fn asvs_7_4_3_all_other_sessions_can_be_ended_after_a_change_of_factors() {
    let forge = Forge::new();
    let others: Vec<Grant> =
        (0..3).map(|_| forge.tenant.create(CreateSession::new(user("usr_1"))).unwrap()).collect();
    assert_eq!(forge.tenant.revoke_user(&user("usr_1"), Some(forge.grant.session.id)).unwrap(), 3);
    assert!(others.iter().all(|grant| is_refused_everywhere(&forge.tenant, grant)));
    assert!(forge.tenant.verify_session(forge.grant.session.id).is_ok());
}

#[test]
fn asvs_7_4_5_an_administrator_ends_sessions_of_one_user_or_of_all() {
    let forge = Forge::new();
    let other = forge.tenant.create(CreateSession::new(user("usr_2"))).unwrap();
    let answer = ask(&forge, "DELETE", "/v1/sessions?user_id=usr_2", Some(SECRET), None);
    assert_eq!(answer.body["revoked"], 1);
    assert!(is_refused_everywhere(&forge.tenant, &other));
    assert!(forge.tenant.verify_session(forge.grant.session.id).is_ok());
    forge.tenant.revoke_tenant().unwrap();
    assert!(is_refused_everywhere(&forge.tenant, &forge.grant));
    // With a user's own token neither is possible.
    let forge = Forge::new();
    let other = forge.tenant.create(CreateSession::new(user("usr_2"))).unwrap();
    let answer = ask(&forge, "DELETE", "/v1/sessions?user_id=usr_2", Some(forge.token()), None);
    assert_eq!(answer.status, 403);
    assert!(forge.tenant.verify_session(other.session.id).is_ok());
}

#[test]
fn asvs_7_5_1_a_sensitive_change_can_demand_a_recent_sign_in() {
    let forge = Forge::new();
    let recent = RequiredAuth::default().max_age(Some("5m".parse().unwrap()));
    assert!(forge.tenant.require_auth(forge.token(), &recent).is_ok());
    forge.clock.advance_millis(5 * 60_000 + 1_000);
    let refused = forge.tenant.require_auth(forge.token(), &recent).unwrap_err();
    assert_eq!(refused.error.code(), ErrorCode::ReauthenticationRequired);
}

#[test]
fn asvs_7_5_2_users_see_and_end_their_own_sessions() {
    let forge = Forge::new();
    let own = forge.tenant.create(CreateSession::new(user("usr_1"))).unwrap();
    let foreign = forge.tenant.create(CreateSession::new(user("usr_2"))).unwrap();
    let list = ask(&forge, "GET", "/v1/sessions", Some(forge.token()), None);
    let ids: HashSet<&str> =
        list.body["data"].as_array().unwrap().iter().map(|session| session["id"].as_str().unwrap()).collect();
    let id = |id: SessionId| id.to_string();
    assert_eq!(ids, HashSet::from([&*id(forge.grant.session.id), &*id(own.session.id)]));
    let end = |id: SessionId| {
        ask(&forge, "DELETE", &format!("/v1/sessions/{id}"), Some(forge.token()), None).status
    };
    assert_eq!((end(foreign.session.id), end(own.session.id)), (404, 204));
    assert!(is_refused_everywhere(&forge.tenant, &own));
    assert!(forge.tenant.verify_session(foreign.session.id).is_ok());
}

#[test]
fn asvs_7_5_3_a_highly_sensitive_operation_can_demand_a_further_factor() {
    let forge = Forge::new();
    let strong = RequiredAuth::default().factors("otp".parse().unwrap());
    let refused = forge.tenant.require_auth(forge.token(), &strong).unwrap_err();
    assert_eq!(refused.error.code(), ErrorCode::ReauthenticationRequired);
    let patch = IdentityPatch::from_json(json!({"factor": "otp"}).as_object().unwrap().clone()).unwrap();
    forge.tenant.update(forge.grant.session.id, patch).unwrap();
    assert!(forge.tenant.require_auth(forge.token(), &strong).is_ok());
}

#[test]
fn asvs_7_6_2_only_a_sign_in_creates_a_session() {
    let forge = Forge::new();
    let count = || {
        let all = SessionFilter::default().status(Some(StatusFilter::All));
        forge.tenant.count(&all).unwrap()
    };
    let before = count();
    forge.tenant.refresh(forge.grant.refresh_token.expose(), Default::default()).unwrap();
    forge.tenant.update(forge.grant.session.id, IdentityPatch::default()).unwrap();
    forge.tenant.begin_sign_in("ada@example.com", None).unwrap().cancel().unwrap();
    let _ = forge.tenant.begin_sign_in("ada@example.com", None).unwrap().fail();
    for (method, target) in [("GET", "/v1/sessions"), ("POST", "/v1/auth/token/refresh")] {
        ask(&forge, method, target, Some(forge.token()), None);
    }
    assert_eq!(count(), before);
}
