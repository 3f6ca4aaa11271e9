//! Answers as JSON, exactly as REST has them where it answers the same: `rest/` takes the names and the shapes from here.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::answers::{Grant, RevokePreview, UpdatedSession, VerifiedAccess, VerifyError};
use super::counts::{Stats, StatsPeriod, StatsSeries};
use super::events::EventPage;
use crate::clock::Timestamp;
use crate::model::claims::Claims;
use crate::model::event::Event;
use crate::model::factor::Factors;
use crate::model::id::{OrgId, SessionId, TenantId, UserId};
use crate::model::identity::Role;
use crate::model::revoke_plan::RevokePlan;
use crate::model::session::Session;
use crate::model::session_actor::SessionActor;

/// The tokens of a session for its client (RFC 6749, section 5.1).
#[derive(Serialize)]
pub(crate) struct TokensJson<'a> {
    access_token: &'a str,
    expires_in: u64,
    session_id: SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
}

impl Grant {
    /// What the client gets whose refresh token is in a cookie, where no script reads it.
    pub(crate) fn without_refresh_token(&self) -> TokensJson<'_> {
        TokensJson {
            access_token: self.access_token.expose(),
            expires_in: self.expires_in,
            session_id: self.session.id,
            refresh_token: None,
        }
    }
}

impl Serialize for Grant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let refresh_token = Some(self.refresh_token.expose());
        TokensJson { refresh_token, ..self.without_refresh_token() }.serialize(serializer)
    }
}

impl Serialize for UpdatedSession {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tokens = TokensJson {
            access_token: self.access_token.expose(),
            expires_in: self.expires_in,
            session_id: self.session.id,
            refresh_token: None,
        };
        tokens.serialize(serializer)
    }
}

/// A good session as it is now, and the end of a token of it.
#[derive(Serialize)]
pub(crate) struct VerifiedJson<'a> {
    valid: bool,
    session_id: SessionId,
    user_id: &'a UserId,
    tenant_id: &'a TenantId,
    role: Option<&'a Role>,
    org_id: Option<&'a OrgId>,
    mfa_verified: bool,
    claims: &'a Claims,
    auth_time: Timestamp,
    factors: &'a Factors,
    actor: Option<&'a SessionActor>,
    outdated: bool,
    expires_at: Timestamp,
}

impl<'a> VerifiedJson<'a> {
    /// The session, and the end of its newest token.
    pub(crate) fn of_session(session: &'a Session) -> Self {
        let identity = &session.identity;
        VerifiedJson {
            valid: true,
            session_id: session.id,
            user_id: &session.user_id,
            tenant_id: &session.tenant_id,
            role: identity.role.as_ref(),
            org_id: identity.org_id.as_ref(),
            mfa_verified: identity.mfa_verified,
            claims: &identity.claims,
            auth_time: session.auth_time,
            factors: &session.factors,
            actor: session.actor.as_ref(),
            outdated: false,
            expires_at: session.access_expires_at,
        }
    }
}

impl Serialize for VerifiedAccess {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of_session = VerifiedJson::of_session(&self.session);
        let expires_at = self.claims.expires_at;
        VerifiedJson { outdated: self.outdated, expires_at, ..of_session }.serialize(serializer)
    }
}

#[derive(Serialize)]
struct RefusedJson<'a> {
    valid: bool,
    error: RefusalJson<'a>,
}

#[derive(Serialize)]
struct RefusalJson<'a> {
    code: &'static str,
    message: &'a str,
}

impl Serialize for VerifyError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let error = RefusalJson { code: self.error.code().as_str(), message: self.error.public_detail() };
        RefusedJson { valid: false, error }.serialize(serializer)
    }
}

impl Serialize for RevokePreview {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Json<'a> {
            count: u64,
            sample: &'a [Session],
            plan: &'a RevokePlan,
        }
        Json { count: self.count, sample: &self.sample, plan: &self.plan }.serialize(serializer)
    }
}

impl Serialize for StatsSeries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Json<'a> {
            #[serde(flatten)]
            stats: &'a Stats,
            series: &'a [StatsPeriod],
        }
        Json { stats: &self.stats, series: &self.periods }.serialize(serializer)
    }
}

impl Serialize for EventPage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Pagination {
            has_more: bool,
            next_after: u64,
        }
        let mut page = serializer.serialize_map(Some(2))?;
        page.serialize_entry::<_, [Event]>("data", &self.data)?;
        let pagination = Pagination { has_more: self.has_more, next_after: self.next_after };
        page.serialize_entry("pagination", &pagination)?;
        page.end()
    }
}
