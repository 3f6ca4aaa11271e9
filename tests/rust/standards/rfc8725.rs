//! RFC 8725, JSON Web Token Best Current Practices: section 3, practice by practice.

use std::fmt::Write as _;

use hellojohn::{CreateSession, ErrorCode, SecretKey};
use hellojohn_tests::fixture::{SECRET, user};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::forge::{Forge, encode, part};

fn hs256(key: &[u8], header: &str, payload: &str) -> String {
    let signed = format!("{}.{payload}", encode(header));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", encode(mac.finalize().into_bytes()))
}

/// The public key in the ways in which it is written down, each of which an attacker can take for an HMAC key.
fn spellings(forge: &Forge) -> Vec<Vec<u8>> {
    let key = forge.public_key();
    let set = forge.tenant.jwks().unwrap().to_json();
    let jwk = set["keys"].as_array().unwrap().iter().find(|jwk| jwk["x"] == encode(key)).unwrap().clone();
    // SubjectPublicKeyInfo, RFC 8410: a fixed head, then the key.
    let der = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..], &key].concat();
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &der);
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a text takes everything");
            text
        })
    };
    let mut spellings: Vec<Vec<u8>> = vec![key.to_vec(), der, Vec::new()];
    let texts = [
        encode(key),
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, key),
        hex(&key),
        hex(&key).to_uppercase(),
        base64.clone(),
        format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----"),
        format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n"),
        format!("-----BEGIN PUBLIC KEY-----\r\n{base64}\r\n-----END PUBLIC KEY-----\r\n"),
        jwk.to_string(),
        serde_json::to_string_pretty(&jwk).unwrap(),
        format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(key)),
        set.to_string(),
        forge.active_kid(),
    ];
    spellings.extend(texts.into_iter().map(String::into_bytes));
    spellings
}

#[test]
fn rfc8725_3_1_no_spelling_of_the_public_key_is_an_hmac_key() {
    let forge = Forge::new();
    let payload = part(forge.token(), 1);
    let kid = forge.active_kid();
    for key in spellings(&forge) {
        for header in [
            format!(r#"{{"typ":"JWT","alg":"HS256","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#),
            r#"{"alg":"HS256","typ":"JWT"}"#.to_owned(),
            forge.header(), // says EdDSA, is HMAC
        ] {
            forge.refuses(&hs256(&key, &header, payload));
        }
    }
}

#[test]
fn rfc8725_3_2_one_algorithm_is_there() {
    let forge = Forge::new();
    for _ in 0..3 {
        forge.tenant.rotate_keys().unwrap();
        let grant = forge.tenant.create(CreateSession::new(user("usr_1"))).unwrap();
        let header: Value =
            serde_json::from_slice(&crate::forge::decode(part(grant.access_token.expose(), 0))).unwrap();
        assert_eq!(header["alg"], "EdDSA");
    }
    let keys = forge.tenant.jwks().unwrap().to_json();
    assert!(keys["keys"].as_array().unwrap().iter().all(|key| key["alg"] == "EdDSA"));
}

#[test]
fn rfc8725_3_3_every_bit_of_a_token_is_vouched_for() {
    let forge = Forge::new();
    let token = forge.token().as_bytes();
    for at in 0..token.len() {
        for bit in 0..7 {
            let mut changed = token.to_vec();
            changed[at] ^= 1 << bit;
            forge.refuses(std::str::from_utf8(&changed).expect("ASCII stays ASCII"));
        }
    }
    for end in 0..token.len() {
        let cut = std::str::from_utf8(&token[..end]).unwrap();
        let verdicts = forge.verdicts(cut);
        assert!(verdicts.iter().all(Result::is_err), "{cut}");
    }
}

#[test]
fn rfc8725_3_5_keys_have_their_full_entropy() {
    // Seeds come from the engine's source of random bytes, 32 of them each, and differ.
    let forge = Forge::with(hellojohn::Engine::builder(), hellojohn::OsRandom, ":memory:");
    forge.tenant.rotate_keys().unwrap();
    let seeds = forge.random().keys();
    assert!(seeds.len() >= 4, "refresh key, three signing keys");
    for (at, seed) in seeds.iter().enumerate() {
        assert!(!seeds[..at].contains(seed));
    }
    // A person chooses the secret key: on disk it must have the length of 128 random bits.
    let folder = tempfile::tempdir().unwrap();
    let engine = hellojohn::Engine::open(folder.path().join("keys.db")).unwrap();
    for weak in ["sk_live_password", "sk_test_123456789012345678901", "sk_short", "password"] {
        let secret: SecretKey = weak.parse().unwrap();
        let refused = engine.tenant(&"tnt_weak".parse().unwrap(), &secret);
        assert_eq!(refused.unwrap_err().code(), ErrorCode::ValidationError, "{weak}");
    }
}

#[test]
fn rfc8725_3_8_issuer_and_subject_are_checked() {
    let forge = Forge::new();
    let other = hellojohn::Engine::builder().issuer("https://other.example");
    let other = Forge::with(other, hellojohn::SeededRandom::new(11), ":memory:");
    assert_eq!(other.public_key(), forge.public_key(), "the same keys, by the same random bytes");
    forge.refuses(other.token());
    forge.refuses(&forge.with_claim("sub", Some(json!(""))));
    // The subject must be the user of the session: not even a genuine signature over another user's name makes it his.
    let refused = forge.tenant.verify_access_token(&forge.with_claim("sub", Some(json!("usr_2"))));
    assert_eq!(refused.unwrap_err().error.code(), ErrorCode::InvalidToken);
}

#[test]
fn rfc8725_3_9_a_token_is_for_one_audience() {
    let forge = Forge::new();
    let other = forge.engine.tenant(&"tnt_other".parse().unwrap(), &SECRET.parse().unwrap()).unwrap();
    let grant = other.create(CreateSession::new(user("usr_1"))).unwrap();
    forge.refuses(grant.access_token.expose());
    let refused = other.verify_access_token(forge.token());
    assert_eq!(refused.unwrap_err().error.code(), ErrorCode::InvalidToken);
    forge.refuses(&forge.with_claim("tenant_id", Some(json!("tnt_other"))));
}

#[test]
fn rfc8725_3_10_claims_are_not_trusted_before_they_are_verified() {
    let forge = Forge::new();
    // A token that the tenant's key has not signed names a session that lives, and nothing comes of it.
    let forged = crate::signature::KeyPair::from_seed(&[9; 32]);
    let (signed, _) = forge.token().rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", encode(forged.sign(signed.as_bytes())));
    forge.refuses(&forged);
    let refused = forge.tenant.sign_out(&forged, hellojohn::SignOutScope::Global);
    assert_eq!(refused.unwrap_err().code(), ErrorCode::InvalidToken);
    forge.accepts(forge.token());
}

#[test]
fn rfc8725_3_11_kinds_of_tokens_do_not_pass_for_each_other() {
    let forge = Forge::new();
    let on = json!({"revocation_list": true});
    let on = hellojohn::ConfigPatch::from_json(on.as_object().unwrap()).unwrap();
    forge.tenant.update_config(&on).unwrap();
    let list = forge.tenant.revocations(0).unwrap();
    let header: Value = serde_json::from_slice(&crate::forge::decode(part(&list.list, 0))).unwrap();
    assert_eq!(header["typ"], "hellojohn-revocations+jwt");
    forge.refuses(&list.list);
    // The claims of an access token under the type of a list, and the reverse.
    forge.refuses(&forge.with_header(&header.to_string()));
    forge.refuses(&forge.sign(part(&list.list, 0), part(forge.token(), 1)));
    forge.refuses(&forge.sign(part(forge.token(), 0), part(&list.list, 1)));
    for typ in [json!("at+jwt"), json!("jwt"), json!("JOSE"), json!("secevent+jwt"), json!(""), Value::Null] {
        forge.refuses(
            &forge.with_header(&format!(r#"{{"typ":{typ},"alg":"EdDSA","kid":"{}"}}"#, forge.active_kid())),
        );
    }
}

#[test]
fn rfc8725_3_12_credentials_of_each_kind_are_good_for_one_use() {
    let forge = Forge::new();
    let access = forge.token();
    let refresh = forge.grant.refresh_token.expose();
    forge.refuses(refresh);
    forge.refuses(SECRET);
    forge.refuses(&forge.grant.session.id.to_string());
    for not_refresh in [access, SECRET, &forge.grant.session.id.to_string()] {
        let refused = forge.tenant.refresh(not_refresh, Default::default());
        assert_eq!(refused.unwrap_err().code(), ErrorCode::RefreshTokenInvalid);
    }
    for not_secret in [access, refresh] {
        let refused =
            forge.engine.tenant(&crate::forge::TENANT.parse().unwrap(), &not_secret[..60].parse().unwrap());
        assert_eq!(refused.unwrap_err().code(), ErrorCode::InvalidApiKey);
    }
}
