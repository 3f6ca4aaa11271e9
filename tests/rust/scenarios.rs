//! Every scenario through every surface, one named test each; at the end all surfaces must show the same sessions.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use hellojohn_tests::rest_coverage::{self, RestCoverage};
use hellojohn_tests::scenario::Scenario;
use hellojohn_tests::surface::SurfaceKind;
use hellojohn_tests::{expect, runner};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

/// The dump of the first surface that finished a scenario, which the others must equal. REST shows whole seconds only:
/// one table holds what every surface shows of times, the other the milliseconds of those that show them.
#[derive(Default)]
struct Dumps {
    in_seconds: Mutex<HashMap<String, Dump>>,
    in_millis: Mutex<HashMap<String, Dump>>,
}

/// The surface and what it showed.
type Dump = (&'static str, Vec<Value>);

fn surfaces() -> Vec<SurfaceKind> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = [
        ("rust", vec![PathBuf::from(env!("CARGO_BIN_EXE_surface"))]),
        ("rest", vec![PathBuf::from(env!("CARGO_BIN_EXE_rest_surface"))]),
        ("c", vec![tests.join("../build/c/surface")]),
        ("node", vec![PathBuf::from("node"), tests.join("node/surface.mjs")]),
    ];
    // HJ_SURFACES=rust,c leaves the others out while working on one of them.
    let chosen = std::env::var("HJ_SURFACES").unwrap_or_else(|_| "rust,rest,c,node".into());
    all.into_iter()
        .filter(|(name, _)| chosen.split(',').any(|choice| choice == *name))
        .map(|(name, command)| SurfaceKind { name, command, is_rest: name == "rest" })
        .collect()
}

fn trial(path: &Path, kind: &SurfaceKind, dumps: &Dumps) -> Result<(), Failed> {
    let scenario = Scenario::read(path)?;
    let dump = runner::run(&scenario, kind)?;
    let mut in_seconds = dump.clone();
    in_seconds.iter_mut().for_each(expect::round_times_down);
    in_seconds.sort_by_cached_key(Value::to_string);
    compare(&scenario.name, (kind.name, in_seconds), &dumps.in_seconds)?;
    if !kind.is_rest {
        compare(&scenario.name, (kind.name, dump), &dumps.in_millis)?;
    }
    Ok(())
}

fn compare(
    scenario: &str,
    (surface, dump): Dump,
    dumps: &Mutex<HashMap<String, Dump>>,
) -> Result<(), Failed> {
    let mut dumps = dumps.lock().unwrap_or_else(PoisonError::into_inner);
    let (first, reference) = dumps.entry(scenario.to_owned()).or_insert_with(|| (surface, dump.clone()));
    if *reference != dump {
        return Err(format!(
            "the sessions at the end differ:\n{first}: {reference:#?}\n{surface}: {dump:#?}"
        )
        .into());
    }
    Ok(())
}

/// Whether the surface can say enough of the scenario; a file with a mistake gets its trial, which tells of it.
fn has_trial(path: &Path, kind: &SurfaceKind) -> bool {
    let scenario = Scenario::read(path);
    let other_store = if std::env::var_os("HJ_PG").is_some() { "file" } else { "postgres" };
    if scenario.as_ref().is_ok_and(|scenario| scenario.store.as_deref() == Some(other_store)) {
        return false;
    }
    !kind.is_rest || scenario.map_or(true, |scenario| RestCoverage::of(&scenario).has_trial())
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let dumps = Arc::new(Dumps::default());
    let mut trials = vec![Trial::test("what_rest_cannot_say_is_listed", || {
        rest_coverage::compare_with_committed_file().map_err(Failed::from)
    })];
    for kind in surfaces() {
        for path in Scenario::all().into_iter().filter(|path| has_trial(path, &kind)) {
            let name = format!("{}::{}", kind.name, path.file_stem().unwrap_or_default().to_string_lossy());
            let (kind, dumps) = (kind.clone(), Arc::clone(&dumps));
            trials.push(Trial::test(name, move || trial(&path, &kind, &dumps)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
