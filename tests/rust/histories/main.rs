//! Histories of random calls against a plain model of the whole engine: every answer is compared. `HJ_HISTORIES=n` runs
//! more of them. One that fails is made small; `HJ_SEED=n`, with `HJ_CALLS=…`, plays it again.

mod small;

use std::ops::Range;

use hellojohn_tests::fixture::{numbers, one_of};
use hellojohn_tests::histories::{Kind, Setting, play, play_smallest, steps};

/// Opening a tenant stretches its secret key, which costs more than a history: a batch of histories shares an engine.
const BATCH: usize = 100;

/// On a disk that fails it is opened often anyway, and a smaller batch is smaller to play again.
const BATCH_ON_DISK: usize = 10;

/// One history in so many is on a disk that fails.
const ON_DISK: u64 = 10;

/// Most batches are in memory.
fn kind_of(seed: u64) -> Kind {
    if seed % 16 < 2 { Kind::File } else { Kind::Memory }
}

fn batch(setting: Setting, histories: usize) {
    let mut steps = steps(setting.seed, histories);
    if let Ok(numbers) = std::env::var("HJ_CALLS") {
        let numbers: Vec<usize> = numbers.split(',').map(|number| number.parse().unwrap()).collect();
        steps.retain(|step| numbers.contains(&step.number));
    }
    if let Err(smallest) = play_smallest(setting, &steps) {
        panic!("{smallest}");
    }
}

/// The even batches, or the odd ones.
fn campaign(first: u64, batches: Range<u64>, run: impl Fn(u64)) {
    let only: Option<u64> = std::env::var("HJ_SEED").ok().map(|seed| seed.parse().unwrap());
    let batches = only.map_or(batches, |seed| seed..seed + 1);
    batches.filter(|seed| seed % 2 == first).for_each(run);
}

fn sound(first: u64) {
    let histories = numbers("HJ_HISTORIES", 2_000);
    let sound = |count: u64| count - count / ON_DISK;
    let batches = one_of(BATCH as u64, &(sound(histories.start)..sound(histories.end)));
    campaign(first, batches, |seed| batch(Setting::new(seed, kind_of(seed)), BATCH));
}

#[test]
fn even_batches_of_histories() {
    sound(0);
}

#[test]
fn odd_batches_of_histories() {
    sound(1);
}

fn on_a_disk_that_fails(first: u64) {
    let batches = one_of(ON_DISK * BATCH_ON_DISK as u64, &numbers("HJ_HISTORIES", 2_000));
    campaign(first, batches, |seed| {
        batch(Setting::new(seed, Kind::FailingDisk), BATCH_ON_DISK);
    });
}

#[test]
fn even_histories_on_a_disk_that_fails() {
    on_a_disk_that_fails(0);
}

#[test]
fn odd_histories_on_a_disk_that_fails() {
    on_a_disk_that_fails(1);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    // Without the last step, which empties the database.
    let steps = |seed| steps(seed, 1).split_last().unwrap().1.to_vec();
    let played = |seed, kind| play(Setting::new(seed, kind), &steps(seed)).unwrap();
    for (seed, kind) in
        [(4_711, Kind::Memory), (4_712, Kind::File), (4_713, Kind::FailingDisk), (4_714, Kind::FailingDisk)]
    {
        let first = played(seed, kind);
        assert_eq!(first, played(seed, kind), "{seed} {kind:?}");
        assert!(first.dump.is_some() || kind != Kind::FailingDisk);
        assert_ne!(first.trace, played(seed + 10, kind).trace);
    }
    // Nor does it matter where the database lives, unless it is opened again.
    let trace = |kind| {
        let setting = Setting { reopens: false, ..Setting::new(4_711, kind) };
        play(setting, &steps(4_711)).unwrap().trace
    };
    assert_eq!(trace(Kind::Memory), trace(Kind::File));
}
