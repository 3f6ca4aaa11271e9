//! Ending sessions by decision: one, a user's, a tenant's; signing out.

use super::bulk_write::{BulkStep, EndedCount};
use super::pending::Pending;
use super::refusals::{
    ended_session, invalid_refresh_token, refresh_token_ahead, refresh_token_reused, rejected_access_token,
    unknown_session,
};
use super::session_ends::{Ending, Selection};
use super::tenant::Tenant;
use super::transaction::WriteContext;
use crate::error::{Error, OpError};
use crate::model::id::{SessionId, UserId};
use crate::model::operation::Operation;
use crate::model::session::{End, EndReason};
use crate::rules::rotation::Decision;
use crate::store::{NeededSessions, SessionRecord, SessionScope};
use crate::token::refresh_token::PresentedToken;
use crate::token::verifier::{Leeway, Rejection};
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
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// tenant.begin_revoke(grant.session.id).wait()?;
    /// assert!(tenant.verify_session(grant.session.id).is_err());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn begin_revoke(&self, id: SessionId) -> Pending<()> {
        self.observe_pending(Operation::Revoke, |()| 1, || self.queue_revoke(id))
    }

    fn queue_revoke(&self, id: SessionId) -> Pending<()> {
        self.begin_write_about(NeededSessions::One(id), move |_, ctx| {
            let record = ctx.transaction.session(ctx.tenant, id)?.ok_or_else(unknown_session)?;
            if ctx.ends().stamp(&record.lifetime())?.is_none() {
                ctx.ends().end(&record.lifetime(), Ending::Plain(EndReason::Revoked))?;
            }
            ctx.transaction.outlast_leases(Some(id)); // another call may have ended it just now
            Ok(())
        })
    }

    /// Revokes all active sessions of a user, or all but one; how many. However many they are, one commit ends all of them,
    /// and other callers wait for it no longer than for any write.
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
        self.observe(Operation::RevokeUser, u64::clone, || self.end_user(user, except))
    }

    fn end_user(&self, user: &UserId, except: Option<SessionId>) -> Result<u64, Error> {
        let concerned = user.clone();
        let needed = except.map_or_else(|| NeededSessions::OpenOf(user.clone()), NeededSessions::One);
        let ended = self.begin_bulk_write(needed, move |_, ctx| {
            if let Some(except) = except {
                let record = ctx.transaction.session(ctx.tenant, except)?;
                record.filter(|record| record.user_id == concerned).ok_or_else(unknown_session)?;
            }
            ctx.end_many(&all_of(&concerned, except))
        });
        self.count_ended(ended.wait()?, SessionScope::User(user))
    }

    /// Revokes all active sessions of the tenant; how many. One commit ends all of them, as in
    /// [`revoke_user`](Self::revoke_user).
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// assert_eq!(tenant.revoke_tenant()?, 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn revoke_tenant(&self) -> Result<u64, Error> {
        self.observe(Operation::RevokeTenant, u64::clone, || self.end_tenant())
    }

    fn end_tenant(&self) -> Result<u64, Error> {
        let scope = SessionScope::Tenant;
        let ended = self.bulk_write_alone(move |_, ctx| {
            let reason = Some(EndReason::RevokeTenant);
            ctx.end_many(&Selection::all(scope, reason))
        })?;
        self.count_ended(ended, scope)
    }

    /// Signs out with an access token or a refresh token of the session; how many sessions that ended. Signing out of a
    /// session that has ended does nothing; ending the user's other sessions needs an active one. An access token signs out
    /// also after it has expired, as long as the key that signed it is known: it then gives access to nothing, but it still
    /// names its session.
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
    /// `missing_token`; for an access token `invalid_token`, `session_not_found`; for a refresh token as
    /// [`refresh`](Self::refresh): a reused one ends its session and is refused. For `Global`: `session_revoked`,
    /// `session_expired`.
    pub fn sign_out(&self, token: &str, scope: SignOutScope) -> Result<u64, Error> {
        self.observe(Operation::SignOut, u64::clone, || self.end_by_token(token, scope))
    }

    fn end_by_token(&self, token: &str, scope: SignOutScope) -> Result<u64, Error> {
        if PresentedToken::has_prefix(token) {
            let presented = PresentedToken::parse(token).ok_or_else(invalid_refresh_token)?;
            let needed = NeededSessions::One(presented.session);
            let ended = self.begin_bulk_write(needed, move |_, ctx| {
                let record = ctx.session_of(&presented)?;
                match ctx.decide(&record, presented.generation)? {
                    Decision::Ahead => Err(refresh_token_ahead().into()),
                    Decision::Reused => {
                        ctx.end_reused(&record, presented.generation)?;
                        Err(refresh_token_reused().into())
                    }
                    Decision::Ended(end) => ctx.refuse_sign_out(end, scope, record),
                    Decision::Rotate | Decision::Replay => ctx.sign_out(record, scope),
                }
            });
            let (ended, user) = ended.wait()?;
            return self.count_ended(ended, SessionScope::User(&user));
        }
        let snapshot = self.latest_snapshot()?;
        let now = self.inner.now_from_memory()?;
        let (claims, _) = self.verify_claims(token, snapshot, now, None, Leeway::Unlimited)?;
        let ended = self.begin_bulk_write(NeededSessions::One(claims.session_id), move |_, ctx| {
            let record =
                ctx.transaction.session(ctx.tenant, claims.session_id)?.ok_or_else(unknown_session)?;
            if record.user_id != claims.user_id {
                return Err(rejected_access_token(Rejection::Invalid).into());
            }
            match ctx.ends().stamp(&record.lifetime())? {
                Some(found) => ctx.refuse_sign_out(found.end, scope, record),
                None => ctx.sign_out(record, scope),
            }
        });
        let (ended, user) = ended.wait()?;
        self.count_ended(ended, SessionScope::User(&user))
    }
}

/// All sessions of the user but `except`.
fn all_of(user: &UserId, except: Option<SessionId>) -> Selection<'_> {
    let reason = Some(EndReason::RevokeAll);
    Selection { spared: except, ..Selection::all(SessionScope::User(user), reason) }
}

/// How many sessions a sign-out has ended, and whose.
type SignedOut = BulkStep<(EndedCount, UserId)>;

impl WriteContext<'_> {
    /// The sign-out of a session that has ended.
    fn refuse_sign_out(
        &self,
        end: End,
        scope: SignOutScope,
        record: SessionRecord,
    ) -> Result<SignedOut, OpError> {
        match scope {
            SignOutScope::Local => {
                self.transaction.outlast_leases(Some(record.id)); // another call may have ended it just now
                Ok(BulkStep::Done((EndedCount::Counted(0), record.user_id)))
            }
            SignOutScope::Global => Err(ended_session(end).into()),
        }
    }

    /// Ends an active session, or all sessions of its user.
    fn sign_out(&self, record: SessionRecord, scope: SignOutScope) -> Result<SignedOut, OpError> {
        let acting = record.acting();
        let ctx = self.made_in(acting.as_ref());
        let ended = match scope {
            SignOutScope::Local => {
                ctx.ends().end(&record.lifetime(), Ending::Plain(EndReason::SignOut))?;
                BulkStep::Done(EndedCount::Counted(1))
            }
            SignOutScope::Global => ctx.end_many(&all_of(&record.user_id, None))?,
        };
        Ok(ended.map(|ended| (ended, record.user_id)))
    }
}
