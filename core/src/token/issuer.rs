//! Issuing access tokens.

use std::sync::Arc;

use super::ACCESS_TOKEN_MAX;
use super::access_claims::WrittenClaims;
use super::keyring::RingKey;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::model::id::{SessionId, TenantId, UserId};
use crate::model::identity::Identity;
use crate::secret::AccessToken;

/// What names one access token of a session: the same ticket gives the same bytes again, which is how replays converge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccessTokenParams {
    /// Counts the access tokens of the session; part of `jti`.
    pub serial: u32,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Whom a token is about and who says so.
pub(crate) struct Subject<'a> {
    pub issuer: &'a str,
    pub tenant_id: &'a TenantId,
    pub user_id: &'a UserId,
    pub session_id: SessionId,
    pub identity: &'a Identity,
}

/// Header and payload, known to fit, waiting for its signature: signing needs no lock.
pub(crate) struct Unsigned {
    key: Arc<RingKey>,
    text: String,
}

const SIGNATURE_CHARS: usize = 86;

/// Writes the token down.
///
/// # Errors
/// `validation_error` if it would be over 8 KB.
pub(crate) fn prepare(
    subject: &Subject<'_>,
    ticket: AccessTokenParams,
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
        iat: ticket.issued_at.as_secs(),
        exp: ticket.expires_at.as_secs(),
        // Of constant length, so that a token that fits once fits always.
        jti: &format!("{}.{:08x}", session_id.trim_start_matches("ses_"), ticket.serial),
        own: identity.claims.as_object(),
    })
    .map_err(|_| Error::validation("claims", "cannot be written as JSON"))?;
    let text = format!("{}.{}", key.header, super::encode(payload));
    if text.len() + 1 + SIGNATURE_CHARS > ACCESS_TOKEN_MAX {
        return Err(Error::validation("claims", "would make an access token of more than 8 KB"));
    }
    Ok(Unsigned { key: Arc::clone(key), text })
}

impl Unsigned {
    pub(crate) fn sign(self) -> AccessToken {
        let signature = super::encode(self.key.sign(self.text.as_bytes()));
        AccessToken::new(format!("{}.{signature}", self.text))
    }
}
