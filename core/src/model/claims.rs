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

/// How many levels of objects and arrays claims have, themselves included. Readers of JSON take 127 or so, of all that the claims stand
/// in: what they could not read again could not be ended either.
const LEVELS_MAX: usize = 64;

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
    /// `validation_error` for a reserved name, for more than 4096 bytes of compact JSON, and for objects and arrays nested more than 64
    /// levels deep, the claims themselves included.
    pub fn new(object: Map<String, Value>) -> Result<Self, Error> {
        if !object.values().all(|value| is_nested_within(value, LEVELS_MAX - 1)) {
            return Err(Error::validation(
                "claims",
                format_args!("must not be nested more than {LEVELS_MAX} levels"),
            ));
        }
        Claims::kept(object)
    }

    /// Takes an object that was taken before.
    pub(crate) fn kept(object: Map<String, Value>) -> Result<Self, Error> {
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
        Claims::kept(object)
    }

    /// The object.
    pub fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// Whether the value has no more levels of objects and arrays than this.
fn is_nested_within(value: &Value, levels: usize) -> bool {
    let Some(inner) = levels.checked_sub(1) else { return !value.is_object() && !value.is_array() };
    match value {
        Value::Array(items) => items.iter().all(|item| is_nested_within(item, inner)),
        Value::Object(members) => members.values().all(|member| is_nested_within(member, inner)),
        _ => true,
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
mod tests;
