//! OWASP ASVS 5.0.0, chapter V9, Self-contained Tokens.

use hellojohn::{Claims, CreateSession, ErrorCode, LocalVerification};
use hellojohn_tests::fixture::{SECRET, user};
use serde_json::{Value, json};

use crate::forge::{Forge, decode, encode, part};
use crate::signature::KeyPair;

#[test]
fn asvs_9_1_1_nothing_of_a_token_is_used_before_its_signature_is_verified() {
    let forge = Forge::new();
    let mut claims = forge.claims();
    claims.insert("role".into(), json!("admin"));
    let payload = encode(serde_json::to_vec(&claims).unwrap());
    forge.refuses(&format!("{}.{payload}.{}", part(forge.token(), 0), part(forge.token(), 2)));
    // Even an expired or foreign payload is told as invalid, not as what it says.
    claims.insert("exp".into(), json!(1));
    let payload = encode(serde_json::to_vec(&claims).unwrap());
    forge.refuses(&format!("{}.{payload}.{}", part(forge.token(), 0), part(forge.token(), 2)));
}

#[test]
fn asvs_9_1_2_the_allowlist_is_one_algorithm() {
    let forge = Forge::new();
    for alg in ["none", "HS256", "RS256", "ES256", "Ed448"] {
        forge.refuses(
            &forge.with_header(&format!(r#"{{"typ":"JWT","alg":"{alg}","kid":"{}"}}"#, forge.active_kid())),
        );
    }
}

#[test]
fn asvs_9_1_3_only_the_tenants_own_keys_verify() {
    let forge = Forge::new();
    let evil = KeyPair::from_seed(&[13; 32]);
    let payload = part(forge.token(), 1);
    let x = encode(evil.public_bytes());
    let kid = forge.active_kid();
    for header in [
        forge.header(),
        format!(
            r#"{{"typ":"JWT","alg":"EdDSA","kid":"{kid}","jwk":{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}}}"#
        ),
        format!(r#"{{"typ":"JWT","alg":"EdDSA","kid":"{kid}","jku":"https://evil.example/jwks.json"}}"#),
        format!(r#"{{"typ":"JWT","alg":"EdDSA","kid":"{kid}","x5u":"https://evil.example/cert.pem"}}"#),
        format!(r#"{{"typ":"JWT","alg":"EdDSA","kid":"{x}"}}"#),
    ] {
        let signed = format!("{}.{payload}", encode(header));
        forge.refuses(&format!("{signed}.{}", encode(evil.sign(signed.as_bytes()))));
    }
    // A key that has left is no key any more, and the key of another tenant never was one.
    let old = forge.active_kid();
    forge.tenant.rotate_keys().unwrap();
    forge.accepts(forge.token());
    forge.tenant.retire_key(old.parse().unwrap()).unwrap();
    forge.refuses(forge.token());
}

#[test]
fn asvs_9_2_1_a_token_is_good_within_its_time_span_only() {
    let forge = Forge::new();
    let exp = forge.claims()["exp"].as_i64().unwrap();
    let expired = [Err(ErrorCode::TokenExpired), Err(ErrorCode::TokenExpired)];
    forge.refuses(&forge.with_claim("nbf", Some(json!(exp - 1))));
    forge.clock.set(hellojohn::Timestamp::from_millis((exp - 1) * 1000));
    forge.accepts(forge.token());
    forge.accepts(&forge.with_claim("nbf", Some(json!(exp - 1))));
    forge.clock.set(hellojohn::Timestamp::from_millis(exp * 1000));
    assert_eq!(forge.verdicts(forge.token()), expired);
    // A clock that is set back does not bring it back: for the store time never runs backwards.
    forge.clock.set(hellojohn::Timestamp::from_millis((exp - 100) * 1000));
    assert_eq!(forge.verdicts(forge.token())[1], expired[1]);
}

#[test]
fn asvs_9_2_2_tokens_of_other_kinds_are_refused() {
    let forge = Forge::new();
    for typ in ["at+jwt", "id_token+jwt", "logout+jwt", "hellojohn-revocations+jwt"] {
        forge.refuses(
            &forge.with_header(&format!(r#"{{"typ":"{typ}","alg":"EdDSA","kid":"{}"}}"#, forge.active_kid())),
        );
    }
    // An ID token has none of the claims that make an access token of a session.
    let id_token = json!({"iss": forge.claims()["iss"], "aud": crate::forge::TENANT, "sub": "usr_1", "iat": 1, "exp": 9_999_999_999_i64, "nonce": "n"});
    forge.refuses(&forge.with_payload(id_token.to_string()));
}

#[test]
fn asvs_9_2_3_the_audience_is_compared() {
    let forge = Forge::new();
    let audience =
        |audience: &str| LocalVerification { audience: Some(audience.into()), ..Default::default() };
    assert!(forge.tenant.verify_locally(forge.token(), &audience(crate::forge::TENANT)).is_ok());
    for other in ["tnt_standard", "tnt_standards ", "", "*"] {
        let refused = forge.tenant.verify_locally(forge.token(), &audience(other));
        assert_eq!(refused.unwrap_err().code(), ErrorCode::InvalidToken, "{other}");
    }
}

#[test]
fn asvs_9_2_4_each_tenant_has_its_own_keys_and_its_own_audience() {
    let forge = Forge::new();
    let other = forge.engine.tenant(&"tnt_other".parse().unwrap(), &SECRET.parse().unwrap()).unwrap();
    let [own, foreign] = [&forge.tenant, &other].map(|tenant| tenant.jwks().unwrap().to_json());
    for key in own["keys"].as_array().unwrap() {
        assert!(foreign["keys"].as_array().unwrap().iter().all(|other| other["x"] != key["x"]));
    }
    // No input of a sign-in sets the audience.
    let mut request = CreateSession::new(user("usr_1"));
    request.identity.claims =
        Claims::new(json!({"audience": "tnt_other"}).as_object().unwrap().clone()).unwrap();
    let grant = forge.tenant.create(request).unwrap();
    let claims: Value = serde_json::from_slice(&decode(part(grant.access_token.expose(), 1))).unwrap();
    assert_eq!(claims["aud"], crate::forge::TENANT);
    assert!(Claims::new(json!({"aud": "tnt_other"}).as_object().unwrap().clone()).is_err());
}
