//! Which file names which other.

use std::collections::{BTreeMap, BTreeSet};

use crate::Source;
use crate::rust_code::{inline_paths, is_test_file, production_code, uses};

/// One file's knowledge of another.
pub(crate) type Edges = BTreeMap<String, BTreeSet<String>>;

/// The edges between the files of a Rust crate. `mod` lines and the `pub use` lines of a `mod.rs` are no edges: they say
/// where a name is found, and a path through them leads to the file that defines the name.
pub(crate) fn rust_edges(folder: &str, all: &[Source]) -> Edges {
    let files: Vec<&Source> = all
        .iter()
        .filter(|source| source.path.starts_with(folder) && source.path.ends_with(".rs"))
        .filter(|source| !is_test_file(&source.path))
        .collect();
    let by_attribute = modules_by_attribute(folder, &files);
    let module_of = |path: &str| by_attribute.get(path).cloned().unwrap_or_else(|| module_of(folder, path));
    let modules: BTreeMap<Vec<String>, String> =
        files.iter().map(|source| (module_of(&source.path), source.path.clone())).collect();
    let parsed: Vec<_> = files
        .iter()
        .map(|source| {
            let (named, others) = uses(&production_code(&source.text));
            (module_of(&source.path), *source, named, others)
        })
        .collect();
    let mut published = BTreeMap::new();
    for (module, _, named, _) in &parsed {
        for one in named.iter().filter(|one| one.is_public) {
            if let Some(target) = absolute(module, &one.path, &modules) {
                published.insert(joined(module, &one.name), target);
            }
        }
    }
    let mut edges = Edges::new();
    for (module, source, named, others) in &parsed {
        let is_index = source.path.ends_with("/mod.rs") || source.path.ends_with("/lib.rs");
        let children: Vec<String> = modules
            .keys()
            .filter(|key| key.len() == module.len() + 1 && key.starts_with(module))
            .map(|key| key[module.len()].clone())
            .collect();
        let imports = named.iter().filter(|one| !(one.is_public && is_index)).map(|one| one.path.clone());
        let targets = imports.chain(inline_paths(others, &children));
        let known = edges.entry(source.path.clone()).or_default();
        for path in targets {
            let Some(mut path) = absolute(module, &path, &modules) else { continue };
            while let Some(target) = published.get(&path) {
                path = target.clone();
            }
            let file = (0..=path.len()).rev().find_map(|length| modules.get(&path[..length]));
            if let Some(file) = file.filter(|file| **file != source.path) {
                known.insert(file.clone());
            }
        }
    }
    edges
}

/// The modules whose file `#[path = "…"]` names, by the path of the file.
fn modules_by_attribute(folder: &str, files: &[&Source]) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for source in files {
        let here = source.path.rsplit_once('/').map_or("", |(here, _)| here);
        for declared in source.text.split("#[path = \"").skip(1) {
            let Some((file, rest)) = declared.split_once('"') else { continue };
            let name = rest.split("mod ").nth(1).and_then(|rest| rest.split(';').next()).unwrap_or("");
            found.insert(resolve(here, file), joined(&module_of(folder, &source.path), name));
        }
    }
    found
}

/// A path from a folder on, without `.` and `..`.
fn resolve(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/').filter(|part| *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

fn module_of(folder: &str, path: &str) -> Vec<String> {
    let inner = path[folder.len()..].trim_end_matches(".rs");
    let mut module: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod" || last == "lib") {
        module.pop();
    }
    module
}

fn joined(module: &[String], name: &str) -> Vec<String> {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

/// A path from the crate's root; nothing for a path into another crate.
fn absolute(
    module: &[String],
    path: &[String],
    modules: &BTreeMap<Vec<String>, String>,
) -> Option<Vec<String>> {
    let (mut base, mut rest) = match path.first()?.as_str() {
        "crate" => (Vec::new(), &path[1..]),
        "self" => (module.to_vec(), &path[1..]),
        "super" => (module[..module.len().checked_sub(1)?].to_vec(), &path[1..]),
        child if modules.contains_key(&joined(module, child)) => (module.to_vec(), path),
        _ => return None,
    };
    while rest.first().is_some_and(|first| first == "super") {
        base.pop();
        rest = &rest[1..];
    }
    Some(base.into_iter().chain(rest.iter().cloned()).collect())
}

/// The edges between TypeScript files: `import … from "./x"`, `export … from`, `import("./x")`, with or without `.js`.
pub(crate) fn typescript_edges(folder: &str, all: &[Source]) -> Edges {
    let paths: BTreeSet<&str> = all.iter().map(|source| source.path.as_str()).collect();
    let mut edges = Edges::new();
    for source in all.iter().filter(|source| source.path.starts_with(folder) && source.path.ends_with(".ts"))
    {
        let known = edges.entry(source.path.clone()).or_default();
        for quoted in source.text.split('"').skip(1).step_by(2) {
            if quoted.starts_with("./") || quoted.starts_with("../") {
                let here = source.path.rsplit_once('/').map_or("", |(here, _)| here);
                let file = format!("{}.ts", resolve(here, quoted.trim_end_matches(".js")));
                if paths.contains(file.as_str()) {
                    known.insert(file);
                }
            }
        }
    }
    edges
}

/// Every group of files that know each other in a circle, with the edges that make it.
pub(crate) fn cycles(edges: &Edges) -> Vec<String> {
    let reach = |from: &String| {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&String> = edges.get(from).into_iter().flatten().collect();
        while let Some(next) = open.pop() {
            if reached.insert(next.clone()) {
                open.extend(edges.get(next).into_iter().flatten());
            }
        }
        reached
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = edges.keys().map(|from| (from, reach(from))).collect();
    let in_circle =
        |a: &String, b: &String| reached[a].contains(b) && reached.get(b).is_some_and(|r| r.contains(a));
    let pairs = edges.iter().flat_map(|(from, known)| known.iter().map(move |to| (from, to)));
    pairs.filter(|(from, to)| in_circle(from, to)).map(|(from, to)| format!("{from} knows {to}")).collect()
}

mod self_tests {
    use super::*;

    fn core(files: &[(&str, &str)]) -> Vec<Source> {
        files.iter().map(|(path, text)| Source::new(&format!("core/src/{path}"), text)).collect()
    }

    #[test]
    fn a_circle_through_a_published_name_is_caught() {
        let all = core(&[
            ("engine/mod.rs", "mod a; mod b;\npub(crate) use self::a::A;\npub use self::b::B;"),
            ("engine/a.rs", "use super::B;\npub struct A;"),
            ("engine/b.rs", "use crate::engine::{A};\npub struct B;"),
            ("engine/c.rs", "use super::{A, B};"),
        ]);
        let found = cycles(&rust_edges("core/src/", &all));
        assert_eq!(
            found,
            [
                "core/src/engine/a.rs knows core/src/engine/b.rs",
                "core/src/engine/b.rs knows core/src/engine/a.rs"
            ]
        );
    }

    #[test]
    fn a_circle_between_an_index_that_calls_and_its_child_is_caught() {
        let all = core(&[
            ("rest/mod.rs", "mod call;\nfn answer() { call::run() }"),
            ("rest/call.rs", "use super::answer;\npub fn run() { answer() }"),
        ]);
        assert_eq!(cycles(&rust_edges("core/src/", &all)).len(), 2);
    }

    #[test]
    fn a_circle_through_a_file_that_an_attribute_names_is_caught() {
        let all = [
            Source::new("bindings/c/src/lib.rs", "#[path = \"generated/page.rs\"]\npub mod page;\nmod rest;"),
            Source::new("bindings/c/src/generated/page.rs", "use crate::rest::Rest;\npub struct Page;"),
            Source::new("bindings/c/src/rest.rs", "use crate::page::Page;\npub struct Rest;"),
        ];
        assert_eq!(cycles(&rust_edges("bindings/c/src/", &all)).len(), 2);
    }

    #[test]
    fn a_circle_of_typescript_types_is_caught() {
        let all = [
            Source::new("npm/node/src/a.ts", "import type { B } from \"./internal/b\";"),
            Source::new("npm/node/src/internal/b.ts", "export { A } from \"../a.js\";"),
            Source::new("npm/node/src/c.ts", "import { A } from \"./a.js\";"),
        ];
        assert_eq!(cycles(&typescript_edges("npm/node/src/", &all)).len(), 2);
    }
}
