//! Reading sessions: one, a page of them, how many there are.

use std::ops::ControlFlow;

use serde_json::{Map, Value};

use super::cache_validator::CacheValidator;
use super::observed::count_rows;
use super::pending::Pending;
use super::refusals::unknown_session;
use super::session_scan::needed_page;
use super::tenant::Tenant;
use super::transaction::BegunRead;
use super::waiting_threads::CallKind;
use crate::error::{Error, Refusal};
use crate::model::id::SessionId;
use crate::model::operation::Operation;
use crate::model::page::{Cursor, Limit, Page};
use crate::model::session::Session;
use crate::model::session_filter::SessionFilter;
use crate::object_reader::ObjectReader;
use crate::schema::request_struct;
use crate::store::NeededSessions;

request_struct! {
    /// Which sessions to list. The default is a page of the tenant's active ones.
    ///
    /// ```
    /// use hellojohn::{Limit, ListQuery, SessionFilter};
    ///
    /// let query = ListQuery::default().filter(SessionFilter::of_user("usr_1".parse()?)).limit(Limit::new(50)?);
    ///
    /// let json = serde_json::json!({"user_id": "usr_1", "limit": 50});
    /// assert_eq!(ListQuery::from_json(json.as_object().unwrap().clone())?, query);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct ListQuery {
        /// Which sessions.
        pub filter: SessionFilter,
        /// How many at most; default 20.
        pub limit: Limit,
        /// Where to go on: `next_cursor` of the page before.
        pub cursor: Option<Cursor>,
    }
}

impl ListQuery {
    /// Reads the optional members of the filter, `limit` and `cursor`.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::request(object);
        let query = ListQuery {
            filter: SessionFilter::take(&mut members)?,
            limit: members.optional("limit")?.unwrap_or_default(),
            cursor: members.optional("cursor")?,
        };
        members.finish()?;
        Ok(query)
    }

    /// The rows that the list begins with. The cursor may still be refused.
    fn needs(&self) -> NeededSessions {
        needed_page(&self.filter, self.cursor.as_ref().map(|cursor| cursor.after), self.limit.get())
    }

    /// Tells the lists of one tenant apart, so that a cursor belongs to one of them.
    fn cursor_scope(&self) -> String {
        let status = Some(self.filter.effective_status());
        SessionFilter { status, ..self.filter.clone() }.to_json()
    }
}

fn count_sessions(page: &Page<Session>) -> u64 {
    count_rows(&page.data)
}

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
        self.finish_read(begun, NeededSessions::One(id), |ctx| {
            let record = ctx.transaction.session(ctx.tenant, id)?.ok_or_else(unknown_session)?;
            let end = ctx.effective_end(&record.lifetime())?;
            let validator = ctx.cache_validator(&record, end, None);
            Ok((self.view(record, end), validator))
        })
    }

    /// A page of sessions, newest first. The cursor stays good while sessions come and go.
    ///
    /// One call looks at no more than 1,000 sessions. Where that ends a page early (a filter that few of many sessions
    /// match), the page is short or even empty and has a cursor all the same: only a page without `next_cursor` is the last.
    /// The active sessions of a user are found without a look at those whose end is written down.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # for _ in 0..3 { tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?; }
    /// use hellojohn::{Limit, ListQuery, SessionFilter};
    ///
    /// let filter = SessionFilter::of_user("usr_1".parse()?);
    /// let mut query = ListQuery::default().filter(filter).limit(Limit::new(2)?);
    /// let mut sessions = Vec::new();
    /// loop {
    ///     let page = tenant.list(&query)?;
    ///     sessions.extend(page.data);
    ///     query.cursor = page.next_cursor;
    ///     if query.cursor.is_none() {
    ///         break;
    ///     }
    /// }
    /// assert_eq!(sessions.len(), 3);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` for a cursor of another list, and for members of the filter that no session can satisfy together.
    pub fn list(&self, query: &ListQuery) -> Result<Page<Session>, Error> {
        self.observe(Operation::List, count_sessions, || self.read_page(None, query))
    }

    /// Begins a [`list`](Self::list).
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let page = tenant.begin_list(hellojohn::ListQuery::default()).wait()?;
    /// assert_eq!(page.data.len(), 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`list`](Self::list), from [`Pending::wait`].
    pub fn begin_list(&self, query: ListQuery) -> Pending<Page<Session>> {
        self.observe_pending(Operation::List, count_sessions, || {
            let (tenant, begun) = (self.clone(), self.begin_read(&query.needs()));
            Pending::deferred(&self.inner, CallKind::Read, move || tenant.read_page(begun, &query))
        })
    }

    fn read_page(&self, begun: Option<BegunRead>, query: &ListQuery) -> Result<Page<Session>, Error> {
        query.filter.require_possible()?;
        let cursor_scope = query.cursor_scope();
        let limit = query.limit.get();
        self.finish_read(begun, query.needs(), |ctx| {
            let key = &ctx.snapshot.refresh_key;
            let before = match &query.cursor {
                Some(cursor) if !key.verify_cursor(cursor, cursor_scope.as_bytes()) => {
                    return Err(Refusal::because(Cursor::refused()).into());
                }
                cursor => cursor.as_ref().map(|cursor| cursor.after),
            };
            let mut data: Vec<Session> = Vec::new();
            let scanned = ctx.scan(&query.filter, before, &mut |found| {
                if data.len() == limit {
                    return Ok(ControlFlow::Break(()));
                }
                let end = found.end;
                data.push(self.view(found.record()?, end));
                Ok(ControlFlow::Continue(()))
            })?;
            // A session behind the last one of a full page may match by the time of the next page.
            let last = data.last().filter(|_| data.len() == limit).map(|session| session.id);
            let next = scanned.next.map(|looked_at| last.unwrap_or(looked_at));
            let next_cursor = next.map(|last| key.mint_cursor(cursor_scope.as_bytes(), last));
            Ok(Page { data, next_cursor })
        })
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
