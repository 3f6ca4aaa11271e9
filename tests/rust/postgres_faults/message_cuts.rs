//! Connections that are cut at every message, in each direction, before and behind it: the call answers as if nothing had
//! happened, and has happened once. Where the server stays away, a call that fails has happened wholly or not at all.
//! `HJ_MESSAGE_CUTS=n` cuts at so many of a hundred messages, `HJ_CUT_STEPS=stats_series,events` in these operations only.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use hellojohn_tests::dice::Dice;
use hellojohn_tests::fixture::rounds;

use crate::cut_steps::{steps, writing_steps};
use crate::cut_world::{Outcome, Step, World};
use crate::message_proxy::{Cut, PLACES};

/// Longer than any new connection takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many databases fail at the same time: a call that is to fail waits for seconds first.
const DATABASES: usize = 16;

/// One message of so many is cut.
pub(crate) fn stride() -> u64 {
    100 / rounds("HJ_MESSAGE_CUTS", 6).clamp(1, 100)
}

/// What the operation does when nothing is cut, and how many messages it takes.
fn undisturbed(world: &World, step: &Step) -> (Outcome, [u64; 2]) {
    world.run(step, Vec::new()); // its connection knows the statements then
    let [(first, ..), (second, _, counts)] = [(); 2].map(|()| world.run(step, Vec::new()));
    assert!(first == second, "{}: it is not the same each time:\n{}", step.name, second.difference(&first));
    assert!(
        counts != [0; 2] && !second.answer.contains("validation_error"),
        "{}: {}",
        step.name,
        second.answer
    );
    (second, counts)
}

fn assert_same(step: &Step, cuts: &[Cut], outcome: &Outcome, expected: &Outcome) {
    assert!(outcome == expected, "{}, {cuts:?}:\n{}", step.name, outcome.difference(expected));
}

#[test]
fn a_connection_that_is_cut_at_any_message_costs_no_call_and_repeats_none() {
    let (world, stride, mut count) = (World::new(PATIENCE), stride(), 0);
    let only = std::env::var("HJ_CUT_STEPS").ok();
    let is_chosen =
        |step: &Step| only.as_ref().is_none_or(|only| only.split(',').any(|name| name == step.name));
    for (position, step) in steps().iter().enumerate().filter(|(_, step)| is_chosen(step)) {
        let before = count;
        let (expected, messages) = undisturbed(&world, step);
        for (way, side) in PLACES {
            for message in (1 + position as u64 % stride..).step_by(stride as usize) {
                if stride > 1 && message > messages[way as usize] {
                    break;
                }
                let cuts = vec![Cut { way, message, side, for_good: false }];
                let (outcome, made, _) = world.run(step, cuts.clone());
                assert_same(step, &cuts, &outcome, &expected);
                if made == 0 {
                    // A few more or less, where the engine asks again or had prepared a statement already.
                    assert!(2 * message > messages[way as usize], "{}, {cuts:?}", step.name);
                    break;
                }
                count += 1;
            }
        }
        println!("{}: {} cuts in {messages:?} messages", step.name, count - before);
    }
    println!("{count} cuts");
    assert!(count > 0, "no operation has the name");
}

#[test]
fn connections_that_are_cut_again_while_the_engine_finds_out_cost_no_call() {
    let world = World::new(PATIENCE);
    let (mut dice, mut made_in_all) = (Dice::new(rounds("HJ_SEED", 1)), 0);
    let steps = writing_steps();
    let known: Vec<_> = steps.iter().map(|step| undisturbed(&world, step)).collect();
    for round in 0..(1_000 / stride()).max(20) {
        let at = dice.below(steps.len());
        let (step, (expected, messages)) = (&steps[at], &known[at]);
        let mut cut = |most: u64| {
            let (way, side) = *dice.pick(&PLACES);
            Cut { way, message: 1 + dice.below(most as usize) as u64, side, for_good: false }
        };
        // The first somewhere in the call, the others in what follows: a login, a question what has happened, the call again.
        let cuts = vec![cut(messages[0].min(messages[1])), cut(40), cut(40), cut(40)];
        let (outcome, made, _) = world.run(step, cuts.clone());
        assert!(
            outcome == *expected,
            "round {round}, {}, {cuts:?}:\n{}",
            step.name,
            outcome.difference(expected)
        );
        made_in_all += made;
    }
    println!("{made_in_all} cuts");
}

#[test]
fn a_call_that_fails_has_happened_wholly_or_not_at_all() {
    let (stride, steps) = (stride(), writing_steps());
    let (next, counts) = (AtomicUsize::new(0), Mutex::new([0; 3]));
    // One call after another; each thread takes the next that is left.
    thread::scope(|scope| {
        for _ in 0..DATABASES.min(steps.len()) {
            scope.spawn(|| {
                let world = World::new(Duration::from_millis(1));
                while let Some(step) = steps.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let found = fail_at_messages(&world, step, stride);
                    counts.lock().unwrap().iter_mut().zip(found).for_each(|(sum, count)| *sum += count);
                }
            });
        }
    });
    let [answered, done, not_done] = counts.into_inner().unwrap();
    println!("answered {answered}, failed and done {done}, failed and not done {not_done}");
    assert!(done > 0 && not_done > 0);
}

/// How many calls were answered, how many failed and had happened, and how many failed and had not.
fn fail_at_messages(world: &World, step: &Step, stride: u64) -> [usize; 3] {
    let (expected, messages) = undisturbed(world, step);
    let mut counts = [0; 3];
    // The last messages in any case: they are those of the commit.
    let last = messages.map(|messages| messages.saturating_sub(1));
    for (way, side) in PLACES {
        let of_way = messages[way as usize];
        let chosen =
            (1..=of_way).filter(|message| message % (8 * stride) == 0 || *message == last[way as usize]);
        for message in chosen {
            let cuts = vec![Cut { way, message, side, for_good: true }];
            let (outcome, ..) = world.run(step, cuts.clone());
            if !outcome.is_unknown() {
                assert_same(step, &cuts, &outcome, &expected);
                counts[0] += 1;
                continue;
            }
            assert_eq!(outcome.before, expected.before, "{}, {cuts:?}", step.name);
            if outcome.after == outcome.before {
                counts[2] += 1;
            } else {
                let is_done = outcome.after == expected.after;
                assert!(
                    is_done || step.has_parts(),
                    "{}, {cuts:?}:\n{}",
                    step.name,
                    outcome.difference(&expected)
                );
                counts[1] += 1;
            }
        }
    }
    counts
}
