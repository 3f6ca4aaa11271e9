//! Every order of the steps by which machines remember verifications and end sessions (`docs/POSTGRES.md`), in a small world: two
//! processes, one session, longer and shorter leases, lost answers, a machine that sleeps. No order lets a session be accepted that
//! a call has ended which returned, or that the clock has ended; and each part of the protocol is needed: without it, the search finds such an order.
//! `cargo test -p hellojohn-tests --test lease_model -- --nocapture` prints how many states it looked at.
#![allow(clippy::print_stdout)] // what was searched

mod model;
mod steps;
mod terms;

use std::collections::{HashSet, VecDeque};

use crate::model::{Broken, Fault, Mode, Scenario, State};
use crate::steps::{Next, next};

/// More states than a scenario is worth.
const STATES_MAX: usize = 1_000_000;

/// Later than anything happens.
const NEVER: u8 = 100;

/// A process from before the first lease ends the session, while another one is opened with a lease.
const RAISE: Scenario = Scenario {
    name: "raise",
    modes: [Mode::Store, Mode::Lease(2)],
    open: [true, false],
    ends: [true, false],
    sleeps: false,
    lowers_to: None,
    fails_over: false,
    expires_at: NEVER,
    until: 6,
};

/// The machine with the lease sleeps.
const SLEEP: Scenario = Scenario { name: "sleep", open: [true, true], sleeps: true, until: 6, ..RAISE };

/// Two calls end the same session.
const TWO_ENDS: Scenario =
    Scenario { name: "two ends", open: [true, true], ends: [true, true], until: 4, ..RAISE };

/// The leases are shortened while the session is ended.
const LOWER: Scenario = Scenario { name: "lower", open: [true, true], lowers_to: Some(0), until: 6, ..RAISE };

/// A process asks for a lease while the leases are shortened, and the other one ends the session.
const LOWER_AND_RAISE: Scenario = Scenario { name: "lower and raise", lowers_to: Some(0), until: 5, ..RAISE };

/// Longer leases are asked for, and a standby takes over that may not know of them.
const FAILOVER: Scenario = Scenario {
    name: "failover",
    modes: [Mode::Store, Mode::Lease(2)],
    open: [true, true],
    fails_over: true,
    until: 5,
    ..RAISE
};

/// The session ends by the clock.
const EXPIRY: Scenario =
    Scenario { name: "expiry", open: [true, true], ends: [false, false], expires_at: 3, until: 6, ..RAISE };

/// One overlooks ends for a time, and both end the session.
const STALE: Scenario = Scenario {
    name: "stale",
    modes: [Mode::Stale(2), Mode::Store],
    open: [true, true],
    ends: [true, true],
    until: 4,
    ..RAISE
};

const SCENARIOS: [Scenario; 8] = [RAISE, SLEEP, TWO_ENDS, LOWER, LOWER_AND_RAISE, FAILOVER, EXPIRY, STALE];

/// What the search came to.
struct Found {
    states: usize,
    accepted: usize,
    broken: Option<(Broken, State)>,
}

/// Looks at every state that can be reached, or ends with the first promise that is broken.
fn search(scenario: &Scenario, fault: Option<Fault>) -> Found {
    let first = State::first(scenario);
    let (mut seen, mut line) = (HashSet::from([first]), VecDeque::from([first]));
    let mut accepted = 0;
    while let Some(state) = line.pop_front() {
        for next in next(&state, scenario, fault) {
            match next {
                Next::State(next) => {
                    if seen.insert(next) {
                        assert!(seen.len() <= STATES_MAX, "{}: the world is too large", scenario.name);
                        line.push_back(next);
                    }
                }
                Next::Accepted(Ok(())) => accepted += 1,
                Next::Accepted(Err(broken)) => {
                    return Found { states: seen.len(), accepted, broken: Some((broken, state)) };
                }
            }
        }
    }
    Found { states: seen.len(), accepted, broken: None }
}

#[test]
fn no_order_of_steps_breaks_a_promise() {
    let mut states = 0;
    for scenario in SCENARIOS {
        let found = search(&scenario, None);
        println!("{}: {} states, {} acceptances", scenario.name, found.states, found.accepted);
        assert_eq!(found.broken, None, "{}", scenario.name);
        assert!(found.accepted > 0, "{}: nothing is ever remembered", scenario.name);
        states += found.states;
    }
    println!("{states} states in all");
}

#[test]
fn each_part_of_the_protocol_is_needed() {
    let faults = [
        (Fault::EndDoesNotWait, RAISE),
        (Fault::WaitFromBegin, RAISE),
        (Fault::WaitReadAtOpening, RAISE),
        (Fault::WaitFromLoss, RAISE),
        (Fault::InstantAfterTrip, RAISE),
        (Fault::LengthIncluded, RAISE),
        (Fault::RaiseNotOrdered, RAISE),
        (Fault::RaisedAtOnce, FAILOVER),
        (Fault::RaiseIgnoresLower, LOWER_AND_RAISE),
        (Fault::ClockStopsInSleep, SLEEP),
        (Fault::FoundEndedDoesNotWait, TWO_ENDS),
        (Fault::LeaseIgnoresDatabase, LOWER),
        (Fault::LowerDoesNotWait, LOWER),
        (Fault::LowerIgnoresRaise, LOWER_AND_RAISE),
        (Fault::ClockStandsStill, EXPIRY),
        (Fault::ClockFromAnswer, EXPIRY),
        (Fault::OwnEndForgetsNothing, STALE),
        (Fault::FoundEndForgetsNothing, STALE),
        (Fault::OwnEndForgetsEarly, STALE),
    ];
    for (fault, scenario) in faults {
        let found = search(&scenario, Some(fault));
        let Some((broken, _)) = found.broken else {
            panic!("{fault:?} in {:?} does no harm ({} states)", scenario.name, found.states)
        };
        println!("{fault:?} in {:?}: {broken:?} after {} states", scenario.name, found.states);
    }
}
