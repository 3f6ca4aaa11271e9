//! Which payloads are claims, and which claims are written.

use std::collections::BTreeSet;

use super::*;

#[test]
fn the_written_claims_and_nbf_are_the_reserved_ones() {
    let mut factors = Factors::passed(&["pwd".parse().unwrap()], Timestamp::from_secs(1));
    factors.pass("otp".parse().unwrap(), Timestamp::from_secs(2));
    let written = serde_json::to_value(WrittenClaims {
        iss: "",
        aud: "",
        sub: "",
        session_id: "",
        sid: "",
        tenant_id: "",
        role: Some(""),
        mfa_verified: true,
        org_id: Some(""),
        org_role: Some(""),
        email: Some(""),
        iat: 0,
        exp: 0,
        auth_time: 0,
        amr: Methods(&factors),
        amr_times: Times(&factors),
        act: Some(Act { sub: "" }),
        jti: "",
        own: &Map::new(),
    })
    .unwrap();
    let mut names: BTreeSet<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(names.insert("nbf"));
    assert_eq!(names, BTreeSet::from(RESERVED_CLAIMS));
}

#[test]
fn what_an_earlier_release_let_hosts_claim_says_nothing_and_refuses_no_token() {
    let read = |claims: &str| {
        let payload = format!(
            r#"{{"iss":"i","aud":"t","sub":"u","session_id":"{0}","sid":"{0}","tenant_id":"t","role":null,"mfa_verified":false,"iat":1,"exp":9,"jti":"j"{claims}}}"#,
            SessionId::from_bytes([0; 16])
        );
        let claims = AccessClaims::parse(payload.as_bytes(), "i", "t").unwrap();
        (claims.auth_time.map(Timestamp::as_secs), claims.factors.as_slice().len())
    };
    assert_eq!(read(""), (None, 0));
    assert_eq!(read(r#","auth_time":5,"amr":["pwd","otp"],"amr_times":[3,5]"#), (Some(5), 2));
    assert_eq!(read(r#","auth_time":5,"amr":["pwd"]"#), (Some(5), 1));
    for (foreign, auth_time) in [
        (r#","auth_time":"noon","amr":["pwd"]"#, None),
        (r#","amr":["pwd"]"#, None),
        (r#","auth_time":5,"amr":"pwd""#, Some(5)),
        (r#","auth_time":5,"amr":[]"#, Some(5)),
        (r#","auth_time":5,"amr":["a b"]"#, Some(5)),
        (r#","auth_time":5,"amr":["pwd","pwd"]"#, Some(5)),
        (r#","auth_time":5,"amr":["pwd"],"amr_times":[]"#, Some(5)),
        (r#","auth_time":5,"amr":["pwd"],"amr_times":["5"]"#, Some(5)),
        (r#","auth_time":5,"amr":["pwd"],"amr_times":null"#, Some(5)),
    ] {
        assert_eq!(read(foreign), (auth_time, 0), "{foreign}");
    }
}

fn written(factors: &Factors) -> Map<String, Value> {
    let claims = WrittenClaims {
        iss: "i",
        aud: "t",
        sub: "u",
        session_id: "s",
        sid: "s",
        tenant_id: "t",
        role: None,
        mfa_verified: false,
        org_id: None,
        org_role: None,
        email: None,
        iat: 1,
        exp: 9,
        auth_time: 5,
        amr: Methods(factors),
        amr_times: Times(factors),
        act: None,
        jti: "j",
        own: &Map::new(),
    };
    serde_json::to_value(claims).unwrap().as_object().unwrap().clone()
}

#[test]
fn factors_are_written_where_there_are_any_and_their_times_where_they_differ() {
    let none = written(&Factors::default());
    assert!(!none.contains_key("amr") && !none.contains_key("amr_times"));
    let mut factors = Factors::passed(&["pwd".parse().unwrap()], Timestamp::from_secs(5));
    factors.pass("otp".parse().unwrap(), Timestamp::from_secs(5));
    let at_once = written(&factors);
    assert_eq!(at_once["amr"], serde_json::json!(["pwd", "otp"]));
    assert!(!at_once.contains_key("amr_times"));
    factors.pass("webauthn".parse().unwrap(), Timestamp::from_secs(7));
    assert_eq!(written(&factors)["amr_times"], serde_json::json!([5, 5, 7]));
}

/// A genuine payload with some members changed; `null` takes one out.
fn parsed(changes: Value) -> Option<AccessClaims> {
    let session = SessionId::from_bytes([0; 16]).to_string();
    let mut payload = serde_json::json!({
        "iss": "i", "aud": "t", "sub": "u", "session_id": session, "sid": session, "tenant_id": "t",
        "role": "admin", "org_id": "org", "org_role": "admin", "mfa_verified": true, "email": "a@b.example",
        "iat": 1, "exp": 9, "jti": "j",
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(payload.as_object_mut().unwrap().remove(name)),
            _ => payload[name] = value.clone(),
        }
    }
    AccessClaims::parse(payload.to_string().as_bytes(), "i", "t")
}

#[test]
fn a_payload_is_refused_for_one_claim_that_is_missing_of_another_type_or_of_another_value() {
    use serde_json::json;
    let claims = parsed(json!({})).unwrap();
    assert_eq!((claims.issued_at, claims.expires_at), (Timestamp::from_secs(1), Timestamp::from_secs(9)));
    assert_eq!(claims.org_id.as_ref().map(OrgId::as_str), Some("org"));
    let other = SessionId::from_bytes([1; 16]).to_string();
    for change in [
        json!({"iss": "j"}),
        json!({"aud": "u"}),
        json!({"sid": other}),
        json!({"session_id": other}),
        json!({"org_role": "owner"}),
        json!({"org_role": null}),
        json!({"org_id": null}),
        json!({"mfa_verified": "true"}),
        json!({"sub": ""}),
        json!({"sub": 7}),
        json!({"email": 7}),
        json!({"iat": 1.5}),
        json!({"exp": "9"}),
    ] {
        assert!(parsed(change.clone()).is_none(), "{change}");
    }
    for name in ["iss", "aud", "sub", "session_id", "sid", "tenant_id", "mfa_verified", "iat", "exp", "jti"] {
        assert!(parsed(json!({name: null})).is_none(), "{name}");
    }
    for change in [
        json!({"org_id": null, "org_role": null}),
        json!({"org_id": null, "org_role": null, "role": null}),
        json!({"org_role": null, "role": null}),
        json!({"email": null}),
    ] {
        assert!(parsed(change.clone()).is_some(), "{change}");
    }
}

#[test]
fn the_hosts_own_claims_are_those_that_the_engine_does_not_set() {
    use serde_json::json;
    let claims = parsed(json!({"plan": "pro", "seats": [1, 2]})).unwrap().to_claims();
    assert_eq!(Value::Object(claims.as_object().clone()), json!({"plan": "pro", "seats": [1, 2]}));
    assert!(parsed(json!({})).unwrap().to_claims().as_object().is_empty());
}

#[test]
fn the_number_of_a_token_is_read_from_its_id() {
    let serial = |jti: &str| parsed(serde_json::json!({"jti": jti})).unwrap().serial();
    assert_eq!(serial("01HZX5M3Q8W9E7R6T5Y4V3B2N1.0000002a"), Some(42));
    assert_eq!((serial("j"), serial("j."), serial("j.x"), serial("j.100000000")), (None, None, None, None));
}
