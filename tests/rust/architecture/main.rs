//! The rules of `docs/ARCHITECTURE.md` and `CONTRIBUTING.md` that a machine can check. Each test reports every violation
//! of its rule at once, and each rule has a test that feeds it a sample it must catch.

mod compiler;
mod dependencies;
mod documents;
mod examples;
mod files;
mod imports;
mod layers;
mod rust_code;

use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the project.
struct Source {
    /// From the root of the project, with `/` between folders.
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Source { path: path.to_owned(), text: text.to_owned() }
    }
}

/// What is built, installed or recorded, and not part of the project.
const NOT_OURS: &[&str] =
    &[".git", ".hypothesis", ".schemathesis", "build", "dist", "native", "node_modules", "target"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the project").to_owned()
}

/// Every text file of the project, in the order of their paths.
fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root(), "", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 300, "only {} files below {}", found.len(), root().display());
    found
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("the project can be read") {
        let entry = entry.expect("the project can be read");
        let name = entry.file_name().into_string().expect("names of files are UTF-8");
        let kind = entry.file_type().expect("the project can be read");
        if kind.is_dir() && !NOT_OURS.contains(&name.as_str()) {
            collect(&entry.path(), &format!("{prefix}{name}/"), found);
        } else if kind.is_file() {
            // Databases and pictures are no text.
            if let Ok(text) = fs::read_to_string(entry.path()) {
                found.push(Source { path: format!("{prefix}{name}"), text });
            }
        }
    }
}

/// Fails with all violations of a rule, one on a line.
fn assert_none(rule: &str, violations: &[String]) {
    assert!(violations.is_empty(), "{rule}\n  {}\n", violations.join("\n  "));
}

/// Fails unless the violations are exactly the ones that are allowed: a new one is not in the list, an old one that was
/// mended must leave it.
fn assert_only(rule: &str, violations: &[String], allowed: &[(&str, &str)]) {
    let new = violations.iter().filter(|found| allowed.iter().all(|(entry, _)| entry != found));
    let gone = allowed.iter().filter(|(entry, _)| violations.iter().all(|found| found != entry));
    let report: Vec<String> = (new.map(|found| format!("new: {found}")))
        .chain(gone.map(|(entry, _)| format!("allowed, but no longer there: {entry}")))
        .collect();
    assert_none(rule, &report);
}
