//! Issuing access tokens.

use std::sync::Arc;

use super::access_claims::{ACCESS_TOKEN_MAX, Act, Methods, Times, WrittenClaims};
use super::base64url;
use super::keyring::RingKey;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::model::factor::Factors;
use crate::model::id::{SessionId, TenantId, UserId};
use crate::model::identity::Identity;
use crate::model::session_actor::SessionActor;
use crate::secret::AccessToken;

/// What tells one access token of a session from another: the same parameters give the same bytes again, so that a replay
/// gets the same token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccessTokenParams {
    /// The number of the access token in its session, part of `jti`.
    pub serial: u32,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

/// The subject of a token and its issuer.
pub(crate) struct Subject<'a> {
    pub issuer: &'a str,
    pub tenant_id: &'a TenantId,
    pub user_id: &'a UserId,
    pub session_id: SessionId,
    pub identity: &'a Identity,
    pub auth_time: Timestamp,
    pub factors: &'a Factors,
    pub actor: Option<&'a SessionActor>,
}

/// Header and payload of a token that is not too long. Signing it needs no lock.
pub(crate) struct Unsigned {
    key: Arc<RingKey>,
    text: String,
}

/// A dot and 64 bytes as base64url.
const SIGNATURE_CHARS: usize = 87;

/// Prepares a token for signing.
///
/// # Errors
/// `validation_error` if it would be over 8 KB.
pub(crate) fn prepare(
    subject: &Subject<'_>,
    params: AccessTokenParams,
    key: &Arc<RingKey>,
) -> Result<Unsigned, Error> {
    let session_id = subject.session_id.to_string();
    let identity = subject.identity;
    let role = identity.role.as_ref().map(|role| role.as_str());
    let org_id = identity.org_id.as_ref().map(|org| org.as_str());
    let payload = serde_json::to_vec(&WrittenClaims {
        iss: subject.issuer,
        aud: subject.tenant_id.as_str(),
        sub: subject.user_id.as_str(),
        session_id: &session_id,
        sid: &session_id,
        tenant_id: subject.tenant_id.as_str(),
        role,
        mfa_verified: identity.mfa_verified,
        org_id,
        org_role: org_id.and(role),
        email: identity.email.as_ref().map(|email| email.as_str()),
        iat: params.issued_at.as_secs(),
        exp: params.expires_at.as_secs(),
        auth_time: subject.auth_time.as_secs(),
        amr: Methods(subject.factors),
        amr_times: Times(subject.factors),
        act: subject.actor.map(|actor| Act { sub: actor.user_id.as_str() }),
        // Of constant length, so that a refresh alone never makes a token too long.
        jti: &format!("{}.{:08x}", session_id.trim_start_matches("ses_"), params.serial),
        own: identity.claims.as_object(),
    })
    .map_err(|_| Error::validation("claims", "cannot be written as JSON"))?;
    let text = format!("{}.{}", key.header, base64url::encode(payload));
    if text.len() + SIGNATURE_CHARS > ACCESS_TOKEN_MAX {
        return Err(Error::validation("claims", "would make an access token of more than 8 KB"));
    }
    Ok(Unsigned { key: Arc::clone(key), text })
}

impl Unsigned {
    pub(crate) fn sign(self) -> AccessToken {
        let signature = base64url::encode(self.key.sign(self.text.as_bytes()));
        AccessToken::new(format!("{}.{signature}", self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::model::id::KeyId;
    use crate::token::keyring::KeyState;
    use zeroize::Zeroizing;

    /// A token whose issuer's name is so long.
    fn token(length: usize) -> Result<AccessToken, Error> {
        let (zero, tenant_id, user_id) = (Timestamp::default(), "t".parse()?, "u".parse()?);
        let key =
            RingKey::new(1, KeyId::from_bytes([1; 16]), KeyState::Active, zero, &Zeroizing::new([1; 32]));
        let subject = Subject {
            issuer: &"i".repeat(length),
            tenant_id: &tenant_id,
            user_id: &user_id,
            session_id: SessionId::from_bytes([0; 16]),
            identity: &Identity::default(),
            auth_time: zero,
            factors: &Factors::default(),
            actor: None,
        };
        let params = AccessTokenParams { serial: 1, issued_at: zero, expires_at: zero };
        prepare(&subject, params, &Arc::new(key)).map(Unsigned::sign)
    }

    #[test]
    fn a_token_is_signed_up_to_the_length_that_is_read_and_refused_above_it() {
        let signed = |length| token(length).ok().map(|token| token.expose().len());
        let longest = (5_000..6_000).find(|length| signed(*length) == Some(ACCESS_TOKEN_MAX)).unwrap();
        assert!(signed(longest - 1).is_some_and(|length| length < ACCESS_TOKEN_MAX));
        let refused = token(longest + 1).unwrap_err();
        assert_eq!((refused.code(), refused.field()), (ErrorCode::ValidationError, Some("claims")));
    }
}
