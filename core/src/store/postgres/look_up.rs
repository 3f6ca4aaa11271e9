//! Look-ups of sessions and first rows of lists: callers that ask at the same time share one trip and one snapshot. A caller may
//! stand in line before it waits, so that one thread brings many questions into one trip.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::codec;
use super::fetched::{Fetched, FetchedPage, read_versions};
use super::value::Row;
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::fork;
use crate::model::id::SessionId;
use crate::store::needs::{NeededPage, NeededSessions, Needs};
use crate::store::records::{SessionRecord, TenantNo};

/// How many trips may be under way: while one is, the callers of the next gather. A lone caller waits for none.
const TRIPS_MAX: usize = 2;

/// How many sessions one trip looks up at most.
const SESSIONS_MAX: usize = 512;

/// How many lists' first rows one trip brings at most: a statement each.
const PAGES_MAX: usize = 24;

/// The column of a look-up's rows from which on the session stands.
const SESSION: usize = 6;

/// What a trip is asked for: a tenant's version, and a session of it if there is one.
pub(super) type Wanted = (TenantNo, Option<SessionId>);

/// A list whose first rows a trip is asked for.
pub(super) type WantedPage = (TenantNo, Arc<NeededPage>);

/// What the server answered on one trip.
pub(super) struct TripRows {
    /// One for each session that was wanted.
    pub look_up: Vec<Row>,
    /// The rows of each list that was wanted.
    pub pages: Vec<Vec<Row>>,
}

#[derive(Default)]
pub(super) struct LookUps {
    line: Arc<Mutex<Line>>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Arc<Caller>>,
    trips: usize,
}

struct Caller {
    wanted: Vec<Wanted>,
    page: Option<WantedPage>,
    state: Mutex<CallerState>,
    /// Wakes the caller: its answer is there, or it is to make a trip.
    wake: Condvar,
}

#[derive(Default)]
struct CallerState {
    answer: Option<Result<Fetched, Failure>>,
    /// Whether a thread waits for the answer, and so can be woken to make a trip.
    is_waited_for: bool,
}

/// A place in the line. Dropped, it is given up.
pub(super) struct QueuedLookUp {
    line: Arc<Mutex<Line>>,
    caller: Arc<Caller>,
}

impl Drop for QueuedLookUp {
    fn drop(&mut self) {
        // A forked child must not touch its parent's locks.
        if !fork::is_child() {
            self.line.lock().waiting.retain(|other| !Arc::ptr_eq(other, &self.caller));
        }
    }
}

impl LookUps {
    /// Takes a place in the line; nothing for what no shared trip answers.
    pub(super) fn enqueue(&self, needs: &Needs) -> Option<QueuedLookUp> {
        let tenant = needs.tenant?;
        let one = |id: SessionId| (tenant, Some(id));
        let (wanted, page) = match &needs.sessions {
            NeededSessions::None => (vec![(tenant, None)], None),
            NeededSessions::One(id) => (vec![one(*id)], None),
            NeededSessions::Many(ids) if ids.is_empty() => (vec![(tenant, None)], None),
            NeededSessions::Many(ids) => (ids.iter().copied().map(one).collect(), None),
            NeededSessions::Page(page) => (vec![(tenant, None)], Some((tenant, Arc::clone(page)))),
            NeededSessions::OpenOf(_) | NeededSessions::Scanned => return None,
        };
        let caller = Arc::new(Caller { wanted, page, state: Mutex::default(), wake: Condvar::new() });
        self.line.lock().waiting.push_back(Arc::clone(&caller));
        Some(QueuedLookUp { line: Arc::clone(&self.line), caller })
    }

    /// Waits for the answer; `trip` fetches the rows for this caller and for others that stand in line.
    pub(super) fn wait(
        &self,
        queued: &QueuedLookUp,
        mut trip: impl FnMut(&[Wanted], &[WantedPage]) -> Result<TripRows, Failure>,
    ) -> Result<Fetched, Failure> {
        let caller = &queued.caller;
        let mut line = self.line.lock();
        loop {
            {
                let mut state = caller.state.lock();
                if let Some(answer) = state.answer.take() {
                    return answer;
                }
                state.is_waited_for = true;
            }
            let is_waiting = line.waiting.iter().any(|other| Arc::ptr_eq(other, caller));
            if !is_waiting || line.trips == TRIPS_MAX {
                caller.wake.wait(&mut line);
                continue;
            }
            let callers = line.take_callers();
            line.trips += 1;
            drop(line);
            let guard = TripGuard { look_ups: self, callers: &callers, found: None };
            let wanted: Vec<Wanted> =
                callers.iter().flat_map(|caller| caller.wanted.iter().copied()).collect();
            let pages = distinct_pages(&callers);
            guard.finish(trip(&wanted, &pages).and_then(|rows| Found::read(rows, pages)));
            line = self.line.lock();
        }
    }
}

impl Line {
    /// The callers of the next trip: as many as fit, at least one.
    fn take_callers(&mut self) -> Vec<Arc<Caller>> {
        let (mut callers, mut sessions, mut pages) = (Vec::new(), 0, 0);
        while let Some(next) = self.waiting.front() {
            sessions += next.wanted.len();
            pages += usize::from(next.page.is_some());
            if !callers.is_empty() && (sessions > SESSIONS_MAX || pages > PAGES_MAX) {
                break;
            }
            callers.extend(self.waiting.pop_front());
        }
        callers
    }

    /// Wakes the next caller that can make a trip: it takes those before it along.
    fn wake_next(&self) {
        if let Some(next) = self.waiting.iter().find(|caller| caller.state.lock().is_waited_for) {
            next.wake.notify_one();
        }
    }
}

/// The lists that these callers want, each once.
fn distinct_pages(callers: &[Arc<Caller>]) -> Vec<WantedPage> {
    let mut pages = Vec::new();
    for page in callers.iter().filter_map(|caller| caller.page.as_ref()) {
        if !pages.contains(page) {
            pages.push(page.clone());
        }
    }
    pages
}

/// What a trip brought, for all of its callers.
struct Found {
    /// Without sessions.
    heads: Fetched,
    sessions: HashMap<(TenantNo, SessionId), SessionRecord>,
    pages: Vec<Arc<FetchedPage>>,
}

impl Found {
    fn read(TripRows { look_up: rows, pages }: TripRows, wanted: Vec<WantedPage>) -> Result<Self, Failure> {
        let first = rows.first().ok_or_else(|| Failure::corrupt("the clock mark is missing"))?;
        let mut heads = Fetched::new(codec::clock_mark(first, 3)?, Timestamp::from_millis(first.get(0)?));
        heads.allowed_lease_ms = first.get(5)?;
        let pages = wanted.into_iter().zip(pages);
        let pages = pages.map(|((tenant, needed), rows)| Arc::new(FetchedPage { tenant, needed, rows }));
        let mut found = Found { heads, sessions: HashMap::new(), pages: pages.collect() };
        read_versions(&rows, &mut found.heads)?;
        for row in &rows {
            if row.get::<Option<&[u8]>>(SESSION)?.is_some() {
                let (tenant, record) = (row.get(1)?, codec::session(row, SESSION)?);
                found.sessions.insert((tenant, record.id), record);
            }
        }
        Ok(found)
    }

    fn answer(&self, caller: &Caller) -> Fetched {
        let mut answer = Fetched::new(self.heads.mark, self.heads.time);
        answer.allowed_lease_ms = self.heads.allowed_lease_ms;
        answer.page = (caller.page.as_ref())
            .and_then(|(tenant, needed)| self.pages.iter().find(|page| page.is_of(*tenant, needed)).cloned());
        for (tenant, session) in &caller.wanted {
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
            .map(|caller| found.as_ref().map(|found| found.answer(caller)).map_err(Clone::clone))
            .collect();
        // Without the lock of the line a caller that has just seen no answer would miss being woken.
        let mut line = self.look_ups.line.lock();
        line.trips -= 1;
        for (caller, answer) in self.callers.iter().zip(answers) {
            caller.state.lock().answer = Some(answer);
            caller.wake.notify_one();
        }
        line.wake_next();
    }
}
