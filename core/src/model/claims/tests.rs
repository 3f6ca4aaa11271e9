use super::*;

#[test]
fn claims_that_were_kept_under_a_name_that_is_reserved_now_are_not_read() {
    let kept = r#"{"act":{"sub":"x"},"amr":["pwd"],"amr_times":1,"auth_time":"noon","plan":"pro"}"#;
    assert!(kept.parse::<Claims>().is_err());
    assert_eq!(Claims::from_stored(kept).unwrap().to_string(), r#"{"plan":"pro"}"#);
    assert!(Claims::from_stored(r#"{"sub":"x"}"#).is_err());
}

#[test]
fn numbers_keep_their_value() {
    for (given, kept) in [
        ("0.9031759077724155", "0.9031759077724155"),
        ("1e308", "1e+308"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("9007199254740993", "9007199254740993"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("18446744073709551615", "18446744073709551615"),
        // Beyond 64 bits, the nearest double.
        ("18446744073709551616", "1.8446744073709552e+19"),
        ("18446744073709551617", "1.8446744073709552e+19"),
        ("-9223372036854775809", "-9.223372036854776e+18"),
        ("0.1000000000000000055511151231257827", "0.1"),
        ("1", "1"),
        ("1.0", "1.0"),
        ("-0.0", "-0.0"),
        ("-0", "-0.0"),
        ("1e2", "100.0"),
    ] {
        let claims: Claims = format!("{{\"n\":{given}}}").parse().unwrap();
        assert_eq!(claims.to_string(), format!("{{\"n\":{kept}}}"), "{given}");
        assert_eq!(claims.to_string().parse(), Ok(claims), "{given}");
    }
    assert!("{\"n\":1e309}".parse::<Claims>().is_err());
}

#[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
struct Plan {
    name: String,
    #[serde(rename = "n")]
    seats: u64,
    until: Option<i64>,
}

#[test]
fn a_type_of_the_hosts_comes_back_as_itself_or_says_what_does_not_fit() {
    let plan = Plan { name: "pro".to_owned(), seats: u64::MAX, until: None };
    let claims = Claims::encode(&plan).unwrap();
    assert_eq!(claims.to_string(), r#"{"n":18446744073709551615,"name":"pro","until":null}"#);
    assert_eq!(claims.decode::<Plan>(), Ok(plan));
    let more: Claims = r#"{"n":1,"name":"a","until":5,"other":[1]}"#.parse().unwrap();
    assert_eq!(more.decode::<Plan>().unwrap().until, Some(5));
    for unfit in ["{}", r#"{"n":-1,"name":"a"}"#, r#"{"n":1,"name":{"secret":"x"}}"#] {
        let error = unfit.parse::<Claims>().unwrap().decode::<Plan>().unwrap_err();
        assert_eq!(error.field(), Some("claims"), "{unfit}");
        assert_eq!(error.detail(), "claims: do not fit the type that they are read as");
        assert!(std::error::Error::source(&error).is_some());
    }
    for (value, problem) in [
        (serde_json::json!(1), "claims: must be a JSON object"),
        (serde_json::json!({"sub": "x"}), "claims: must not contain the reserved name sub"),
        (serde_json::json!({"a": "x".repeat(4096)}), "claims: must be at most 4096 bytes of JSON"),
    ] {
        assert_eq!(Claims::encode(&value).unwrap_err().detail(), problem);
    }
    let nameless = std::collections::BTreeMap::from([(vec![1_u8], 1)]);
    let error = Claims::encode(&nameless).unwrap_err();
    assert_eq!(error.detail(), "claims: could not be written as JSON");
}

#[test]
fn claims_that_are_taken_can_be_read_again() {
    let nested = |levels: usize, wrap: &dyn Fn(Value) -> Value| {
        let inner = (1..levels).fold(Value::Null, |inner, _| wrap(inner));
        Claims::encode(&serde_json::json!({ "a": inner }))
    };
    let wraps: [&dyn Fn(Value) -> Value; 2] =
        [&|inner| serde_json::json!([inner]), &|inner| serde_json::json!({ "b": inner })];
    for wrap in wraps {
        let deepest = nested(LEVELS_MAX, wrap).unwrap();
        assert_eq!(Claims::from_stored(&deepest.to_string()), Ok(deepest));
        // An earlier release took more.
        let kept = (1..127).fold(Value::Null, |inner, _| wrap(inner));
        assert!(Claims::from_stored(&serde_json::json!({ "a": kept }).to_string()).is_ok());
        for levels in [LEVELS_MAX + 1, 400] {
            let error = nested(levels, wrap).unwrap_err();
            assert_eq!(error.detail(), "claims: must not be nested more than 64 levels");
        }
    }
}

proptest::proptest! {
    #[test]
    fn every_double_comes_back_as_itself(number in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
        let claims: Claims = format!("{{\"n\":{number:?}}}").parse().unwrap();
        let text = claims.to_string();
        let read: Value = serde_json::from_str(&text).unwrap();
        proptest::prop_assert_eq!(read["n"].as_f64().unwrap().to_bits(), number.to_bits());
        proptest::prop_assert_eq!(text.parse::<Claims>().unwrap(), claims);
    }
}
