//! The fuzz targets without a fuzzer: over every kept input of `tests/fuzz/corpus`, and over random mutations of them. `HJ_FUZZ=n` tries
//! n mutations for each target, `HJ_SEED=n` others. What breaks a promise is written to `target/fuzz`.
#![allow(clippy::print_stderr)] // where a failing input is

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use hellojohn::{Random, SeededRandom};
use hellojohn_tests::fixture::rounds;
use hellojohn_tests::fuzz_targets::{TARGETS, run};

const MUTATIONS: u64 = 1_000;
/// No mutation is longer.
const LONGEST: usize = 4_096;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(&folder).expect("kept inputs").map(|entry| entry.expect("an input").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("an input")).collect()
}

/// Random choices.
struct Choices(SeededRandom);

impl Choices {
    fn below(&mut self, n: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes).expect("seeded bytes");
        (u64::from_le_bytes(bytes) % n.max(1) as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }

    /// A few changes to an input, as a fuzzer makes them.
    fn mutation(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut text = inputs[self.below(inputs.len())].clone();
        for _ in 0..=self.below(4) {
            let at = self.below(text.len() + 1);
            match self.below(7) {
                0 if at < text.len() => text[at] = self.byte(),
                1 if at < text.len() => text[at] ^= 1 << self.below(8),
                2 if at < text.len() => drop(text.remove(at)),
                3 => text.truncate(at),
                4 => {
                    let other = &inputs[self.below(inputs.len())];
                    let from = self.below(other.len() + 1);
                    text.splice(at..at, other[from..].iter().copied());
                }
                5 => {
                    let edges: [&[u8]; 8] =
                        [b"\0", b"\"", b"-1", b"18446744073709551616", b"\xff", b"%00", b"null", b"\\u0000"];
                    text.splice(at..at, edges[self.below(edges.len())].iter().copied());
                }
                _ => text.insert(at, self.byte()),
            }
        }
        text.truncate(LONGEST);
        text
    }
}

/// Calls a target and keeps an input that it does not bear.
fn try_one(target: &str, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(target, input))) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz");
        let path = folder.join(target);
        fs::create_dir_all(&folder).and_then(|()| fs::write(&path, input)).expect("a place for the input");
        eprintln!("{target}: the input is in {}: {:?}", path.display(), String::from_utf8_lossy(input));
        std::panic::resume_unwind(panic);
    }
}

fn campaign(wanted: impl Fn(&str) -> bool) {
    for (target, _) in TARGETS.iter().filter(|(target, _)| wanted(target)) {
        let inputs = corpus(target);
        assert!(inputs.len() >= 3, "{target} has hardly an input");
        for input in &inputs {
            try_one(target, input);
        }
        let mut choices = Choices(SeededRandom::new(rounds("HJ_SEED", 1)));
        for _ in 0..rounds("HJ_FUZZ", MUTATIONS) {
            try_one(target, &choices.mutation(&inputs));
        }
    }
}

#[test]
fn no_input_breaks_a_parser() {
    campaign(|target| target != "calls");
}

#[test]
fn no_sequence_of_calls_breaks_the_model() {
    campaign(|target| target == "calls");
}

#[test]
fn every_target_is_a_program_of_the_fuzzer() {
    let manifest = include_str!("../fuzz/Cargo.toml");
    let named: Vec<&str> = manifest.lines().filter_map(|line| line.strip_prefix("name = \"")).collect();
    let mut programs: Vec<String> =
        named[1..].iter().map(|name| name.trim_end_matches('"').to_owned()).collect();
    programs.sort();
    let targets: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(programs, targets);
}
