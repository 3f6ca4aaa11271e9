//! What is remembered: verified access tokens, and first pages of the lists of users. A token that is asked about again needs no
//! signature check and, while no commit has touched its session, no read of the store; nor does a list, while none has touched a
//! session of its user. Lists have a share of their own: one user may ask for many large ones, and verifications are what hosts wait
//! for at every request.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::answer_cache::{AnswerCache, CacheKey, CacheLimits, CountedBytes};
use super::answers::VerifiedAccess;
use super::cache_validator::CacheValidator;
use crate::json;
use crate::model::factor::{Factor, Factors};
use crate::model::id::UserId;
use crate::model::identity::Identity;
use crate::model::page::Page;
use crate::model::session::{Session, StatusFilter};
use crate::token::access_claims::AccessClaims;

pub(super) fn token_key(handle: u64, token: &str) -> CacheKey {
    (handle, Sha256::digest(token).into())
}

/// The first page of so many of a user's sessions of this status.
pub(super) fn list_key(handle: u64, user: &UserId, status: StatusFilter, limit: usize) -> CacheKey {
    let question = Sha256::new()
        .chain_update(limit.to_le_bytes())
        .chain_update(status.as_str())
        .chain_update([0])
        .chain_update(user.as_str());
    (handle, question.finalize().into())
}

/// Which part of the limits lists may take: one in so many.
const LISTS_SHARE: usize = 4;

/// The answers that an engine remembers.
pub(super) struct RememberedAnswers {
    /// May take up to the limits: lists take none of the room of tokens.
    pub(super) tokens: AnswerCache<Arc<VerifiedAccess>>,
    pub(super) lists: AnswerCache<Arc<RememberedList>>,
}

impl RememberedAnswers {
    /// Both together keep the limits: of three generations no more than two are ever full ([`AnswerCache`]), so that tokens leave
    /// the last third of the limits to lists and to the tables of what is being evicted.
    pub(super) fn new(limits: CacheLimits) -> Self {
        let of_lists =
            CacheLimits { answers: limits.answers / LISTS_SHARE, bytes: limits.bytes / LISTS_SHARE };
        RememberedAnswers { tokens: AnswerCache::new(limits), lists: AnswerCache::new(of_lists) }
    }
}

/// A page of sessions, and what it depends on.
pub(super) struct RememberedList {
    pub page: Page<Session>,
    pub validator: CacheValidator,
}

impl CountedBytes for Factors {
    fn counted_bytes(&self) -> usize {
        // What the vector has reserved is at most the power of two above its length.
        let reserved =
            self.as_slice().len().next_power_of_two() * size_of::<Factor>() + json::ALLOCATION_BYTES;
        let texts =
            self.as_slice().iter().map(|factor| factor.method.as_str().len() + json::ALLOCATION_BYTES);
        if self.as_slice().is_empty() { 0 } else { reserved + texts.sum::<usize>() }
    }
}

impl<T: CountedBytes> CountedBytes for Arc<T> {
    fn counted_bytes(&self) -> usize {
        T::counted_bytes(self)
    }
}

impl CountedBytes for RememberedList {
    fn counted_bytes(&self) -> usize {
        let Page { data, next_cursor: _ } = &self.page;
        // What the vector has reserved is at most the power of two above its length.
        let reserved = data.len().next_power_of_two().max(4) * size_of::<Session>() + json::ALLOCATION_BYTES;
        size_of::<RememberedList>() + reserved + data.iter().map(heap_bytes).sum::<usize>()
    }
}

fn text_bytes<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> usize {
    texts.into_iter().flatten().map(|text| text.len() + json::ALLOCATION_BYTES).sum()
}

/// What a session occupies beside itself.
fn heap_bytes(session: &Session) -> usize {
    // Taken apart, so that a new field has to be counted before this compiles.
    let Session {
        id: _,
        user_id,
        tenant_id,
        status: _,
        user_agent,
        ip_address: _,
        country: _,
        device_type: _,
        device_fingerprint,
        created_at: _,
        last_active_at: _,
        expires_at: _,
        access_expires_at: _,
        revoked_at: _,
        end_reason: _,
        identity: Identity { org_id, role, mfa_verified: _, email, claims: own },
        auth_time: _,
        factors,
        actor,
        last_ip_address: _,
        last_user_agent,
    } = session;
    let texts = [
        Some(user_id.as_str()),
        Some(tenant_id.as_str()),
        user_agent.as_ref().map(|text| text.as_str()),
        device_fingerprint.as_ref().map(|text| text.as_str()),
        org_id.as_ref().map(|text| text.as_str()),
        role.as_ref().map(|text| text.as_str()),
        email.as_ref().map(|text| text.as_str()),
        last_user_agent.as_ref().map(|text| text.as_str()),
        actor.as_ref().map(|actor| actor.user_id.as_str()),
        actor.as_ref().map(|actor| actor.reason.as_str()),
    ];
    text_bytes(texts) + factors.counted_bytes() + json::heap_bytes(own.as_object())
}

impl CountedBytes for VerifiedAccess {
    fn counted_bytes(&self) -> usize {
        // Taken apart, as above.
        let VerifiedAccess { session, claims, outdated: _, validator: _ } = self;
        let AccessClaims {
            user_id: token_user_id,
            session_id: _,
            tenant_id: token_tenant_id,
            org_id: token_org_id,
            role: token_role,
            mfa_verified: _,
            auth_time: _,
            factors: token_factors,
            actor_user_id: token_actor,
            email: token_email,
            issued_at: _,
            expires_at: _,
            token_id,
            payload,
        } = claims;
        let texts = [
            Some(token_user_id.as_str()),
            Some(token_tenant_id.as_str()),
            token_org_id.as_ref().map(|text| text.as_str()),
            token_role.as_ref().map(|text| text.as_str()),
            token_email.as_ref().map(|text| text.as_str()),
            Some(&**token_id),
            token_actor.as_ref().map(|text| text.as_str()),
        ];
        size_of::<VerifiedAccess>()
            + heap_bytes(session)
            + text_bytes(texts)
            + token_factors.counted_bytes()
            + json::heap_bytes(payload)
    }
}
