//! Several look-ups in one read of the store: what each would wait for by itself, they wait for once.

use super::cache_validator::CacheValidator;
use super::list::{CacheablePage, ListQuery};
use super::session_scan::SCAN_ROWS_MAX;
use super::tenant::Tenant;
use super::transaction::ReadContext;
use crate::error::{Error, OpError};
use crate::model::id::SessionId;
use crate::model::operation::Operation;
use crate::model::session::Session;
use crate::store::NeededSessions;

/// What one read shows before it leaves the rest to the next one, in sessions without claims of their own: some milliseconds. It also
/// leaves them once it has looked at [`SCAN_ROWS_MAX`]: an empty page may have taken that many.
const SESSIONS_MAX: usize = 320;

/// What a session with claims counts as: they may have 4 KB, which take that much longer to read and to write.
const WITH_CLAIMS: usize = 8;

fn weigh(session: &Session) -> usize {
    if session.identity.claims.as_object().is_empty() { 1 } else { WITH_CLAIMS }
}

impl Tenant {
    /// The answers of [`get_cacheable`](Self::get_cacheable) to the first of these ids, at least one, each of which `add` adds to what
    /// is returned; it begins anew where the read does. Nothing for a session whose look-up is refused: to learn why, ask for it alone.
    /// It is told as one operation.
    ///
    /// # Errors
    /// Those of the store.
    #[doc(hidden)]
    pub fn get_together<A: Default>(
        &self,
        ids: &[SessionId],
        add: impl Fn(&mut A, Option<(Session, CacheValidator)>),
    ) -> Result<A, Error> {
        let read = || {
            self.read_together(ids, add, |ctx, id| {
                let found = self.find_session_in(ctx, *id)?;
                let size = Size { sessions: 1, weight: weigh(&found.0), looked_at: 1 };
                Ok((found, size))
            })
        };
        Ok(self.observe(Operation::Get, |(_, sessions)| *sessions, read)?.0)
    }

    /// The answers of [`list_cacheable`](Self::list_cacheable) to the first of these queries, as in
    /// [`get_together`](Self::get_together).
    ///
    /// # Errors
    /// Those of the store, and `validation_error` for members of a filter that no session can satisfy together.
    #[doc(hidden)]
    pub fn list_together<A: Default>(
        &self,
        queries: &[ListQuery],
        add: impl Fn(&mut A, Option<CacheablePage>),
    ) -> Result<A, Error> {
        let read = || {
            queries.iter().try_for_each(|query| query.filter.require_possible())?;
            self.read_together(queries, add, |ctx, query| {
                let (found, looked_at) = self.find_page_in(ctx, query)?;
                let data = &found.0.data;
                let size = Size { sessions: data.len(), weight: data.iter().map(weigh).sum(), looked_at };
                Ok((found, size))
            })
        };
        Ok(self.observe(Operation::List, |(_, sessions)| *sessions, read)?.0)
    }

    /// The answers, and how many sessions they have.
    fn read_together<Q, T, A: Default>(
        &self,
        questions: &[Q],
        add: impl Fn(&mut A, Option<T>),
        answer: impl Fn(&ReadContext<'_>, &Q) -> Result<(T, Size), OpError>,
    ) -> Result<(A, u64), Error> {
        self.finish_read(None, NeededSessions::Scanned, |ctx| {
            let mut answers = A::default();
            let mut total = Size::default();
            for question in questions {
                if total.weight >= SESSIONS_MAX || total.looked_at >= SCAN_ROWS_MAX {
                    break;
                }
                match answer(ctx, question) {
                    Ok((answer, size)) => {
                        total.add(size);
                        add(&mut answers, Some(answer));
                    }
                    Err(OpError::Refused(_)) => {
                        total.weight += 1;
                        add(&mut answers, None);
                    }
                    Err(failure) => return Err(failure),
                }
            }
            Ok((answers, total.sessions as u64))
        })
    }
}

/// What an answer comes to.
#[derive(Default)]
struct Size {
    sessions: usize,
    weight: usize,
    /// How many sessions were looked at for it.
    looked_at: usize,
}

impl Size {
    fn add(&mut self, other: Size) {
        self.sessions += other.sessions;
        self.weight += other.weight;
        self.looked_at += other.looked_at;
    }
}
