//! Ending sessions: each end is written here, and many sessions end here as one act (SPEC 2).

use std::ops::ControlFlow;

use super::event_log::{EventData, EventLog};
use super::found_ends::is_admitted;
use super::refusals::require_planned;
use super::revocation_log::RevocationLog;
use super::transaction::WriteContext;
use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::error::{Failure, OpError, Refusal};
use crate::model::bulk_end::{BulkEnd, BulkEnds};
use crate::model::event::EventType;
use crate::model::id::{Actor, SessionId, UserId};
use crate::model::session::{BulkNo, End, EndReason, SessionLifetime};
use crate::model::session_filter::SessionFilter;
use crate::rules::status::{Cause, FoundEnd, find_end};
use crate::store::{SessionScope, TenantNo, WriteTransaction};

/// How many bulk ends are kept after they are done, for callers that are still counting what theirs has ended.
const DONE_KEPT: BulkNo = 64;

/// The sessions that a call ends together.
pub(super) struct Selection<'a> {
    pub scope: SessionScope<'a>,
    /// The session of the scope that stays.
    pub spared: Option<SessionId>,
    /// The newest session that ends; `None` if all do.
    pub newest: Option<SessionId>,
    /// Which of them end; `None` if all do.
    pub filter: Option<&'a SessionFilter>,
    /// Refuse if more than this many are to end by this decision; a bulk end does not ask.
    pub at_most: Option<u64>,
    /// `None` to write down only what the clock has ended.
    pub reason: Option<EndReason>,
    /// The session for which they make room under the cap.
    pub replaced_by: Option<SessionId>,
}

/// Why a call ends one session, with what its event tells besides.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    /// Nothing besides.
    Plain(EndReason),
    /// It makes room under the cap for another session.
    ReplacedBy(SessionId),
    /// A refresh token of an older generation was presented.
    Reuse { presented: u32, live: u32, live_since: Timestamp },
}

impl Ending {
    fn reason(self) -> EndReason {
        match self {
            Ending::Plain(reason) => reason,
            Ending::ReplacedBy(_) => EndReason::MaxSessions,
            Ending::Reuse { .. } => EndReason::RefreshTokenReuse,
        }
    }
}

impl<'a> Selection<'a> {
    /// All sessions of the scope, for this reason.
    pub(super) const fn all(scope: SessionScope<'a>, reason: Option<EndReason>) -> Self {
        Selection {
            scope,
            spared: None,
            newest: None,
            filter: None,
            at_most: None,
            reason,
            replaced_by: None,
        }
    }
}

impl Selection<'static> {
    /// No session of the tenant but those that the clock has ended.
    pub(super) const ENDED_BY_CLOCK: Self = Selection::all(SessionScope::Tenant, None);
}

/// Ends sessions of one tenant inside a write transaction.
pub(super) struct SessionEnds<'a> {
    pub transaction: &'a dyn WriteTransaction,
    pub tenant: TenantNo,
    pub now: Timestamp,
    pub events: EventLog<'a>,
    pub revocations: RevocationLog<'a>,
    pub idle_timeout: Option<Duration>,
    pub bulk_ends: &'a BulkEnds,
    /// The epoch of the clock mark.
    pub epoch: i64,
    /// How many sessions are stamped in this transaction; more are ended by a bulk end.
    pub direct_max: usize,
}

impl SessionEnds<'_> {
    /// The status function.
    pub(super) fn find(&self, session: &SessionLifetime) -> Result<Option<FoundEnd>, Failure> {
        find_end(session, self.now, self.idle_timeout, &self.bulk_ends.pending, &mut |filter| {
            self.admits(filter, session)
        })
    }

    fn admits(&self, filter: &SessionFilter, session: &SessionLifetime) -> Result<bool, Failure> {
        is_admitted(session, filter, &|| self.transaction.session(self.tenant, session.id))
    }

    /// Ends a session that is active.
    pub(super) fn end(&self, session: &SessionLifetime, ending: Ending) -> Result<(), Failure> {
        let end = End { at: self.now, reason: ending.reason() };
        self.write(session, end, 0, self.events.actor, ending)?;
        self.revocations.list(session, end)
    }

    /// Gives a session the end that it had in a later state of the database; whether it had none written down here.
    pub(super) fn repeat(&self, session: &SessionLifetime, end: End) -> Result<bool, Failure> {
        if session.times.end.is_some() {
            return Ok(false);
        }
        self.write(session, end, 0, None, Ending::Plain(end.reason))?;
        self.revocations.list(session, end)?;
        Ok(true)
    }

    /// The status function; an end that is not written down yet is.
    pub(super) fn stamp(&self, session: &SessionLifetime) -> Result<Option<FoundEnd>, Failure> {
        let found = self.find(session)?;
        if let Some(found) = found.filter(|found| found.cause != Cause::Written) {
            let bulk_end = self.bulk_ends.pending.iter().find(|bulk_end| bulk_end.no == found.by);
            let ending = match bulk_end.and_then(|bulk_end| bulk_end.replaced_by) {
                Some(session) => Ending::ReplacedBy(session),
                None => Ending::Plain(found.end.reason),
            };
            let actor = bulk_end.and_then(|bulk_end| bulk_end.actor.as_ref());
            self.write(session, found.end, found.by, actor, ending)?;
            // A bulk end without a filter is listed itself.
            if bulk_end.is_none_or(|bulk_end| bulk_end.filter.is_some()) {
                self.revocations.list(session, found.end)?;
            }
        }
        Ok(found)
    }

    /// The one place through which every end of a session is written and told, whatever caused it.
    fn write(
        &self,
        session: &SessionLifetime,
        end: End,
        by: BulkNo,
        actor: Option<&Actor>,
        ending: Ending,
    ) -> Result<(), Failure> {
        self.transaction.end_session(self.tenant, session.id, end, by)?;
        let session = (session.id, &session.user_id);
        self.events.tell_of(EventType::SessionEnded, end.at, actor, Some(session), || {
            let data = EventData::default().with("end_reason", end.reason.as_str());
            match ending {
                Ending::Plain(_) => data,
                Ending::ReplacedBy(session) => data.with("replaced_by", session.to_string()),
                Ending::Reuse { presented, live, live_since } => data
                    .with("presented_generation", presented)
                    .with("live_generation", live)
                    .with("live_since", live_since.as_millis()),
            }
        })
    }

    /// Ends the active ones of these sessions row by row; how many. Does nothing, and answers so, if that takes looking at
    /// more than `direct_max`.
    pub(super) fn end_few(&self, selection: &Selection<'_>) -> Result<Option<u64>, OpError> {
        let Some(sessions) = self.few_sessions(selection.scope)? else { return Ok(None) };
        let mut meant = Vec::new();
        for session in sessions {
            let is_named = selection.spared != Some(session.id)
                && selection.newest.is_none_or(|newest| session.id <= newest);
            if is_named
                && self.stamp(&session)?.is_none()
                && selection.filter.map_or(Ok(true), |filter| self.admits(filter, &session))?
            {
                meant.push(session);
            }
        }
        let Some(reason) = selection.reason else { return Ok(Some(0)) };
        let count = meant.len() as u64;
        if let Some(planned) = selection.at_most {
            require_planned(planned, count).map_err(Refusal::because)?;
        }
        let ending = selection.replaced_by.map_or(Ending::Plain(reason), Ending::ReplacedBy);
        for session in meant {
            self.end(&session, ending)?;
        }
        Ok(Some(count))
    }

    /// The sessions of the scope that may be active, with others among them, unless that takes looking at more than
    /// `direct_max`.
    pub(super) fn few_sessions(
        &self,
        scope: SessionScope<'_>,
    ) -> Result<Option<Vec<SessionLifetime>>, Failure> {
        let sessions = match scope {
            SessionScope::Tenant => {
                let limit = self.direct_max.saturating_add(1);
                self.transaction.scan_oldest_first(self.tenant, scope, None, limit)?
            }
            SessionScope::User(user) => {
                let mut sessions = Vec::new();
                let from = self.bulk_ends.first_undecided(user, self.epoch);
                self.visit_open(user, from, &mut |session| {
                    sessions.push(session);
                    let is_over = sessions.len() > self.direct_max;
                    Ok(if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
                })?;
                sessions
            }
        };
        Ok((sessions.len() <= self.direct_max).then_some(sessions))
    }

    /// Visits the user's sessions without a written end, newest first, down to this id: below it a pending bulk end has certainly
    /// ended all of them, or all that the cap counts, and there may be very many.
    pub(super) fn visit_open(
        &self,
        user: &UserId,
        from: Option<SessionId>,
        visit: &mut dyn FnMut(SessionLifetime) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        let mut flow = ControlFlow::Continue(());
        self.transaction.scan_open_newest_first(self.tenant, user, from, &mut |session| {
            flow = visit(session)?;
            Ok(flow)
        })?;
        for id in self.bulk_ends.spared_before(user, from) {
            if flow.is_break() {
                break;
            }
            let spared = self.transaction.session(self.tenant, id)?;
            if let Some(spared) = spared.filter(|it| it.user_id == *user && it.times.end.is_none()) {
                flow = visit(spared.lifetime())?;
            }
        }
        Ok(())
    }

    /// Ends the sessions by a bulk end; its number. The caller holds a transaction of its own.
    pub(super) fn add_bulk_end(&self, selection: &Selection<'_>) -> Result<BulkNo, Failure> {
        let no = self.bulk_ends.newest + 1;
        let bulk_end = BulkEnd {
            no,
            user_id: selection.scope.user().cloned(),
            at: self.now,
            idle_timeout: self.idle_timeout,
            reason: selection.reason,
            spared: selection.spared,
            newest: selection.newest,
            actor: self.events.actor.cloned(),
            replaced_by: selection.replaced_by,
            filter: selection.filter.cloned(),
            epoch: self.epoch,
        };
        self.transaction.add_bulk_end(self.tenant, &bulk_end)?;
        self.revocations.list_many(&bulk_end)?;
        for record in self.transaction.bulk_ends(self.tenant)? {
            if record.is_done && record.bulk_end.no <= no - DONE_KEPT {
                self.transaction.delete_bulk_end(self.tenant, record.bulk_end.no)?;
            }
        }
        Ok(no)
    }
}

impl WriteContext<'_> {
    /// What ends sessions of the tenant.
    pub(super) fn ends(&self) -> SessionEnds<'_> {
        SessionEnds {
            transaction: self.transaction,
            tenant: self.tenant,
            now: self.now,
            events: self.events(),
            revocations: self.revocations(),
            idle_timeout: self.snapshot.config.idle_timeout,
            bulk_ends: &self.snapshot.bulk_ends,
            epoch: self.epoch,
            direct_max: self.direct_ends_max,
        }
    }
}
