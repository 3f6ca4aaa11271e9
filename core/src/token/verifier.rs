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

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::model::id::KeyId;
    use crate::token::keyring::{KeyState, RingKey};

    const SECOND: i64 = 1_000;

    fn key(byte: u8, state: KeyState, drained_at: i64) -> RingKey {
        let drained_at = Timestamp::from_secs(drained_at);
        RingKey::new(
            byte.into(),
            KeyId::from_bytes([byte; 16]),
            state,
            drained_at,
            &Zeroizing::new([byte; 32]),
        )
    }

    /// An active key and one that retires at second 100.
    fn ring() -> KeyRing {
        KeyRing::new(vec![key(1, KeyState::Active, 0), key(2, KeyState::Retiring, 100)]).unwrap()
    }

    /// A token that this key has signed, with so much beside the claims.
    fn token(key: &RingKey, tenant: &str, exp: i64, padding: usize) -> String {
        token_with(key, tenant, exp, "own", "x".repeat(padding).into())
    }

    /// A token with one claim more.
    fn token_with(key: &RingKey, tenant: &str, exp: i64, name: &str, value: serde_json::Value) -> String {
        let session = SessionId::from_bytes([0; 16]);
        let payload = serde_json::json!({
            "iss": "i", "aud": "t", "sub": "u", "session_id": session.to_string(), "sid": session.to_string(),
            "tenant_id": tenant, "mfa_verified": false, "iat": 1, "exp": exp, "jti": "j", name: value,
        });
        let signed = format!("{}.{}", key.header, base64url::encode(payload.to_string()));
        let signature = base64url::encode(key.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn refusal(token: &str, now_ms: i64, leeway: Leeway) -> Option<Rejection> {
        let tenant_id = "t".parse().unwrap();
        let now = Timestamp::from_millis(now_ms);
        let expected = Expected { issuer: "i", tenant_id: &tenant_id, audience: "t", now, leeway };
        verify(token, &ring(), &expected).err()
    }

    #[test]
    fn a_token_is_good_until_its_end_and_the_leeway() {
        let token = token(&key(1, KeyState::Active, 0), "t", 50, 0);
        let ten = Leeway::UpTo("10s".parse().unwrap());
        for (leeway, end) in [(Leeway::None, 50 * SECOND), (ten, 60 * SECOND)] {
            assert_eq!(refusal(&token, end - 1, leeway), None);
            assert_eq!(refusal(&token, end, leeway), Some(Rejection::Expired));
        }
        assert_eq!(refusal(&token, 1_000 * SECOND, Leeway::Unlimited), None);
    }

    #[test]
    fn a_retiring_key_signs_no_token_that_outlives_it_and_no_key_one_of_another_tenant() {
        let retiring = key(2, KeyState::Retiring, 100);
        assert_eq!(refusal(&token(&retiring, "t", 100, 0), 0, Leeway::None), None);
        assert_eq!(refusal(&token(&retiring, "t", 101, 0), 0, Leeway::None), Some(Rejection::Invalid));
        let active = key(1, KeyState::Active, 0);
        assert_eq!(refusal(&token(&active, "t", 101, 0), 0, Leeway::None), None);
        assert_eq!(refusal(&token(&active, "other", 101, 0), 0, Leeway::None), Some(Rejection::Invalid));
    }

    #[test]
    fn a_token_with_a_time_to_begin_is_good_from_then_on() {
        let active = key(1, KeyState::Active, 0);
        let token = token_with(&active, "t", 50, "nbf", 20.into());
        assert_eq!(refusal(&token, 20 * SECOND - 1, Leeway::None), Some(Rejection::Invalid));
        assert_eq!(refusal(&token, 20 * SECOND, Leeway::None), None);
        let token = token_with(&active, "t", 50, "nbf", "20".into());
        assert_eq!(refusal(&token, 30 * SECOND, Leeway::None), Some(Rejection::Invalid), "not a number");
    }

    #[test]
    fn a_key_that_is_not_there_is_told_from_a_header_that_none_has() {
        let unknown = token(&key(3, KeyState::Active, 0), "t", 50, 0);
        assert_eq!(refusal(&unknown, 0, Leeway::None), Some(Rejection::UnknownKey));
        let foreign = unknown.replacen('e', "f", 1);
        assert_eq!(refusal(&foreign, 0, Leeway::None), Some(Rejection::Invalid));
        assert_eq!(refusal("", 0, Leeway::None), Some(Rejection::Missing));
        assert_eq!(
            session_named_by(&unknown, "i", &"t".parse().unwrap()),
            Some(SessionId::from_bytes([0; 16]))
        );
        assert_eq!(session_named_by(&unknown, "j", &"t".parse().unwrap()), None);
    }

    #[test]
    fn the_longest_token_is_read_and_a_longer_one_is_not() {
        let active = key(1, KeyState::Active, 0);
        let of_length = |length: usize| {
            let mut longer = (5_600..).map(|padding| token(&active, "t", 50, padding));
            longer.find(|token| token.len() >= length).unwrap()
        };
        let longest = of_length(ACCESS_TOKEN_MAX);
        assert_eq!(longest.len(), ACCESS_TOKEN_MAX);
        assert_eq!(refusal(&longest, 0, Leeway::None), None);
        assert!(session_named_by(&longest, "i", &"t".parse().unwrap()).is_some());
        let longer = of_length(ACCESS_TOKEN_MAX + 1);
        assert_eq!(refusal(&longer, 0, Leeway::None), Some(Rejection::Invalid));
        assert_eq!(session_named_by(&longer, "i", &"t".parse().unwrap()), None);
    }

    #[test]
    fn each_code_of_a_rejection_has_a_text_of_its_own() {
        let all = [Rejection::Missing, Rejection::Invalid, Rejection::UnknownKey, Rejection::Expired];
        for (one, other) in all.iter().flat_map(|one| all.iter().map(move |other| (one, other))) {
            assert_eq!(one.code() == other.code(), one.detail() == other.detail(), "{one:?} {other:?}");
        }
    }
}
