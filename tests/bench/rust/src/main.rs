//! The Rust rows of the benchmark, one JSON object a line: `hellojohn-bench quick|full FOLDER GROUP [TOWER]`, where GROUP is the
//! name of a module with rows, and TOWER the program of the peer tower-sessions. `hellojohn-bench memory DATABASE` is what
//! it runs itself to see how a process grows, `hellojohn-bench calls FOLDER on|off CALL COUNT` what README.md counts the
//! instructions of.

mod calls;
mod crowd;
mod duel;
mod filters;
mod growth;
mod limits;
mod memory;
mod ours;
mod sweep;
mod tower;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use self::duel::{Pace, Round};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How much is done.
struct Mode {
    pace: Pace,
    /// Sessions of the large database of P10 and P11.
    large: usize,
    /// Of how many of them the tokens are kept: spread over all of it.
    samples: usize,
    /// Ended sessions of each of the sweeps of P12.
    swept: usize,
    /// Sessions of the one user of P14.
    crowd: usize,
}

/// What measures a group of rows.
type Rows = fn(&Mode, &Path) -> Fallible<()>;

const GROUPS: &[(&str, Rows)] = &[
    ("limits", limits::rows),
    ("growth", growth::rows),
    ("sweep", sweep::rows),
    ("crowd", crowd::rows),
    ("filters", filters::rows),
];

/// Everything is measured against the same at this many sessions.
const SMALL: usize = 10_000;

#[derive(Serialize)]
struct Row {
    /// The bar's name in `bars.mjs`.
    bar: &'static str,
    work: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rounds: Option<Vec<Round>>,
    /// Where the bar is absolute.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
}

impl Row {
    fn duel(bar: &'static str, work: &str, against: &str, rounds: Vec<Round>) -> Self {
        Row {
            bar,
            work: work.to_owned(),
            against: Some(against.to_owned()),
            rounds: Some(rounds),
            value: None,
        }
    }

    fn value(bar: &'static str, work: String, value: f64) -> Self {
        Row { bar, work, against: None, rounds: None, value: Some(value) }
    }

    fn print(&self) -> Fallible<()> {
        println!("{}", serde_json::to_string(self)?);
        Ok(())
    }
}

fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1);
    let mode = match arguments.next().as_deref() {
        Some("memory") => return memory::grow(Path::new(&arguments.next().ok_or("which database?")?)),
        Some("calls") => {
            let mut next = || arguments.next().ok_or("FOLDER on|off CALL COUNT");
            return calls::run(Path::new(&next()?), next()? == "on", &next()?, next()?.parse()?);
        }
        Some("quick") => Mode {
            pace: Pace { rounds: 7, round_time: Duration::from_millis(90), most_calls: 4_032 },
            large: 200_000,
            samples: 20_000,
            swept: 15_000,
            crowd: 50_000,
        },
        Some("full") => Mode {
            pace: Pace { rounds: 9, round_time: Duration::from_secs(1), most_calls: 9_984 },
            large: 5_000_000,
            samples: 200_000,
            swept: 200_000,
            crowd: 1_000_000,
        },
        _ => return Err("quick or full?".into()),
    };
    let folder = PathBuf::from(arguments.next().ok_or("in which folder?")?);
    let group = arguments.next().ok_or("which group?")?;
    if group == "tower" {
        // Without the peer there is nothing to compare.
        return arguments.next().map_or(Ok(()), |program| tower::rows(&mode, &folder, Path::new(&program)));
    }
    let (_, rows) = GROUPS.iter().find(|(name, _)| *name == group).ok_or("there is no such group")?;
    rows(&mode, &folder)
}

/// 5000000 as 5,000,000.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
