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

/// How many sessions one read shows before it leaves the rest to the next one: with large claims, some milliseconds. It also leaves them
/// once it has looked at [`SCAN_ROWS_MAX`]: an empty page may have taken that many.
const SESSIONS_MAX: usize = 40;

type CacheableSession = (Session, CacheValidator);

impl Tenant {
    /// The answers of [`get_cacheable`](Self::get_cacheable) to the first of these ids, at least one. Nothing for a session whose
    /// look-up is refused: to learn why, ask for it alone. It is told as one operation.
    ///
    /// # Errors
    /// Those of the store.
    #[doc(hidden)]
    pub fn get_together(&self, ids: &[SessionId]) -> Result<Vec<Option<CacheableSession>>, Error> {
        self.observe(
            Operation::Get,
            |found: &Vec<_>| found.iter().flatten().count() as u64,
            || self.read_together(ids, |_| 1, |ctx, id| Ok((self.find_session_in(ctx, *id)?, 1))),
        )
    }

    /// The answers of [`list_cacheable`](Self::list_cacheable) to the first of these queries, at least one. Nothing for one that is
    /// refused: to learn why, ask it alone. It is told as one operation.
    ///
    /// # Errors
    /// Those of the store, and `validation_error` for members of a filter that no session can satisfy together.
    #[doc(hidden)]
    pub fn list_together(&self, queries: &[ListQuery]) -> Result<Vec<Option<CacheablePage>>, Error> {
        let count = |(page, _): &CacheablePage| page.data.len();
        self.observe(
            Operation::List,
            |found: &Vec<_>| found.iter().flatten().map(count).sum::<usize>() as u64,
            || {
                queries.iter().try_for_each(|query| query.filter.require_possible())?;
                self.read_together(queries, count, |ctx, query| self.find_page_in(ctx, query))
            },
        )
    }

    fn read_together<Q, T>(
        &self,
        questions: &[Q],
        count_sessions: impl Fn(&T) -> usize,
        answer: impl Fn(&ReadContext<'_>, &Q) -> Result<(T, usize), OpError>,
    ) -> Result<Vec<Option<T>>, Error> {
        self.finish_read(None, NeededSessions::Scanned, |ctx| {
            let mut answers = Vec::with_capacity(questions.len());
            let (mut sessions, mut looked_at) = (0, 0);
            for question in questions {
                if sessions >= SESSIONS_MAX || looked_at >= SCAN_ROWS_MAX {
                    break;
                }
                match answer(ctx, question) {
                    Ok((answer, looks)) => {
                        sessions += count_sessions(&answer);
                        looked_at += looks;
                        answers.push(Some(answer));
                    }
                    Err(OpError::Refused(_)) => {
                        sessions += 1;
                        answers.push(None);
                    }
                    Err(failure) => return Err(failure),
                }
            }
            Ok(answers)
        })
    }
}
