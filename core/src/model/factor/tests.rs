use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::in_millis::InMillis;
use crate::model::factor_methods::FactorMethods;
use crate::object_reader::FromMember;

fn methods(text: &str) -> FactorMethods {
    text.parse().unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[test]
fn a_second_factor_is_one_of_another_kind() {
    for (text, expected) in [
        ("pwd", false),
        ("pwd,otp", true),
        ("webauthn,pwd", true),
        ("pwd,pin,kba", false),
        ("otp,sms,hwk", false),
        ("fpt,face", false),
        ("pwd,fpt", true),
        ("mfa", true),
        ("geo,rba,user", false),
        ("geo,pwd", false),
        ("geo,pwd,otp", true),
        ("magic_link", false),
        ("magic_link,pwd", true),
    ] {
        assert_eq!(Factors::passed(methods(text).as_slice(), at(1)).are_of_two_kinds(), expected, "{text}");
    }
    assert!(!Factors::default().are_of_two_kinds());
}

#[test]
fn a_method_is_kept_once_with_its_last_time_and_the_oldest_of_nine_is_dropped() {
    let mut factors = Factors::passed(methods("pwd,otp").as_slice(), at(1));
    factors.pass("pwd".parse().unwrap(), at(5));
    assert_eq!(json!(InMillis(&factors)), json!([{"method": "otp", "at": 1}, {"method": "pwd", "at": 5}]));
    for number in 0..7 {
        factors.pass(format!("m{number}").parse().unwrap(), at(10 + number));
    }
    assert_eq!(factors.as_slice().len(), 8);
    assert_eq!(factors.as_slice()[0].method.as_str(), "pwd");
    assert_eq!(factors.newest_at(), Some(at(16)));
}

#[test]
fn an_error_says_what_is_wrong() {
    let detail = |value: Value| FactorMethods::from_member("factors", value).unwrap_err().detail().to_owned();
    assert_eq!(detail(json!("pwd")), "factors: must be an array of strings");
    assert_eq!(detail(json!(["pwd", 1])), "factors: must be an array of strings");
    assert_eq!(detail(json!(["pwd", "pwd"])), "factors: must not name a method twice");
    assert_eq!(detail(json!(["a", "b", "c", "d", "e", "f", "g", "h", "i"])), "factors: must be at most 8");
    assert_eq!(detail(json!([""])), "factors: must be names of 1 to 64 letters, digits and _.:/-");
    let problem = "factor: must be 1 to 64 letters, digits and _.:/-";
    for bad in ["", "a b", "é", "a,b", "a\0", &"x".repeat(65)] {
        assert_eq!(bad.parse::<FactorMethod>().unwrap_err().detail(), problem, "{bad}");
    }
    assert!("".parse::<FactorMethods>().is_err());
}

#[test]
fn what_a_store_could_not_have_kept_is_refused() {
    for bad in [
        "",
        "[]",
        "{}",
        "null",
        r#"[{"method":"pwd"}]"#,
        r#"[{"method":"","at":1}]"#,
        r#"[{"method":"pwd","at":"1"}]"#,
        r#"[{"method":"pwd","at":1},{"method":"pwd","at":2}]"#,
    ] {
        assert_eq!(Factors::from_stored(bad), None, "{bad}");
    }
}

fn any_method() -> impl Strategy<Value = FactorMethod> {
    prop::sample::select(vec!["pwd", "otp", "webauthn", "own"]).prop_map(|name| name.parse().unwrap())
}

proptest! {
    #[test]
    fn what_is_kept_reads_back(passes in prop::collection::vec((any_method(), 0_i64..1_000), 1..12)) {
        let mut factors = Factors::default();
        for (method, time) in passes {
            factors.pass(method, at(time));
        }
        prop_assert_eq!(Factors::from_stored(&factors.to_stored().unwrap()), Some(factors));
    }

    #[test]
    fn any_text_is_taken_as_it_is_or_refused(text in "\\PC{0,80}") {
        match text.parse::<FactorMethods>() {
            Ok(read) => prop_assert_eq!(read.to_string(), text.as_str()),
            Err(error) => prop_assert_eq!(error.code(), crate::error::ErrorCode::ValidationError),
        }
        let _ = Factors::from_stored(&text);
    }
}
