//! Histories of calls at once over the file, or over PostgreSQL where `HJ_PG` names a server. `HJ_LINEAR=n` sets the histories of
//! threads, `HJ_LINEAR_PROCESSES=n` those of processes.

mod checker;
mod clocks;

use hellojohn_tests::fixture::{Database, Process, SECRET, START, numbers};
use hellojohn_tests::linear::{Caller, Histories, thread_caller};
use hellojohn_tests::surface::Surface;

const USERS: usize = 2;

/// A caller in a process of its own.
fn process_caller(surface: &mut Surface) -> Caller<'_> {
    Box::new(|op: &str, args| surface.call(op, ("tnt", SECRET), args).unwrap().map_err(|error| error.0))
}

#[test]
fn eight_threads_on_three_engines_are_answered_as_one_after_the_other() {
    let database = Database::new();
    let engines: Vec<Process> = (0..3).map(|_| database.open_at(START)).collect();
    let tenants: Vec<_> = engines.iter().map(|engine| engine.tenant("tnt")).collect();
    let callers = (0..8).map(|at| thread_caller(tenants[at % 3].clone())).collect();
    let observer = thread_caller(tenants[0].clone());
    Histories { callers, observer, calls: 6, users: USERS }.campaign(numbers("HJ_LINEAR", 500));
}

#[test]
fn four_processes_are_answered_as_one_after_the_other() {
    let database = Database::new();
    let mut surfaces = Surface::open_all(env!("CARGO_BIN_EXE_surface"), 4, &database.path(), START).unwrap();
    let observing = database.open_at(START);
    let callers = surfaces.iter_mut().map(process_caller).collect();
    let observer = thread_caller(observing.tenant("tnt"));
    Histories { callers, observer, calls: 10, users: USERS }.campaign(numbers("HJ_LINEAR_PROCESSES", 100));
    surfaces.into_iter().for_each(|surface| surface.stop().unwrap());
}
