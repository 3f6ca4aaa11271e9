//! RFC 9700, OAuth 2.0 Security Best Current Practice: what section 4.14 says of refresh tokens and section 2 of tokens in
//! general. The engine is no authorization server; its refresh tokens follow the same rules.

use hellojohn::{
    ConfigPatch, CreateSession, EndReason, ErrorCode, LocalVerification, SessionId, SignOutScope, Tenant,
    VerifyError,
};
use hellojohn_tests::fixture::user;
use serde_json::json;

use crate::forge::{Forge, decode, encode, part};

/// Refresh tokens that are good exactly once, unless the default window is wanted.
fn strict() -> Forge {
    let forge = Forge::new();
    let patch = json!({"refresh_reuse_window": 0});
    forge.tenant.update_config(&ConfigPatch::from_json(patch.as_object().unwrap()).unwrap()).unwrap();
    forge
}

fn refresh(tenant: &Tenant, token: &str) -> Result<hellojohn::Grant, ErrorCode> {
    tenant.refresh(token, Default::default()).map_err(|error| error.code())
}

fn reason(refused: VerifyError) -> Option<EndReason> {
    refused.session.and_then(|session| session.end_reason)
}

#[test]
fn rfc9700_2_2_2_every_refresh_rotates_the_token() {
    let forge = strict();
    let mut seen = vec![forge.grant.refresh_token.expose().to_owned()];
    for _ in 0..20 {
        let grant = refresh(&forge.tenant, seen.last().unwrap()).unwrap();
        let token = grant.refresh_token.expose().to_owned();
        assert!(!seen.contains(&token));
        seen.push(token);
    }
    assert!(forge.tenant.verify_session(forge.grant.session.id).is_ok());
}

#[test]
fn rfc9700_4_14_2_reuse_ends_the_session_with_its_newest_token() {
    let forge = strict();
    let first = forge.grant.refresh_token.expose();
    let second = refresh(&forge.tenant, first).unwrap();
    let third = refresh(&forge.tenant, second.refresh_token.expose()).unwrap();
    assert_eq!(refresh(&forge.tenant, first).unwrap_err(), ErrorCode::RefreshTokenReused);
    // Thief and victim alike have to sign in again: the engine cannot know which of them it was.
    for token in [first, second.refresh_token.expose(), third.refresh_token.expose()] {
        assert_eq!(refresh(&forge.tenant, token).unwrap_err(), ErrorCode::SessionRevoked);
    }
    let refused = forge.tenant.verify_access_token(third.access_token.expose()).unwrap_err();
    assert_eq!(reason(refused), Some(EndReason::RefreshTokenReuse));
}

#[test]
fn rfc9700_4_14_2_a_retry_within_the_window_gets_the_same_successor() {
    let forge = Forge::new(); // the default: 10 seconds
    let token = forge.grant.refresh_token.expose();
    let first = refresh(&forge.tenant, token).unwrap();
    forge.clock.advance_millis(10_000);
    let again = refresh(&forge.tenant, token).unwrap();
    assert_eq!(again.refresh_token, first.refresh_token, "one live token at every instant");
    assert_eq!(again.access_token, first.access_token);
    forge.clock.advance_millis(1);
    assert_eq!(refresh(&forge.tenant, token).unwrap_err(), ErrorCode::RefreshTokenReused);
}

#[test]
fn rfc9700_4_14_2_an_idle_client_loses_its_token() {
    let forge = Forge::new();
    let patch = json!({"idle_timeout": "1d"});
    forge.tenant.update_config(&ConfigPatch::from_json(patch.as_object().unwrap()).unwrap()).unwrap();
    forge.clock.advance_millis(86_400_001);
    let refused = refresh(&forge.tenant, forge.grant.refresh_token.expose());
    assert_eq!(refused.unwrap_err(), ErrorCode::SessionExpired);
    // And an active client at the end of the session, which no rotation moves.
    let forge = Forge::new();
    let mut token = forge.grant.refresh_token.clone();
    for _ in 0..29 {
        forge.clock.advance_millis(86_400_000);
        let grant = refresh(&forge.tenant, token.expose()).unwrap();
        assert_eq!(grant.session.expires_at, forge.grant.session.expires_at);
        token = grant.refresh_token;
    }
    forge.clock.advance_millis(86_400_000);
    assert_eq!(refresh(&forge.tenant, token.expose()).unwrap_err(), ErrorCode::SessionExpired);
}

#[test]
fn rfc9700_4_14_2_tokens_are_revoked_when_the_host_says_so() {
    type End = fn(&Forge) -> Result<(), hellojohn::Error>;
    let ends: [End; 4] = [
        |forge| forge.tenant.revoke(forge.grant.session.id),
        |forge| forge.tenant.revoke_user(&user("usr_1"), None).map(|_| ()),
        |forge| forge.tenant.revoke_tenant().map(|_| ()),
        |forge| forge.tenant.sign_out(forge.token(), SignOutScope::Local).map(|_| ()),
    ];
    for end in ends {
        let forge = Forge::new();
        end(&forge).unwrap();
        let refused = refresh(&forge.tenant, forge.grant.refresh_token.expose());
        assert_eq!(refused.unwrap_err(), ErrorCode::SessionRevoked);
    }
}

#[test]
fn rfc9700_4_14_2_no_changed_token_is_accepted_and_none_ends_a_session() {
    let forge = strict();
    let text = forge.grant.refresh_token.expose().to_owned();
    let second = refresh(&forge.tenant, &text).unwrap();
    let bytes = decode(text.strip_prefix("rt_").unwrap());
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let refused = refresh(&forge.tenant, &format!("rt_{}", encode(&changed)));
        assert_eq!(refused.unwrap_err(), ErrorCode::RefreshTokenInvalid, "{bit}");
    }
    let other = forge
        .engine
        .tenant(&"tnt_other".parse().unwrap(), &hellojohn_tests::fixture::SECRET.parse().unwrap());
    assert_eq!(refresh(&other.unwrap(), &text).unwrap_err(), ErrorCode::RefreshTokenInvalid);
    for garbage in ["rt_", "rt_AAAA", "RT_", &text[3..], &format!("{text}="), &format!("{text} ")] {
        let refused = refresh(&forge.tenant, garbage).unwrap_err();
        assert!([ErrorCode::RefreshTokenInvalid, ErrorCode::MissingToken].contains(&refused), "{garbage}");
    }
    refresh(&forge.tenant, second.refresh_token.expose()).expect("no guess has ended the session");
}

#[test]
fn rfc9700_4_14_2_a_token_is_bound_to_its_session() {
    // The tag covers session and generation: parts of two genuine tokens do not make a third.
    let forge = Forge::new();
    let other = forge.tenant.create(CreateSession::new(user("usr_2"))).unwrap();
    let [own, foreign] =
        [&forge.grant, &other].map(|grant| decode(grant.refresh_token.expose().strip_prefix("rt_").unwrap()));
    let mixed = format!("rt_{}", encode([&own[..21], &foreign[21..]].concat()));
    assert_eq!(refresh(&forge.tenant, &mixed).unwrap_err(), ErrorCode::RefreshTokenInvalid);
    let named: SessionId = hellojohn::session_of_refresh_token(&mixed).unwrap();
    assert_eq!(named, forge.grant.session.id, "what a token names is a hint and no proof");
}

#[test]
fn rfc9700_2_3_access_tokens_have_one_audience_and_a_short_life() {
    let forge = Forge::new();
    let claims = forge.claims();
    assert!(claims["aud"].is_string());
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3_600);
    let audience = LocalVerification { audience: Some("tnt_other".into()), ..Default::default() };
    assert!(forge.tenant.verify_locally(forge.token(), &audience).is_err());
    assert_eq!(part(forge.token(), 0).len(), 88, "and nothing in the header but alg, kid and typ");
}
