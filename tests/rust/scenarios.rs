//! Every scenario through every surface, one named test each; at the end all surfaces must show the same sessions.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use hellojohn_tests::runner;
use hellojohn_tests::scenario::Scenario;
use hellojohn_tests::surface::SurfaceKind;
use libtest_mimic::{Arguments, Failed, Trial};

/// The dump of the first surface that finished a scenario, which the others must equal.
type Dumps = Arc<Mutex<HashMap<String, (&'static str, Vec<String>)>>>;

fn surfaces() -> Vec<SurfaceKind> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = [
        ("rust", vec![PathBuf::from(env!("CARGO_BIN_EXE_surface"))]),
        ("c", vec![tests.join("../build/c/surface")]),
        ("node", vec![PathBuf::from("node"), tests.join("node/surface.mjs")]),
    ];
    // HJ_SURFACES=rust,c leaves the others out while working on one of them.
    let chosen = std::env::var("HJ_SURFACES").unwrap_or_else(|_| "rust,c,node".into());
    all.into_iter()
        .filter(|(name, _)| chosen.split(',').any(|choice| choice == *name))
        .map(|(name, command)| SurfaceKind { name, command })
        .collect()
}

fn trial(path: &Path, kind: &SurfaceKind, dumps: &Dumps) -> Result<(), Failed> {
    let scenario = Scenario::read(path)?;
    let dump = runner::run(&scenario, kind)?;
    let mut dumps = dumps.lock().unwrap_or_else(PoisonError::into_inner);
    let (first, reference) = dumps.entry(scenario.name).or_insert_with(|| (kind.name, dump.clone()));
    if *reference != dump {
        return Err(format!(
            "the sessions at the end differ:\n{first}: {reference:#?}\n{}: {dump:#?}",
            kind.name
        )
        .into());
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let dumps = Dumps::default();
    let mut trials = Vec::new();
    for kind in surfaces() {
        for path in Scenario::all() {
            let name = format!("{}::{}", kind.name, path.file_stem().unwrap_or_default().to_string_lossy());
            let (kind, dumps) = (kind.clone(), Arc::clone(&dumps));
            trials.push(Trial::test(name, move || trial(&path, &kind, &dumps)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
