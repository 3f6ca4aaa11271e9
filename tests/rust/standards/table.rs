//! `docs/standards.md` names every test of this target, and every test that it names exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the project").to_owned()
}

/// The names of the tests in a source.
fn tests_in(source: &str) -> BTreeSet<&str> {
    let after = source.split("#[test]").skip(1).filter_map(|after| after.split_once("fn "));
    after.filter_map(|(_, rest)| rest.split_once('(')).map(|(name, _)| name).collect()
}

/// The last cell of each row of the tables: the names in backticks, `test` or `path::test`.
fn named_in(document: &str) -> Vec<&str> {
    let rows = document.lines().filter(|line| line.starts_with('|'));
    rows.filter_map(|row| row.trim_end().trim_end_matches('|').rsplit('|').next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect()
}

fn missing(
    document: &str,
    sources: &BTreeMap<String, String>,
    read: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let ours: BTreeSet<&str> = sources
        .iter()
        .filter(|(path, _)| *path != "table.rs")
        .flat_map(|(_, source)| tests_in(source))
        .collect();
    let named: BTreeSet<&str> = named_in(document).into_iter().collect();
    let exists = |name: &str| match name.split_once("::") {
        None => ours.contains(name),
        Some((path, test)) => read(path).is_some_and(|source| tests_in(&source).contains(test)),
    };
    let dead = named.iter().filter(|name| !exists(name)).map(|name| format!("there is no test {name}"));
    let silent = ours.iter().filter(|name| !named.contains(*name));
    dead.chain(silent.map(|name| format!("the table does not name {name}"))).collect()
}

#[test]
fn the_table_names_every_test_and_no_other() {
    let document = fs::read_to_string(root().join("docs/standards.md")).expect("the table");
    let folder = root().join("tests/rust/standards");
    let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let sources = files.map(|path| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(path).expect("a source"))
    });
    let found = missing(&document, &sources.collect(), |path| fs::read_to_string(root().join(path)).ok());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_test_that_is_missing_on_either_side_is_caught() {
    let document = "| 1 | a | b | `one`, `x.rs::two` |\n| 2 | a | b | `gone` |\n| 3 | a | b | `x.rs::gone` |\nno `row`\n";
    let sources =
        BTreeMap::from([("a.rs".to_owned(), "#[test]\nfn one() {}\n#[test]\nfn three() {}".to_owned())]);
    let found =
        missing(document, &sources, |path| (path == "x.rs").then(|| "#[test]\nfn two() {}".to_owned()));
    assert_eq!(
        found,
        ["there is no test gone", "there is no test x.rs::gone", "the table does not name three"]
    );
}
