//! The oldest compiler: what `rust-version` in `Cargo.toml` names, and that no dependency asks for a newer one.

use std::process::Command;

use serde_json::Value;

use crate::{assert_none, root};

type Version = (u64, u64, u64);

/// `1.85` or `1.85.1`.
fn parse(text: &str) -> Option<Version> {
    let mut numbers = text.split('.').map(str::parse::<u64>);
    let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let patch = numbers.next().transpose().ok()?.unwrap_or_default();
    numbers.next().is_none().then_some((major, minor, patch))
}

/// What Cargo.toml names.
fn oldest_compiler(manifest: &str) -> Option<Version> {
    let line = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "))?;
    parse(line.trim_matches('"'))
}

/// Packages that need a newer compiler than this one.
fn too_new(oldest: Version, metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let needs = packages.filter_map(|package| {
        let text = package["rust_version"].as_str()?;
        let (name, version) = (package["name"].as_str()?, package["version"].as_str()?);
        let is_fine = parse(text).is_some_and(|needed| needed <= oldest);
        (!is_fine).then(|| format!("{name} {version} needs Rust {text}"))
    });
    needs.collect()
}

#[test]
fn no_dependency_needs_a_newer_compiler_than_is_promised() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml can be read");
    let oldest = oldest_compiler(&manifest).expect("Cargo.toml names a rust-version");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let version = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let version = String::from_utf8(version.stdout).expect("rustc writes text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--offline",
            "--all-features",
            "--filter-platform",
            host,
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let declared = metadata["packages"].as_array().expect("packages").iter();
    assert!(declared.filter(|package| package["rust_version"].is_string()).count() > 50);
    assert_none("dependencies against rust-version in Cargo.toml", &too_new(oldest, &metadata));
}

#[test]
fn the_documents_name_the_oldest_compiler() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("it can be read");
    let (major, minor, _) = oldest_compiler(&read("Cargo.toml")).expect("a rust-version");
    let named = format!("Rust {major}.{minor}");
    let silent = ["README.md", "core/README.md", "CONTRIBUTING.md", "docs/start/rust.md"];
    let silent: Vec<String> =
        silent.into_iter().filter(|path| !read(path).contains(&named)).map(str::to_owned).collect();
    assert_none(&format!("documents that do not say {named}"), &silent);
}

#[test]
fn a_dependency_that_needs_a_newer_compiler_is_caught() {
    let package = |name: &str, needs: Option<&str>| serde_json::json!({"name": name, "version": "1.0.0", "rust_version": needs});
    let metadata = serde_json::json!({"packages": [
        package("silent", None),
        package("same", Some("1.95")),
        package("older", Some("1.95.0")),
        package("patch", Some("1.95.1")),
        package("minor", Some("1.96")),
        package("odd", Some("stable")),
    ]});
    let found = too_new((1, 95, 0), &metadata);
    assert_eq!(
        found,
        ["patch 1.0.0 needs Rust 1.95.1", "minor 1.0.0 needs Rust 1.96", "odd 1.0.0 needs Rust stable"]
    );
    assert_eq!(oldest_compiler("[workspace.package]\nrust-version = \"1.95\"\n"), Some((1, 95, 0)));
}
