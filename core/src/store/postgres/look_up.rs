//! Look-ups of sessions: callers that ask at the same time share one statement, and so one trip and one snapshot.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::codec;
use super::fetched::{Fetched, read_versions};
use super::value::Row;
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::model::id::SessionId;
use crate::store::records::{SessionRecord, TenantNo};

/// How many trips may be under way: while one is, the callers of the next gather. A lone caller waits for none.
const TRIPS_MAX: usize = 2;

/// How many sessions one trip looks up at most.
const SESSIONS_MAX: usize = 512;

/// The column of a look-up's rows from which on the session stands.
const SESSION: usize = 5;

/// What a trip is asked for: a tenant's version, and a session of it if there is one.
pub(super) type Wanted = (TenantNo, Option<SessionId>);

#[derive(Default)]
pub(super) struct LookUps {
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Arc<Caller>>,
    trips: usize,
}

struct Caller {
    wanted: Vec<Wanted>,
    answer: Mutex<Option<Result<Fetched, Failure>>>,
    /// Wakes the caller: its answer is there, or it is to make a trip.
    wake: Condvar,
}

impl LookUps {
    /// Looks these sessions and their tenant up; `trip` fetches the rows for this caller and for others that ask meanwhile.
    pub(super) fn find(
        &self,
        tenant: TenantNo,
        sessions: &[SessionId],
        mut trip: impl FnMut(Vec<Wanted>) -> Result<Vec<Row>, Failure>,
    ) -> Result<Fetched, Failure> {
        let wanted = match sessions {
            [] => vec![(tenant, None)],
            sessions => sessions.iter().map(|id| (tenant, Some(*id))).collect(),
        };
        let caller = Arc::new(Caller { wanted, answer: Mutex::new(None), wake: Condvar::new() });
        let mut line = self.line.lock();
        line.waiting.push_back(Arc::clone(&caller));
        loop {
            if let Some(answer) = caller.answer.lock().take() {
                return answer;
            }
            let is_waiting = line.waiting.iter().any(|other| Arc::ptr_eq(other, &caller));
            if !is_waiting || line.trips == TRIPS_MAX {
                caller.wake.wait(&mut line);
                continue;
            }
            let callers = line.take_callers();
            line.trips += 1;
            drop(line);
            let guard = TripGuard { look_ups: self, callers: &callers, found: None };
            let wanted = callers.iter().flat_map(|caller| caller.wanted.iter().copied()).collect();
            guard.finish(trip(wanted).and_then(|rows| Found::read(&rows)));
            line = self.line.lock();
        }
    }
}

impl Line {
    /// The callers of the next trip: as many as fit, at least one.
    fn take_callers(&mut self) -> Vec<Arc<Caller>> {
        let (mut callers, mut sessions) = (Vec::new(), 0);
        while let Some(next) = self.waiting.front() {
            sessions += next.wanted.len();
            if !callers.is_empty() && sessions > SESSIONS_MAX {
                break;
            }
            callers.extend(self.waiting.pop_front());
        }
        callers
    }
}

/// What a trip brought, for all of its callers.
struct Found {
    /// Without sessions.
    heads: Fetched,
    sessions: HashMap<(TenantNo, SessionId), SessionRecord>,
}

impl Found {
    fn read(rows: &[Row]) -> Result<Self, Failure> {
        let first = rows.first().ok_or_else(|| Failure::corrupt("the clock mark is missing"))?;
        let heads = Fetched::new(codec::clock_mark(first, 3)?, Timestamp::from_millis(first.get(0)?));
        let mut found = Found { heads, sessions: HashMap::new() };
        read_versions(rows, &mut found.heads)?;
        for row in rows {
            if row.get::<Option<&[u8]>>(SESSION)?.is_some() {
                let (tenant, record) = (row.get(1)?, codec::session(row, SESSION)?);
                found.sessions.insert((tenant, record.id), record);
            }
        }
        Ok(found)
    }

    fn answer(&self, wanted: &[Wanted]) -> Fetched {
        let mut answer = Fetched::new(self.heads.mark, self.heads.time);
        for (tenant, session) in wanted {
            if let Some(version) = self.heads.versions.get(tenant) {
                answer.versions.insert(*tenant, *version);
            }
            if let Some(id) = session {
                let key = (*tenant, *id);
                answer.sessions.insert(key, self.sessions.get(&key).cloned());
            }
        }
        answer
    }
}

/// Ends a trip, also by a panic: gives every caller of it an answer and wakes the first that waits for the next one.
struct TripGuard<'a> {
    look_ups: &'a LookUps,
    callers: &'a [Arc<Caller>],
    found: Option<Result<Found, Failure>>,
}

impl TripGuard<'_> {
    fn finish(mut self, found: Result<Found, Failure>) {
        self.found = Some(found);
    }
}

impl Drop for TripGuard<'_> {
    fn drop(&mut self) {
        let found = self.found.take().unwrap_or_else(|| Err(Failure::internal("the look-up was abandoned")));
        let answers: Vec<Result<Fetched, Failure>> = self
            .callers
            .iter()
            .map(|caller| found.as_ref().map(|found| found.answer(&caller.wanted)).map_err(Clone::clone))
            .collect();
        // Without the lock of the line a caller that has just seen no answer would miss being woken.
        let mut line = self.look_ups.line.lock();
        line.trips -= 1;
        for (caller, answer) in self.callers.iter().zip(answers) {
            *caller.answer.lock() = Some(answer);
            caller.wake.notify_one();
        }
        if let Some(next) = line.waiting.front() {
            next.wake.notify_one();
        }
    }
}
