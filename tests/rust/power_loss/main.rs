//! The power fails at any moment: the disk holds what was synced and any part of what was written since. Whatever it is, the
//! engine opens it, finds what it had acknowledged as durable, and nothing by halves. `HJ_POWER_LOSS=n` judges n images, `HJ_SEED=n`
//! repeats the run that failed.
#![allow(clippy::print_stderr)] // the seed of a failure, and what was judged

mod disk_model;
mod recording;
mod verdict;

use hellojohn_tests::disk::{Fault, Plan};
use hellojohn_tests::fixture::rounds;

use recording::{record, record_lost_sync, syncs};
use verdict::judge;

/// How many images of one run are judged, and how many calls it has.
const IMAGES: u64 = 500;
const CALLS: usize = 40;

/// Says how to repeat a failure.
struct FailureReport(u64);

impl Drop for FailureReport {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("HJ_SEED={} repeats it", self.0);
        }
    }
}

/// Runs every seed, or the one that `HJ_SEED` names if it is among them.
fn campaign(seeds: impl Iterator<Item = u64>, run: impl Fn(u64)) {
    let only = std::env::var("HJ_SEED").ok().map(|text| text.parse::<u64>().unwrap());
    let mut seeds: Vec<u64> = seeds.collect();
    if let Some(only) = only {
        seeds.retain(|seed| seed % 2 == only % 2);
        seeds.truncate(1);
        seeds.fill(only);
    }
    for seed in seeds {
        let report = FailureReport(seed);
        run(seed);
        drop(report);
    }
}

fn judge_run(seed: u64) {
    let recording = record(seed, CALLS);
    let report = judge(&recording, seed, IMAGES as usize);
    eprintln!("seed {seed}: {report:?}");
    assert!(report.states > CALLS / 3 && report.tried > CALLS / 4, "{report:?}");
}

fn runs() -> u64 {
    rounds("HJ_POWER_LOSS", 2_000).div_ceil(IMAGES)
}

#[test]
fn what_was_acknowledged_survives_a_power_loss_even_seeds() {
    campaign((0..runs()).step_by(2), judge_run);
}

#[test]
fn what_was_acknowledged_survives_a_power_loss_odd_seeds() {
    campaign((1..runs()).step_by(2), judge_run);
}

/// Linux tells a failed sync once and takes the pages for written. What is acknowledged afterwards must not rest on them.
#[test]
fn nothing_is_acknowledged_on_top_of_what_a_failed_sync_has_lost() {
    let seeds = 1_000..1_000 + rounds("HJ_POWER_LOSS", 2_000).div_ceil(4_000);
    campaign(seeds, |seed| {
        for at in syncs(seed, CALLS) {
            let plan = Plan { at, fault: Fault::Sync, lasts: false };
            let recording = record_lost_sync(seed, CALLS, plan).expect("a sync that fails");
            judge(&recording, seed, 20);
        }
    });
}
