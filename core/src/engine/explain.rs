//! Why a session is over, or what will end it (SPEC 13).

use std::ops::ControlFlow;

use super::answers::{RefreshAnswer, SessionExplanation, SessionLimit};
use super::refusals::unknown_session;
use super::tenant::Tenant;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::model::id::SessionId;
use crate::model::operation::Operation;
use crate::model::session::{EndReason, Status};
use crate::model::session_filter::SessionFilter;
use crate::rules::explanation::{RefreshForecast, Subject};
use crate::rules::rotation::{Decision, MAX_REPLAYS};
use crate::rules::session_cap;
use crate::store::{NeededSessions, SessionRecord};

impl Tenant {
    /// Why a session is over; of an active one, what will end it and when, and how its refresh tokens would be answered. It
    /// tells what the engine would do if nothing else happened to the session. Changes nothing.
    ///
    /// The user's active sessions are looked at to find the session's rank, 1,000 in one read transaction: the rank among
    /// more is of slightly different instants.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// use hellojohn::SessionLimit;
    ///
    /// let explanation = tenant.explain(grant.session.id)?;
    /// assert_eq!(explanation.ends_by, Some(SessionLimit::SessionDuration));
    /// assert_eq!(explanation.ends_at, Some(grant.session.expires_at));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `session_not_found`.
    pub fn explain(&self, id: SessionId) -> Result<SessionExplanation, Error> {
        self.observe(Operation::Explain, |_| 1, || self.read_explanation(id))
    }

    fn read_explanation(&self, id: SessionId) -> Result<SessionExplanation, Error> {
        let mut explained: Option<SessionExplanation> = None;
        let (mut ranks, mut before) = (Ranks::default(), None);
        loop {
            let (explanation, counted, next) = self.read_about(NeededSessions::Scanned, |ctx| {
                let explanation = match &explained {
                    Some(explanation) => explanation.clone(),
                    None => {
                        let record = ctx.transaction.session(ctx.tenant, id)?.ok_or_else(unknown_session)?;
                        let config = &ctx.snapshot.config;
                        let subject = Subject {
                            times: record.times,
                            end: ctx.effective_end(&record.lifetime())?,
                            rotation: record.rotation,
                            idle_timeout: config.idle_timeout,
                            reuse_window: config.refresh_reuse_window,
                            now: ctx.now,
                        };
                        SessionExplanation {
                            max_sessions_per_user: config.max_sessions_per_user,
                            ..explain_alone(&record, &subject)
                        }
                    }
                };
                // No cap knows the session of an actor: it has no rank.
                if explanation.status != Status::Active || explanation.actor.is_some() {
                    return Ok((explanation, Ranks::default(), None));
                }
                let mut counted = ranks;
                let filter = SessionFilter::of_user(explanation.user_id.clone());
                let scanned = ctx.scan(&filter, before, &mut |found| {
                    if found.session.is_acted {
                        return Ok(ControlFlow::Continue(()));
                    }
                    if found.session.id > id {
                        counted.newer += 1;
                    } else {
                        counted.others += 1;
                    }
                    Ok(ControlFlow::Continue(()))
                })?;
                Ok((explanation, counted, scanned.next))
            })?;
            explained = Some(explanation.clone());
            ranks = counted;
            match next {
                Some(next) => before = Some(next),
                None => return Ok(ranks.add_to(explanation)),
            }
        }
    }
}

/// The user's active sessions.
#[derive(Debug, Clone, Copy, Default)]
struct Ranks {
    /// Those that signed in after this one.
    newer: u64,
    /// This one and those that signed in before it.
    others: u64,
}

impl Ranks {
    fn add_to(self, explanation: SessionExplanation) -> SessionExplanation {
        if explanation.status != Status::Active || explanation.actor.is_some() {
            return explanation;
        }
        SessionExplanation {
            rank: Some(self.others),
            active_sessions: Some(self.newer + self.others),
            evicted_by_sign_in: explanation
                .max_sessions_per_user
                .map(|cap| session_cap::evicting_sign_in(self.newer, cap)),
            ..explanation
        }
    }
}

/// What the session itself and the settings tell.
fn explain_alone(record: &SessionRecord, subject: &Subject) -> SessionExplanation {
    let is_active = subject.end.is_none();
    let duration_ends_at = subject.duration_ends_at();
    let (ends_by, ends_at) = match subject.idle_ends_at() {
        Some(idle_ends_at) => (SessionLimit::IdleTimeout, idle_ends_at),
        None => (SessionLimit::SessionDuration, duration_ends_at),
    };
    let [live, former, older] = [0, 1, 2].map(|behind| subject.forecast(behind).map(answer_of));
    let (live_token, live_token_until) = live.unzip();
    SessionExplanation {
        session_id: record.id,
        user_id: record.user_id.clone(),
        actor: record.actor.clone(),
        explained_at: subject.now,
        status: subject.end.map_or(Status::Active, |end| end.status()),
        end_reason: subject.end.map(|end| end.reason),
        ended_at: subject.end.map(|end| end.at),
        ends_by: is_active.then_some(ends_by),
        ends_at: is_active.then_some(ends_at),
        duration_ends_at: is_active.then_some(duration_ends_at),
        idle_timeout_ends_at: subject.idle_ends_at().filter(|_| is_active),
        access_token_ends_at: record.access.params.expires_at,
        rank: None,
        active_sessions: None,
        max_sessions_per_user: None,
        evicted_by_sign_in: None,
        live_token: live_token.unwrap_or(RefreshAnswer::Reused),
        live_token_until: live_token_until.flatten(),
        former_token: former.map(|(answer, _)| answer),
        former_token_until: former.and_then(|(_, until)| until),
        replays_left: former
            .filter(|(answer, _)| *answer == RefreshAnswer::Replayed)
            .map(|_| u64::from(MAX_REPLAYS.saturating_sub(subject.rotation.replays))),
        older_token: older.map(|(answer, _)| answer),
        older_token_until: older.and_then(|(_, until)| until),
    }
}

fn answer_of(forecast: RefreshForecast) -> (RefreshAnswer, Option<Timestamp>) {
    let answer = match forecast.decision {
        Decision::Rotate => RefreshAnswer::Rotated,
        Decision::Replay => RefreshAnswer::Replayed,
        // No token that the session had is ahead of it.
        Decision::Reused | Decision::Ahead => RefreshAnswer::Reused,
        Decision::Ended(end) => match end.reason {
            EndReason::Expired | EndReason::IdleTimeout => RefreshAnswer::Expired,
            _ => RefreshAnswer::Revoked,
        },
    };
    (answer, forecast.until)
}
