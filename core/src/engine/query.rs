//! Reading sessions: one, and how many there are.

use std::ops::ControlFlow;

use super::cache_validator::CacheValidator;
use super::pending::Pending;
use super::refusals::unknown_session;
use super::tenant::Tenant;
use super::transaction::{BegunRead, ReadContext};
use super::waiting_threads::CallKind;
use crate::error::{Error, OpError};
use crate::model::id::SessionId;
use crate::model::operation::Operation;
use crate::model::session::Session;
use crate::model::session_filter::SessionFilter;
use crate::store::NeededSessions;

impl Tenant {
    /// One session, ended ones included until they are purged.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let session = tenant.get(grant.session.id)?;
    /// println!("{} since {}", session.status, session.created_at);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `session_not_found`.
    pub fn get(&self, id: SessionId) -> Result<Session, Error> {
        Ok(self.get_cacheable(id)?.0)
    }

    /// [`get`](Self::get) for a caller that caches the answer: with the validator that [`is_fresh`](Self::is_fresh) takes.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let (session, validator) = tenant.get_cacheable(grant.session.id)?;
    /// assert_eq!(session.id, grant.session.id);
    /// let may_be_shown_again = tenant.is_fresh(&validator)?; // later
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_cacheable(&self, id: SessionId) -> Result<(Session, CacheValidator), Error> {
        self.observe(Operation::Get, |_| 1, || self.read_session(None, id))
    }

    /// Begins a [`get`](Self::get).
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let session = tenant.begin_get(grant.session.id).wait()?;
    /// assert_eq!(session.id, grant.session.id);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get), from [`Pending::wait`].
    pub fn begin_get(&self, id: SessionId) -> Pending<Session> {
        self.observe_pending(
            Operation::Get,
            |_| 1,
            || {
                let (tenant, begun) = (self.clone(), self.begin_read(&NeededSessions::One(id)));
                Pending::deferred(&self.inner, CallKind::Read, move || Ok(tenant.read_session(begun, id)?.0))
            },
        )
    }

    fn read_session(
        &self,
        begun: Option<BegunRead>,
        id: SessionId,
    ) -> Result<(Session, CacheValidator), Error> {
        self.finish_read(begun, NeededSessions::One(id), |ctx| self.find_session_in(ctx, id))
    }

    pub(super) fn find_session_in(
        &self,
        ctx: &ReadContext<'_>,
        id: SessionId,
    ) -> Result<(Session, CacheValidator), OpError> {
        let record = ctx.transaction.session(ctx.tenant, id)?.ok_or_else(unknown_session)?;
        let end = ctx.effective_end(&record.lifetime())?;
        let validator = ctx.cache_validator(&record, end, None);
        Ok((self.view(record, end), validator))
    }

    /// Counts the sessions that the filter admits by looking at each of its user or of the tenant, 1,000 in one read
    /// transaction: the count of a large tenant is of slightly different instants, and no other caller waits for it.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// use hellojohn::SessionFilter;
    ///
    /// let without_factor = SessionFilter::default().mfa_verified(Some(false));
    /// assert_eq!(tenant.count(&without_factor)?, 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` for members of the filter that no session can satisfy together.
    pub fn count(&self, filter: &SessionFilter) -> Result<u64, Error> {
        self.observe(Operation::Count, u64::clone, || {
            filter.require_possible()?;
            self.count_up_to(filter, None)
        })
    }

    /// [`count`](Self::count) of the sessions up to this one.
    pub(super) fn count_up_to(
        &self,
        filter: &SessionFilter,
        newest: Option<SessionId>,
    ) -> Result<u64, Error> {
        let (mut count, mut before) = (0, None);
        loop {
            let (counted, next) = self.read_about(NeededSessions::Scanned, |ctx| {
                let mut counted = 0;
                let scanned = ctx.scan(filter, before, &mut |found| {
                    counted += u64::from(newest.is_none_or(|newest| found.session.id <= newest));
                    Ok(ControlFlow::Continue(()))
                })?;
                Ok((counted, scanned.next))
            })?;
            count += counted;
            match next {
                Some(next) => before = Some(next),
                None => return Ok(count),
            }
        }
    }
}
