//! What the documents point at exists.

use std::path::Path;

use crate::{Source, assert_none, root, sources};

/// The targets of `[text](target)` outside of blocks of code.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("```")
        .step_by(2)
        .flat_map(|prose| prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()))
}

/// What `# heading` is called in an address.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn dead_links(all: &[Source], exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for source in all.iter().filter(|source| source.path.ends_with(".md")) {
        for target in
            links(&source.text).filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        {
            let (path, part) = target.split_once('#').unwrap_or((target, ""));
            let folder = Path::new(&source.path).parent().expect("a file lies in a folder");
            let linked =
                if path.is_empty() { Path::new(&source.path).into() } else { plain(&folder.join(path)) };
            let headings = |text: &str| {
                text.lines().any(|line| line.starts_with('#') && anchor(line.trim_start_matches('#')) == part)
            };
            let document = all.iter().find(|other| Path::new(&other.path) == linked);
            if !exists(&linked) || !part.is_empty() && document.is_some_and(|other| !headings(&other.text)) {
                found.push(format!("{}: {target}", source.path));
            }
        }
    }
    found
}

/// The path without `..`.
fn plain(path: &Path) -> std::path::PathBuf {
    path.components().fold(std::path::PathBuf::new(), |mut kept, part| {
        if part.as_os_str() == ".." {
            kept.pop();
        } else {
            kept.push(part);
        }
        kept
    })
}

/// The documents that describe the tree as it is.
fn describes_the_tree(path: &str) -> bool {
    path.ends_with("README.md")
        || path == "CONTRIBUTING.md"
        || path == "SECURITY.md"
        || path.starts_with("docs/") && path.ends_with(".md")
}

/// The paths in backticks: `core/src/engine/{create,refresh}.rs` is two, and a `*` stands for any name.
fn named_paths(text: &str) -> Vec<String> {
    let prose: String = text.split("```").step_by(2).collect();
    let quoted = prose.split('`').skip(1).step_by(2);
    let is_path = |quoted: &&str| {
        quoted.contains('/') && quoted.chars().all(|c| c.is_ascii_alphanumeric() || "_-./{},*".contains(c))
    };
    quoted.filter(is_path).flat_map(with_braces_resolved).collect()
}

fn with_braces_resolved(path: &str) -> Vec<String> {
    let Some((before, (group, after))) =
        path.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    else {
        return vec![path.to_owned()];
    };
    group.split(',').flat_map(|name| with_braces_resolved(&format!("{before}{name}{after}"))).collect()
}

fn dead_paths(all: &[Source], top: &[String], exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for source in all.iter().filter(|source| describes_the_tree(&source.path)) {
        for path in named_paths(&source.text) {
            let first = path.split('/').next().unwrap_or("");
            let fixed = path.split('*').next().unwrap_or("");
            let fixed =
                if fixed == path { fixed } else { fixed.rsplit_once('/').map_or("", |(folder, _)| folder) };
            if top.iter().any(|name| name == first) && !exists(Path::new(fixed.trim_end_matches('/'))) {
                found.push(format!("{}: `{path}`", source.path));
            }
        }
    }
    found
}

/// The first parts of the project's paths. What a build makes (`build/`, `target/`) is not among them.
fn top_folders(all: &[Source]) -> Vec<String> {
    let mut names: Vec<String> = all
        .iter()
        .filter_map(|source| source.path.split_once('/'))
        .map(|(first, _)| first.to_owned())
        .collect();
    names.dedup();
    names
}

#[test]
fn every_link_of_a_document_leads_somewhere() {
    assert_none("dead links", &dead_links(&sources(), |path| root().join(path).exists()));
}

/// The README that a registry shows, where nothing of the project is beside it.
const PACKAGED: &str = "core/README.md";
const REPOSITORY: &str = "https://github.com/hellojohn/hellojohn/blob/main/";

/// Links of the packaged README that lead nowhere from a registry, or to no file of the project.
fn links_that_need_the_tree(all: &[Source], exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let readme = all.iter().filter(|source| source.path == PACKAGED);
    let leads = |target: &str| match target.strip_prefix(REPOSITORY) {
        Some(path) => exists(Path::new(path.split('#').next().unwrap_or(path))),
        None => target.starts_with("https://") && !target.contains("hellojohn/hellojohn"),
    };
    readme.flat_map(|source| links(&source.text).filter(|target| !leads(target)).map(str::to_owned)).collect()
}

#[test]
fn every_link_of_the_packaged_readme_is_a_whole_address() {
    let all = sources();
    assert!(all.iter().any(|source| source.path == PACKAGED && links(&source.text).count() > 5));
    assert!(!root().join(PACKAGED).is_symlink(), "{PACKAGED} is not the one of the whole project");
    assert_none("links", &links_that_need_the_tree(&all, |path| root().join(path).exists()));
}

#[test]
fn every_path_that_a_document_names_exists() {
    let all = sources();
    assert_none(
        "paths that do not exist",
        &dead_paths(&all, &top_folders(&all), |path| root().join(path).exists()),
    );
}

mod self_tests {
    use super::*;

    #[test]
    fn a_dead_link_is_caught() {
        let all = [
            Source::new(
                "docs/A.md",
                "[b](../B.md) [c](C.md) [d](../B.md#two-words) [e](../B.md#three) [f](https://x.example)",
            ),
            Source::new("B.md", "# Two words\n```\n[not](a-link)\n```\n"),
        ];
        let found = dead_links(&all, |path| path == Path::new("B.md"));
        assert_eq!(found, ["docs/A.md: C.md", "docs/A.md: ../B.md#three"]);
    }

    #[test]
    fn a_link_that_leads_nowhere_from_a_registry_is_caught() {
        let text = format!(
            "[a]({REPOSITORY}docs/A.md#x) [b](docs/A.md) [c]({REPOSITORY}docs/B.md) [d](https://x.example)"
        );
        let found =
            links_that_need_the_tree(&[Source::new(PACKAGED, &text)], |path| path == Path::new("docs/A.md"));
        assert_eq!(found, ["docs/A.md", &format!("{REPOSITORY}docs/B.md")]);
    }

    #[test]
    fn a_path_that_does_not_exist_is_caught() {
        let all = [Source::new(
            "docs/A.md",
            "`core/src/{a,b}.rs`, `core/*/c.rs`, `other/d.rs`, `core/src/`, `a/b`\n```\n`core/gone`\n```\n",
        )];
        let exists =
            |path: &Path| ["core/src/a.rs", "core/src", "core"].iter().any(|known| path == Path::new(known));
        assert_eq!(dead_paths(&all, &["core".to_owned()], exists), ["docs/A.md: `core/src/b.rs`"]);
    }
}
