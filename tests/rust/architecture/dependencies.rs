//! The rules of `deny.toml` that need no network, without cargo-deny: `make deny` runs the tool itself.

use std::process::Command;

use serde_json::Value;

use crate::{assert_none, root};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What `deny.toml` says, as far as this test knows it.
struct Rules {
    licences: Vec<String>,
    licence_exceptions: Vec<(String, String)>,
    /// Each with the packages that may have it all the same.
    banned: Vec<(String, Vec<String>)>,
    banned_features: Vec<(String, String)>,
    duplicates: Vec<String>,
}

/// A package of the lock file.
struct Package {
    name: String,
    licence: Option<String>,
    source: Option<String>,
    features: Vec<String>,
    /// The names of the packages that it is built from, where the lock file tells.
    dependencies: Vec<String>,
}

fn rules(text: &str) -> Rules {
    let quoted =
        |line: &str| -> Vec<String> { line.split('"').skip(1).step_by(2).map(str::to_owned).collect() };
    let mut rules = Rules {
        licences: Vec::new(),
        licence_exceptions: Vec::new(),
        banned: Vec::new(),
        banned_features: Vec::new(),
        duplicates: Vec::new(),
    };
    let (mut table, mut list) = (String::new(), String::new());
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if line.starts_with('[') {
            line.trim_matches(['[', ']']).clone_into(&mut table);
        }
        if let Some(key) = line.strip_suffix(" = [") {
            key.clone_into(&mut list);
        }
        let values = quoted(line);
        match (table.as_str(), list.as_str()) {
            ("licenses", "allow") => rules.licences.extend(values),
            ("licenses", "exceptions") if values.len() > 1 => {
                rules.licence_exceptions.push((values[0].clone(), values[1].clone()));
            }
            ("bans", "deny") => rules.banned.extend(values.split_first().map(|(name, rest)| {
                let wrappers = if line.contains("wrappers = [") { &rest[..rest.len() - 1] } else { &[] };
                (name.clone(), wrappers.to_vec())
            })),
            ("bans", "skip") => rules.duplicates.extend(values.into_iter().take(1)),
            _ => {}
        }
    }
    for table in text.split("[[bans.features]]").skip(1) {
        let value =
            |key: &str| table.lines().find(|line| line.starts_with(key)).map(quoted).unwrap_or_default();
        let features = value("deny");
        rules.banned_features.extend(value("crate").into_iter().flat_map(|name| {
            features.iter().map(move |feature| (name.clone(), feature.clone())).collect::<Vec<_>>()
        }));
    }
    rules
}

/// Whether an SPDX expression can be satisfied with what is allowed.
fn is_satisfied(expression: &str, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let expression = expression.replace('/', " OR ");
    let mut parts = Vec::new();
    let (mut depth, mut part) = (0, String::new());
    for word in expression.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
        match word {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth == 0 && (word == "AND" || word == "OR") {
            parts.push((std::mem::take(&mut part), word.to_owned()));
        } else {
            part = format!("{part} {word}");
        }
    }
    parts.push((part, String::new()));
    let holds = |part: &str| {
        let part = part.trim();
        match part.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
            Some(inner) => is_satisfied(inner, is_allowed),
            None => is_allowed(part),
        }
    };
    // AND binds closer than OR.
    let mut alternatives = vec![true];
    for (part, operator) in &parts {
        let last = alternatives.last_mut().expect("never empty");
        *last = *last && holds(part);
        if operator == "OR" {
            alternatives.push(true);
        }
    }
    alternatives.contains(&true)
}

fn violations(rules: &Rules, packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    for package in packages {
        let Package { name, licence, source, features, dependencies } = package;
        let is_exception =
            |licence: &str| rules.licence_exceptions.iter().any(|(l, n)| l == licence && n == name);
        let is_allowed = |one: &str| rules.licences.iter().any(|l| l == one) || is_exception(one);
        if let Some(licence) = licence.as_ref().filter(|licence| !is_satisfied(licence, &is_allowed)) {
            found.push(format!("{name}: licence {licence}"));
        }
        if let Some(source) = source.as_ref().filter(|source| *source != CRATES_IO) {
            found.push(format!("{name}: comes from {source}"));
        }
        if rules.banned.iter().any(|(banned, wrappers)| banned == name && wrappers.is_empty()) {
            found.push(format!("{name}: banned"));
        }
        let is_wrapper = |wrappers: &[String]| wrappers.contains(name);
        for (banned, wrappers) in rules.banned.iter().filter(|(_, wrappers)| !wrappers.is_empty()) {
            if dependencies.contains(banned) && !is_wrapper(wrappers) {
                found.push(format!("{name}: may not have {banned}"));
            }
        }
        for (_, feature) in rules.banned_features.iter().filter(|(n, f)| n == name && features.contains(f)) {
            found.push(format!("{name}: feature {feature} is banned"));
        }
    }
    let mut names: Vec<&String> = packages.iter().map(|package| &package.name).collect();
    names.sort();
    let twice = names.windows(2).filter(|pair| pair[0] == pair[1] && !rules.duplicates.contains(pair[0]));
    found.extend(twice.map(|pair| format!("{}: more than one version", pair[0])));
    found
}

/// Every package of the lock file, for all platforms.
fn locked_packages() -> Vec<Package> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock can be read");
    let value = |table: &str, key: &str| {
        table.lines().find_map(|line| Some(line.strip_prefix(key)?.trim_matches([' ', '=', '"']).to_owned()))
    };
    // ` "ring",`, and ` "ring 0.17.14",` where there are several versions.
    let dependencies = |table: &str| {
        let lines = table.split("dependencies = [").nth(1).unwrap_or_default().lines();
        let names = lines.filter_map(|line| line.trim().strip_prefix('"')?.split([' ', '"']).next());
        names.map(str::to_owned).collect()
    };
    let packages = lock.split("[[package]]").skip(1).map(|table| Package {
        name: value(table, "name").expect("a package has a name"),
        licence: None,
        source: value(table, "source"),
        features: Vec::new(),
        dependencies: dependencies(table),
    });
    packages.collect()
}

/// The packages that this machine builds with, which cargo has therefore at hand without asking the network.
fn built_packages() -> Vec<Package> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let version = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let version = String::from_utf8(version.stdout).expect("rustc writes text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let features = |id: &Value| {
        let node = nodes.iter().find(|node| node["id"] == *id).expect("a node for each package");
        node["features"].as_array().into_iter().flatten().filter_map(text).collect()
    };
    let packages = metadata["packages"].as_array().expect("packages").iter().map(|package| Package {
        name: text(&package["name"]).expect("a package has a name"),
        licence: Some(text(&package["license"]).unwrap_or_else(|| "none".to_owned())),
        source: text(&package["source"]),
        features: features(&package["id"]),
        dependencies: Vec::new(),
    });
    packages.collect()
}

#[test]
fn dependencies_keep_the_rules_of_deny_toml() {
    let rules = rules(&std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml can be read"));
    assert!(!rules.licences.is_empty() && !rules.banned.is_empty() && !rules.banned_features.is_empty());
    let mut found = violations(&rules, &locked_packages());
    found.extend(violations(&rules, &built_packages()));
    assert_none("dependencies against deny.toml", &found);
}

#[test]
fn a_dependency_against_the_rules_is_caught() {
    let rules = rules(
        "[licenses]\nallow = [\n    \"MIT\",\n    \"BSD-3-Clause\",\n]\nexceptions = [\n    { allow = [\"MPL-2.0\"], crate = \"odd\" },\n]\n\
         [bans]\ndeny = [\n    { crate = \"openssl\", reason = \"x\" },\n    { crate = \"ring\", wrappers = [\"rustls\"], reason = \"x\" },\n]\nskip = [\n    { crate = \"syn\", reason = \"x\" },\n]\n\
         [[bans.features]]\ncrate = \"jsonwebtoken\"\ndeny = [\"rust_crypto\"]\n",
    );
    let package = |name: &str, licence: &str, source: &str, features: &[&str]| Package {
        name: name.to_owned(),
        licence: Some(licence.to_owned()),
        source: Some(source.to_owned()),
        features: features.iter().map(|one| (*one).to_owned()).collect(),
        dependencies: Vec::new(),
    };
    let over_ring = |name: &str| Package {
        dependencies: vec!["ring".to_owned()],
        ..package(name, "MIT", CRATES_IO, &[])
    };
    let found = violations(
        &rules,
        &[
            package("fine", "(MIT OR Apache-2.0) AND BSD-3-Clause", CRATES_IO, &[]),
            package("old", "Apache-2.0/MIT", CRATES_IO, &[]),
            package("odd", "MPL-2.0", CRATES_IO, &[]),
            package("copyleft", "GPL-3.0 OR MIT AND MPL-2.0", CRATES_IO, &[]),
            package("elsewhere", "MIT", "git+https://example.org", &[]),
            package("openssl", "MIT", CRATES_IO, &[]),
            package("jsonwebtoken", "MIT", CRATES_IO, &["rust_crypto", "use_pem"]),
            package("syn", "MIT", CRATES_IO, &[]),
            package("syn", "MIT", CRATES_IO, &[]),
            package("winnow", "MIT", CRATES_IO, &[]),
            package("winnow", "MIT", CRATES_IO, &[]),
            package("ring", "MIT", CRATES_IO, &[]),
            over_ring("rustls"),
            over_ring("another"),
        ],
    );
    assert_eq!(
        found,
        [
            "copyleft: licence GPL-3.0 OR MIT AND MPL-2.0",
            "elsewhere: comes from git+https://example.org",
            "openssl: banned",
            "jsonwebtoken: feature rust_crypto is banned",
            "another: may not have ring",
            "winnow: more than one version",
        ]
    );
}
