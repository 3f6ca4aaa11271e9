//! The sessions that make room under the cap for a new one (SPEC 4).

use std::ops::ControlFlow;

use super::bulk_write::BulkStep;
use super::session_ends::{Ending, Selection};
use super::transaction::WriteContext;
use crate::error::Failure;
use crate::model::id::SessionId;
use crate::model::session::{BulkNo, EndReason};
use crate::rules::session_cap;
use crate::store::{SessionRecord, SessionScope};

/// The sessions that a sign-in has evicted.
#[derive(Default)]
pub(super) struct Eviction {
    /// Oldest first; the newest ones of those that a bulk end has evicted.
    pub evicted: Vec<SessionId>,
    /// The bulk end that was written.
    pub by: Option<BulkNo>,
}

/// Revokes the user's oldest sessions so that one more fits under the cap. It neither counts nor ends those of actors.
pub(super) fn evict_oldest(
    ctx: &WriteContext<'_>,
    newcomer: &SessionRecord,
    cap: u64,
) -> Result<BulkStep<Eviction>, Failure> {
    let user = &newcomer.user_id;
    let (ends, max) = (ctx.ends(), ctx.direct_ends_max.max(1));
    let (mut kept, mut evicted, mut ended) = (0, Vec::new(), Vec::new());
    let from = ends.bulk_ends.first_undecided_for_cap(user, ends.epoch);
    ends.visit_open(user, from, &mut |session| {
        match ends.find(&session)? {
            Some(_) => ended.push(session),
            None if session.is_acted => {}
            None if session_cap::is_evicted(kept, cap) => evicted.push(session),
            None => kept += 1,
        }
        // One more than are stamped here, to know that there are more.
        let is_over = evicted.len() > max || ended.len() > max;
        Ok(if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    if ended.len() > max {
        for session in &ended {
            ends.stamp(session)?;
        }
        return Ok(BulkStep::Again);
    }
    let by = if evicted.len() > max {
        let newest = evicted.first().map(|session| session.id);
        let reason = Some(EndReason::MaxSessions);
        let all_older = Selection {
            newest,
            replaced_by: Some(newcomer.id),
            ..Selection::all(SessionScope::User(user), reason)
        };
        match ctx.add_bulk_end(&all_older)? {
            BulkStep::Done(no) => Some(no),
            unfinished => return Ok(unfinished.map(|_| Eviction::default())),
        }
    } else {
        None
    };
    for session in &ended {
        ends.stamp(session)?;
    }
    if by.is_none() {
        for session in &evicted {
            ends.end(session, Ending::ReplacedBy(newcomer.id))?;
        }
    }
    let evicted = evicted.iter().take(max).rev().map(|session| session.id).collect();
    Ok(BulkStep::Done(Eviction { evicted, by }))
}
