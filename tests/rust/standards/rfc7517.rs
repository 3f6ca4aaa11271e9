//! RFC 7517, JSON Web Key.

use std::collections::BTreeSet;

use hellojohn::{Jwks, verify_event_log};
use serde_json::{Value, json};

use crate::forge::{Forge, decode};
use crate::rest::ask;

fn keys(forge: &Forge) -> Vec<Value> {
    forge.tenant.jwks().unwrap().to_json()["keys"].as_array().unwrap().clone()
}

#[test]
fn rfc7517_4_a_key_says_what_it_is_for() {
    let forge = Forge::new();
    for _ in 0..3 {
        forge.tenant.rotate_keys().unwrap();
    }
    let keys = keys(&forge);
    assert_eq!(keys.len(), 5);
    for key in &keys {
        let names: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"]);
        assert_eq!(
            (&key["kty"], &key["crv"], &key["use"], &key["alg"]),
            (&json!("OKP"), &json!("Ed25519"), &json!("sig"), &json!("EdDSA"))
        );
        assert_eq!(decode(key["x"].as_str().unwrap()).len(), 32);
    }
    let kids: BTreeSet<&str> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(kids.len(), keys.len(), "4.5: kids differ");
}

#[test]
fn rfc7517_9_2_the_set_has_no_private_key() {
    let forge = Forge::new();
    let set = forge.tenant.jwks().unwrap().to_string();
    for key in forge.random().keys() {
        assert!(!set.contains(&crate::forge::encode(key)));
    }
    for name in ["\"d\"", "\"k\"", "\"p\"", "\"q\"", "\"oth\""] {
        assert!(!set.contains(name), "{name}");
    }
}

/// An exported log of events, which is verified with a set of keys that comes from elsewhere.
fn log() -> (Vec<u8>, Value) {
    let forge = Forge::new();
    let patch = json!({"event_retention": "30d"});
    forge
        .tenant
        .update_config(&hellojohn::ConfigPatch::from_json(patch.as_object().unwrap()).unwrap())
        .unwrap();
    forge.tenant.revoke(forge.grant.session.id).unwrap();
    forge.tenant.seal_events().unwrap();
    let mut log = Vec::new();
    forge.tenant.export_events(0, &mut log).unwrap();
    (log, forge.tenant.jwks().unwrap().to_json())
}

fn verifies(log: &[u8], set: &Value) -> bool {
    let keys: Jwks = set.to_string().parse().unwrap_or_else(|error| panic!("{error}: {set}"));
    verify_event_log(log, &keys).unwrap().ok
}

#[test]
fn rfc7517_5_keys_that_are_not_understood_are_passed_over() {
    let (log, set) = log();
    assert!(verifies(&log, &set));
    for foreign in [
        json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa"}),
        json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "ec"}),
        json!({"kty": "oct", "k": "AA"}),
        json!({"kty": "OKP", "crv": "X25519", "x": "AA", "kid": "x"}),
        json!({"kty": "OKP", "crv": "Ed448", "x": "AA", "kid": "ed448"}),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "pq"}), // not known when this was written
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "without x"}),
        json!({"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"}),
        json!({"kid": "without kty"}),
    ] {
        let mut more = set.clone();
        more["keys"].as_array_mut().unwrap().insert(0, foreign);
        assert!(verifies(&log, &more), "{more}");
    }
    // 4 and 5: members that are not understood.
    let mut more = set;
    more["iss"] = json!("https://a.example");
    for key in more["keys"].as_array_mut().unwrap() {
        key["exp"] = json!(1);
        key["key_ops"] = json!(["verify"]);
    }
    assert!(verifies(&log, &more));
}

#[test]
fn rfc7517_5_a_text_that_is_no_set_is_refused() {
    for text in
        ["", "{}", "[]", "null", r#"{"keys":{}}"#, r#"{"keys":[1]}"#, r#"{"keys":[]} x"#, "{\"keys\":[]"]
    {
        let read = text.parse::<Jwks>();
        assert!(read.is_err_and(|error| error.code().as_str() == "validation_error"), "{text}");
    }
}

#[test]
fn rfc7517_5_the_set_is_served_to_all_and_may_be_cached() {
    let forge = Forge::new();
    let answer = ask(&forge, "GET", "/.well-known/jwks.json", None, None);
    assert_eq!((answer.status, &answer.body), (200, &forge.tenant.jwks().unwrap().to_json()));
    assert_eq!(answer.headers["cache-control"], "public, max-age=3600");
}
