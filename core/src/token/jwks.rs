//! The public keys of a tenant as other services read them.

use std::fmt;
use std::str::FromStr;

use jsonwebtoken::jwk::JwkSet;
use serde::{Serialize, Serializer};

use crate::error::Error;

/// A JWK Set (RFC 7517): the public keys that verify the tenant's access tokens, and the next one. Prints as JSON.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// use hellojohn::Jwks;
///
/// let jwks = tenant.jwks()?;
/// assert_eq!(jwks.to_json()["keys"].as_array().map(Vec::len), Some(2)); // the active key and the next
/// assert_eq!(jwks.to_string().parse::<Jwks>()?, jwks);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwks(pub(super) JwkSet);

impl Jwks {
    /// The set as a JSON value `{"keys": […]}`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(&self.0).unwrap_or_default()
    }
}

impl Serialize for Jwks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl FromStr for Jwks {
    type Err = Error;

    /// Reads a set of public keys, such as a kept answer of [`Tenant::jwks`](crate::Tenant::jwks). Keys of other kinds are
    /// passed over.
    ///
    /// # Errors
    /// `validation_error` for a text that is no JWK Set.
    fn from_str(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text)
            .map(Jwks)
            .map_err(|_| Error::validation("jwks", "must be a JWK Set in JSON"))
    }
}

impl fmt::Display for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_json().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_prints_as_the_json_that_it_is_read_from() {
        let text = r#"{"keys":[{"use":"sig","alg":"EdDSA","kid":"k","kty":"OKP","crv":"Ed25519","x":"AA"}]}"#;
        let jwks: Jwks = text.parse().unwrap();
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(jwks.to_json(), json);
        assert_eq!(jwks.to_string().parse::<serde_json::Value>().unwrap(), json);
        assert_eq!(serde_json::to_value(&jwks).unwrap(), json);
        assert!("{}".parse::<Jwks>().is_err());
    }
}
