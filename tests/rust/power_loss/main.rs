//! The power fails at any moment: the disk holds what was synced and any part of what was written since. Whatever it is, the
//! engine opens it, finds what it had acknowledged as durable, and nothing by halves. `HJ_POWER_LOSS=n` judges n images, `HJ_SEED=n`
//! repeats the run that failed.
#![allow(clippy::print_stderr)] // the seed of a failure, and what was judged

mod disk_model;
mod recording;
mod verdict;

use std::ops::Range;

use hellojohn_tests::fixture::{numbers, one_of};

use recording::{record, record_lost_sync};
use verdict::judge;

/// How many images of one run are judged, and how many calls it has.
const IMAGES: u64 = 500;
const CALLS: usize = 40;

/// The seeds of runs in which a sync fails.
const LOST_SYNCS: u64 = 1_000_000;

/// Says how to repeat a failure.
struct FailureReport(u64);

impl Drop for FailureReport {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("HJ_SEED={} repeats it", self.0);
        }
    }
}

/// Runs every seed, or the one that `HJ_SEED` names if this test has it.
fn campaign(seeds: impl Iterator<Item = u64>, has: impl Fn(u64) -> bool, run: impl Fn(u64)) {
    let only = std::env::var("HJ_SEED").ok().map(|text| text.parse::<u64>().unwrap());
    let seeds: Vec<u64> = match only {
        Some(only) => Some(only).filter(|only| has(*only)).into_iter().collect(),
        None => seeds.collect(),
    };
    for seed in seeds {
        let report = FailureReport(seed);
        run(seed);
        drop(report);
    }
}

fn judge_run(seed: u64) {
    let recording = record(seed, CALLS);
    let report = judge(&recording, seed, IMAGES as usize, true);
    eprintln!("seed {seed}: {report:?}");
    // Of the calls of a run, some change nothing.
    assert!(report.states > CALLS / 8 && report.tried > CALLS / 8, "{report:?}");
}

fn runs() -> Range<u64> {
    one_of(IMAGES, &numbers("HJ_POWER_LOSS", 2_000))
}

#[test]
fn what_was_acknowledged_survives_a_power_loss_even_seeds() {
    let has = |seed: u64| seed < LOST_SYNCS && seed.is_multiple_of(2);
    campaign(runs().filter(|seed| has(*seed)), has, judge_run);
}

#[test]
fn what_was_acknowledged_survives_a_power_loss_odd_seeds() {
    let has = |seed: u64| seed < LOST_SYNCS && !seed.is_multiple_of(2);
    campaign(runs().filter(|seed| has(*seed)), has, judge_run);
}

/// Fails each sync of a run in turn.
fn lose_each_sync(seed: u64) {
    let mut judged = 0;
    while let Some(recording) = record_lost_sync(seed, CALLS, judged + 1) {
        judge(&recording, seed, 20, false);
        judged += 1;
    }
    assert!(judged > CALLS / 4, "{judged} syncs");
}

/// Linux tells a failed sync once and takes the pages for written. What is acknowledged afterwards must not rest on them.
#[test]
fn nothing_is_acknowledged_on_top_of_what_a_failed_sync_has_lost() {
    // The first two runs lost acknowledged calls before the engine refused writes after a failed sync.
    let runs = one_of(4_000, &numbers("HJ_POWER_LOSS", 2_000));
    let seeds = runs.map(|run| LOST_SYNCS + 1 + run);
    campaign(seeds, |seed| seed >= LOST_SYNCS, lose_each_sync);
}
