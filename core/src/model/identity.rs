//! What the host says about the user and the access tokens carry: organisation, role, step-up, e-mail, own claims.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::json;
use crate::model::factor::{FactorMethod, Factors};
use crate::model::id::OrgId;
use crate::object_reader::{FromMember, ObjectReader};
use crate::schema::{Kind, PublicValue, RequestField, request_record, request_struct};
use crate::text::host_text;

host_text! {
    /// The user's role, in the organisation when one is active: opaque, exact bytes, 1 to 255 of them.
    Role, "role", 255
}
host_text! {
    /// The user's e-mail address as the host knows it: not checked, exact bytes, 1 to 320 of them.
    Email, "email", 320
}

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

impl PublicValue for Claims {
    const KIND: Kind = Kind::Object;
}

request_record! {
    /// Everything about the user that an access token carries besides ids.
    #[derive(Debug, Clone, Default, PartialEq, Serialize)]
    pub struct Identity {
        /// The organisation that is active in the session, at most 255 bytes.
        pub org_id: Option<OrgId>,
        /// The user's role, at most 255 bytes.
        pub role: Option<Role>,
        /// Whether a second factor was passed.
        pub mfa_verified: bool,
        /// The user's e-mail address, at most 320 bytes.
        pub email: Option<Email>,
        /// The host's own claims: a JSON object of at most 4096 bytes, put at the top level of every access token.
        pub claims: Claims,
    }
}

impl Identity {
    /// The names of the members that differ.
    pub(crate) fn changed_since(&self, old: &Identity) -> Vec<&'static str> {
        let Identity { org_id, role, mfa_verified, email, claims } = self;
        let members = [
            ("org_id", *org_id != old.org_id),
            ("role", *role != old.role),
            ("mfa_verified", *mfa_verified != old.mfa_verified),
            ("email", *email != old.email),
            ("claims", *claims != old.claims),
        ];
        members.into_iter().filter_map(|(name, is_changed)| is_changed.then_some(name)).collect()
    }
}

request_struct! {
    /// A change of the [`Identity`] of an active session: `None` leaves a field as it is.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct IdentityPatch {
        /// Switches the organisation; `Some(None)` leaves it.
        pub org_id: Option<Option<OrgId>>,
        /// Changes the role; `Some(None)` clears it.
        pub role: Option<Option<Role>>,
        /// Records that a second factor was passed, or takes it back.
        pub mfa_verified: Option<bool>,
        /// Replaces the host's own claims as a whole.
        pub claims: Option<Claims>,
        /// A method that the user has just passed: moves `auth_time`. With another kind of factor before it, the session is
        /// `mfa_verified`, unless the same change says otherwise.
        pub factor: Option<FactorMethod>,
    }
}

impl IdentityPatch {
    /// Reads `org_id`, `role`, `claims` (null clears), `mfa_verified`, `factor`; absent means unchanged.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::request(object);
        let patch = IdentityPatch {
            org_id: members.clearable("org_id")?,
            role: members.clearable("role")?,
            mfa_verified: members.changed("mfa_verified")?,
            claims: members.clearable("claims")?.map(Option::unwrap_or_default),
            factor: members.changed("factor")?,
        };
        members.finish()?;
        Ok(patch)
    }

    /// Applies the change at this time.
    pub(crate) fn apply(self, identity: &mut Identity, factors: &mut Factors, now: Timestamp) {
        if let Some(org_id) = self.org_id {
            identity.org_id = org_id;
        }
        if let Some(role) = self.role {
            identity.role = role;
        }
        if let Some(method) = self.factor {
            factors.pass(method, now);
            identity.mfa_verified |= factors.are_of_two_kinds();
        }
        if let Some(mfa_verified) = self.mfa_verified {
            identity.mfa_verified = mfa_verified;
        }
        if let Some(claims) = self.claims {
            identity.claims = claims;
        }
    }
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
