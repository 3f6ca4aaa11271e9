//! Refresh: one atomic step with six outcomes (SPEC 3).

use super::answers::Grant;
use super::exchange::RefreshRequest;
use super::pending::Pending;
use super::refusals::{invalid_refresh_token, missing_refresh_token};
use super::tenant::Tenant;
use super::transaction::WriteContext;
use crate::error::{Error, OpError};
use crate::model::event::{EventDetail, EventType};
use crate::model::operation::Operation;
use crate::store::{NeededSessions, SessionRecord};
use crate::token::refresh_token::PresentedToken;

impl Tenant {
    /// Exchanges the session's live refresh token for its successor and a fresh access token, and moves
    /// `last_active_at`. The former token answers with the same successor for `refresh_reuse_window` (at most 100 times),
    /// so that parallel tabs and lost answers converge; later it ends the session.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// use hellojohn::RefreshRequest;
    ///
    /// let next = tenant.refresh(grant.refresh_token.expose(), RefreshRequest::default())?;
    /// assert_ne!(next.refresh_token, grant.refresh_token);
    /// assert_eq!(next.session.id, grant.session.id);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `missing_token`, `refresh_token_invalid` (no effect at all), `session_expired`, `session_revoked`,
    /// `refresh_token_reused` (the session has been ended), `refresh_token_ahead`.
    pub fn refresh(&self, refresh_token: &str, request: RefreshRequest) -> Result<Grant, Error> {
        self.begin_refresh(refresh_token, request).wait()
    }

    /// Begins [`refresh`](Self::refresh) without waiting for it; see [`Pending`].
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let fresh = tenant.begin_refresh(grant.refresh_token.expose(), Default::default()).wait()?;
    /// assert_eq!(fresh.session.id, grant.session.id);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn begin_refresh(&self, refresh_token: &str, request: RefreshRequest) -> Pending<Grant> {
        self.observe_pending(Operation::Refresh, Grant::rows, || self.queue_refresh(refresh_token, request))
    }

    fn queue_refresh(&self, refresh_token: &str, request: RefreshRequest) -> Pending<Grant> {
        if refresh_token.is_empty() {
            return Pending::ready(Err(missing_refresh_token().into()));
        }
        let Some(presented) = PresentedToken::parse(refresh_token) else {
            return Pending::ready(Err(invalid_refresh_token().into()));
        };
        let issued = self.begin_write_about(NeededSessions::One(presented.session), move |tenant, ctx| {
            let record = ctx.session_of(&presented)?;
            let exchanged = ctx.exchange(tenant, record, presented.generation, &request)?;
            if exchanged.has_rotated && ctx.inner.event_detail == EventDetail::All {
                exchanged.tell(ctx, EventType::SessionRefreshed, request.ip_address)?;
            }
            Ok(exchanged)
        });
        self.grant_of_exchange(issued)
    }
}

impl WriteContext<'_> {
    /// The session of a refresh token whose tag this tenant's key made.
    pub(super) fn session_of(&self, presented: &PresentedToken) -> Result<SessionRecord, OpError> {
        let record = self.transaction.session(self.tenant, presented.session)?;
        let genuine = record.filter(|record| self.snapshot.refresh_key.verify(presented, &record.nonce));
        Ok(genuine.ok_or_else(invalid_refresh_token)?)
    }
}
