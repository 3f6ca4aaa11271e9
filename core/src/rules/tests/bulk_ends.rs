//! A tenant of a few sessions twice: one stamps every session when many are ended, as SPEC 2 reads; the other keeps bulk ends
//! and stamps now and then, as the engine does.

use proptest::prelude::*;

use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::model::bulk_end::BulkEnd;
use crate::model::id::{SessionId, UserId};
use crate::model::session::{End, EndReason, SessionLifetime, SessionTimes};
use crate::model::session_filter::SessionFilter;
use crate::rules::status::{Cause, FoundEnd, find_end};

/// Sessions of two users, the even ones and the odd ones.
pub(super) const SESSIONS: usize = 6;

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// Time passes, in seconds.
    Wait(u64),
    /// The clock mark is lowered by this many seconds: what had ended stays ended.
    GoBack(u64),
    /// Another idle time-out: what had ended stays ended.
    SetIdleTimeout(Option<u64>),
    /// A user's or every session ends, but one or up to one.
    EndMany {
        user: Option<usize>,
        spared: Option<usize>,
        newest: Option<usize>,
        /// Only sessions that were last active before this many seconds ago.
        idle_for: Option<u64>,
    },
    EndOne(usize),
    Rotate(usize),
    /// Stamps this session, if it has ended.
    Stamp(usize),
    /// Stamps all and finishes all bulk ends.
    Settle,
}

pub(super) fn any_step() -> impl Strategy<Value = Step> {
    let session = 0..SESSIONS;
    let end_many = (
        prop::option::of(0..2usize),
        prop::option::of(0..SESSIONS),
        prop::option::of(0..SESSIONS),
        prop::option::of(0..5u64),
    )
        .prop_map(|(user, spared, newest, idle_for)| Step::EndMany { user, spared, newest, idle_for });
    prop_oneof![
        3 => (1..4u64).prop_map(Step::Wait),
        1 => (1..6u64).prop_map(Step::GoBack),
        2 => prop::option::of(1..5u64).prop_map(Step::SetIdleTimeout),
        3 => end_many,
        1 => session.clone().prop_map(Step::EndOne),
        3 => session.clone().prop_map(Step::Rotate),
        2 => session.prop_map(Step::Stamp),
        1 => Just(Step::Settle),
    ]
}

fn id(at: usize) -> SessionId {
    SessionId::from_bytes([at as u8; 16])
}

fn user(at: usize) -> UserId {
    ["even", "odd"][at % 2].parse().unwrap()
}

fn secs(secs: Option<u64>) -> Option<Duration> {
    secs.map(|secs| Duration::from_secs(secs).unwrap())
}

/// Each next session lasts two seconds longer.
fn expires_at(at: usize) -> i64 {
    2_000 * (at as i64 + 3)
}

/// Stamps at once.
pub(super) struct EagerTenant {
    now: i64,
    idle_ms: Option<i64>,
    sessions: Vec<(i64, Option<(i64, EndReason)>)>,
    /// How many sessions each call that ended many has ended.
    pub(super) counts: Vec<u64>,
}

impl EagerTenant {
    pub(super) fn new() -> Self {
        EagerTenant { now: 0, idle_ms: None, sessions: vec![(0, None); SESSIONS], counts: Vec::new() }
    }

    pub(super) fn find_end(&self, at: usize) -> Option<(i64, EndReason)> {
        let (last_active, stamp) = self.sessions[at];
        let deadline = self.idle_ms.map(|idle| last_active + idle);
        match (stamp, deadline) {
            (Some(stamp), _) => Some(stamp),
            (None, Some(deadline)) if deadline < expires_at(at) && self.now > deadline => {
                Some((deadline, EndReason::IdleTimeout))
            }
            _ => (self.now >= expires_at(at)).then_some((expires_at(at), EndReason::Expired)),
        }
    }

    fn stamp_all(&mut self) {
        for at in 0..SESSIONS {
            self.sessions[at].1 = self.find_end(at);
        }
    }

    pub(super) fn apply(&mut self, step: Step) {
        match step {
            Step::Wait(secs) => self.now += secs as i64 * 1_000,
            Step::GoBack(secs) => {
                self.stamp_all();
                self.now -= secs as i64 * 1_000;
            }
            Step::SetIdleTimeout(secs) => {
                self.stamp_all();
                self.idle_ms = secs.map(|secs| secs as i64 * 1_000);
            }
            Step::EndMany { user, spared, newest, idle_for } => {
                let mut count = 0;
                for at in 0..SESSIONS {
                    let is_meant = user.is_none_or(|user| at % 2 == user)
                        && spared != Some(at)
                        && newest.is_none_or(|newest| at <= newest)
                        && idle_for.is_none_or(|secs| self.sessions[at].0 < self.now - secs as i64 * 1_000);
                    if is_meant && self.find_end(at).is_none() {
                        self.sessions[at].1 = Some((self.now, EndReason::RevokeAll));
                        count += 1;
                    }
                }
                self.counts.push(count);
            }
            Step::EndOne(at) => {
                self.sessions[at].1 = self.find_end(at).or(Some((self.now, EndReason::Revoked)));
            }
            Step::Rotate(at) => {
                if self.find_end(at).is_none() {
                    self.sessions[at].0 = self.now;
                }
            }
            Step::Stamp(_) | Step::Settle => {}
        }
    }
}

/// Keeps bulk ends.
pub(super) struct LazyTenant {
    now: Timestamp,
    idle_timeout: Option<Duration>,
    sessions: Vec<SessionLifetime>,
    pending: Vec<BulkEnd>,
    newest: i64,
    /// The numbers of the bulk ends that end by decision, and how many sessions of each are stamped.
    stamped: Vec<(i64, u64)>,
}

impl LazyTenant {
    pub(super) fn new() -> Self {
        let session = |at| SessionLifetime {
            id: id(at),
            user_id: user(at),
            times: SessionTimes {
                created_at: Timestamp::default(),
                last_active_at: Timestamp::default(),
                expires_at: Timestamp::from_millis(expires_at(at)),
                end: None,
                judged_by: 0,
            },
            access_expires_at: Timestamp::from_millis(expires_at(at)),
            is_acted: false,
        };
        LazyTenant {
            now: Timestamp::default(),
            idle_timeout: None,
            sessions: (0..SESSIONS).map(session).collect(),
            pending: Vec::new(),
            newest: 0,
            stamped: Vec::new(),
        }
    }

    pub(super) fn find_end(&self, at: usize) -> Option<FoundEnd> {
        find_end(&self.sessions[at], self.now, self.idle_timeout, &self.pending, &mut |filter| {
            Ok(filter.admits_lifetime(&self.sessions[at]))
        })
        .unwrap()
    }

    /// What each call that ended many has ended by now, stamped or not.
    pub(super) fn counts(&self) -> Vec<u64> {
        let unstamped = |no| {
            let found = (0..SESSIONS).filter_map(|at| self.find_end(at));
            found.filter(|found| found.cause == Cause::Bulk && found.by == no).count() as u64
        };
        self.stamped.iter().map(|(no, stamped)| stamped + unstamped(*no)).collect()
    }

    fn decide(&mut self, bulk_end: BulkEnd) {
        self.newest += 1;
        self.pending.push(BulkEnd {
            no: self.newest,
            at: self.now,
            idle_timeout: self.idle_timeout,
            ..bulk_end
        });
    }

    fn stamp(&mut self, at: usize, end: End, by: i64) {
        self.sessions[at].times.end = Some(end);
        self.sessions[at].times.judged_by = by;
        if let Some((_, stamped)) = self.stamped.iter_mut().find(|(no, _)| *no == by) {
            *stamped += 1;
        }
    }

    fn stamp_due(&mut self, at: usize) {
        if let Some(found) = self.find_end(at).filter(|found| found.cause != Cause::Written) {
            self.stamp(at, found.end, found.by);
        }
    }

    pub(super) fn apply(&mut self, step: Step) {
        let now = self.now.as_millis();
        let nothing = BulkEnd {
            no: 0,
            user_id: None,
            at: self.now,
            idle_timeout: None,
            reason: None,
            spared: None,
            newest: None,
            actor: None,
            replaced_by: None,
            filter: None,
            epoch: 0,
        };
        match step {
            Step::Wait(secs) => self.now = Timestamp::from_millis(now + secs as i64 * 1_000),
            Step::GoBack(secs) => {
                self.decide(nothing);
                self.now = Timestamp::from_millis(now - secs as i64 * 1_000);
            }
            Step::SetIdleTimeout(idle) => {
                self.decide(nothing);
                self.idle_timeout = secs(idle);
            }
            Step::EndMany { user: whose, spared, newest, idle_for } => {
                self.decide(BulkEnd {
                    user_id: whose.map(user),
                    reason: Some(EndReason::RevokeAll),
                    spared: spared.map(id),
                    newest: newest.map(id),
                    filter: idle_for.map(|secs| SessionFilter {
                        last_active_before: Some(Timestamp::from_millis(now - secs as i64 * 1_000)),
                        ..SessionFilter::default()
                    }),
                    ..nothing
                });
                self.stamped.push((self.newest, 0));
            }
            Step::EndOne(at) => {
                self.stamp_due(at);
                if self.find_end(at).is_none() {
                    self.stamp(at, End { at: self.now, reason: EndReason::Revoked }, 0);
                }
            }
            Step::Rotate(at) => {
                if self.find_end(at).is_none() {
                    self.sessions[at].times.last_active_at = self.now;
                    self.sessions[at].times.judged_by = self.newest;
                }
            }
            Step::Stamp(at) => self.stamp_due(at),
            Step::Settle => {
                (0..SESSIONS).for_each(|at| self.stamp_due(at));
                self.pending.clear();
            }
        }
    }
}
