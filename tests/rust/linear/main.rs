//! Calls of many callers at once, about few sessions of few users: whatever they were answered, some order of the calls must
//! explain it, in which each call lies between its invocation and its return, and which the plain model of one user answers
//! alike. Users are checked one by one: what has an order for each of them has one for all. `HJ_LINEAR=n` sets the histories of
//! threads, `HJ_LINEAR_PROCESSES=n` those of processes, `HJ_SEED=n` runs the choices of one history again, a hundred times: which call
//! meets which is the machine's choice.
#![allow(clippy::print_stderr)] // the history of a failure

mod checker;
mod history;
mod model;
mod search;

use std::sync::{Barrier, Mutex};
use std::thread;

use hellojohn::Tenant;
use hellojohn_tests::dice::Dice;
use hellojohn_tests::fixture::{Database, Process, SECRET, START, monotonic_nanos, rounds};
use hellojohn_tests::operations;
use hellojohn_tests::surface::Surface;
use serde_json::{Value, json};

use history::{Answer, Call, Recorded};
use model::Rules;
use search::UserHistory;

const USERS: usize = 2;

/// Makes one call; answers with its value, or with the code of its error.
type Caller<'a> = Box<dyn FnMut(&str, Value) -> Result<Value, String> + Send + 'a>;

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

    fn choose(&self, dice: &mut Dice) -> (usize, Call) {
        let user = dice.below(USERS);
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

/// One caller's part of a history.
fn play(
    caller: usize,
    call: &mut Caller<'_>,
    calls: usize,
    seed: u64,
    run: &str,
    known: &Mutex<Known>,
) -> Vec<Recorded> {
    let mut dice = Dice::new(seed ^ (caller as u64 + 1) << 40);
    let mut record = Vec::new();
    for _ in 0..calls {
        let (user, asked) = known.lock().unwrap().choose(&mut dice);
        record.push(make(caller, call, user, asked, run, known));
    }
    record
}

fn make(
    caller: usize,
    call: &mut Caller<'_>,
    user: usize,
    asked: Call,
    run: &str,
    known: &Mutex<Known>,
) -> Recorded {
    let (op, args) = asked.request(&format!("{run}-u{user}"));
    let invoked = monotonic_nanos();
    let outcome = call(op, args);
    let returned = monotonic_nanos();
    let answer = asked.answer(outcome.as_ref().map_err(String::as_str));
    if let (Answer::Created { .. } | Answer::Refreshed { .. }, Ok(value)) = (&answer, &outcome) {
        known.lock().unwrap().learn(user, value);
    }
    Recorded { caller, user, call: asked, answer, invoked, returned }
}

/// Runs one history and checks it. `run` is in the names of its users, which no other history has.
fn check(callers: &mut [Caller<'_>], calls: usize, seed: u64, run: &str) {
    let rules = rules_of(seed);
    let window = if rules.has_window { json!("10s") } else { json!(0) };
    let settings = json!({"max_sessions_per_user": rules.cap, "refresh_reuse_window": window});
    callers[0]("update_config", settings).unwrap();
    let known = Mutex::new(Known::default());
    let mut record: Vec<Recorded> =
        (0..USERS).map(|user| make(0, &mut callers[0], user, Call::Create, run, &known)).collect();
    let start = Barrier::new(callers.len());
    thread::scope(|scope| {
        let (start, known) = (&start, &known);
        let playing: Vec<_> = callers
            .iter_mut()
            .enumerate()
            .map(|(caller, call)| {
                scope.spawn(move || {
                    start.wait();
                    play(caller, call, calls, seed, run, known)
                })
            })
            .collect();
        record.extend(playing.into_iter().flat_map(|part| part.join().unwrap()));
    });
    for user in 0..USERS {
        let calls = record.iter().filter(|one| one.user == user).cloned().collect();
        let history = UserHistory::new(calls);
        if !history.is_linearizable(rules) {
            let small = history.shrink(rules);
            panic!("no order explains these answers under {rules:?} (HJ_SEED={seed}):\n{}", small.lines());
        }
    }
}

/// Every history, or a hundred of the one that `HJ_SEED` names.
fn campaign(callers: &mut [Caller<'_>], calls: usize, histories: u64) {
    if let Ok(seed) = std::env::var("HJ_SEED") {
        let seed = seed.parse().unwrap();
        (0..100).for_each(|time| check(callers, calls, seed, &format!("{seed}-{time}")));
        return;
    }
    (0..histories).for_each(|seed| check(callers, calls, seed, &seed.to_string()));
}

fn thread_caller(tenant: Tenant) -> Caller<'static> {
    Box::new(move |op, args| {
        let Value::Object(args) = args else { unreachable!() };
        operations::call(&tenant, op, args).map_err(|error| error.code().to_string())
    })
}

#[test]
fn eight_threads_on_three_engines_are_answered_as_one_after_the_other() {
    let database = Database::new();
    let engines: Vec<Process> = (0..3).map(|_| database.open_at(START)).collect();
    let tenants: Vec<Tenant> = engines.iter().map(|engine| engine.tenant("tnt")).collect();
    let mut callers: Vec<Caller> = (0..8).map(|at| thread_caller(tenants[at % 3].clone())).collect();
    campaign(&mut callers, 6, rounds("HJ_LINEAR", 500));
}

#[test]
fn four_processes_are_answered_as_one_after_the_other() {
    let database = Database::new();
    let mut surfaces = Surface::open_all(env!("CARGO_BIN_EXE_surface"), 4, &database.path(), START).unwrap();
    let mut callers: Vec<Caller> = surfaces
        .iter_mut()
        .map(|surface| {
            let call =
                |op: &str, args| surface.call(op, ("tnt", SECRET), args).unwrap().map_err(|error| error.0);
            Box::new(call) as Caller
        })
        .collect();
    campaign(&mut callers, 10, rounds("HJ_LINEAR_PROCESSES", 100));
    drop(callers);
    surfaces.into_iter().for_each(|surface| surface.stop().unwrap());
}
