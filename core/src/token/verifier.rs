//! Verifying access tokens: signature and claims, nothing else (SPEC 3, local verification).

use super::access_claims::{ACCESS_TOKEN_MAX, AccessClaims};
use super::base64url;
use super::keyring::KeyRing;
use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::error::ErrorCode;
use crate::model::id::{SessionId, TenantId};

/// How long after its `exp` a token is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leeway {
    None,
    UpTo(Duration),
    /// As long as the key that signed it is known.
    Unlimited,
}

/// What a token must agree with.
pub(crate) struct Expected<'a> {
    pub issuer: &'a str,
    pub tenant_id: &'a TenantId,
    pub audience: &'a str,
    pub now: Timestamp,
    pub leeway: Leeway,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    Missing,
    /// Not a token of this tenant.
    Invalid,
    /// It names a key that this ring does not hold; a newer ring might hold it.
    UnknownKey,
    /// Genuine, but past its `exp`.
    Expired,
}

impl Rejection {
    pub(crate) fn code(self) -> ErrorCode {
        match self {
            Rejection::Missing => ErrorCode::MissingToken,
            Rejection::Invalid | Rejection::UnknownKey => ErrorCode::InvalidToken,
            Rejection::Expired => ErrorCode::TokenExpired,
        }
    }

    pub(crate) fn detail(self) -> &'static str {
        match self {
            Rejection::Missing => "no access token was given",
            Rejection::Invalid | Rejection::UnknownKey => "not an access token of this tenant",
            Rejection::Expired => "the access token has expired",
        }
    }
}

/// Verifies a token: returns the claims of a genuine one that has not expired.
pub(crate) fn verify(
    token: &str,
    ring: &KeyRing,
    expected: &Expected<'_>,
) -> Result<AccessClaims, Rejection> {
    if token.is_empty() {
        return Err(Rejection::Missing);
    }
    if token.len() > ACCESS_TOKEN_MAX {
        return Err(Rejection::Invalid);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Rejection::Invalid)?;
    let (header, payload) = signed.split_once('.').ok_or(Rejection::Invalid)?;
    let key = match ring.by_header(header) {
        Some(key) => key,
        None if ring.could_be_of_another_key(header) => return Err(Rejection::UnknownKey),
        None => return Err(Rejection::Invalid),
    };
    let signature = base64url::decode(signature).ok_or(Rejection::Invalid)?;
    let signature = signature.as_slice().try_into().map_err(|_| Rejection::Invalid)?;
    if !key.keys.verify(signed.as_bytes(), signature) {
        return Err(Rejection::Invalid);
    }
    let payload = base64url::decode(payload).ok_or(Rejection::Invalid)?;
    let claims =
        AccessClaims::parse(&payload, expected.issuer, expected.audience).ok_or(Rejection::Invalid)?;
    if claims.tenant_id != *expected.tenant_id || !key.may_sign_until(claims.expires_at) {
        return Err(Rejection::Invalid);
    }
    if !is_valid_yet(&claims, expected.now) {
        return Err(Rejection::Invalid);
    }
    let is_expired = match expected.leeway {
        Leeway::None => expected.now >= claims.expires_at,
        Leeway::UpTo(leeway) => expected.now >= claims.expires_at.after(leeway),
        Leeway::Unlimited => false,
    };
    if is_expired {
        return Err(Rejection::Expired);
    }
    Ok(claims)
}

/// Whether the time of `nbf` has come (RFC 7519, section 4.1.5). The engine writes none and lets no host write one; a token
/// that has one all the same is bound by it.
fn is_valid_yet(claims: &AccessClaims, now: Timestamp) -> bool {
    claims
        .payload
        .get("nbf")
        .is_none_or(|begin| begin.as_i64().is_some_and(|begin| Timestamp::from_secs(begin) <= now))
}

/// The session that a token names, before anything of it is verified: a hint of what to look up.
pub(crate) fn session_named_by(token: &str, issuer: &str, tenant_id: &TenantId) -> Option<SessionId> {
    if token.len() > ACCESS_TOKEN_MAX {
        return None;
    }
    let payload = base64url::decode(token.split('.').nth(1)?)?;
    AccessClaims::parse(&payload, issuer, tenant_id.as_str()).map(|claims| claims.session_id)
}
