//! Looking: one session, or a page of them.

use std::ops::ControlFlow;

use super::Tenant;
use super::cache_validator::CacheValidator;
use super::verify::unknown;
use crate::error::{Error, Refusal};
use crate::model::id::{SessionId, UserId};
use crate::model::page::{Cursor, Limit, Page};
use crate::model::session::{Session, Status, StatusFilter};
use crate::store::SessionScope;

/// Which sessions to list. The default is a page of the tenant's active ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Only this user's.
    pub user_id: Option<UserId>,
    /// Only those of this status; default active.
    pub status: StatusFilter,
    /// How many at most; default 20.
    pub limit: Limit,
    /// Where to go on: `next_cursor` of the page before.
    pub cursor: Option<Cursor>,
}

/// How many sessions a list may look at for a caller who cannot wait.
const SHORT_WALK: usize = 500;

impl ListQuery {
    /// All lists of one tenant that a cursor may belong to, told apart.
    fn scope(&self) -> Vec<u8> {
        let user = self.user_id.as_ref().map_or("", |user| user.as_str()); // a user id is never empty
        [self.status.as_str().as_bytes(), &[0], user.as_bytes()].concat()
    }
}

impl Tenant {
    /// One session, ended ones included until they are purged.
    ///
    /// # Errors
    /// `session_not_found`.
    pub fn get(&self, id: SessionId) -> Result<Session, Error> {
        Ok(self.get_cacheable(id)?.0)
    }

    /// [`get`](Self::get), with what the answer rests on.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_cacheable(&self, id: SessionId) -> Result<(Session, CacheValidator), Error> {
        self.read(|r| {
            let Some(row) = r.store.session(r.tenant, id)? else { return Ok(Err(unknown())) };
            let end = r.effective_end(&row.life);
            let basis = self.basis(r, &row, end, None);
            Ok(Ok((self.view(row, end), basis)))
        })
    }

    /// A page of sessions, newest first. The cursor stays good while sessions come and go.
    ///
    /// # Errors
    /// `validation_error` for a cursor of another list.
    pub fn list(&self, query: &ListQuery) -> Result<Page<Session>, Error> {
        let scope = query.scope();
        let whose = query.user_id.as_ref().map_or(SessionScope::Tenant, SessionScope::User);
        let limit = query.limit.get();
        self.read(|r| {
            let key = &r.current.refresh_key;
            let before = match &query.cursor {
                Some(cursor) if !key.verify_cursor(cursor, &scope) => {
                    return Ok(Err(Refusal::because(Cursor::refused())));
                }
                cursor => cursor.as_ref().map(|cursor| cursor.after),
            };
            let (mut data, mut more) = (Vec::new(), false);
            let mut walked = 0;
            r.store.scan_newest_first(r.tenant, whose, before, &mut |life, row| {
                walked += 1;
                if walked > SHORT_WALK {
                    self.require_blocking()?;
                }
                let end = r.effective_end(&life.times);
                if query.status.admits(end.map_or(Status::Active, |end| end.status())) {
                    more = data.len() == limit;
                    if more {
                        return Ok(ControlFlow::Break(()));
                    }
                    data.push(self.view(row()?, end));
                }
                Ok(ControlFlow::Continue(()))
            })?;
            let next_cursor = data.last().filter(|_| more).map(|last| key.cursor(&scope, last.id));
            Ok(Ok(Page { data, next_cursor }))
        })
    }
}
