//! The host's own claims: JSON that access tokens carry.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::in_millis::SerializeInMillis;
use crate::json;
use crate::object_reader::{FromMember, ObjectReader};
use crate::schema::{Kind, PublicValue, RequestField};

/// The names that the engine itself puts into an access token (SPEC 3), and `nbf`, which verifiers give a meaning.
pub(crate) const RESERVED_CLAIMS: [&str; 19] = [
    "iss",
    "aud",
    "sub",
    "session_id",
    "sid",
    "tenant_id",
    "role",
    "mfa_verified",
    "org_id",
    "org_role",
    "email",
    "iat",
    "exp",
    "jti",
    "nbf",
    "auth_time",
    "amr",
    "amr_times",
    "act",
];

/// The last of them, which hosts could use before. Claims that were kept under them are not read any more.
const RESERVED_LATER: &[&str] = RESERVED_CLAIMS.split_at(15).1;

/// The longest text of a host's claims, in bytes of compact JSON.
const CLAIMS_MAX: usize = 4096;

/// The host's own claims: a JSON object of at most 4 KB, put at the top level of every access token of the session. It
/// cannot contain a name that the engine sets.
///
/// Numbers keep their value: a whole number from -2^63 to 2^64 - 1 keeps every digit, any other number is kept as the
/// nearest 64-bit floating point number, which prints as the shortest text that reads back as the same one. `1` and `1.0`
/// stay apart. A host that needs more digits writes them as a string.
///
/// ```
/// use hellojohn::Claims;
///
/// let claims: Claims = r#"{"plan": "pro"}"#.parse()?;
/// assert_eq!(claims.as_object()["plan"], "pro");
/// assert_eq!(Claims::new(claims.as_object().clone())?, claims);
/// assert!(r#"{"sub": "someone else"}"#.parse::<Claims>().is_err());
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// Takes the object.
    ///
    /// # Errors
    /// `validation_error` for a reserved name and for more than 4096 bytes of compact JSON.
    pub fn new(object: Map<String, Value>) -> Result<Self, Error> {
        if let Some(name) = RESERVED_CLAIMS.iter().find(|name| object.contains_key(**name)) {
            return Err(Error::validation(
                "claims",
                format_args!("must not contain the reserved name {name}"),
            ));
        }
        let claims = Claims(object);
        if claims.to_string().len() > CLAIMS_MAX {
            return Err(Error::validation(
                "claims",
                format_args!("must be at most {CLAIMS_MAX} bytes of JSON"),
            ));
        }
        Ok(claims)
    }

    /// The claims that this value is in JSON: a struct or a map of the host's, `#[serde(rename = "…")]` and all.
    ///
    /// ```
    /// #[derive(serde::Serialize)]
    /// struct Subscription {
    ///     plan: &'static str,
    ///     seats: u32,
    /// }
    ///
    /// let claims = hellojohn::Claims::encode(&Subscription { plan: "pro", seats: 5 })?;
    /// assert_eq!(claims.to_string(), r#"{"plan":"pro","seats":5}"#);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` for a value that is no object in JSON, and as [`Claims::new`].
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        match serde_json::to_value(value) {
            Ok(Value::Object(object)) => Claims::new(object),
            Ok(_) => Err(Error::validation("claims", "must be a JSON object")),
            Err(cause) => Err(Error::validation("claims", "could not be written as JSON").caused_by(cause)),
        }
    }

    /// The claims as a type of the host's. Members that the type does not have are passed over, unless it says
    /// `#[serde(deny_unknown_fields)]`.
    ///
    /// ```
    /// #[derive(serde::Deserialize)]
    /// struct Subscription {
    ///     plan: String,
    /// }
    ///
    /// let claims: hellojohn::Claims = r#"{"plan": "pro"}"#.parse()?;
    /// assert_eq!(claims.decode::<Subscription>()?.plan, "pro");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` for the field `claims` if they do not fit the type. The error's [source](std::error::Error::source) says
    /// where; its line does not, because that might show a value.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(&self.0).map_err(|cause| {
            Error::validation("claims", "do not fit the type that they are read as").caused_by(cause)
        })
    }

    /// Reads what a store has kept, also what could be claimed when it was written.
    ///
    /// # Errors
    /// As [`Claims::from_str`].
    pub(crate) fn from_stored(text: &str) -> Result<Self, Error> {
        let mut object = json::parse_object(text.as_bytes())
            .ok_or_else(|| Error::validation("claims", "must be a JSON object without duplicate names"))?;
        RESERVED_LATER.iter().for_each(|name| drop(object.remove(*name)));
        Claims::new(object)
    }

    /// The object.
    pub fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl FromStr for Claims {
    type Err = Error;

    /// Reads JSON text.
    ///
    /// # Errors
    /// `validation_error` for anything but one JSON object without duplicate names, and as [`Claims::new`].
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() > 4 * CLAIMS_MAX {
            return Err(Error::validation(
                "claims",
                format_args!("must be at most {CLAIMS_MAX} bytes of JSON"),
            ));
        }
        let object = json::parse_object(text.as_bytes())
            .ok_or_else(|| Error::validation("claims", "must be a JSON object without duplicate names"))?;
        Claims::new(object)
    }
}

impl fmt::Display for Claims {
    /// Compact JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(&self.0).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl FromMember for Claims {
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        Claims::new(Map::from_member(name, value)?)
    }
}

impl RequestField for Claims {
    fn read(members: &mut ObjectReader, name: &str) -> Result<Self, Error> {
        Ok(members.optional(name)?.unwrap_or_default())
    }
}

impl SerializeInMillis for Claims {}

impl PublicValue for Claims {
    const KIND: Kind = Kind::Object;
}

#[cfg(test)]
mod tests {
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
}
