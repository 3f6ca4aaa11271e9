//! RFC 7515, JSON Web Signature. Every token here that can be signed is signed with the tenant's own key, so that nothing but
//! the rule under test refuses it.

use serde_json::{Value, json};

use crate::forge::{Forge, encode, part};

#[test]
fn rfc7515_2_base64url_is_unpadded_and_canonical() {
    let forge = Forge::new();
    let (header, payload) = (part(forge.token(), 0).to_owned(), part(forge.token(), 1).to_owned());
    forge.accepts(&forge.sign(&header, &payload));
    for spoil in [
        |text: &str| format!("{text}="),
        |text: &str| format!("{text}=="),
        |text: &str| format!("{text}\n"),
        |text: &str| format!(" {text}"),
        |text: &str| format!("{}\r\n{}", &text[..20], &text[20..]),
        |text: &str| format!("{}+{}", &text[..20], &text[21..]),
        |text: &str| format!("{}/{}", &text[..20], &text[21..]),
        |text: &str| format!("{text}%3D"),
        |text: &str| format!("{text}A"), // a length that no bytes have, or one byte more
    ] {
        forge.refuses(&forge.sign(&spoil(&header), &payload));
        forge.refuses(&forge.sign(&header, &spoil(&payload)));
        forge.refuses(&format!("{header}.{payload}.{}", spoil(part(forge.token(), 2))));
    }
}

#[test]
fn rfc7515_2_unused_bits_of_the_last_character_are_zero() {
    let forge = Forge::new();
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (signed, signature) = forge.token().rsplit_once('.').unwrap();
    let last = signature.chars().next_back().unwrap();
    // 64 bytes in 86 characters leave 4 bits over.
    assert_eq!(ALPHABET.find(last).unwrap() % 16, 0);
    for other in ALPHABET.chars().filter(|other| *other != last) {
        forge.refuses(&format!("{signed}.{}{other}", &signature[..85]));
    }
    // A payload whose length leaves bits over: the same bytes, other text, signed as it stands.
    let payload = (0..3)
        .map(|spaces| encode(format!("{}{}", forge.payload(), " ".repeat(spaces))))
        .find(|text| text.len() % 4 == 2);
    let payload = payload.expect("one of three lengths leaves 4 bits over");
    forge.accepts(&forge.sign(part(forge.token(), 0), &payload));
    let at = ALPHABET.find(&payload[payload.len() - 1..]).unwrap();
    let loose = format!("{}{}", &payload[..payload.len() - 1], &ALPHABET[at + 1..=at + 1]);
    forge.refuses(&forge.sign(part(forge.token(), 0), &loose));
}

#[test]
fn rfc7515_4_header_names_are_unique() {
    let forge = Forge::new();
    let kid = forge.active_kid();
    for header in [
        format!(r#"{{"typ":"JWT","alg":"EdDSA","alg":"EdDSA","kid":"{kid}"}}"#),
        format!(r#"{{"typ":"JWT","alg":"none","alg":"EdDSA","kid":"{kid}"}}"#),
        format!(r#"{{"typ":"JWT","alg":"EdDSA","kid":"{kid}","kid":"{kid}"}}"#),
        format!(r#"{{"typ":"JWT","alg":"EdDSA","\u0061lg":"none","kid":"{kid}"}}"#),
    ] {
        forge.refuses(&forge.with_header(&header));
    }
}

#[test]
fn rfc7515_4_1_1_alg_is_compared_not_dispatched_on() {
    let forge = Forge::new();
    forge.accepts(&forge.with_header(&forge.header()));
    for alg in [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("nOnE"),
        json!(""),
        json!("HS256"),
        json!("HS512"),
        json!("RS256"),
        json!("PS256"),
        json!("ES256"),
        json!("ES256K"),
        json!("eddsa"),
        json!("EDDSA"),
        json!("EdDSA "),
        json!("Ed25519"), // RFC 9864's other name for it: tokens of the engine have one name
        json!("Ed448"),
        json!("Ed25519ph"),
        json!(["EdDSA"]),
        Value::Null,
        json!(1),
    ] {
        let header = json!({"typ": "JWT", "alg": alg, "kid": forge.active_kid()}).to_string();
        forge.refuses(&forge.with_header(&header));
    }
    let without = format!(r#"{{"typ":"JWT","kid":"{}"}}"#, forge.active_kid());
    forge.refuses(&forge.with_header(&without));
    // No signature at all, where the header says so and where it does not.
    for header in [encode(r#"{"alg":"none"}"#), part(forge.token(), 0).to_owned()] {
        forge.refuses(&format!("{header}.{}.", part(forge.token(), 1)));
    }
}

#[test]
fn rfc7515_4_1_keys_named_inside_the_token_are_not_looked_at() {
    let forge = Forge::new();
    let header: Value = serde_json::from_str(&forge.header()).unwrap();
    let x = encode(forge.public_key());
    for (name, value) in [
        ("jku", json!("https://evil.example/jwks.json")),
        ("jku", json!("file:///etc/passwd")),
        ("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": x})),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
        ("cty", json!("JWT")),
        ("zip", json!("DEF")),
        ("b64", json!(false)),
        ("unknown", Value::Null),
    ] {
        let mut header = header.clone();
        header[name] = value;
        forge.refuses(&forge.with_header(&header.to_string()));
    }
}

#[test]
fn rfc7515_4_1_4_kid_is_one_of_the_tenants_own() {
    let forge = Forge::new();
    let other = forge
        .engine
        .tenant(&"tnt_other".parse().unwrap(), &hellojohn_tests::fixture::SECRET.parse().unwrap());
    let other = other.unwrap().keys().unwrap()[0].kid.to_string();
    let own = forge.active_kid();
    let next = forge.tenant.keys().unwrap().iter().map(|key| key.kid.to_string()).find(|kid| *kid != own);
    for kid in [
        json!(other),
        json!(next.expect("a next key")), // published, but it has signed nothing
        json!(own.to_lowercase()),
        json!(own.replace('0', "O")), // an alias in Crockford's base32
        json!(format!("{own} ")),
        json!(format!("../../{own}")),
        json!("/dev/null"),
        json!("' OR 1=1 --"),
        json!("https://evil.example/key"),
        json!([own]),
        json!(""),
        Value::Null,
        json!(0),
    ] {
        let header = format!(r#"{{"typ":"JWT","alg":"EdDSA","kid":{kid}}}"#);
        forge.refuses(&forge.with_header(&header));
    }
    forge.refuses(&forge.with_header(r#"{"typ":"JWT","alg":"EdDSA"}"#));
}

#[test]
fn rfc7515_4_1_11_no_extension_is_understood() {
    let forge = Forge::new();
    for crit in [
        json!([]),
        json!(["exp"]),
        json!(["b64"]),
        json!(["alg"]),
        json!(["urn:x"]),
        json!("b64"),
        Value::Null,
        json!({}),
    ] {
        let mut header: Value = serde_json::from_str(&forge.header()).unwrap();
        header["crit"] = crit;
        header["b64"] = json!(true);
        header["urn:x"] = json!(1);
        forge.refuses(&forge.with_header(&header.to_string()));
    }
}

#[test]
fn rfc7515_5_2_one_spelling_of_the_header_is_accepted() {
    let forge = Forge::new();
    let kid = forge.active_kid();
    assert_eq!(forge.header(), format!(r#"{{"typ":"JWT","alg":"EdDSA","kid":"{kid}"}}"#));
    for same in [
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"JWT"}}"#),
        format!(r#"{{"typ":"JWT", "alg":"EdDSA","kid":"{kid}"}}"#),
        format!(r#"{{"typ":"JWT","\u0061lg":"EdDSA","kid":"{kid}"}}"#),
        format!("{} ", forge.header()),
        format!("\u{feff}{}", forge.header()),
    ] {
        forge.refuses(&forge.with_header(&same));
    }
    for no_object in ["[]", "null", "\"\"", "", "{", "\u{0}"] {
        forge.refuses(&forge.with_header(no_object));
    }
    let mut not_utf8 = forge.header().into_bytes();
    not_utf8[2] = 0xff;
    forge.refuses(&forge.sign(&encode(not_utf8), part(forge.token(), 1)));
}

#[test]
fn rfc7515_7_1_a_token_has_three_parts_and_nothing_around_them() {
    let forge = Forge::new();
    let [header, payload, signature] = [0, 1, 2].map(|at| part(forge.token(), at));
    for text in [
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"), // detached, appendix F
        format!(".{payload}.{signature}"),
        format!("{header}.{payload}.{signature}."),
        format!(".{header}.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}.{payload}.{signature}.a.b"), // as many parts as JWE has
        format!("{header}\u{2024}{payload}.{signature}"),
        format!("Bearer {}", forge.token()),
        format!("\"{}\"", forge.token()),
        format!("{}\n", forge.token()),
        format!("\u{feff}{}", forge.token()),
        "..".to_owned(),
        ".".to_owned(),
    ] {
        forge.refuses(&text);
    }
}

#[test]
fn rfc7515_7_2_json_serialisations_are_refused() {
    let forge = Forge::new();
    let [header, payload, signature] = [0, 1, 2].map(|at| part(forge.token(), at));
    let flattened = json!({"protected": header, "payload": payload, "signature": signature});
    let general = json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]});
    for text in [flattened.to_string(), general.to_string(), format!("[{flattened}]")] {
        forge.refuses(&text);
    }
}
