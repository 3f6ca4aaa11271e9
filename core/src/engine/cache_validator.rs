//! What an answer about a session rests on, for asking later whether it still holds.

use std::fmt;

use super::Tenant;
use super::tenant::ReadContext;
use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::error::Error;
use crate::model::id::SessionId;
use crate::model::session::{End, SessionTimes};
use crate::store::{CommitVersion, SessionRecord};

/// What an answer about one session rests on: [`Tenant::is_fresh`] says whether it is as good as new.
#[derive(Clone, PartialEq)]
pub struct CacheValidator {
    handle: u64,
    /// Of the tenant's settings and keys.
    pub(super) version: i64,
    /// From before the store was asked, where it can tell.
    moment: Option<CommitVersion>,
    session: SessionId,
    life: SessionTimes,
    idle_timeout: Option<Duration>,
    end: Option<End>,
    /// The `exp` of the token that it is about.
    token_end: Option<Timestamp>,
}

impl fmt::Debug for CacheValidator {
    /// Nothing: moments are counted, and what is counted differs between runs that answer the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheValidator").finish_non_exhaustive()
    }
}

impl Tenant {
    /// The basis of an answer about this row.
    pub(super) fn basis(
        &self,
        r: &ReadContext<'_>,
        row: &SessionRecord,
        end: Option<End>,
        token_end: Option<Timestamp>,
    ) -> CacheValidator {
        CacheValidator {
            handle: self.state.handle,
            version: r.current.version,
            moment: r.commit_version,
            session: row.id,
            life: row.life,
            idle_timeout: r.current.config.idle_timeout,
            end,
            token_end,
        }
    }

    /// Whether an answer that this handle gave certainly is what it would answer now. Reaches no disk and takes no time:
    /// true as long as nobody has changed the session through this engine, nobody else, in any process, has committed
    /// anything, and the clock has ended nothing. False says only that the question must be asked again.
    ///
    /// # Errors
    /// `engine_closed`, `forked`.
    pub fn is_fresh(&self, basis: &CacheValidator) -> Result<bool, Error> {
        self.core.usable()?;
        let Some(moment) = basis.moment else { return Ok(false) };
        if basis.handle != self.state.handle || !self.core.store.is_unchanged_since(basis.session, moment) {
            return Ok(false);
        }
        let now = self.core.now_of_known_mark()?;
        Ok(basis.token_end.is_none_or(|end| now < end)
            && basis.life.end_at(now, basis.idle_timeout) == basis.end)
    }
}
