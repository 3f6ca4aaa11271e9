//! RFC 7519, JSON Web Token. Payloads here are signed with the tenant's own key.

use std::collections::BTreeSet;

use hellojohn::{ErrorCode, IdentityPatch, LocalVerification};
use hellojohn_tests::fixture::START;
use serde_json::{Value, json};

use crate::forge::{Forge, decode, part};

const NOW: i64 = START / 1000;

#[test]
fn rfc7519_4_claim_names_are_unique_at_every_depth() {
    let forge = Forge::new();
    let payload = forge.payload();
    let with = |member: &str| format!("{},{member}}}", payload.strip_suffix('}').unwrap());
    forge.accepts(&forge.with_payload(with(r#""own":{"a":1,"b":{"a":2}}"#)));
    for twice in [
        r#""sub":"usr_1""#,
        r#""sub":"usr_admin""#,
        r#""s\u0075b":"usr_admin""#,
        r#""exp":9999999999"#,
        r#""own":1,"own":1"#,
        r#""own":{"a":1,"a":1}"#,
        r#""own":[{"a":{"b":1,"\u0062":2}}]"#,
    ] {
        forge.refuses(&forge.with_payload(with(twice)));
    }
}

#[test]
fn rfc7519_4_1_1_iss_is_the_engines() {
    let forge = Forge::new();
    assert_eq!(forge.claims()["iss"], "https://api.hellojohn.dev");
    for issuer in [
        Some(json!("https://api.hellojohn.dev/")),
        Some(json!("HTTPS://API.HELLOJOHN.DEV")),
        Some(json!("https://evil.example")),
        Some(json!(["https://api.hellojohn.dev"])),
        Some(json!("")),
        Some(Value::Null),
        None,
    ] {
        forge.refuses(&forge.with_claim("iss", issuer));
    }
}

#[test]
fn rfc7519_4_1_2_sub_is_a_user() {
    let forge = Forge::new();
    assert_eq!(forge.claims()["sub"], "usr_1");
    for subject in [
        Some(json!("")),
        Some(json!(1)),
        Some(json!(["usr_1"])),
        Some(json!("u".repeat(256))),
        Some(json!("usr\u{0}1")),
        Some(Value::Null),
        None,
    ] {
        forge.refuses(&forge.with_claim("sub", subject));
    }
}

#[test]
fn rfc7519_4_1_3_aud_is_this_tenant() {
    let forge = Forge::new();
    assert_eq!(forge.claims()["aud"], crate::forge::TENANT);
    for audience in [
        Some(json!("tnt_other")),
        Some(json!("TNT_STANDARDS")),
        Some(json!(["tnt_other"])),
        Some(json!([])),
        Some(json!("")),
        Some(Value::Null),
        None,
        // The RFC allows a list; tokens of the engine have one audience, so that a list is another issuer's.
        Some(json!(["tnt_standards"])),
        Some(json!(["tnt_standards", "tnt_other"])),
    ] {
        forge.refuses(&forge.with_claim("aud", audience));
    }
    let audience =
        |audience: &str| LocalVerification { audience: Some(audience.to_owned()), ..Default::default() };
    let other = forge.tenant.verify_locally(forge.token(), &audience("https://orders.example"));
    assert_eq!(other.unwrap_err().code(), ErrorCode::InvalidToken);
}

#[test]
fn rfc7519_4_1_4_exp_is_the_first_second_that_is_too_late() {
    let forge = Forge::new();
    assert_eq!(forge.claims()["exp"], NOW + 3600);
    let expired = [Err(ErrorCode::TokenExpired), Err(ErrorCode::TokenExpired)];
    forge.clock.set(hellojohn::Timestamp::from_millis(START + 3_600_000 - 1));
    forge.accepts(forge.token());
    forge.clock.set(hellojohn::Timestamp::from_millis(START + 3_600_000));
    assert_eq!(forge.verdicts(forge.token()), expired);
    let leeway = LocalVerification { leeway_secs: 60, ..Default::default() };
    forge.clock.set(hellojohn::Timestamp::from_millis(START + 3_660_000 - 1));
    assert!(
        forge.tenant.verify_locally(forge.token(), &leeway).is_ok(),
        "a few minutes at most, says the RFC"
    );
    let too_much = LocalVerification { leeway_secs: 61, ..Default::default() };
    let refused = forge.tenant.verify_locally(forge.token(), &too_much);
    assert_eq!(refused.unwrap_err().code(), ErrorCode::ValidationError);
    for never in [0, -1, i64::MIN] {
        assert_eq!(forge.verdicts(&forge.with_claim("exp", Some(json!(never)))), expired, "{never}");
    }
}

#[test]
fn rfc7519_2_dates_are_whole_numbers_of_seconds() {
    let forge = Forge::new();
    for name in ["exp", "iat"] {
        for date in [
            Some(json!(format!("{}", NOW + 60))),
            Some(json!(NOW as f64 + 60.5)),
            Some(json!(1e30)),
            Some(json!("2030-01-01T00:00:00Z")),
            Some(json!(u64::MAX)),
            Some(json!([NOW])),
            Some(json!(true)),
            Some(Value::Null),
            None,
        ] {
            forge.refuses(&forge.with_claim(name, date));
        }
    }
}

#[test]
fn rfc7519_4_1_5_nbf_is_honoured_though_never_written() {
    let forge = Forge::new();
    assert!(!forge.claims().contains_key("nbf"));
    for past in [0, NOW - 1, NOW] {
        forge.accepts(&forge.with_claim("nbf", Some(json!(past))));
    }
    for bad in [
        json!(NOW + 1),
        json!(NOW + 3600),
        json!(i64::MAX),
        json!(u64::MAX),
        json!("0"),
        json!(0.5),
        Value::Null,
    ] {
        forge.refuses(&forge.with_claim("nbf", Some(bad)));
    }
    let later = forge.with_claim("nbf", Some(json!(NOW + 2)));
    forge.refuses(&later);
    forge.clock.advance_millis(2_000);
    forge.accepts(&later);
    let own = json!({"nbf": 0});
    assert!(hellojohn::Claims::new(own.as_object().unwrap().clone()).is_err(), "no host can write it");
}

#[test]
fn rfc7519_4_1_7_jti_names_one_token() {
    let forge = Forge::new();
    let mut seen = BTreeSet::new();
    let mut note = |token: &str| {
        let claims: Value = serde_json::from_slice(&decode(part(token, 1))).unwrap();
        seen.insert(claims["jti"].as_str().unwrap().to_owned())
    };
    assert!(note(forge.token()));
    let mut refresh_token = forge.grant.refresh_token.clone();
    for _ in 0..5 {
        let grant = forge.tenant.refresh(refresh_token.expose(), Default::default()).unwrap();
        assert!(note(grant.access_token.expose()));
        let updated = forge.tenant.update(grant.session.id, IdentityPatch::default()).unwrap();
        assert!(note(updated.access_token.expose()));
        refresh_token = grant.refresh_token;
        let other = forge.tenant.create(hellojohn::CreateSession::new("usr_1".parse().unwrap())).unwrap();
        assert!(note(other.access_token.expose()));
    }
    forge.refuses(&forge.with_claim("jti", None));
    forge.refuses(&forge.with_claim("jti", Some(json!(1))));
}

#[test]
fn rfc7519_4_3_private_claims_never_replace_the_engines() {
    let forge = Forge::new();
    for name in forge.claims().keys() {
        let own = json!({ name.as_str(): "x" });
        assert!(hellojohn::Claims::new(own.as_object().unwrap().clone()).is_err(), "{name}");
    }
}

#[test]
fn rfc7519_7_2_the_payload_is_one_json_object_in_utf_8() {
    let forge = Forge::new();
    for payload in ["", "{}", "[]", "null", "1", "\"text\"", "{", "{]", "\u{0}"] {
        forge.refuses(&forge.with_payload(payload));
    }
    let payload = forge.payload();
    for spoilt in [
        format!("{payload}{payload}"),
        format!("{payload} x"),
        format!("{payload}\u{0}"),
        format!("\u{feff}{payload}"),
        format!("[{payload}]"),
        payload.replace(':', "="),
        payload.replace('"', "'"),
        format!("{}//\n}}", payload.strip_suffix('}').unwrap()),
        format!("{},}}", payload.strip_suffix('}').unwrap()),
        format!("{},\"own\":NaN}}", payload.strip_suffix('}').unwrap()),
        format!("{},\"own\":\"\\ud800\"}}", payload.strip_suffix('}').unwrap()),
    ] {
        forge.refuses(&forge.with_payload(spoilt));
    }
    for bytes in [&b"\xff"[..], b"\xc3(", b"\xed\xa0\x80", b"\xc0\x80"] {
        let spoilt = [&payload.as_bytes()[..payload.len() - 1], b",\"own\":\"", bytes, b"\"}"].concat();
        forge.refuses(&forge.with_payload(spoilt));
    }
    let utf_16: Vec<u8> = payload.encode_utf16().flat_map(u16::to_be_bytes).collect();
    forge.refuses(&forge.with_payload(utf_16));
}
