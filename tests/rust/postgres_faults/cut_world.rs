//! A database with two engines on it, one of which goes through a proxy that cuts, and what it holds before and after a call.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use hellojohn::{Engine, ManualClock, Tenant, Timestamp};
use hellojohn_tests::fixture::{START, tenant};
use hellojohn_tests::operations;
use hellojohn_tests::postgres::Schema;
use serde_json::{Map, Value, json};

use crate::message_proxy::{Cut, MessageProxy};
use crate::network::through;

const TENANT: &str = "tnt_cut";

/// The settings before each call.
fn settings() -> Value {
    json!({"max_sessions_per_user": 2, "refresh_reuse_window": "10s", "event_retention": "30d", "revocation_list": true})
}

/// How far the time moves from one trial to the next, in ms.
const TRIAL: i64 = 60_000;

/// The numbers of revocations go with the time.
const REVOCATIONS_A_MILLISECOND: i64 = 256;

pub(crate) struct World {
    pub(crate) proxy: MessageProxy,
    clock: ManualClock,
    near: Tenant,
    far: Tenant,
    /// When the trial began, in ms.
    began: Cell<i64>,
    /// The newest event and the newest revocation of before.
    before: Cell<[i64; 2]>,
}

/// One operation on a database that is prepared for it.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) op: &'static str,
    /// Brings about what the operation needs besides the sessions that are always there; answers with its arguments.
    pub(crate) prepare: fn(&World, &Sessions) -> Value,
}

/// What is there before every operation: two sessions of `usr_1`, one of `usr_2`, as they were told when they began.
pub(crate) struct Sessions {
    pub(crate) oldest: Value,
    pub(crate) newer: Value,
    pub(crate) other: Value,
}

impl Step {
    /// Whether the operation is more than one transaction, so that it may be done in part when the server is gone for good.
    pub(crate) fn has_parts(&self) -> bool {
        ["import", "maintain", "sign_in"].contains(&self.op)
    }
}

/// What a call was answered and what it changed, in a form that is the same whenever the same happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) answer: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

impl Outcome {
    /// The lines that differ.
    pub(crate) fn difference(&self, other: &Outcome) -> String {
        let pairs =
            [(&self.answer, &other.answer), (&self.before, &other.before), (&self.after, &other.after)];
        let mut found = String::new();
        for (name, (ours, theirs)) in ["answer", "before", "after"].iter().zip(pairs) {
            let lines = ours.lines().zip(theirs.lines()).filter(|(one, another)| one != another);
            for (one, another) in lines.take(10) {
                let _ = writeln!(found, "{name}: {} is now {}", another.trim(), one.trim());
            }
            if ours.lines().count() != theirs.lines().count() {
                let _ = writeln!(found, "{name} is longer or shorter:\n{theirs}\nis now\n{ours}");
            }
        }
        found
    }

    /// Whether the database failed the call.
    pub(crate) fn is_unknown(&self) -> bool {
        self.answer == "error storage_io"
    }
}

impl World {
    /// An engine through the proxy that waits so long for the server.
    pub(crate) fn new(patience: Duration) -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let url = Schema::of_folder(folder.path()).expect("HJ_PG is set").url();
        let (server, through) = through(&url);
        let proxy = MessageProxy::start(server);
        let clock = ManualClock::new(Timestamp::from_millis(START));
        let open = |url: &str, patience| {
            let engine = Engine::builder().clock(clock.clone()).busy_timeout(patience).open(url);
            tenant(&engine.expect("the server is up"), TENANT)
        };
        let near = open(&url, Duration::from_secs(120));
        let far = open(&through(proxy.address()), patience);
        World { proxy, clock, near, far, began: Cell::new(START), before: Cell::default() }
    }

    /// Now, in ms.
    pub(crate) fn now(&self) -> i64 {
        hellojohn::Clock::now(&self.clock).as_millis()
    }

    /// Time passes, in ms.
    pub(crate) fn wait(&self, time: i64) {
        self.clock.advance_millis(time);
    }

    pub(crate) fn events_before(&self) -> i64 {
        self.before.get()[0]
    }

    pub(crate) fn revoked_before(&self) -> i64 {
        self.before.get()[1]
    }

    /// A call that no cut concerns.
    pub(crate) fn near(&self, op: &str, args: Value) -> Value {
        call(&self.near, op, args).unwrap_or_else(|code| panic!("{op}: {code}"))
    }

    /// Prepares the database, makes the cuts during the call, and looks at what became of it. And whether all cuts were made,
    /// and how many messages went each way since.
    pub(crate) fn run(&self, step: &Step, cuts: Vec<Cut>) -> (Outcome, usize, [u64; 2]) {
        let args = self.prepare(step);
        let before = self.dump();
        self.proxy.cut(cuts);
        let answer = call(&self.far, step.op, args);
        let (made, counts) = self.proxy.made();
        self.proxy.cut(Vec::new());
        // Takes a turn behind whatever the server is still at work on.
        self.near("update_config", json!({"session_duration": "30d"}));
        let after = self.dump();
        // In this order, so that names are the same whatever the call was answered.
        let mut names = Names::new(self);
        let (before, after) = (names.text(&before), names.text(&after));
        let answer = match answer {
            Ok(answer) => names.text(&answer),
            Err(code) => format!("error {code}"),
        };
        (Outcome { answer, before, after }, made, counts)
    }

    /// Every trial begins with the same three sessions, keys and settings, at a later time.
    fn prepare(&self, step: &Step) -> Value {
        let began = (self.now() / TRIAL + 1) * TRIAL;
        self.began.set(began);
        self.clock.set(Timestamp::from_millis(began));
        self.near("revoke_tenant", json!({}));
        self.near("purge", json!({"before": i64::MAX / 2}));
        self.near("update_config", settings());
        for key in self.near("keys", json!({}))["data"].as_array().unwrap() {
            if key["state"] == "retiring" {
                self.near("retire_key", json!({"kid": key["kid"]}));
            }
        }
        let [oldest, newer, other] = ["usr_1", "usr_1", "usr_2"].map(|user| {
            self.wait(1_000);
            self.near("create", json!({"user_id": user}))
        });
        self.near("seal_events", json!({}));
        self.before.set([self.newest_event(), self.newest_revocation()]);
        self.wait(1_000);
        let args = (step.prepare)(self, &Sessions { oldest, newer, other });
        self.wait(1_000);
        args
    }

    fn newest_event(&self) -> i64 {
        let mut newest = self.events_before();
        loop {
            let page = self.near("events", json!({"after": newest, "limit": 100}));
            match page["data"].as_array().unwrap().last() {
                Some(last) => newest = last["seq"].as_i64().unwrap(),
                None => return newest,
            }
        }
    }

    fn newest_revocation(&self) -> i64 {
        let mut newest = self.revoked_before();
        loop {
            let page = self.near("revocations", json!({"since": newest}));
            newest = page["seq"].as_i64().unwrap();
            if page["has_more"] == false {
                return newest;
            }
        }
    }

    /// Everything that the tenant has.
    fn dump(&self) -> Value {
        let sessions = self.near("list", json!({"status": "all", "limit": 100}));
        let events = self.near("events", json!({"after": self.events_before(), "limit": 100}));
        let revocations = self.near("revocations", json!({"since": self.revoked_before()}));
        json!([
            sessions["data"],
            events["data"],
            revocations,
            self.near("keys", json!({})),
            self.near("config", json!({}))
        ])
    }
}

fn call(tenant: &Tenant, op: &str, args: Value) -> Result<Value, String> {
    let Value::Object(args) = args else { unreachable!() };
    operations::call(tenant, op, args).map_err(|error| error.code().to_string())
}

/// Gives ids, tokens and hashes names in the order in which they are met; times and numbers of events count from the trial's
/// beginning.
struct Names {
    began: i64,
    before: [i64; 2],
    names: HashMap<String, usize>,
}

impl Names {
    fn new(world: &World) -> Self {
        Names { began: world.began.get(), before: world.before.get(), names: HashMap::new() }
    }

    fn text(&mut self, value: &Value) -> String {
        serde_json::to_string_pretty(&self.rename("", value)).expect("it is JSON")
    }

    fn rename(&mut self, name: &str, value: &Value) -> Value {
        match value {
            Value::String(text) if text.len() > 20 => {
                let next = self.names.len();
                json!(format!("#{}", self.names.entry(text.clone()).or_insert(next)))
            }
            Value::Number(number) => number.as_i64().map_or_else(|| value.clone(), |n| self.count(name, n)),
            // Keys that earlier trials have retired stay in the list.
            Value::Array(all) => {
                let left = all.iter().filter(|one| one["state"] != "retired");
                left.map(|one| self.rename(name, one)).collect()
            }
            Value::Object(all) => {
                let all = all.iter().map(|(name, value)| (name.clone(), self.rename(name, value)));
                Value::Object(all.collect::<Map<_, _>>())
            }
            _ => value.clone(),
        }
    }

    fn count(&self, name: &str, number: i64) -> Value {
        match name {
            "database_bytes" | "log_bytes" | "first_seq" => json!(0),
            "seq" | "since" if number == self.before[1] => json!("no revocation since"),
            "seq" | "since" if number > 1_700_000_000_000 => {
                json!(format!("revocation {:+}", number - self.began * REVOCATIONS_A_MILLISECOND))
            }
            _ if number > 1_700_000_000_000 && number < self.began => json!("before"),
            _ if number > 1_700_000_000_000 => json!(number - self.began),
            _ if number > 1_700_000_000 => json!(number - self.began / 1_000),
            "seq" | "next_after" | "vouched_through" | "newest_event" | "newest_sealed_event" => {
                json!(format!("event {:+}", number - self.before[0]))
            }
            _ => json!(number),
        }
    }
}
