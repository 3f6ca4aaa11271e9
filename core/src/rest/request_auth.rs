//! The user that a request to a route of the host's own comes from.

use serde::de::DeserializeOwned;

use crate::clock::Timestamp;
use crate::engine::VerifiedAccess;
use crate::error::Error;
use crate::model::claims::Claims;
use crate::model::factor::Factors;
use crate::model::id::{OrgId, SessionId, TenantId, UserId};
use crate::model::identity::Role;
use crate::model::session::Session;
use crate::schema::public_record;
use crate::token::access_claims::AccessClaims;

public_record! {
    /// The user that a request comes from: the session of its access token as it is now. When the token was verified
    /// locally, what the token says.
    ///
    /// ```
    /// use hellojohn::rest::RequestAuth;
    ///
    /// fn greet(user: &RequestAuth) -> String {
    ///     match &user.actor_user_id {
    ///         Some(support) => format!("{support} acts for {}", user.user_id),
    ///         None => format!("signed in as {}", user.user_id),
    ///     }
    /// }
    /// ```
    #[derive(Debug, Clone, PartialEq)]
    pub struct RequestAuth {
        /// The user.
        pub user_id: UserId,
        /// The session.
        pub session_id: SessionId,
        /// The tenant.
        pub tenant_id: TenantId,
        /// The organisation that is active.
        pub org_id: Option<OrgId>,
        /// The user's role.
        pub role: Option<Role>,
        /// Whether a second factor was passed.
        pub mfa_verified: bool,
        /// The host's own claims.
        pub claims: Claims,
        /// When the user authenticated: the sign-in, or the factor that was passed last; absent for a token of an earlier release that
        /// was verified locally.
        pub auth_time: Option<Timestamp>,
        /// The methods that the user has passed, each with its last time, the newest last.
        pub factors: Factors,
        /// Who acts for the user, if another person does.
        pub actor_user_id: Option<UserId>,
        /// Whether the token was issued before the last update of the session: the client should refresh. Always false
        /// when the token was verified locally.
        pub outdated: bool,
    }
}

impl RequestAuth {
    /// The host's own claims as a type of the host's.
    ///
    /// ```
    /// use hellojohn::rest::RequestAuth;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Subscription {
    ///     plan: String,
    /// }
    ///
    /// fn may_export(user: &RequestAuth) -> Result<bool, hellojohn::Error> {
    ///     Ok(user.own_claims::<Subscription>()?.plan == "pro")
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`Claims::decode`].
    pub fn own_claims<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.claims.decode()
    }

    pub(super) fn of_access(verified: &VerifiedAccess) -> Self {
        RequestAuth { outdated: verified.outdated, ..RequestAuth::of_session(&verified.session) }
    }

    pub(super) fn of_session(session: &Session) -> Self {
        let identity = session.identity.clone();
        RequestAuth {
            user_id: session.user_id.clone(),
            session_id: session.id,
            tenant_id: session.tenant_id.clone(),
            org_id: identity.org_id,
            role: identity.role,
            mfa_verified: identity.mfa_verified,
            claims: identity.claims,
            auth_time: Some(session.auth_time),
            factors: session.factors.clone(),
            actor_user_id: session.actor.as_ref().map(|actor| actor.user_id.clone()),
            outdated: false,
        }
    }

    pub(super) fn of_token(token: AccessClaims) -> Self {
        RequestAuth {
            claims: token.to_claims(),
            user_id: token.user_id,
            session_id: token.session_id,
            tenant_id: token.tenant_id,
            org_id: token.org_id,
            role: token.role,
            mfa_verified: token.mfa_verified,
            auth_time: token.auth_time,
            factors: token.factors,
            actor_user_id: token.actor_user_id,
            outdated: false,
        }
    }
}
