//! Verification for what needs a recent or a further factor (SPEC 21).

use std::sync::Arc;

use super::answers::{VerifiedAccess, VerifyError};
use super::tenant::Tenant;
use super::verify::LocalVerification;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode};
use crate::model::factor::Factors;
use crate::model::id::UserId;
use crate::model::operation::Operation;
use crate::model::required_auth::RequiredAuth;
use crate::rules::step_up;
use crate::token::access_claims::AccessClaims;

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
    /// `insufficient_permissions` for a person who acts for the user where that is refused.
    pub fn require_auth(
        &self,
        token: &str,
        required: &RequiredAuth,
    ) -> Result<Arc<VerifiedAccess>, VerifyError> {
        if required.is_nothing() {
            return self.verify_access_token(token);
        }
        self.observe_cached(Operation::RequireAuth, |is_from_cache| {
            let verified = self.check_token(None, token, is_from_cache)?;
            let session = &verified.session;
            let actor = session.actor.as_ref().map(|actor| &actor.user_id);
            self.require(required, actor, Some(session.auth_time), &session.factors)?;
            Ok(verified)
        })
    }

    /// Verifies an access token as [`verify_locally`](Self::verify_locally) does, and that its user had authenticated as required
    /// when it was issued. A token of an earlier release tells no times: it is refused where a `max_age` is required.
    ///
    /// # Errors
    /// As [`verify_locally`](Self::verify_locally); `reauthentication_required`, which says what is required;
    /// `insufficient_permissions` for a person who acts for the user where that is refused.
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
                self.require(required, claims.actor_user_id.as_ref(), claims.auth_time, &claims.factors)?;
                Ok(claims)
            },
        )
    }

    fn require(
        &self,
        required: &RequiredAuth,
        actor: Option<&UserId>,
        auth_time: Option<Timestamp>,
        factors: &Factors,
    ) -> Result<(), Error> {
        if required.refuse_actor && actor.is_some() {
            let problem = "not allowed to a person who acts for the user";
            return Err(Error::new(ErrorCode::InsufficientPermissions, problem));
        }
        let is_met = step_up::is_met(required, auth_time, factors, self.inner.now_from_memory()?);
        if is_met { Ok(()) } else { Err(required.refusal()) }
    }
}
