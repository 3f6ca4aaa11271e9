//! Every order of the steps by which the processes on a database file tell each other of their commits (`docs/DATABASE-FILE.md`), in a
//! small world: two writers, another program, two readers, which remember sessions or the list of their user; kills at any step; a shared file that is deleted, zeroed, or overwritten by
//! an old copy. A process that is stopped is one that takes no step. No order lets an answer be accepted that lacks a change, and each
//! part of the protocol is needed: without it, the search finds such an order, or an answer that is forgotten for nothing.
//!
//! `cargo test -p hellojohn-tests --test cache_model -- --nocapture` prints how many states it looked at. `HJ_CACHE_MODEL=1` searches the
//! large worlds as well; in a release build they take minutes and some gigabytes.
#![allow(clippy::print_stdout)] // what was searched

mod accidents;
mod faults;
mod model;
mod promises;
mod readers;
mod shared_steps;
mod writers;

use std::collections::{HashSet, VecDeque};

use crate::accidents::{harm, kill, kill_reader, write_foreign};
use crate::faults::Fault;
use crate::model::{Broken, Scenario, State};
use crate::promises::require_useful;
use crate::readers::read;
use crate::shared_steps::World;
use crate::writers::write;

/// More states than a scenario is worth.
const STATES_MAX: usize = 60_000_000;

const KILLED: Scenario = Scenario {
    name: "a writer, another program, a kill",
    writers: [1, 0],
    foreign: 1,
    readers: 1,
    kills: 1,
    accidents: 0,
    shares_bucket: false,
    has_lists: false,
};

/// A list and a session of its user.
const LISTS: Scenario =
    Scenario { name: "a list; a writer, another program, a kill", has_lists: true, ..KILLED };

const TWO_WRITERS: Scenario = Scenario {
    name: "two writers, one bucket",
    writers: [1, 1],
    foreign: 0,
    kills: 0,
    shares_bucket: true,
    ..KILLED
};

const HARMED: Scenario =
    Scenario { name: "a writer, the shared file is harmed", foreign: 0, kills: 0, accidents: 1, ..KILLED };

const TWICE: Scenario = Scenario { name: "a writer twice, a kill", writers: [2, 0], foreign: 0, ..KILLED };

const EMPTIED: Scenario =
    Scenario { name: "another program twice", writers: [1, 0], foreign: 2, kills: 0, ..KILLED };

/// A repair by the writer, in the middle of a check.
const REPAIRED: Scenario =
    Scenario { name: "a writer twice, another program", writers: [2, 0], kills: 0, ..KILLED };

/// An old copy of the file, from before an epoch that another program has brought about.
const RESTORED: Scenario =
    Scenario { name: "another program, the shared file is harmed", foreign: 1, ..HARMED };

/// Searched by every test run.
const SMALL: [Scenario; 8] = [
    KILLED,
    LISTS,
    TWO_WRITERS,
    HARMED,
    Scenario { name: "a list, the shared file is harmed", has_lists: true, ..HARMED },
    TWICE,
    Scenario { name: "a list, a writer twice, a kill", has_lists: true, ..TWICE },
    EMPTIED,
];

const LARGE: [Scenario; 8] = [
    Scenario { name: "large: a list, two writers, a kill", writers: [1, 1], foreign: 0, ..LISTS },
    Scenario { name: "large: a list and a session", readers: 2, ..LISTS },
    Scenario { name: "large: two writers, another program, a kill", writers: [1, 1], ..KILLED },
    Scenario { name: "large: so, one bucket", writers: [1, 1], shares_bucket: true, ..KILLED },
    Scenario { name: "large: two readers", readers: 2, ..KILLED },
    Scenario { name: "large: harmed twice over", writers: [2, 0], accidents: 1, ..KILLED },
    Scenario { name: "large: two writers twice, a kill", writers: [2, 2], foreign: 0, ..KILLED },
    Scenario { name: "large: two kills", writers: [2, 0], foreign: 2, kills: 2, ..KILLED },
];

/// What the search came to.
struct Found {
    states: usize,
    broken: Option<(Broken, State)>,
}

/// What a search looks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Promises {
    /// No accepted answer lacks a change.
    Safe,
    /// Besides, answers are kept.
    Useful,
}

/// Looks at every state that can be reached, or ends with the first promise that is broken.
fn search(scenario: &Scenario, fault: Option<Fault>, promises: Promises) -> Found {
    let world = World { scenario, fault };
    let first = scenario.first();
    let (mut seen, mut line) = (HashSet::from([first]), VecDeque::from([first]));
    while let Some(state) = line.pop_front() {
        let mut found = Vec::with_capacity(24);
        let mut broken = match promises {
            Promises::Safe => None,
            Promises::Useful => require_useful(&world, &state).err(),
        };
        for index in 0..2 {
            write(&world, &state, index, &mut found);
            broken = broken.or(read(&world, &state, index, false, &mut found).err());
        }
        if broken.is_some() {
            return Found { states: seen.len(), broken: broken.map(|broken| (broken, state)) };
        }
        write_foreign(&state, &mut found);
        kill(&state, &mut found);
        kill_reader(&state, &mut found);
        harm(&state, &mut found);
        for next in found {
            if seen.insert(next) {
                assert!(seen.len() <= STATES_MAX, "{}: the world is too large", scenario.name);
                line.push_back(next);
            }
        }
    }
    Found { states: seen.len(), broken: None }
}

fn require_sound(scenario: &Scenario) -> usize {
    let found = search(scenario, None, Promises::Useful);
    println!("{}: {} states", scenario.name, found.states);
    assert_eq!(found.broken, None, "{}", scenario.name);
    found.states
}

#[test]
fn no_order_of_steps_breaks_a_promise() {
    let states: usize = SMALL.iter().map(require_sound).sum();
    println!("{states} states in all");
}

#[test]
fn nor_does_one_in_a_larger_world() {
    if std::env::var_os("HJ_CACHE_MODEL").is_some() {
        for scenario in &LARGE {
            require_sound(scenario);
        }
    } else {
        require_sound(&Scenario { name: "two writers", shares_bucket: false, ..TWO_WRITERS });
    }
}

#[test]
fn each_part_of_the_protocol_is_needed() {
    let unsafe_ones = [
        (Fault::NoteAfterCommit, KILLED),
        (Fault::NoteAfterTell, KILLED),
        (Fault::TellAfterUnlock, KILLED),
        (Fault::WriterDoesNotCompare, KILLED),
        (Fault::TellsChangeOfAll, KILLED),
        (Fault::CheckIgnoresHeader, KILLED),
        (Fault::BucketReadLast, REPAIRED),
        (Fault::ClockReadLast, REPAIRED),
        (Fault::ClockNotNoted, KILLED),
        (Fault::VersionAfterSnapshot, KILLED),
        (Fault::VersionFromBucket, TWICE),
        (Fault::RepairWithoutLock, TWICE),
        (Fault::RepairWithoutEpoch, EMPTIED),
        (Fault::CountedEpoch, RESTORED),
        (Fault::ToldBeforeEpoch, KILLED),
        (Fault::ToldNotBound, RESTORED),
        (Fault::ZeroIsTold, EMPTIED),
        (Fault::UserNotNoted, LISTS),
        (Fault::UserNotedForFirstOnly, LISTS),
        (Fault::NoteAfterCommit, LISTS),
        (Fault::NoteAfterTell, LISTS),
        (Fault::TellsChangeOfAll, LISTS),
        (Fault::BucketReadLast, Scenario { has_lists: true, ..REPAIRED }),
    ];
    for (fault, scenario) in unsafe_ones {
        require_found(fault, &scenario, Promises::Safe, &[Broken::Stale, Broken::StaleClock]);
    }
    for (fault, scenario) in [(Fault::ReadersRepairNothing, KILLED), (Fault::NotesStay, KILLED)] {
        require_found(fault, &scenario, Promises::Useful, &[Broken::Forgotten, Broken::NeverKept]);
    }
}

fn require_found(fault: Fault, scenario: &Scenario, promises: Promises, expected: &[Broken]) {
    let found = search(scenario, Some(fault), promises);
    let Some((broken, _)) = found.broken else {
        panic!("{fault:?} in {:?} does no harm ({} states)", scenario.name, found.states)
    };
    println!("{fault:?} in {:?}: {broken:?} after {} states", scenario.name, found.states);
    assert!(expected.contains(&broken), "{fault:?}: {broken:?}");
}
