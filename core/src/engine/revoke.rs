//! Ending sessions by decision: one, a user's, a tenant's; signing out.

use super::pending_write::Pending;
use super::refusals::{
    ended_session, invalid_refresh_token, refresh_token_ahead, refresh_token_reused, rejected_access_token,
    unknown_session,
};
use super::tenant::Tenant;
use super::transaction::WriteContext;
use crate::error::{Error, Failure, OpError};
use crate::model::id::{SessionId, UserId};
use crate::model::session::{End, EndReason};
use crate::rules::rotation::{Decision, decide};
use crate::store::{SessionRecord, SessionScope};
use crate::token::refresh_token::PresentedToken;
use crate::token::verifier::Rejection;
use crate::word_enum::word_enum;

word_enum! {
    /// How much a sign-out ends.
    pub enum SignOutScope as "scope" default Local {
        /// The session of the token (reason `sign_out`). The default.
        Local = "local",
        /// All sessions of its user (reason `revoke_all`).
        Global = "global",
    }
}

impl Tenant {
    /// Revokes one session. When this returns, no thread and no process verifies or refreshes it any more. Revoking a
    /// session that has ended changes nothing.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// tenant.revoke(grant.session.id)?;
    /// assert!(tenant.verify_session(grant.session.id).is_err());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `session_not_found`.
    pub fn revoke(&self, id: SessionId) -> Result<(), Error> {
        self.begin_revoke(id).wait()
    }

    /// Begins [`revoke`](Self::revoke) without waiting for it; see [`Pending`].
    pub fn begin_revoke(&self, id: SessionId) -> Pending<()> {
        self.begin_write(move |_, ctx| {
            let record = ctx.transaction.session(ctx.tenant, id)?.ok_or_else(unknown_session)?;
            if ctx.stamp_due_end(id, &record.times)?.is_none() {
                ctx.end(id, End { at: ctx.now, reason: EndReason::Revoked })?;
            }
            Ok(())
        })
    }

    /// Revokes all active sessions of a user, or all but one; how many.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let user: hellojohn::UserId = "usr_1".parse()?;
    /// # tenant.create(hellojohn::CreateSession::new(user.clone()))?;
    /// # let this_device = tenant.create(hellojohn::CreateSession::new(user.clone()))?.session.id;
    /// // "Sign out everywhere else"
    /// assert_eq!(tenant.revoke_user(&user, Some(this_device))?, 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `session_not_found` if `except` is not a session of this user: nothing is revoked then, because the caller is
    /// mistaken about which session stays.
    pub fn revoke_user(&self, user: &UserId, except: Option<SessionId>) -> Result<u64, Error> {
        let user = user.clone();
        self.write(move |_, ctx| {
            if let Some(except) = except {
                let record = ctx.transaction.session(ctx.tenant, except)?;
                record.filter(|record| record.user_id == user).ok_or_else(unknown_session)?;
            }
            Ok(ctx.end_all(SessionScope::User(&user), except, EndReason::RevokeAll)?)
        })
    }

    /// Revokes all active sessions of the tenant; how many.
    pub fn revoke_tenant(&self) -> Result<u64, Error> {
        self.write_exclusive(|ctx| Ok(ctx.end_all(SessionScope::Tenant, None, EndReason::RevokeTenant)?))
    }

    /// Signs out with an access token or a refresh token of the session; how many sessions that ended. Signing out of a
    /// session that has ended does nothing; ending the user's other sessions needs an active one.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// use hellojohn::SignOutScope;
    ///
    /// assert_eq!(tenant.sign_out(grant.access_token.expose(), SignOutScope::Local)?, 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// For an access token as [`verify_locally`](Self::verify_locally), for a refresh token as
    /// [`refresh`](Self::refresh): a reused one ends its session and is refused. For `Global`: `session_revoked`,
    /// `session_expired`, `session_not_found`.
    pub fn sign_out(&self, token: &str, scope: SignOutScope) -> Result<u64, Error> {
        if PresentedToken::has_prefix(token) {
            let presented = PresentedToken::parse(token).ok_or_else(invalid_refresh_token)?;
            return self.write(move |_, ctx| {
                let record = ctx.session_of(&presented)?;
                let (generation, config) = (presented.generation, &ctx.snapshot.config);
                match decide(&record.times, record.rotation, generation, ctx.now, config) {
                    Decision::Ahead => Err(refresh_token_ahead().into()),
                    Decision::Reused(end) => {
                        ctx.end(record.id, end)?;
                        Err(refresh_token_reused().into())
                    }
                    Decision::Ended(_) | Decision::Rotate | Decision::Replay => ctx.sign_out(&record, scope),
                }
            });
        }
        let snapshot = self.latest_snapshot()?;
        let now = self.inner.now_from_memory()?;
        let (claims, _) = self.verify_claims(token, snapshot, now, None, None)?;
        self.write(move |_, ctx| {
            let record =
                ctx.transaction.session(ctx.tenant, claims.session_id)?.ok_or_else(unknown_session)?;
            if record.user_id != claims.user_id {
                return Err(rejected_access_token(Rejection::Invalid).into());
            }
            ctx.sign_out(&record, scope)
        })
    }
}

impl WriteContext<'_> {
    /// Ends every active session of the scope but `except`; how many.
    fn end_all(
        &self,
        scope: SessionScope<'_>,
        except: Option<SessionId>,
        reason: EndReason,
    ) -> Result<u64, Failure> {
        let mut count = 0;
        for session in self.transaction.open_sessions(self.tenant, scope)? {
            if Some(session.id) != except && self.stamp_due_end(session.id, &session.times)?.is_none() {
                self.end(session.id, End { at: self.now, reason })?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Ends the session of the caller's token, and the user's other sessions if the scope says so; how many.
    fn sign_out(&self, record: &SessionRecord, scope: SignOutScope) -> Result<u64, OpError> {
        match (self.stamp_due_end(record.id, &record.times)?, scope) {
            (Some(_), SignOutScope::Local) => Ok(0),
            (Some(end), SignOutScope::Global) => Err(ended_session(end).into()),
            (None, SignOutScope::Local) => {
                self.end(record.id, End { at: self.now, reason: EndReason::SignOut })?;
                Ok(1)
            }
            (None, SignOutScope::Global) => {
                Ok(self.end_all(SessionScope::User(&record.user_id), None, EndReason::RevokeAll)?)
            }
        }
    }
}
