//! Reading sessions: one, or a page of them.

use std::ops::ControlFlow;

use serde_json::{Map, Value};

use super::cache_validator::CacheValidator;
use super::refusals::unknown_session;
use super::tenant::Tenant;
use crate::error::{Error, Refusal};
use crate::model::id::{SessionId, UserId};
use crate::model::page::{Cursor, Limit, Page};
use crate::model::session::{Session, Status, StatusFilter};
use crate::object_reader::ObjectReader;
use crate::schema::request_struct;
use crate::store::{NeededSessions, ScanFilter, SessionScope};

request_struct! {
    /// Which sessions to list. The default is a page of the tenant's active ones.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct ListQuery {
        /// Only this user's sessions.
        pub user_id: Option<UserId>,
        /// Only sessions of this status; default active.
        pub status: StatusFilter,
        /// How many at most; default 20.
        pub limit: Limit,
        /// Where to go on: `next_cursor` of the page before.
        pub cursor: Option<Cursor>,
    }
}

/// How many sessions one page looks at, whether they match or not: some 2 ms of reading. A list of many pages costs its
/// caller many calls, and no other caller waits.
pub(super) const LIST_ROWS_MAX: usize = 1_000;

impl ListQuery {
    /// Reads the optional `user_id`, `status`, `limit`, `cursor`.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::request(object);
        let query = ListQuery {
            user_id: members.optional("user_id")?,
            status: members.optional("status")?.unwrap_or_default(),
            limit: members.optional("limit")?.unwrap_or_default(),
            cursor: members.optional("cursor")?,
        };
        members.finish()?;
        Ok(query)
    }

    /// Tells the lists of one tenant apart, so that a cursor belongs to one of them.
    fn cursor_scope(&self) -> Vec<u8> {
        let user = self.user_id.as_ref().map_or("", |user| user.as_str()); // a user id is never empty
        [self.status.as_str().as_bytes(), &[0], user.as_bytes()].concat()
    }
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
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_cacheable(&self, id: SessionId) -> Result<(Session, CacheValidator), Error> {
        self.read_about(NeededSessions::One(id), |ctx| {
            let record = ctx.transaction.session(ctx.tenant, id)?.ok_or_else(unknown_session)?;
            let end = ctx.effective_end(&record.lifetime());
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
    /// use hellojohn::{Limit, ListQuery};
    ///
    /// let mut query = ListQuery::default().user_id(Some("usr_1".parse()?)).limit(Limit::new(2)?);
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
    /// `validation_error` for a cursor of another list.
    pub fn list(&self, query: &ListQuery) -> Result<Page<Session>, Error> {
        let cursor_scope = query.cursor_scope();
        let scope = SessionScope::of(query.user_id.as_ref());
        // An end that is written down is final: such a session is never active again.
        let filter = match query.status {
            StatusFilter::Active => ScanFilter::Open,
            _ => ScanFilter::All,
        };
        let limit = query.limit.get();
        self.read_about(NeededSessions::Scanned, |ctx| {
            let key = &ctx.snapshot.refresh_key;
            let before = match &query.cursor {
                Some(cursor) if !key.verify_cursor(cursor, &cursor_scope) => {
                    return Err(Refusal::because(Cursor::refused()).into());
                }
                cursor => cursor.as_ref().map(|cursor| cursor.after),
            };
            // Below it there may be very many sessions that were ended and are not stamped yet.
            let oldest = match (query.status, &query.user_id) {
                (StatusFilter::Active, Some(user)) => {
                    ctx.snapshot.bulk_ends.oldest_undecided(user, ctx.mark.epoch)
                }
                _ => None,
            };
            let mut data: Vec<Session> = Vec::new();
            let (mut looked_at, mut last_looked_at, mut has_more) = (0, None, false);
            ctx.transaction.scan_newest_first(
                ctx.tenant,
                scope,
                filter,
                before,
                &mut |session, read_record| {
                    if oldest.is_some_and(|oldest| session.id < oldest) {
                        return Ok(ControlFlow::Break(()));
                    }
                    if looked_at == LIST_ROWS_MAX {
                        has_more = true;
                        return Ok(ControlFlow::Break(()));
                    }
                    looked_at += 1;
                    last_looked_at = Some(session.id);
                    let end = ctx.effective_end(&session);
                    if query.status.admits(end.map_or(Status::Active, |end| end.status())) {
                        has_more = data.len() == limit;
                        if has_more {
                            return Ok(ControlFlow::Break(()));
                        }
                        data.push(self.view(read_record()?, end));
                    }
                    Ok(ControlFlow::Continue(()))
                },
            )?;
            let last =
                if data.len() == limit { data.last().map(|session| session.id) } else { last_looked_at };
            let next_cursor = last.filter(|_| has_more).map(|last| key.mint_cursor(&cursor_scope, last));
            Ok(Page { data, next_cursor })
        })
    }
}
