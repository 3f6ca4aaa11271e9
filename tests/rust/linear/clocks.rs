//! Engines whose clocks differ by seconds and step between calls: no answer depends on which of them is asked.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use hellojohn::Tenant;
use hellojohn_tests::dice::Dice;
use hellojohn_tests::fixture::{
    Database, Process, SECOND, SECRET, START, monotonic_nanos, numbers, one_of, sign_in_for,
};
use hellojohn_tests::linear::{Caller, Histories, thread_caller};
use hellojohn_tests::operations;
use hellojohn_tests::surface::Surface;
use serde_json::{Value, json};

use crate::USERS;

/// By how many ms two clocks differ at most.
const APART: usize = 4_000;

/// By how many ms all clocks go on with each call. In a history that is less than the window within which a used refresh
/// token is good, [`APART`] included.
const STEP: i64 = 50;

/// The time that all clocks show at least.
struct Clocks(AtomicI64);

impl Clocks {
    fn new() -> Self {
        Clocks(AtomicI64::new(START))
    }

    /// What one of them shows, before or after what it showed before.
    fn read(&self, dice: &mut Dice) -> i64 {
        self.0.fetch_add(STEP, Ordering::SeqCst) + dice.below(APART) as i64
    }
}

#[test]
fn threads_of_engines_whose_clocks_differ_are_answered_as_one_after_the_other() {
    let (database, clocks) = (Database::new(), Clocks::new());
    let engines: Vec<Process> = (0..3).map(|_| database.open_at(START)).collect();
    let tenants: Vec<Tenant> = engines.iter().map(|engine| engine.tenant("tnt")).collect();
    let caller = |at: usize| -> Caller<'_> {
        let (engine, clocks) = (&engines[at % 3], &clocks);
        let (mut call, mut dice) = (thread_caller(tenants[at % 3].clone()), Dice::new(at as u64));
        Box::new(move |op, args| {
            engine.set_clock(clocks.read(&mut dice));
            call(op, args)
        })
    };
    let (callers, observer) = ((0..8).map(caller).collect(), caller(8));
    Histories { callers, observer, calls: 6, users: USERS }.campaign(one_of(5, &numbers("HJ_LINEAR", 500)));
}

#[test]
fn processes_whose_clocks_differ_are_answered_as_one_after_the_other() {
    let (database, clocks) = (Database::new(), Clocks::new());
    let mut surfaces = Surface::open_all(env!("CARGO_BIN_EXE_surface"), 5, &database.path(), START).unwrap();
    let caller = |(at, surface)| -> Caller<'_> {
        let (surface, clocks, mut dice): (&mut Surface, _, _) = (surface, &clocks, Dice::new(at as u64));
        Box::new(move |op, args| {
            surface.set_clock(clocks.read(&mut dice)).unwrap().unwrap();
            surface.call(op, ("tnt", SECRET), args).unwrap().map_err(|error| error.0)
        })
    };
    let mut callers: Vec<Caller> = surfaces.iter_mut().enumerate().map(caller).collect();
    let observer = callers.pop().unwrap();
    let histories = one_of(5, &numbers("HJ_LINEAR_PROCESSES", 100));
    Histories { callers, observer, calls: 10, users: USERS }.campaign(histories);
    surfaces.into_iter().for_each(|surface| surface.stop().unwrap());
}

/// What one call told of a session.
struct Told {
    session: usize,
    is_alive: bool,
    /// What the clock of the engine showed that was asked.
    clock: i64,
    invoked: u64,
    returned: u64,
}

/// Asks one of the ways there are.
fn ask(tenant: &Tenant, way: usize, session: &str) -> bool {
    let call = |op, args: Value| {
        let Value::Object(args) = args else { unreachable!() };
        operations::call(tenant, op, args).map_err(|error| error.code().to_string())
    };
    match way {
        0 => match call("verify_session", json!({"session_id": session})) {
            Ok(_) => true,
            Err(code) => {
                assert_eq!(code, "session_expired");
                false
            }
        },
        1 => call("get", json!({"session_id": session})).unwrap()["status"] == "active",
        _ => {
            let page = call("list", json!({"user_id": "usr", "status": "active"})).unwrap();
            page["data"].as_array().unwrap().iter().any(|one| one["id"] == session)
        }
    }
}

#[test]
fn a_session_that_the_clock_has_ended_for_one_has_ended_for_all() {
    let database = Database::new();
    let engines: Vec<Process> = (0..4).map(|_| database.open_at(START)).collect();
    let tenants: Vec<Tenant> = engines.iter().map(|engine| engine.tenant("tnt")).collect();
    for round in one_of(10, &numbers("HJ_LINEAR", 500)) {
        let base = START + round as i64 * 60 * SECOND;
        engines[0].set_clock(base);
        let durations = [2, 4, 6];
        let grants = durations.map(|duration| sign_in_for(&tenants[0], "usr", &format!("{duration}s")));
        let ids = grants.each_ref().map(|grant| grant.session.id.to_string());
        let expiries = grants.each_ref().map(|grant| grant.session.expires_at.as_millis());
        let (start, told) = (Barrier::new(engines.len()), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for (at, engine) in engines.iter().enumerate() {
                let (tenant, start, told, ids) = (&tenants[at], &start, &told, &ids);
                scope.spawn(move || {
                    let mut dice = Dice::new(round << 8 | at as u64);
                    start.wait();
                    for call in 0..12 {
                        let clock = base + call * 500 + dice.below(APART) as i64 - 1_500;
                        engine.set_clock(clock);
                        let session = dice.below(ids.len());
                        let invoked = monotonic_nanos();
                        let is_alive = ask(tenant, dice.below(3), &ids[session]);
                        let returned = monotonic_nanos();
                        told.lock().unwrap().push(Told { session, is_alive, clock, invoked, returned });
                    }
                });
            }
        });
        let told = told.into_inner().unwrap();
        for one in &told {
            let expiry = expiries[one.session];
            if one.is_alive {
                assert!(one.clock < expiry, "round {round}: alive {} ms after its end", one.clock - expiry);
                let has_ended = |other: &&Told| {
                    other.session == one.session && !other.is_alive && other.returned < one.invoked
                };
                assert!(
                    told.iter().find(has_ended).is_none(),
                    "round {round}: alive after it was told ended"
                );
            } else {
                let is_after = |other: &Told| other.invoked < one.returned && other.clock >= expiry;
                assert!(told.iter().any(is_after), "round {round}: no clock had shown its end");
            }
        }
    }
}
