//! Looking at refresh tokens without presenting them: for a caller that has several and must choose one.

use super::tenant::Tenant;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::model::id::SessionId;
use crate::rules::rotation::{Decision, decide};
use crate::store::NeededSessions;
use crate::token::refresh_token::PresentedToken;

/// What presenting a genuine refresh token would come to; the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// It would rotate.
    Live,
    /// It would be answered with the same successor again.
    Replayable,
    /// The database was restored from a backup and does not know it yet.
    Ahead,
    /// It would end its session.
    Reused,
    /// Its session has ended.
    Ended,
}

impl Standing {
    /// Whether a refresh would answer with new tokens.
    pub(crate) fn is_good(self) -> bool {
        matches!(self, Standing::Live | Standing::Replayable)
    }

    /// Whether it can never be good again.
    pub(crate) fn is_dead(self) -> bool {
        matches!(self, Standing::Reused | Standing::Ended)
    }
}

/// A genuine refresh token that was looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InspectedToken {
    pub standing: Standing,
    pub session: SessionId,
    /// When the session was created.
    pub created_at: Timestamp,
}

impl Tenant {
    /// Looks at refresh tokens in one read, one answer for each; `None` for a token that this tenant did not make. Nothing
    /// changes, and a token found live may be refused a moment later.
    pub(crate) fn inspect_refresh_tokens(
        &self,
        tokens: &[PresentedToken],
    ) -> Result<Vec<Option<InspectedToken>>, Error> {
        let sessions = NeededSessions::Many(tokens.iter().map(|token| token.session).collect());
        self.read_about(sessions, |ctx| {
            let inspect = |presented: &PresentedToken| {
                let Some(record) = ctx.transaction.session(ctx.tenant, presented.session)? else {
                    return Ok(None);
                };
                if !ctx.snapshot.refresh_key.verify(presented, &record.nonce) {
                    return Ok(None);
                }
                let end = ctx.effective_end(&record.lifetime())?;
                let (rotated_at, window) =
                    (record.times.last_active_at, ctx.snapshot.config.refresh_reuse_window);
                let generation = presented.generation;
                let standing = match decide(end, record.rotation, rotated_at, generation, ctx.now, window) {
                    Decision::Rotate => Standing::Live,
                    Decision::Replay => Standing::Replayable,
                    Decision::Ahead => Standing::Ahead,
                    Decision::Reused => Standing::Reused,
                    Decision::Ended(_) => Standing::Ended,
                };
                let created_at = record.times.created_at;
                Ok(Some(InspectedToken { standing, session: record.id, created_at }))
            };
            tokens.iter().map(inspect).collect()
        })
    }
}
