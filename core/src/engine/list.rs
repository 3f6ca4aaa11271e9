//! Reading a page of sessions. The first page of a user's list is remembered.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::cache_validator::CacheValidator;
use super::observed::count_rows;
use super::pending::Pending;
use super::remembered::{RememberedList, list_key};
use super::session_scan::needed_page;
use super::tenant::Tenant;
use super::transaction::{BegunRead, ReadContext};
use super::waiting_threads::CallKind;
use crate::error::{Error, OpError, Refusal};
use crate::model::id::UserId;
use crate::model::operation::Operation;
use crate::model::page::{Cursor, Limit, Page};
use crate::model::session::{Session, StatusFilter};
use crate::model::session_filter::SessionFilter;
use crate::object_reader::ObjectReader;
use crate::schema::request_struct;
use crate::store::NeededSessions;

/// A list is remembered if no more sessions than this had to be looked at for it: a full page of 100, and the one behind it.
const REMEMBERED_ROWS_MAX: usize = 101;

/// Few users have more sessions.
const FEW_ROWS: usize = 8;

/// Pages of at most so many sessions are short ones.
const SHORT_PAGE_ROWS: usize = 20;

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

    /// Whether its page is read in a moment: few sessions, of one user, and no more are looked at than match, but for those that
    /// have reached their end since the last sweep.
    #[doc(hidden)]
    pub fn is_short(&self) -> bool {
        self.limit.get() <= SHORT_PAGE_ROWS
            && self.filter.user_alone().is_some()
            && matches!(self.filter.effective_status(), StatusFilter::Active | StatusFilter::All)
    }

    /// The rows that the list begins with. The cursor may still be refused.
    fn needs(&self) -> NeededSessions {
        needed_page(&self.filter, self.cursor.as_ref().map(|cursor| cursor.after), self.limit.get())
    }

    /// The user, if it is the first page of a list that may be remembered.
    fn user_of_first_page(&self) -> Option<&UserId> {
        self.filter.user_alone().filter(|_| self.cursor.is_none())
    }

    /// Tells the lists of one tenant apart, so that a cursor belongs to one of them.
    fn cursor_scope(&self) -> String {
        let status = Some(self.filter.effective_status());
        SessionFilter { status, ..self.filter.clone() }.to_json()
    }
}

/// A page, with what it depends on if it may be kept.
pub(super) type CacheablePage = (Page<Session>, Option<CacheValidator>);

fn count_sessions(page: &Page<Session>) -> u64 {
    count_rows(&page.data)
}

impl Tenant {
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
    /// The first page of a user's list, of any status and without another filter, is remembered: while no commit has changed a
    /// session of the user and the clock has ended none, the next call takes no read of the database.
    ///
    /// # Errors
    /// `validation_error` for a cursor of another list, and for members of the filter that no session can satisfy together.
    pub fn list(&self, query: &ListQuery) -> Result<Page<Session>, Error> {
        self.observe_cached(Operation::List, count_sessions, |is_from_cache| {
            self.find_page(None, query, is_from_cache)
        })
    }

    /// [`list`](Self::list) for a caller that caches the answer, which is not remembered here: with the validator that
    /// [`is_fresh`](Self::is_fresh) takes, if it is the first page of a user's list without another filter but a status, and the
    /// store can tell what is committed (a SQLite file can).
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// use hellojohn::{ListQuery, SessionFilter};
    ///
    /// let query = ListQuery::default().filter(SessionFilter::of_user("usr_1".parse()?));
    /// let (page, validator) = tenant.list_cacheable(&query)?;
    /// // Later: is `page` still what `list` would answer?
    /// let is_fresh = validator.is_some_and(|validator| tenant.is_fresh(&validator).unwrap_or(false));
    /// let page = if is_fresh { page } else { tenant.list(&query)? };
    /// # assert_eq!(page.data.len(), 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn list_cacheable(
        &self,
        query: &ListQuery,
    ) -> Result<(Page<Session>, Option<CacheValidator>), Error> {
        self.observe(Operation::List, |(page, _)| count_sessions(page), || self.read_page(None, query))
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
            Pending::deferred(&self.inner, CallKind::Read, move || {
                tenant.find_page(begun, &query, &mut false)
            })
        })
    }

    /// The page, remembered or read.
    fn find_page(
        &self,
        begun: Option<BegunRead>,
        query: &ListQuery,
        is_from_cache: &mut bool,
    ) -> Result<Page<Session>, Error> {
        self.inner.require_open()?; // a forked child must not touch its parent's locks
        let key = query.user_of_first_page().map(|user| {
            list_key(self.state.handle, user, query.filter.effective_status(), query.limit.get())
        });
        if let Some(list) = key.and_then(|key| self.inner.remembered.lists.get(&key))
            && self.is_fresh(&list.validator)?
        {
            *is_from_cache = true;
            return Ok(list.page.clone());
        }
        let (page, validator) = self.read_page(begun, query)?;
        if let (Some(key), Some(validator)) = (key, validator) {
            let list = RememberedList { page: page.clone(), validator };
            self.inner.remembered.lists.insert(key, Arc::new(list));
        }
        Ok(page)
    }

    fn read_page(&self, begun: Option<BegunRead>, query: &ListQuery) -> Result<CacheablePage, Error> {
        query.filter.require_possible()?;
        self.finish_read(begun, query.needs(), |ctx| Ok(self.find_page_in(ctx, query)?.0))
    }

    /// The page, and how many sessions were looked at for it.
    pub(super) fn find_page_in(
        &self,
        ctx: &ReadContext<'_>,
        query: &ListQuery,
    ) -> Result<(CacheablePage, usize), OpError> {
        let limit = query.limit.get();
        let key = &ctx.snapshot.refresh_key;
        let before = match &query.cursor {
            Some(cursor) if !key.verify_cursor(cursor, query.cursor_scope().as_bytes()) => {
                return Err(Refusal::because(Cursor::refused()).into());
            }
            cursor => cursor.as_ref().map(|cursor| cursor.after),
        };
        let mut data: Vec<Session> = Vec::with_capacity(limit.min(FEW_ROWS));
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
        let next_cursor = next.map(|last| key.mint_cursor(query.cursor_scope().as_bytes(), last));
        let validator = query
            .user_of_first_page()
            .filter(|_| scanned.looked_at <= REMEMBERED_ROWS_MAX && ctx.commit_version().is_some())
            .map(|user| ctx.list_validator(user, scanned.ended_from));
        Ok(((Page { data, next_cursor }, validator), scanned.looked_at))
    }
}
