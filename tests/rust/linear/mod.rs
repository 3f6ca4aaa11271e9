//! Calls of many callers at once, about few sessions of few users: whatever they were answered, some order of the calls must
//! explain it, in which each call lies between its invocation and its return, and which the plain model of one user answers
//! alike. Users are checked one by one: what has an order for each of them has one for all. A call that the database failed may
//! have a place in the order or none, and may also happen later.
//!
//! `HJ_SEED=n` runs the choices of one history again, a hundred times: which call meets which is the machine's choice.
#![allow(clippy::print_stderr)] // the seed of a failure

pub mod history;
pub mod model;
pub mod search;

use std::iter::Sum;
use std::ops::Range;
use std::sync::{Barrier, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use hellojohn::Tenant;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::fixture::monotonic_nanos;
use crate::operations;
use crate::postgres::lease_of_server;
use history::{Answer, Call, Recorded};
use model::Rules;
use search::UserHistory;

/// How many of the newest refresh tokens are tried at the end of a history.
const LAST_TOKENS: usize = 4;

/// Makes one call; answers with its value, or with the code of its error.
pub type Caller<'a> = Box<dyn FnMut(&str, Value) -> Result<Value, String> + Send + 'a>;

/// A caller that uses a handle of the crate.
pub fn thread_caller(tenant: Tenant) -> Caller<'static> {
    Box::new(move |op, args| {
        let Value::Object(args) = args else { unreachable!() };
        operations::call(&tenant, op, args).map_err(|error| error.code().to_string())
    })
}

/// The callers of a campaign.
pub struct Histories<'a> {
    /// They call at the same time.
    pub callers: Vec<Caller<'a>>,
    /// Makes the first calls of each history and the last ones, alone. The database never fails it.
    pub observer: Caller<'a>,
    /// How many calls each caller makes in a history.
    pub calls: usize,
    /// How many users they are about.
    pub users: usize,
}

/// What became of the calls of a history.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// All of them.
    pub calls: usize,
    /// How many of them the database failed.
    pub unknown: usize,
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Counts>>(all: I) -> Self {
        all.fold(Counts::default(), |sum, one| Counts {
            calls: sum.calls + one.calls,
            unknown: sum.unknown + one.unknown,
        })
    }
}

/// How far a history is.
#[derive(Default)]
pub struct Progress {
    made: Mutex<usize>,
    /// One more call was made.
    called: Condvar,
}

impl Progress {
    /// Waits until the callers have made so many calls together.
    pub fn wait_for_calls(&self, calls: usize) {
        let mut made = self.made.lock().unwrap();
        while *made < calls {
            made = self.called.wait(made).unwrap();
        }
    }

    fn count(&self) {
        *self.made.lock().unwrap() += 1;
        self.called.notify_all();
    }
}

/// What every caller knows.
#[derive(Default)]
struct Known {
    /// User, id and newest access token that was seen.
    sessions: Vec<(usize, String, String)>,
    refresh_tokens: Vec<(usize, String)>,
}

impl Known {
    fn learn(&mut self, user: usize, value: &Value) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.sessions.push((user, text(&value["session"]["id"]), text(&value["access_token"])));
        self.refresh_tokens.push((user, text(&value["refresh_token"])));
    }

    /// The calls that show what a history has come to.
    fn last_calls(&self, users: usize) -> Vec<(usize, Call)> {
        let newest = self.refresh_tokens.iter().rev().take(LAST_TOKENS).cloned();
        let refreshes = newest.map(|(user, token)| (user, Call::Refresh(token)));
        refreshes.chain((0..users).map(|user| (user, Call::ListAll))).collect()
    }

    fn choose(&self, dice: &mut Dice, users: usize) -> (usize, Call) {
        let user = dice.below(users);
        // The young ones more often.
        let recent = |dice: &mut Dice, count: usize| count - 1 - dice.below(count.min(4));
        let (of, session, token) = self.sessions[recent(dice, self.sessions.len())].clone();
        match dice.below(100) {
            0..22 => (user, Call::Create),
            22..48 => {
                let (of, token) = self.refresh_tokens[recent(dice, self.refresh_tokens.len())].clone();
                (of, Call::Refresh(token))
            }
            48..60 => (of, Call::VerifyToken { session, token }),
            60..66 => (of, Call::VerifySession(session)),
            66..76 => (of, Call::Get(session)),
            76..86 => (of, Call::Revoke(session)),
            86..90 => (user, Call::RevokeUser),
            _ => (user, Call::ListActive),
        }
    }
}

fn rules_of(seed: u64) -> Rules {
    Rules {
        cap: [None, Some(1), Some(2), Some(3)][seed as usize % 4],
        has_window: (seed / 4).is_multiple_of(2),
    }
}

/// One history while it is made.
struct Recording<'a> {
    /// In the names of its users, which no other history has.
    run: &'a str,
    users: usize,
    known: Mutex<Known>,
    progress: Progress,
    /// When calls were made that told the database's time, and that time.
    times: Mutex<Vec<ToldTime>>,
    /// How long answers are remembered.
    lease: Duration,
    /// Whether a refresh tells of the time at which it was made.
    refreshes_tell_time: bool,
}

struct ToldTime {
    invoked: u64,
    returned: u64,
    told: i64,
}

impl Recording<'_> {
    /// One caller's part.
    fn play(&self, caller: usize, call: &mut Caller<'_>, calls: usize, seed: u64) -> Vec<Recorded> {
        let mut dice = Dice::new(seed ^ (caller as u64 + 1) << 40);
        let mut record = Vec::new();
        for _ in 0..calls {
            let (user, asked) = self.known.lock().unwrap().choose(&mut dice, self.users);
            record.push(self.make(caller, call, user, asked));
            self.progress.count();
        }
        record
    }

    fn make(&self, caller: usize, call: &mut Caller<'_>, user: usize, asked: Call) -> Recorded {
        let (op, args) = asked.request(&format!("{}-u{user}", self.run));
        let invoked = monotonic_nanos();
        let outcome = call(op, args);
        let returned = monotonic_nanos();
        let answer = asked.answer(outcome.as_ref().map_err(String::as_str));
        if let (Answer::Created { .. } | Answer::Refreshed { .. }, Ok(value)) = (&answer, &outcome) {
            self.known.lock().unwrap().learn(user, value);
            if asked == Call::Create || self.refreshes_tell_time {
                let told = value["session"]["last_active_at"].as_i64().expect("a time");
                self.times.lock().unwrap().push(ToldTime { invoked, returned, told });
            }
        }
        Recorded { caller, user, call: asked, answer, invoked, returned }.under_lease(self.lease)
    }

    /// A call sees no time before one that a call has told which returned before it began.
    fn check_times(&self, seed: u64) {
        let mut times = self.times.lock().unwrap();
        times.sort_unstable_by_key(|time| time.returned);
        let mut latest = Vec::with_capacity(times.len());
        for time in times.iter() {
            latest.push(latest.last().map_or(time.told, |before: &i64| time.told.max(*before)));
        }
        for time in times.iter() {
            let before = times.partition_point(|other| other.returned < time.invoked);
            if let Some(highest) = before.checked_sub(1).map(|at| latest[at]) {
                assert!(highest <= time.told, "{} ms after {highest} was told (HJ_SEED={seed})", time.told);
            }
        }
    }
}

impl Histories<'_> {
    /// Runs one history and checks it. `run` is in the names of its users, which no other history has.
    ///
    /// # Panics
    /// If no order of the calls explains their answers.
    pub fn check(&mut self, seed: u64, run: &str) -> Counts {
        self.check_during(seed, run, |_| {})
    }

    /// The same while something happens, which is over when the observer looks.
    ///
    /// # Panics
    /// If no order of the calls explains their answers.
    pub fn check_during(&mut self, seed: u64, run: &str, happen: impl FnOnce(&Progress)) -> Counts {
        let rules = rules_of(seed);
        let window = if rules.has_window { json!("10s") } else { json!(0) };
        let settings = json!({"max_sessions_per_user": rules.cap, "refresh_reuse_window": window});
        (self.observer)("update_config", settings).unwrap();
        let recording = Recording {
            run,
            users: self.users,
            known: Mutex::default(),
            progress: Progress::default(),
            times: Mutex::default(),
            lease: lease_of_server(),
            refreshes_tell_time: !rules.has_window,
        };
        let (observer, watching) = (self.callers.len(), &mut self.observer);
        let mut look = |(user, call)| {
            let one = recording.make(observer, watching, user, call);
            assert!(!matches!(one.answer, Answer::Unknown | Answer::NotDone), "the observer was failed");
            one
        };
        let mut record: Vec<Recorded> = (0..self.users).map(|user| look((user, Call::Create))).collect();
        let (start, calls) = (Barrier::new(self.callers.len()), self.calls);
        thread::scope(|scope| {
            let (start, recording) = (&start, &recording);
            let start_one = |(caller, call)| {
                scope.spawn(move || {
                    start.wait();
                    recording.play(caller, call, calls, seed)
                })
            };
            let playing: Vec<_> = self.callers.iter_mut().enumerate().map(start_one).collect();
            happen(&recording.progress);
            record.extend(playing.into_iter().flat_map(|part| part.join().unwrap()));
        });
        let last = recording.known.lock().unwrap().last_calls(self.users);
        record.extend(last.into_iter().map(&mut look));
        recording.check_times(seed);
        let unknown = record.iter().filter(|one| one.answer == Answer::Unknown).count();
        let counts = Counts { calls: record.len(), unknown };
        for user in 0..self.users {
            let calls = record.iter().filter(|one| one.user == user).cloned().collect();
            let history = UserHistory::new(calls);
            if !history.is_linearizable(rules) {
                let small = history.shrink(rules);
                panic!(
                    "no order explains these answers under {rules:?} (HJ_SEED={seed}):\n{}",
                    small.lines()
                );
            }
        }
        counts
    }

    /// Every history, or a hundred of the one that `HJ_SEED` names.
    ///
    /// # Panics
    /// If no order of the calls explains the answers of one.
    pub fn campaign(&mut self, seeds: Range<u64>) -> Counts {
        if let Ok(seed) = std::env::var("HJ_SEED") {
            let seed = seed.parse().unwrap();
            return (0..100).map(|time| self.check(seed, &format!("{seed}-{time}"))).sum();
        }
        seeds.map(|seed| self.check(seed, &seed.to_string())).sum()
    }
}
