//! Reading scenario files; the format is described in `tests/scenarios/README.md`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// One object of the file, and where it stands.
pub struct Step {
    /// Line number, from 1.
    pub line: usize,
    /// The object.
    pub members: Map<String, Value>,
}

/// A scenario file.
pub struct Scenario {
    /// The file's name without its ending.
    pub name: String,
    /// Clock at the start, in ms since the epoch.
    pub start: i64,
    /// Settings of the default tenant, patched before the first step.
    pub config: Option<Value>,
    /// The one store that it is about, if not all: `file` or `postgres`.
    pub store: Option<String>,
    /// What happens.
    pub steps: Vec<Step>,
}

const START: i64 = 1_767_225_600_000;

/// Members that the header may have.
const HEADER: [&str; 5] = ["scenario", "spec", "start", "config", "store"];

impl Scenario {
    /// Reads a file; a mistake in it is an error that names the line.
    pub fn read(path: &Path) -> Result<Self, String> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
        let mut steps = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let members =
                serde_json::from_str(line).map_err(|error| format!("{name}:{}: {error}", index + 1))?;
            steps.push(Step { line: index + 1, members });
        }
        if steps.is_empty() {
            return Err(format!("{name}: is empty"));
        }
        let mut header = steps.remove(0).members;
        if let Some(unknown) = header.keys().find(|key| !HEADER.contains(&key.as_str())) {
            return Err(format!("{name}: header has unknown {unknown}"));
        }
        let start = header.get("start").map_or(Some(START), Value::as_i64);
        let store = header.get("store").map(|store| store.as_str().map(str::to_owned));
        let known = |store: &Option<String>| matches!(store.as_deref(), Some("file" | "postgres"));
        if store.as_ref().is_some_and(|store| !known(store)) {
            return Err(format!("{name}: store is neither file nor postgres"));
        }
        Ok(Scenario {
            start: start.ok_or_else(|| format!("{name}: start is not a number"))?,
            config: header.remove("config"),
            store: store.flatten(),
            name,
            steps,
        })
    }

    /// All scenario files, by name.
    pub fn all() -> Vec<PathBuf> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        let mut files: Vec<_> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
            .collect();
        files.sort();
        files
    }
}
