//! Histories as lists of calls that are decided before they are played: what fails is made small and can be played again.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::dice::Dice;
use crate::fixture::Database;

use super::place::Place;
use super::shrink::shrink;
use super::{CALLS, History, Mistake};

/// How often a history that fails is played to make it small.
const TRIES_MAX: usize = 600;

/// Where the database of a history is to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In memory.
    Memory,
    /// In a file, or in a schema where `HJ_PG` names a server.
    File,
    /// In a file on a disk that fails.
    FailingDisk,
}

/// How histories begin.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Of the engine's randomness.
    pub seed: u64,
    /// Where the database lives.
    pub kind: Kind,
    /// A wrong rule of the model.
    pub mistake: Option<Mistake>,
    /// Whether it is closed and opened again on the way.
    pub reopens: bool,
}

impl Setting {
    /// By the rules.
    pub fn new(seed: u64, kind: Kind) -> Self {
        Setting { seed, kind, mistake: None, reopens: true }
    }
}

/// One step of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Its place among all of the seed.
    pub number: usize,
    /// The seed of a call; absent where the database is emptied.
    pub call: Option<u64>,
}

/// The steps of so many histories in one database: each call is chosen by a seed of its own.
pub fn steps(seed: u64, histories: usize) -> Vec<Step> {
    let mut dice = Dice::new(seed);
    let mut calls = (0..histories * (CALLS + 1)).map(|number| {
        let seed = dice.roll();
        Step { number, call: ((number + 1) % (CALLS + 1) != 0).then_some(seed) }
    });
    calls.by_ref().collect()
}

/// What came of playing.
#[derive(Debug, PartialEq, Eq)]
pub struct Played {
    /// Every call and every answer, as one number.
    pub trace: u64,
    /// What the tables hold at the end, each as a number; absent without a file.
    pub dump: Option<BTreeMap<String, u64>>,
}

/// An answer that is not the model's.
#[derive(Debug)]
pub struct Violation {
    /// What was expected, and where in the code.
    pub message: String,
    line: String,
    /// How many steps were played.
    played: usize,
    /// The calls that were played.
    pub calls: Vec<String>,
}

/// A violation with the few steps that lead to it.
#[derive(Debug)]
pub struct Smallest {
    setting: Setting,
    /// The steps.
    pub steps: Vec<Step>,
    /// What they come to.
    pub violation: Violation,
}

impl fmt::Display for Smallest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.steps.iter().map(|step| step.number.to_string()).collect();
        let Setting { seed, kind, .. } = self.setting;
        let test = if kind == Kind::FailingDisk { "disk_that_fails" } else { "batches" };
        writeln!(f, "{}\nafter these calls:", self.violation.message)?;
        for call in &self.violation.calls {
            writeln!(f, "  {call}")?;
        }
        write!(
            f,
            "HJ_SEED={seed} HJ_CALLS={} cargo test -p hellojohn-tests --test histories {test}",
            numbers.join(",")
        )
    }
}

/// Plays the steps on an empty database.
///
/// # Errors
/// The first answer that is not the model's.
pub fn play(setting: Setting, steps: &[Step]) -> Result<Played, Box<Violation>> {
    let place = match setting.kind {
        Kind::Memory => Place::Memory,
        Kind::File => Place::File(Database::new()),
        Kind::FailingDisk => Place::FailingDisk(Box::default()),
    };
    let mut history = History::new(setting.seed, place, setting.mistake, setting.reopens);
    let mut calls = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let outcome = quietly(|| match step.call {
            Some(seed) => history.call(seed),
            None => history.clear(),
        });
        calls.extend(history.take_calls());
        if let Err((message, line)) = outcome {
            return Err(Box::new(Violation { message, line, played: at + 1, calls }));
        }
    }
    Ok(Played { trace: history.trace(), dump: history.dump() })
}

/// Plays the steps, and those that fail in smaller and smaller parts, until none can be left out.
///
/// # Errors
/// The smallest part that ends at the same line.
pub fn play_smallest(setting: Setting, steps: &[Step]) -> Result<Played, Box<Smallest>> {
    let first = match play(setting, steps) {
        Ok(played) => return Ok(played),
        Err(violation) => violation,
    };
    let same = |steps: &[Step]| play(setting, steps).err().filter(|violation| violation.line == first.line);
    // Where the same steps do not fail again, they are told as they are.
    let whole = &steps[..first.played];
    let small = shrink(whole, TRIES_MAX, |part| same(part).is_some());
    match same(&small) {
        Some(violation) => Err(Box::new(Smallest { setting, steps: small, violation: *violation })),
        None => Err(Box::new(Smallest { setting, steps: whole.to_vec(), violation: *first })),
    }
}

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<(String, String)> = const { RefCell::new((String::new(), String::new())) };
}

/// Runs this; a panic comes back as its text and its line, and nothing is printed.
fn quietly(run: impl FnOnce()) -> Result<(), (String, String)> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_QUIET.get() {
                return usual(panic);
            }
            let line = panic.location().map(ToString::to_string).unwrap_or_default();
            LAST.set((panic.to_string(), line));
        }));
    });
    IS_QUIET.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(run));
    IS_QUIET.set(false);
    outcome.map_err(|_| LAST.take())
}
