//! Ending sessions by decision: one, a user's, a tenant's; signing out.

use super::Tenant;
use super::pending_write::Pending;
use super::refresh::{ahead, ended, reused};
use super::tenant::{Verdict, WriteContext};
use super::verify::unknown;
use crate::error::{Error, ErrorCode, Failure};
use crate::model::id::{SessionId, UserId};
use crate::model::session::{End, EndReason};
use crate::rules::rotation::{Decision, decide};
use crate::store::{SessionRecord, SessionScope};
use crate::token::refresh_token::PresentedToken;
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

impl WriteContext<'_> {
    /// Ends every session of these that lives now, but one; how many they were.
    fn end_all(
        &self,
        whose: SessionScope<'_>,
        except: Option<SessionId>,
        reason: EndReason,
    ) -> Result<u64, Failure> {
        let mut count = 0;
        for life in self.store.open_sessions(self.tenant, whose)? {
            if Some(life.id) != except && self.stamp_due_end(life.id, &life.times)?.is_none() {
                self.store.end_session(self.tenant, life.id, End { at: self.now, reason })?;
                count += 1;
            }
        }
        Ok(count)
    }
}

impl Tenant {
    /// Revokes one session. When this returns, no thread and no process verifies or refreshes it any more. Revoking one
    /// that has ended changes nothing.
    ///
    /// # Errors
    /// `session_not_found`.
    pub fn revoke(&self, id: SessionId) -> Result<(), Error> {
        self.begin_revoke(id).wait()
    }

    /// Asks for [`revoke`](Self::revoke).
    pub fn begin_revoke(&self, id: SessionId) -> Pending<()> {
        self.begin(move |_, w| {
            let Some(row) = w.store.session(w.tenant, id)? else { return Ok(Err(unknown())) };
            if w.stamp_due_end(id, &row.life)?.is_none() {
                w.store.end_session(w.tenant, id, End { at: w.now, reason: EndReason::Revoked })?;
            }
            Ok(Ok(()))
        })
    }

    /// Revokes all active sessions of a user, or all but one; how many they were.
    ///
    /// # Errors
    /// `session_not_found` if `except` is not a session of this user: nothing is revoked then, because the caller is
    /// mistaken about who stays signed in.
    pub fn revoke_user(&self, user: &UserId, except: Option<SessionId>) -> Result<u64, Error> {
        let user = user.clone();
        self.write(move |_, w| {
            if let Some(except) = except {
                let row = w.store.session(w.tenant, except)?;
                if row.is_none_or(|row| row.user_id != user) {
                    return Ok(Err(unknown()));
                }
            }
            Ok(Ok(w.end_all(SessionScope::User(&user), except, EndReason::RevokeAll)?))
        })
    }

    /// Revokes all active sessions of the tenant; how many they were.
    ///
    /// # Errors
    /// None of its own.
    pub fn revoke_tenant(&self) -> Result<u64, Error> {
        self.write_exclusive(|w| Ok(Ok(w.end_all(SessionScope::Tenant, None, EndReason::RevokeTenant)?)))
    }

    /// Signs out with an access token or a refresh token of the session; how many sessions that ended. Signing out of a
    /// session that has ended does nothing; ending the user's other sessions needs a live one.
    ///
    /// # Errors
    /// For an access token as [`verify_locally`](Self::verify_locally), for a refresh token as
    /// [`refresh`](Self::refresh): a reused one ends its session and is refused. For `Global`: `session_revoked`,
    /// `session_expired`, `session_not_found`.
    pub fn sign_out(&self, token: &str, scope: SignOutScope) -> Result<u64, Error> {
        if PresentedToken::has_prefix(token) {
            let presented = PresentedToken::parse(token).ok_or_else(super::refresh::not_ours)?;
            return self.write(move |tenant, w| {
                let row = match tenant.genuine_row(w.store, &w.current.refresh_key, &presented)? {
                    Ok(row) => row,
                    Err(refusal) => return Ok(Err(refusal)),
                };
                match decide(&row.life, row.rotation, presented.generation, w.now, &w.current.config) {
                    Decision::Ahead => Ok(Err(ahead())),
                    Decision::Reused(end) => {
                        w.store.end_session(w.tenant, row.id, end)?;
                        Ok(Err(reused()))
                    }
                    Decision::Ended(_) | Decision::Rotate | Decision::Replay => end_own(w, &row, scope),
                }
            });
        }
        let keys = self.latest()?;
        let now = self.core.now_from_memory()?;
        let (claims, _) = self.verified_claims(token, keys, now, None, None)?;
        self.write(move |_, w| match w.store.session(w.tenant, claims.session_id)? {
            Some(row) if row.user_id == claims.user_id => end_own(w, &row, scope),
            Some(_) => Ok(Err(crate::error::Refusal::new(
                ErrorCode::InvalidToken,
                "not an access token of this tenant",
            ))),
            None => Ok(Err(unknown())),
        })
    }
}

/// Ends the session of the caller's token, and with it the user's others if asked to.
fn end_own(w: &WriteContext<'_>, row: &SessionRecord, scope: SignOutScope) -> Result<Verdict<u64>, Failure> {
    match (w.stamp_due_end(row.id, &row.life)?, scope) {
        (Some(_), SignOutScope::Local) => Ok(Ok(0)),
        (Some(end), SignOutScope::Global) => Ok(Err(ended(end))),
        (None, SignOutScope::Local) => {
            w.store.end_session(w.tenant, row.id, End { at: w.now, reason: EndReason::SignOut })?;
            Ok(Ok(1))
        }
        (None, SignOutScope::Global) => {
            Ok(Ok(w.end_all(SessionScope::User(&row.user_id), None, EndReason::RevokeAll)?))
        }
    }
}
