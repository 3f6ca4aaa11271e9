//! Histories of calls against a plain model of the whole engine: every answer is compared. What is called is drawn from a seed
//! (`--test histories`) or read from bytes (the fuzz target `calls`).
#![allow(clippy::print_stderr)] // the calls before a failure

mod administration;
mod answers;
mod clock;
mod devices;
mod event_log;
mod event_model;
mod events;
mod failing_disk;
mod faults;
mod filter_model;
mod filters;
mod import_model;
mod imports;
mod look;
mod model;
mod outcome;
mod place;
mod play;
mod refused;
mod reopening;
mod rest_admin;
mod rest_calls;
mod rest_client;
mod sessions;
mod shrink;
mod tenants;
mod tokens;
mod unanswered;
mod verify;
mod view;
mod way;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};

use hellojohn::{EndReason, Engine, ListQuery, ManualClock, PurgeBefore, SessionId, Tenant, Timestamp};

use crate::dice::Dice;
use crate::fixture::START;
use event_log::EventLog;
use filter_model::{FilterModel, Planned};
use model::Model;
use outcome::{AsError, Effect};
use place::{TENANTS, direct_ends_max, open};
use way::Way;

pub use failing_disk::FailingDisk;
pub use model::Mistake;
pub use place::Place;
pub use play::{Kind, Played, Setting, Smallest, Step, Violation, play, play_smallest, steps};
pub use shrink::shrink;

const USERS: usize = 3;
/// How many calls a history has.
pub const CALLS: usize = 200;
/// How many calls a report of a failure has.
const LAST_CALLS: usize = 40;

/// Tells what came before a failure.
struct FailureReport(VecDeque<String>);

impl Drop for FailureReport {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the last calls before the failure:\n{}", self.0.make_contiguous().join("\n"));
        }
    }
}

/// One request in so many comes after one that is refused.
const REFUSED: usize = 12;

/// A list that is being paged through while other calls happen.
struct Paging {
    tenant: usize,
    query: ListQuery,
    filter: FilterModel,
    last: SessionId,
}

/// An engine, its clock and the model of what it holds.
pub struct History {
    engine: Engine,
    clock: ManualClock,
    tenants: Vec<Tenant>,
    model: Model,
    dice: Dice,
    /// How the present call reaches the engine.
    way: Way,
    trace: DefaultHasher,
    paging: Option<Paging>,
    planned: Option<Planned>,
    /// How many credentials were made up for imports.
    imported: usize,
    place: Place,
    /// Of the call whose sync has failed: what may come to light when the database is opened again.
    maybe: Vec<Effect>,
    reopens: bool,
    report: FailureReport,
}

impl History {
    /// Two tenants without sessions. A test may make a rule of the model wrong, and keep the database open.
    pub fn new(seed: u64, mut place: Place, mistake: Option<Mistake>, reopens: bool) -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(START));
        let (engine, tenants) = open(&mut place, &clock, seed).expect("an engine");
        let known = |tenant: &Tenant| model::TenantModel {
            settings: model::DEFAULTS,
            sessions: Vec::new(),
            accesses: Vec::new(),
            keys: (tenant.keys().unwrap().iter())
                .map(|key| model::KeyModel { kid: key.kid, state: key.state, dead_at: 0 })
                .collect(),
            log: EventLog::default(),
        };
        let tenants_model = tenants.iter().map(known).collect();
        History {
            engine,
            clock,
            model: Model {
                direct_ends_max: direct_ends_max(seed),
                clock: START,
                now: START,
                refuses_writes: false,
                has_doubtful_key: false,
                mistake,
                tenants: tenants_model,
            },
            tenants,
            dice: Dice::new(seed),
            way: Way::RUST,
            trace: DefaultHasher::new(),
            paging: None,
            planned: None,
            imported: 0,
            place,
            maybe: Vec::new(),
            reopens,
            report: FailureReport(VecDeque::new()),
        }
    }

    fn record_call(&mut self, call: String) {
        call.hash(&mut self.trace);
        if self.report.0.len() == LAST_CALLS {
            self.report.0.pop_front();
        }
        self.report.0.push_back(format!("{} {call}", self.model.now));
    }

    fn record_answer<T: Debug, E: Debug + AsError>(&mut self, outcome: &Result<T, E>) {
        match outcome {
            Ok(answer) => format!("{answer:?}").hash(&mut self.trace),
            // The source of a failure names the file.
            Err(error) => format!("{:?}", error.as_error().to_string()).hash(&mut self.trace),
        }
    }

    /// After calls that need not ask the database, one that does: then both know the same now.
    fn touch(&mut self, tenant_index: usize) {
        let looked = self.tenants[tenant_index].config();
        assert!(looked.is_ok() || self.model.refuses_writes, "{looked:?}");
        self.model.see_clock();
    }

    /// What has been called and answered since the engine was opened, as one number.
    pub fn trace(&self) -> u64 {
        self.trace.finish()
    }

    /// The last calls, oldest first, which are taken out of it.
    pub fn take_calls(&mut self) -> Vec<String> {
        self.report.0.drain(..).collect()
    }

    /// What the tables hold, each as a number; nothing where no file has them. The version of a tenant's settings and keys is left out: it
    /// is drawn by SQLite, because no two histories of a database may have one in common.
    pub fn dump(&self) -> Option<BTreeMap<String, u64>> {
        let path = self.place.path();
        let file = path.is_file().then(|| rusqlite::Connection::open(path).expect("a database"));
        file.map(|file| crate::dump::dump(&file, &["tenants.version"]).expect("tables"))
    }

    /// A history of the calls that these bytes choose, up to 200.
    pub fn run_bytes(&mut self, bytes: &[u8]) {
        self.dice = Dice::from_bytes(bytes);
        for number in 0..CALLS as u64 {
            if self.dice.is_used_up() {
                break;
            }
            self.way = Way::of_call(number, self.model.mistake);
            self.call_any();
        }
        self.clear();
    }

    /// One call, which the seed chooses, whatever came before. Panics where an answer is not the model's.
    pub fn call(&mut self, seed: u64) {
        self.dice = Dice::new(seed);
        self.way = Way::of_call(seed, self.model.mistake);
        // Until then most calls are refused.
        if self.model.refuses_writes && self.dice.one_in(4) {
            return self.reopen();
        }
        self.call_any();
    }

    fn call_any(&mut self) {
        let tenant_index = self.dice.below(TENANTS);
        if self.way.is_rest() && self.dice.one_in(REFUSED) {
            self.be_refused(tenant_index);
        }
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
            78..83 => self.list(tenant_index),
            83 => self.count(tenant_index),
            84 => self.revoke_where(tenant_index),
            85..88 => self.configure(tenant_index),
            88..90 => self.check_stats(tenant_index),
            90 => self.read_events(tenant_index),
            91 => self.sweep(tenant_index),
            92 => self.import(tenant_index),
            93..95 => self.purge(tenant_index),
            95..98 => self.change_keys(tenant_index),
            98 => self.lower_clock_mark(),
            _ => self.reopen(),
        }
    }

    /// Some session of the tenant, the young ones more often.
    fn pick_session(&mut self, tenant_index: usize) -> Option<usize> {
        let count = self.model.tenants[tenant_index].sessions.len();
        let span = *self.dice.pick(&[6, 6, 6, 200]);
        let back = self.dice.below(span);
        // Where there are few, one of them, so that a history may lose a sign-in and its other calls still are about a session.
        (count > 0).then(|| count - 1 - back % count)
    }

    /// An empty database for the next history: every session ends and goes.
    pub fn clear(&mut self) {
        if self.model.refuses_writes {
            self.reopen();
        }
        for tenant_index in 0..TENANTS {
            self.record_call(format!("clear {tenant_index}"));
            self.tenants[tenant_index].revoke_tenant().unwrap();
            self.model.see_clock();
            self.model.end_all(tenant_index, |known| !known.purged, EndReason::RevokeTenant);
            let end_of_time = Timestamp::from_millis(i64::MAX);
            let purged = self.tenants[tenant_index].purge(PurgeBefore::Time(end_of_time)).unwrap();
            assert_eq!(purged, self.model.apply_purge(tenant_index, i64::MAX));
            self.read_every_event(tenant_index, true);
            self.model.tenants[tenant_index].sessions.clear();
            self.model.tenants[tenant_index].accesses.clear();
            self.model.begin_log_anew(tenant_index);
        }
        self.paging = None;
        self.planned = None;
    }
}
