//! Steps of the wall clock.

use super::*;

/// Clocks of a machine that a test sets, and the time that the engine takes from them.
fn machine() -> (Arc<(AtomicI64, AtomicI64)>, MachineTime) {
    let clocks = Arc::new((AtomicI64::new(1_000_000_000), AtomicI64::new(5_000)));
    let read = Arc::clone(&clocks);
    let load =
        move || Reading { wall: read.0.load(Ordering::Relaxed), elapsed: read.1.load(Ordering::Relaxed) };
    (clocks, MachineTime::reading(Duration::HOUR_1, Box::new(load)))
}

const HOUR: i64 = 3_600_000;

#[test]
fn a_step_ahead_of_more_than_the_limit_is_refused_until_it_is_taken_back() {
    let (clocks, machine) = machine();
    let step = |by: i64| clocks.0.fetch_add(by, Ordering::Relaxed);
    step(HOUR);
    assert!(machine.now().is_ok(), "an hour is allowed");
    step(HOUR + 1);
    assert!(machine.now().is_err() && machine.now().is_err());
    step(-HOUR);
    assert!(machine.now().is_ok());
    step(-10 * HOUR);
    assert!(machine.now().is_ok(), "a step back is the clock mark's work");
    step(10 * HOUR);
    assert!(machine.now().is_ok(), "and so is its correction");
}

#[test]
fn passing_time_is_no_step_however_long_no_call_came() {
    let (clocks, machine) = machine();
    clocks.0.fetch_add(1_000 * HOUR, Ordering::Relaxed);
    clocks.1.fetch_add(1_000 * HOUR, Ordering::Relaxed); // the machine slept
    assert_eq!(machine.now().ok(), Some(Timestamp(1_000_000_000 + 1_000 * HOUR)));
}

#[test]
fn small_steps_do_not_add_up_and_a_trusted_clock_is_right() {
    let (clocks, machine) = machine();
    for _ in 0..100 {
        clocks.0.fetch_add(HOUR / 2, Ordering::Relaxed);
        assert!(machine.now().is_ok());
    }
    clocks.0.fetch_add(5 * HOUR, Ordering::Relaxed);
    assert!(machine.now().is_err());
    let source = TimeSource::Machine(machine);
    source.trust();
    assert!(source.now().is_ok());
}

#[test]
fn the_machine_s_own_clocks_agree() {
    let machine = MachineTime::new(Duration::HOUR_1);
    let (first, second) = (machine.now().ok().unwrap(), machine.now().ok().unwrap());
    assert!(first <= second && first > Timestamp::from_secs(1_700_000_000));
    assert!(read_elapsed() > 0);
}
