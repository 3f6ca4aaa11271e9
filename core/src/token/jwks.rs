//! The public keys of a tenant as other services read them.

use std::fmt;

use jsonwebtoken::jwk::JwkSet;

/// A JWK Set (RFC 7517): the public keys that verify the tenant's access tokens, and the next one. Prints as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwks(pub(super) JwkSet);

impl Jwks {
    /// The set as a JSON value `{"keys": […]}`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_json().fmt(f)
    }
}
