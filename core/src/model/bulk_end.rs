//! Ending many sessions as one act (SPEC 2).

use super::id::{Actor, SessionId, UserId};
use super::session::{BulkNo, EndReason, SessionLifetime};
use super::session_filter::SessionFilter;
use crate::clock::Timestamp;
use crate::duration::Duration;

/// One decision about many sessions. Once it is committed every session that it concerns has its end, as
/// `find_end` (`rules/status.rs`) says; the rows are stamped later. It concerns the sessions that had signed in before it
/// and have neither rotated nor been updated since: those whose `judged_by` is a lower number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BulkEnd {
    pub no: BulkNo,
    /// Whose sessions; `None` for every session of the tenant.
    pub user_id: Option<UserId>,
    pub at: Timestamp,
    /// The idle time-out that was in force. What the clock had ended by `at` under it has that end, and no other.
    pub idle_timeout: Option<Duration>,
    /// Why the other sessions end; `None` if only the clock's ends are to be kept.
    pub reason: Option<EndReason>,
    /// The one session that stays.
    pub spared: Option<SessionId>,
    /// The newest session that ends; `None` if all do.
    pub newest: Option<SessionId>,
    /// Who ends them.
    pub actor: Option<Actor>,
    /// The session for which they make room under the cap.
    pub replaced_by: Option<SessionId>,
    /// Which of the sessions end; `None` if all do. Its status and its end reason say nothing here.
    pub filter: Option<SessionFilter>,
    /// The epoch of the clock mark. Within it the ids of later sessions are not of an earlier time than `at`.
    pub epoch: i64,
}

impl BulkEnd {
    /// One with this number that ends no session yet.
    pub(crate) fn numbered(no: BulkNo) -> Self {
        BulkEnd {
            no,
            user_id: None,
            at: Timestamp::default(),
            idle_timeout: None,
            reason: None,
            spared: None,
            newest: None,
            actor: None,
            replaced_by: None,
            filter: None,
            epoch: 0,
        }
    }

    /// Whether sessions stay in which another person acts for the user: no cap knows them.
    pub(crate) fn spares_actors(&self) -> bool {
        self.reason == Some(EndReason::MaxSessions)
    }

    /// Whether it says anything about the sessions of this user.
    pub(crate) fn concerns(&self, user_id: &UserId) -> bool {
        self.user_id.as_ref().is_none_or(|concerned| concerned == user_id)
    }

    /// Why it ends this session of a user that it concerns, unless the clock has ended the session before or its filter
    /// leaves the session out.
    pub(crate) fn reason_for(&self, session: &SessionLifetime) -> Option<EndReason> {
        let id = session.id;
        let is_meant = self.spared != Some(id)
            && self.newest.is_none_or(|newest| id <= newest)
            && !(session.is_acted && self.spares_actors());
        self.reason.filter(|_| is_meant)
    }
}

/// The bulk ends of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BulkEnds {
    /// Those whose sessions are not all stamped yet, in the order in which they were decided.
    pub pending: Vec<BulkEnd>,
    /// The number of the last one that was decided.
    pub newest: BulkNo,
}

impl BulkEnds {
    /// The pending ones that concern no session beyond those of this user, or of every user without one.
    pub(crate) fn pending_within(&self, user_id: Option<&UserId>) -> Vec<BulkNo> {
        let within = self.pending.iter().filter(|it| user_id.is_none() || it.user_id.as_ref() == user_id);
        within.map(|bulk_end| bulk_end.no).collect()
    }

    /// Whether one of the pending ones has a filter. Then the status of a session may take a look at its whole record.
    pub(crate) fn has_filter(&self) -> bool {
        self.pending.iter().any(|bulk_end| bulk_end.filter.is_some())
    }

    /// Every open session of the user below this id that a cap knows has been ended by a pending bulk end, but for
    /// [`spared_before`](Self::spared_before): the ids of later sessions are above it, as long as the clock mark, whose epoch
    /// this is, was not lowered.
    pub(crate) fn first_undecided_for_cap(&self, user_id: &UserId, epoch: i64) -> Option<SessionId> {
        self.find_undecided(user_id, epoch, true)
    }

    /// As [`first_undecided_for_cap`](Self::first_undecided_for_cap), for every session of the user.
    pub(crate) fn first_undecided(&self, user_id: &UserId, epoch: i64) -> Option<SessionId> {
        self.find_undecided(user_id, epoch, false)
    }

    fn find_undecided(&self, user_id: &UserId, epoch: i64, is_for_cap: bool) -> Option<SessionId> {
        let ending = self.pending.iter().filter(|bulk_end| {
            bulk_end.reason.is_some()
                && (is_for_cap || !bulk_end.spares_actors())
                && bulk_end.filter.is_none()
                && bulk_end.epoch == epoch
                && bulk_end.concerns(user_id)
        });
        let bounds = ending.map(|bulk_end| {
            let later = SessionId::first_at(bulk_end.at);
            bulk_end.newest.map_or(later, |newest| newest.min(later))
        });
        bounds.max()
    }

    /// Every open session of the user below this id has been ended by a pending bulk end.
    pub(crate) fn oldest_undecided(&self, user_id: &UserId, epoch: i64) -> Option<SessionId> {
        let first = self.first_undecided(user_id, epoch)?;
        Some(self.spared_before(user_id, Some(first)).last().copied().unwrap_or(first))
    }

    /// The sessions before this one that a pending bulk end has spared, newest first.
    pub(crate) fn spared_before(
        &self,
        user_id: &UserId,
        first_undecided: Option<SessionId>,
    ) -> Vec<SessionId> {
        let concerning = self.pending.iter().filter(|bulk_end| bulk_end.concerns(user_id));
        let mut spared: Vec<SessionId> = concerning
            .filter_map(|bulk_end| bulk_end.spared)
            .filter(|id| first_undecided.is_some_and(|first| *id < first))
            .collect();
        spared.sort_unstable_by(|a, b| b.cmp(a));
        spared.dedup();
        spared
    }
}
