//! RFC 7009, OAuth 2.0 Token Revocation. `POST /v1/auth/sign-out` is no endpoint of that RFC (its parameters and its answer to
//! an unknown token differ); what the RFC demands of a revocation itself holds for it.

use hellojohn::{CreateSession, ErrorCode, IdentityPatch};
use hellojohn_tests::fixture::user;
use serde_json::json;

use crate::forge::Forge;
use crate::rest::ask;

fn sign_out(forge: &Forge, token: &str) -> u16 {
    ask(forge, "POST", "/v1/auth/sign-out", Some(token), None).status
}

#[test]
fn rfc7009_2_both_kinds_of_tokens_can_be_revoked() {
    for use_refresh_token in [true, false] {
        let forge = Forge::new();
        let token = if use_refresh_token { forge.grant.refresh_token.expose() } else { forge.token() };
        assert_eq!(sign_out(&forge, token), 204);
        assert!(forge.tenant.verify_session(forge.grant.session.id).is_err());
    }
}

#[test]
fn rfc7009_2_1_revocation_is_immediate_and_takes_every_token_of_the_session() {
    let forge = Forge::new();
    let second = forge.tenant.refresh(forge.grant.refresh_token.expose(), Default::default()).unwrap();
    let updated = forge.tenant.update(forge.grant.session.id, IdentityPatch::default()).unwrap();
    let bystander = forge.tenant.create(CreateSession::new(user("usr_1"))).unwrap();
    for token in [forge.token(), second.access_token.expose(), updated.access_token.expose()] {
        forge.tenant.verify_access_token(token).unwrap(); // remembered, too
    }
    assert_eq!(sign_out(&forge, second.refresh_token.expose()), 204);
    for token in [forge.token(), second.access_token.expose(), updated.access_token.expose()] {
        let refused = forge.tenant.verify_access_token(token).unwrap_err();
        assert_eq!(refused.error.code(), ErrorCode::SessionRevoked);
    }
    for token in [&forge.grant.refresh_token, &second.refresh_token] {
        let refused = forge.tenant.refresh(token.expose(), Default::default()).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::SessionRevoked);
    }
    assert!(forge.tenant.verify_access_token(bystander.access_token.expose()).is_ok());
}

#[test]
fn rfc7009_2_1_a_token_revokes_nothing_but_its_own_grant() {
    let forge = Forge::new();
    let other = forge.tenant.create(CreateSession::new(user("usr_2"))).unwrap();
    let target = format!("/v1/sessions/{}", other.session.id);
    assert_eq!(ask(&forge, "DELETE", &target, Some(forge.token()), None).code(), "session_not_found");
    assert!(forge.tenant.verify_session(other.session.id).is_ok());
}

#[test]
fn rfc7009_2_2_a_second_revocation_succeeds_and_changes_nothing() {
    let forge = Forge::new();
    let token = forge.grant.refresh_token.expose();
    assert_eq!(sign_out(&forge, token), 204);
    let first = forge.tenant.get(forge.grant.session.id).unwrap();
    forge.clock.advance_millis(5_000);
    assert_eq!(sign_out(&forge, token), 204);
    assert_eq!(forge.tenant.get(forge.grant.session.id).unwrap(), first);
}

#[test]
fn rfc7009_2_2_a_token_that_is_not_genuine_is_refused_and_revokes_nothing() {
    // The RFC answers 200 here; a client that signs out with a broken token shall learn that it is still signed in.
    let forge = Forge::new();
    for token in ["rt_AAAA", "a.b.c", "x", &forge.token()[..forge.token().len() - 4]] {
        assert_eq!(sign_out(&forge, token), 401, "{token}");
    }
    let body = json!({"scope": "everything"});
    let answer = ask(&forge, "POST", "/v1/auth/sign-out", Some(forge.token()), Some(body));
    assert_eq!(answer.status, 422);
    assert!(forge.tenant.verify_session(forge.grant.session.id).is_ok());
}

#[test]
fn rfc7009_2_1_tokens_are_never_taken_from_the_address() {
    let forge = Forge::new();
    let target = format!("/v1/auth/sign-out?token={}", forge.token());
    let answer = ask(&forge, "POST", &target, None, None);
    assert!((400..500).contains(&answer.status), "{}", answer.status);
    assert!(forge.tenant.verify_session(forge.grant.session.id).is_ok());
}
