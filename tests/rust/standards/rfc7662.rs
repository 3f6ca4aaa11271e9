//! RFC 7662, OAuth 2.0 Token Introspection. `POST /v1/sessions/verify` is no endpoint of that RFC (JSON in, other member
//! names out); what the RFC demands of an introspection itself holds for it.

use hellojohn::SignOutScope;
use serde_json::{Value, json};

use crate::forge::{Forge, encode, part};
use crate::rest::{Answer, ask};
use hellojohn_tests::fixture::SECRET;

fn introspect(forge: &Forge, token: &str) -> Answer {
    ask(forge, "POST", "/v1/sessions/verify", Some(SECRET), Some(json!({"token": token})))
}

#[test]
fn rfc7662_2_1_the_caller_must_be_authorized() {
    let forge = Forge::new();
    let body = json!({"token": forge.token()});
    for (credential, code) in [
        (None, "missing_token"),
        (Some(forge.token()), "insufficient_permissions"),
        (Some(forge.grant.refresh_token.expose()), "invalid_token"),
        (Some("sk_live_Vq3nT8kLx0cJ5wRzE7uYbB"), "invalid_api_key"),
    ] {
        let answer = ask(&forge, "POST", "/v1/sessions/verify", credential, Some(body.clone()));
        assert_eq!(answer.code(), code);
        assert!(!answer.body.to_string().contains("usr_1"), "nothing is told of the token");
    }
}

#[test]
fn rfc7662_2_2_a_good_token_is_told_with_its_session() {
    let forge = Forge::new();
    let answer = introspect(&forge, forge.token());
    assert_eq!((answer.status, &answer.body["valid"]), (200, &json!(true)));
    assert_eq!(answer.body["user_id"], "usr_1");
    assert_eq!(answer.body["session_id"], forge.grant.session.id.to_string());
}

#[test]
fn rfc7662_2_2_a_token_that_is_not_genuine_is_told_nothing_about() {
    let forge = Forge::new();
    let (signed, _) = forge.token().rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", encode([7; 64]));
    for token in [&forged, "x", "a.b.c", "rt_AAAA", &forge.with_claim("aud", Some(json!("tnt_other")))] {
        let answer = introspect(&forge, token);
        assert_ne!(answer.body["valid"], true, "{token}");
        let told = answer.body.to_string();
        assert!(!told.contains("usr_1") && !told.contains(&forge.grant.session.id.to_string()), "{told}");
    }
}

#[test]
fn rfc7662_4_every_state_of_a_token_is_checked() {
    // Signature, expiration, revocation, not-before: whatever makes a token bad.
    let is_valid = |forge: &Forge, token: &str| introspect(forge, token).body["valid"] == true;
    let forge = Forge::new();
    assert!(is_valid(&forge, forge.token()));
    assert!(!is_valid(&forge, &forge.with_claim("nbf", Some(json!(9_999_999_999_i64)))));
    forge.tenant.sign_out(forge.token(), SignOutScope::Local).unwrap();
    assert!(!is_valid(&forge, forge.token()));
    let forge = Forge::new();
    forge.clock.advance_millis(3_600_000);
    assert!(!is_valid(&forge, forge.token()), "expired");
    let forge = Forge::new();
    for _ in 0..2 {
        forge.tenant.rotate_keys().unwrap();
    }
    assert!(is_valid(&forge, forge.token()), "a retiring key still vouches");
    let kid: Value = serde_json::from_slice(&crate::forge::decode(part(forge.token(), 0))).unwrap();
    forge.tenant.retire_key(kid["kid"].as_str().unwrap().parse().unwrap()).unwrap();
    assert!(!is_valid(&forge, forge.token()), "a retired key does not");
}

#[test]
fn rfc7662_4_answers_are_not_cached() {
    let forge = Forge::new();
    for token in [forge.token(), "x"] {
        assert_eq!(introspect(&forge, token).headers["cache-control"], "no-store");
    }
}
