//! RFC 8037, Ed25519 in JOSE, with the vectors of its appendix A.

use hellojohn::{Random, RandomUnavailable};

use crate::forge::{Forge, decode, encode, part};
use crate::signature::{KeyPair, PublicKey};

/// Appendix A.1 and A.2.
const PRIVATE: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
/// Appendix A.4.
const SIGNING_INPUT: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
const SIGNATURE: &str =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

fn example() -> KeyPair {
    KeyPair::from_seed(&decode(PRIVATE).try_into().expect("32 bytes"))
}

/// Gives the key of the appendix wherever 32 bytes are asked for.
struct Appendix;

impl Random for Appendix {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomUnavailable> {
        match buffer.len() {
            32 => buffer.copy_from_slice(&decode(PRIVATE)),
            _ => hellojohn::OsRandom.fill(buffer)?,
        }
        Ok(())
    }
}

#[test]
fn rfc8037_a_2_the_public_key_of_the_example() {
    assert_eq!(encode(example().public_bytes()), PUBLIC);
    let forge = Forge::with(hellojohn::Engine::builder(), Appendix, ":memory:");
    assert_eq!(encode(forge.public_key()), PUBLIC, "as the JWK Set has it");
    forge.accepts(forge.token());
}

#[test]
fn rfc8037_a_4_the_signature_of_the_example() {
    assert_eq!(encode(example().sign(SIGNING_INPUT.as_bytes())), SIGNATURE);
    let signature = decode(SIGNATURE).try_into().unwrap();
    assert!(example().verify(SIGNING_INPUT.as_bytes(), &signature));
    let public = PublicKey::from_bytes(&decode(PUBLIC).try_into().unwrap()).unwrap();
    assert!(public.verify(SIGNING_INPUT.as_bytes(), &signature), "A.5");
    // Signed by the tenant's key though it is, it is no access token: another header, and no claims.
    let forge = Forge::with(hellojohn::Engine::builder(), Appendix, ":memory:");
    forge.refuses(&format!("{SIGNING_INPUT}.{SIGNATURE}"));
    forge.refuses(&forge.sign(part(forge.token(), 0), part(SIGNING_INPUT, 1)));
}

#[test]
fn rfc8037_2_keys_of_another_length_or_curve_are_none() {
    // A log of events is verified with keys that come from elsewhere.
    let forge = Forge::new();
    let set = forge.tenant.jwks().unwrap().to_json();
    let mut log = Vec::new();
    forge
        .tenant
        .update_config(
            &hellojohn::ConfigPatch::from_json(
                serde_json::json!({"event_retention": "1d"}).as_object().unwrap(),
            )
            .unwrap(),
        )
        .unwrap();
    forge.tenant.revoke(forge.grant.session.id).unwrap();
    forge.tenant.seal_events().unwrap();
    forge.tenant.export_events(0, &mut log).unwrap();
    let vouched = |set: &serde_json::Value| {
        let keys: hellojohn::Jwks = set.to_string().parse().unwrap();
        hellojohn::verify_event_log(&log[..], &keys).unwrap().vouched_through > 0
    };
    assert!(vouched(&set));
    for (member, value) in [
        ("x", encode([0; 31])),
        ("x", encode([0; 33])),
        ("x", String::new()),
        ("x", "=".repeat(43)),
        ("x", encode([0; 32])), // of small order
        ("x", encode([0xff; 32])),
        ("crv", "X25519".to_owned()),
        ("crv", "Ed448".to_owned()),
        ("crv", "ed25519".to_owned()),
        ("kty", "okp".to_owned()),
    ] {
        let mut spoilt = set.clone();
        for key in spoilt["keys"].as_array_mut().unwrap() {
            key[member] = value.clone().into();
        }
        assert!(!vouched(&spoilt), "{member} {value}");
    }
}

#[test]
fn rfc8037_3_1_signatures_have_64_bytes() {
    let forge = Forge::new();
    let (signed, signature) = forge.token().rsplit_once('.').unwrap();
    let bytes = decode(signature);
    for length in [0, 1, 32, 63] {
        forge.refuses(&format!("{signed}.{}", encode(&bytes[..length])));
    }
    forge.refuses(&format!("{signed}.{}", encode([&bytes[..], &[0]].concat())));
    forge.refuses(&format!("{signed}.{}", encode([&bytes[..], &bytes[..]].concat())));
}
