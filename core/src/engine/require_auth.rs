//! Verification for what needs a recent or a further factor (SPEC 21).

use std::sync::Arc;

use super::answers::{VerifiedAccess, VerifyError};
use super::tenant::Tenant;
use super::verify::LocalVerification;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode};
use crate::model::factor::Factors;
use crate::model::id::SessionId;
use crate::model::identity::Role;
use crate::model::operation::Operation;
use crate::model::required_auth::RequiredAuth;
use crate::model::session::Session;
use crate::rules::step_up;
use crate::token::access_claims::AccessClaims;

/// What a session, or a token of it, says of how its user has authenticated.
struct Authentication<'a> {
    has_actor: bool,
    role: Option<&'a Role>,
    mfa_verified: bool,
    auth_time: Option<Timestamp>,
    factors: &'a Factors,
}

impl<'a> From<&'a Session> for Authentication<'a> {
    fn from(session: &'a Session) -> Self {
        Authentication {
            has_actor: session.actor.is_some(),
            role: session.identity.role.as_ref(),
            mfa_verified: session.identity.mfa_verified,
            auth_time: Some(session.auth_time),
            factors: &session.factors,
        }
    }
}

impl<'a> From<&'a AccessClaims> for Authentication<'a> {
    fn from(claims: &'a AccessClaims) -> Self {
        Authentication {
            has_actor: claims.actor_user_id.is_some(),
            role: claims.role.as_ref(),
            mfa_verified: claims.mfa_verified,
            auth_time: claims.auth_time,
            factors: &claims.factors,
        }
    }
}

impl Tenant {
    /// Verifies an access token as [`verify_access_token`](Self::verify_access_token) does, and that its user has authenticated as
    /// required: a factor that [`update`](Self::update) has added counts at once, also for a token that was issued before.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// use hellojohn::{ErrorCode, IdentityPatch, RequiredAuth};
    ///
    /// let required = RequiredAuth::default().max_age(Some("5m".parse()?)).factors("otp".parse()?);
    /// let refused = tenant.require_auth(grant.access_token.expose(), &required).unwrap_err();
    /// assert_eq!(refused.error.code(), ErrorCode::ReauthenticationRequired);
    ///
    /// tenant.update(grant.session.id, IdentityPatch::default().factor(Some("otp".parse()?)))?;
    /// tenant.require_auth(grant.access_token.expose(), &required)?;
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`verify_access_token`](Self::verify_access_token); `reauthentication_required`, which says what is required;
    /// `insufficient_permissions` for a person who acts for the user where that is refused, and for another role.
    pub fn require_auth(
        &self,
        token: &str,
        required: &RequiredAuth,
    ) -> Result<Arc<VerifiedAccess>, VerifyError> {
        if required.is_nothing() {
            return self.verify_access_token(token);
        }
        self.observe_cached(
            Operation::RequireAuth,
            |_| 1,
            |is_from_cache| {
                let verified = self.check_token(None, token, is_from_cache)?;
                self.require(required, &(&verified.session).into())?;
                Ok(verified)
            },
        )
    }

    /// Verifies an access token as [`verify_locally`](Self::verify_locally) does, and that its user had authenticated as required
    /// when it was issued. A token of an earlier release tells no times: it is refused where a `max_age` is required.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// use hellojohn::RequiredAuth;
    ///
    /// let required = RequiredAuth::default().max_age(Some("5m".parse()?));
    /// let claims = tenant.require_auth_locally(grant.access_token.expose(), &Default::default(), &required)?;
    /// assert_eq!(claims.user_id.as_str(), "usr_1");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`verify_locally`](Self::verify_locally); `reauthentication_required`, which says what is required;
    /// `insufficient_permissions` for a person who acts for the user where that is refused, and for another role.
    pub fn require_auth_locally(
        &self,
        token: &str,
        options: &LocalVerification,
        required: &RequiredAuth,
    ) -> Result<AccessClaims, Error> {
        if required.is_nothing() {
            return self.verify_locally(token, options);
        }
        self.observe(
            Operation::RequireAuthLocally,
            |_| 1,
            || {
                let claims = self.check_locally(token, options)?;
                self.require(required, &(&claims).into())?;
                Ok(claims)
            },
        )
    }

    /// Verifies a session by its id against the store, and that its user has authenticated as required.
    ///
    /// # Errors
    /// As [`verify_session`](Self::verify_session) and [`require_auth`](Self::require_auth).
    pub(crate) fn require_auth_of_session(
        &self,
        id: SessionId,
        required: &RequiredAuth,
    ) -> Result<Session, VerifyError> {
        let session = self.verify_session(id)?;
        self.require_of_session(&session, required)?;
        Ok(session)
    }

    /// Refuses a session, of which this call was just told, whose user has not authenticated as required.
    ///
    /// # Errors
    /// `reauthentication_required`, `insufficient_permissions`.
    pub(crate) fn require_of_session(&self, session: &Session, required: &RequiredAuth) -> Result<(), Error> {
        self.require(required, &session.into())
    }

    fn require(&self, required: &RequiredAuth, found: &Authentication<'_>) -> Result<(), Error> {
        let refuse = |problem: &str| Err(Error::new(ErrorCode::InsufficientPermissions, problem));
        if required.refuse_actor && found.has_actor {
            return refuse("not allowed to a person who acts for the user");
        }
        if required.role.is_some() && required.role.as_ref() != found.role {
            return refuse("the user does not have the role that this needs");
        }
        let is_recent =
            step_up::is_met(required, found.auth_time, found.factors, self.inner.now_from_memory()?);
        let is_met = is_recent && (found.mfa_verified || !required.mfa);
        if is_met { Ok(()) } else { Err(required.refusal()) }
    }
}
