//! Histories of random calls against a plain model of the whole engine: every answer is compared. `HJ_HISTORIES=n` runs
//! more of them, `HJ_SEED=n` repeats the batch that failed.

use hellojohn_tests::fixture::{Database, rounds};
use hellojohn_tests::histories::History;

/// Opening a tenant stretches its secret key, which costs more than a history: a batch of histories shares an engine.
const BATCH: u64 = 100;

fn batch(seed: u64, histories: u64, file: Option<Database>) -> u64 {
    let mut history = History::new(seed, file);
    for _ in 0..histories {
        history.run();
    }
    history.trace()
}

/// Every `step`th batch from `first`.
fn campaign(first: u64, step: u64) {
    let with_file = |seed: u64| (seed % 16 < 2).then(Database::new);
    if let Ok(seed) = std::env::var("HJ_SEED") {
        let seed = seed.parse().unwrap();
        if first == 0 {
            batch(seed, BATCH, with_file(seed));
        }
        return;
    }
    let batches = rounds("HJ_HISTORIES", 2_000).div_ceil(BATCH);
    for seed in (first..batches).step_by(step as usize) {
        batch(seed, BATCH, with_file(seed));
    }
}

#[test]
fn even_batches_of_histories() {
    campaign(0, 2);
}

#[test]
fn odd_batches_of_histories() {
    campaign(1, 2);
}

/// It does so after the clock has brought an end that no caller was told of; then the clock goes back.
#[test]
fn a_patch_that_changes_nothing_writes_no_end_down() {
    let mut history = History::new(224, Some(Database::new()));
    history.reopens = Some(1);
    for _ in 0..25 {
        history.run();
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    assert_eq!(batch(4_711, 2, None), batch(4_711, 2, None));
    assert_ne!(batch(4_711, 1, None), batch(4_712, 1, None));
    // Nor does it matter where the database lives, unless it is reopened.
    let trace = |file| {
        let mut history = History::new(4_711, file);
        history.reopens = None;
        history.run();
        history.trace()
    };
    assert_eq!(trace(None), trace(Some(Database::new())));
}
