//! Histories of calls against a plain model of the whole engine: every answer is compared. What is called is drawn from a seed
//! (`--test histories`) or read from bytes (the fuzz target `calls`).
#![allow(clippy::print_stderr)] // the seed of a failure

mod model;
mod sessions;
mod tenants;
mod tokens;
mod verify;

use std::collections::VecDeque;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::fixture::{DAY, Database, HOUR, SECOND, START, code, tenant, user};
use hellojohn::{
    CreateSession, Durability, Engine, ErrorCode, ListQuery, ManualClock, PurgeBefore, SeededRandom,
    SessionId, Tenant, Timestamp,
};

use crate::dice::Dice;
use model::{Model, SessionModel};

const TENANTS: usize = 2;
const USERS: usize = 3;
const CALLS: usize = 200;
/// Opening a tenant stretches its secret key, which costs more than a history: one in so many of the reopenings that a history
/// calls for is done.
const REOPENS: usize = 8;

/// Says how to repeat a failure.
struct FailureReport {
    seed: u64,
    last: VecDeque<String>,
}

impl Drop for FailureReport {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the last calls before the failure:\n{}", self.last.make_contiguous().join("\n"));
            eprintln!("HJ_SEED={} repeats it", self.seed);
        }
    }
}

/// A list that is being paged through while other calls happen.
struct Paging {
    tenant: usize,
    query: ListQuery,
    user: Option<usize>,
    last: SessionId,
}

/// An engine, its clock and the model of what it holds.
pub struct History {
    engine: Engine,
    clock: ManualClock,
    tenants: Vec<Tenant>,
    model: Model,
    dice: Dice,
    trace: DefaultHasher,
    paging: Option<Paging>,
    file: Option<Database>,
    /// One in so many; `None`: never.
    pub reopens: Option<usize>,
    report: FailureReport,
}

/// Mostly so few that what ends more than one session is a bulk end.
fn direct_ends_max(seed: u64) -> usize {
    [500, 0, 1, 3][seed as usize % 4]
}

fn open(database: &std::path::Path, clock: &ManualClock, seed: u64) -> (Engine, Vec<Tenant>) {
    let engine = Engine::builder()
        .direct_ends_max(direct_ends_max(seed))
        .clock(clock.clone())
        .random(SeededRandom::new(seed))
        .durability(Durability::Normal)
        .open(database)
        .unwrap();
    let tenants = (0..TENANTS).map(|tenant_index| tenant(&engine, &format!("tnt_{tenant_index}"))).collect();
    (engine, tenants)
}

impl History {
    /// Two tenants without sessions, in a file or in memory.
    pub fn new(seed: u64, file: Option<Database>) -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(START));
        let path = file.as_ref().map_or(":memory:".into(), Database::path);
        let (engine, tenants) = open(&path, &clock, seed);
        let known = |tenant: &Tenant| model::TenantModel {
            settings: model::DEFAULTS,
            sessions: Vec::new(),
            accesses: Vec::new(),
            keys: (tenant.keys().unwrap().iter())
                .map(|key| model::KeyModel { kid: key.kid, state: key.state, dead_at: 0 })
                .collect(),
        };
        let tenants_model = tenants.iter().map(known).collect();
        History {
            engine,
            clock,
            model: Model {
                direct_ends_max: direct_ends_max(seed),
                clock: START,
                now: START,
                tenants: tenants_model,
            },
            tenants,
            dice: Dice::new(seed),
            trace: DefaultHasher::new(),
            paging: None,
            file,
            reopens: Some(REOPENS),
            report: FailureReport { seed, last: VecDeque::new() },
        }
    }

    fn record_call(&mut self, call: String) {
        call.hash(&mut self.trace);
        if self.report.last.len() == 30 {
            self.report.last.pop_front();
        }
        self.report.last.push_back(format!("{} {call}", self.model.now));
    }

    fn record_answer<T: Debug, E: Debug>(&mut self, outcome: &Result<T, E>) {
        format!("{outcome:?}").hash(&mut self.trace);
    }

    /// After calls that need not ask the database, one that does: then both know the same now.
    fn touch(&mut self, tenant_index: usize) {
        self.tenants[tenant_index].config().unwrap();
        self.model.see_clock();
    }

    /// What has been called and answered since the engine was opened, as one number.
    pub fn trace(&self) -> u64 {
        self.trace.finish()
    }

    /// The calls that these bytes choose, as [`run`](Self::run) does for a seed.
    pub fn run_bytes(&mut self, bytes: &[u8]) {
        self.dice = Dice::from_bytes(bytes);
        self.run();
    }

    /// A history from no session to none; another one may follow. Panics where an answer is not the model's.
    pub fn run(&mut self) {
        for _ in 0..CALLS {
            if self.dice.is_used_up() {
                break;
            }
            let tenant_index = self.dice.below(TENANTS);
            match self.dice.below(100) {
                0..12 => self.move_clock(),
                12..26 => self.create(tenant_index),
                26..46 => self.refresh(tenant_index),
                46..56 => self.verify(tenant_index),
                56..62 => self.get(tenant_index),
                62..67 => self.revoke(tenant_index),
                67..70 => self.revoke_many(tenant_index),
                70..73 => self.sign_out(tenant_index),
                73..78 => self.update(tenant_index),
                78..85 => self.list(tenant_index),
                85..88 => self.configure(tenant_index),
                88..91 => self.check_stats(tenant_index),
                91..93 => self.sweep(tenant_index),
                93..95 => self.purge(tenant_index),
                95..98 => self.change_keys(tenant_index),
                98 => self.lower_clock_mark(),
                _ => self.reopen(),
            }
        }
        self.clear();
    }

    /// Some session of the tenant, the young ones more often.
    fn pick_session(&mut self, tenant_index: usize) -> Option<usize> {
        let count = self.model.tenants[tenant_index].sessions.len();
        let span = *self.dice.pick(&[6, 6, 6, 200]);
        let back = self.dice.below(span);
        (back < count).then(|| count - 1 - back)
    }

    fn move_clock(&mut self) {
        let tenant_index = self.dice.below(TENANTS);
        let edge = self.pick_session(tenant_index).map(|session_index| {
            let settings = self.model.tenants[tenant_index].settings;
            let SessionModel { active, expires, access_exp, .. } =
                self.model.tenants[tenant_index].sessions[session_index];
            let idle = active + settings.idle_timeout.unwrap_or(HOUR);
            *self.dice.pick(&[expires, access_exp, idle, active + settings.reuse_window])
        });
        let unit = *self.dice.pick(&[1, 1, SECOND, SECOND, 60 * SECOND, HOUR, DAY]);
        let step = self.dice.below(40) as i64 * unit;
        let to = match (self.dice.below(8), edge) {
            (0..3, Some(edge)) if edge < self.model.now + 60 * DAY => edge + self.dice.below(3) as i64 - 1,
            (3, _) => self.model.clock - step,
            (4, _) => self.model.now,
            _ => self.model.clock + step,
        };
        self.record_call(format!("clock {to}"));
        self.model.clock = to;
        self.clock.set(Timestamp::from_millis(to));
    }

    fn lower_clock_mark(&mut self) {
        self.record_call("lower the clock mark".to_owned());
        self.engine.lower_clock_mark().unwrap();
        self.model.see_clock();
        for tenant_index in 0..TENANTS {
            self.model.keep_ends(tenant_index);
            self.model.extend_active_key(tenant_index);
        }
        self.model.now = self.model.clock.max(0);
    }

    /// What the database was never made to see is forgotten; what a caller was told is not.
    fn reopen(&mut self) {
        let (Some(file), Some(reopens)) = (&self.file, self.reopens) else { return };
        let path = file.path();
        if reopens > 1 && !self.dice.one_in(reopens) {
            return;
        }
        self.record_call("reopen".to_owned());
        if self.dice.one_in(2) {
            self.engine.close().unwrap();
            assert_eq!(code(self.tenants[0].config()), Some(ErrorCode::EngineClosed));
        }
        self.tenants.clear();
        let seed = self.dice.roll();
        (self.engine, self.tenants) = open(&path, &self.clock, seed);
        self.model.direct_ends_max = direct_ends_max(seed);
        let probe = self.tenants[0].create(CreateSession::new(user("u0"))).unwrap();
        let now = probe.session.created_at.as_millis();
        assert!((self.model.clock..=self.model.now.max(self.model.clock)).contains(&now));
        self.model.now = now;
        self.model.apply_create(0, 0, None, false, &probe);
        for tenant_index in 0..TENANTS {
            for session_index in self.model.newest_first(tenant_index) {
                let was_reported_ended =
                    self.model.tenants[tenant_index].sessions[session_index].was_reported_ended;
                assert!(
                    !was_reported_ended || self.model.end_of(tenant_index, session_index).is_some(),
                    "session {session_index} of {tenant_index} lives again"
                );
            }
        }
    }

    /// An empty database for the next history: every session ends and goes.
    fn clear(&mut self) {
        for tenant_index in 0..TENANTS {
            self.record_call(format!("clear {tenant_index}"));
            self.tenants[tenant_index].revoke_tenant().unwrap();
            let end_of_time = Timestamp::from_millis(i64::MAX);
            let purged = self.tenants[tenant_index].purge(PurgeBefore::Time(end_of_time)).unwrap();
            assert_eq!(purged, self.model.newest_first(tenant_index).len() as u64);
            self.model.see_clock();
            self.model.tenants[tenant_index].sessions.clear();
            self.model.tenants[tenant_index].accesses.clear();
        }
        self.paging = None;
    }
}
