//! The sessions that a sign-in ends because of the cap (SPEC 4, cap).

use crate::clock::Timestamp;
use crate::model::id::SessionId;

/// Selects the sessions that one more session ends under `cap`: as many of the oldest by (created_at, id) as bring the
/// user down to `cap` including the new one. `active` are the user's active sessions without the new one.
pub(crate) fn select_victims(mut active: Vec<(Timestamp, SessionId)>, cap: u64) -> Vec<SessionId> {
    let keep = usize::try_from(cap.saturating_sub(1)).unwrap_or(usize::MAX);
    let excess = active.len().saturating_sub(keep);
    active.sort_unstable();
    active.truncate(excess);
    active.into_iter().map(|(_, id)| id).collect()
}
