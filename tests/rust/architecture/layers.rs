//! Which file may know which: layers, fences around foreign crates, no cycles.

use crate::imports::{Edges, cycles, rust_edges, typescript_edges};
use crate::rust_code::{find_word, is_test_file, production_code};
use crate::{Source, assert_none, assert_only, sources};

/// The layers of `core/src`, lowest first: a file knows its own layer and those below it.
const LAYERS: &[&[&str]] = &[
    &[
        "error",
        "fork",
        "clock",
        "random",
        "duration",
        "text",
        "in_millis",
        "json",
        "object_reader",
        "percent",
        "schema",
        "word_enum",
        "secret",
    ],
    &["model"],
    &["rules", "token", "key_wrapping"],
    &["store"],
    &["engine"],
    &["rest"],
    &["tower"],
    &["axum"],
    &["lib"],
];

/// The files of `core/src/engine` that are operations.
const OPERATIONS: &[&str] = &[
    "adopt",
    "check",
    "clock_admin",
    "create",
    "event_consumer",
    "event_log_check",
    "event_seals",
    "import",
    "maintenance",
    "maintenance_round",
    "query",
    "refresh",
    "revoke",
    "settings",
    "signing_keys",
    "update",
    "verify",
];

/// A word of code, the only place in which it may occur, and the folders in which that holds.
const FENCES: &[(&str, &str, &[&str])] = &[
    ("rusqlite", "core/src/store/sqlite/", CRATES),
    ("tokio_postgres", "core/src/store/postgres/", CRATES),
    ("jsonwebtoken", "core/src/token/", CRATES),
    ("ed25519_dalek", "core/src/token/", CRATES),
    ("http::", "core/src/rest/", &["core/src/"]),
    ("SystemTime", "core/src/clock.rs", CRATES),
    ("Instant", "core/src/clock.rs", CRATES),
    ("getrandom", "core/src/random.rs", CRATES),
    // Every end of a session is written in one place, where its event is told too.
    ("end_session", "core/src/engine/session_ends.rs", &["core/src/engine/"]),
    // And every event is written in one place.
    ("add_event", "core/src/engine/event_log.rs", &["core/src/engine/"]),
];

/// What `fence_violations` may find, and why.
const FENCE_EXCEPTIONS: &[(&str, &str)] = &[
    (
        "bindings/node/src/calls.rs names Instant, which belongs to core/src/clock.rs",
        "measures how long a call waited for a thread; no answer depends on it",
    ),
    (
        "bindings/node/src/late_answers.rs names Instant, which belongs to core/src/clock.rs",
        "says when an answer is told that is decided already",
    ),
    (
        "core/src/axum.rs names http::, which belongs to core/src/rest/",
        "axum's requests and responses are those of the crate `http`",
    ),
    (
        "core/src/tower/client_address.rs names http::, which belongs to core/src/rest/",
        "so are those of tower's hosts",
    ),
    (
        "core/src/tower/guard.rs names http::, which belongs to core/src/rest/",
        "so are those of tower's hosts",
    ),
    (
        "core/src/tower/rest_service.rs names http::, which belongs to core/src/rest/",
        "so are those of tower's hosts",
    ),
];

/// The folders in which Rust modules start.
const CRATES: &[&str] = &["core/src/", "bindings/c/src/", "bindings/cli/src/", "bindings/node/src/"];

fn layer(path: &str) -> usize {
    let name = path["core/src/".len()..].split('/').next().unwrap_or("").trim_end_matches(".rs");
    LAYERS
        .iter()
        .position(|names| names.contains(&name))
        .unwrap_or_else(|| panic!("{path} is in no layer: add it to LAYERS and to docs/ARCHITECTURE.md"))
}

fn upward_edges(edges: &Edges) -> Vec<String> {
    let pairs = edges.iter().flat_map(|(from, known)| known.iter().map(move |to| (from, to)));
    pairs
        .filter(|(from, to)| layer(to) > layer(from))
        .map(|(from, to)| format!("{from} knows {to}, which is in a higher layer"))
        .collect()
}

/// The stores.
const BACK_ENDS: &[&str] = &["core/src/store/sqlite/", "core/src/store/postgres/"];
const POSTGRES_URL: &str = "core/src/store/postgres/url.rs";

/// Only the file that opens a store may name a back end: everything else speaks to its traits.
fn edges_past_the_store_seam(edges: &Edges) -> Vec<String> {
    let is_past = |from: &str, to: &str| {
        BACK_ENDS.iter().any(|back_end| to.starts_with(back_end) && !from.starts_with(back_end))
    };
    let pairs = edges.iter().flat_map(|(from, known)| known.iter().map(move |to| (from, to)));
    pairs
        .filter(|(from, to)| is_past(from, to) && *from != "core/src/store/open.rs")
        // What a URL says is no part of the back end that it leads to.
        .filter(|(from, to)| (from.as_str(), to.as_str()) != ("core/src/store/database.rs", POSTGRES_URL))
        .map(|(from, to)| format!("{from} knows {to}"))
        .collect()
}

/// Operations share what is below them, never each other's types.
fn edges_between_operations(edges: &Edges) -> Vec<String> {
    let is_operation = |path: &str| {
        let name = path.strip_prefix("core/src/engine/").and_then(|name| name.strip_suffix(".rs"));
        name.is_some_and(|name| OPERATIONS.contains(&name))
    };
    let pairs = edges.iter().flat_map(|(from, known)| known.iter().map(move |to| (from, to)));
    let pairs = pairs.filter(|(from, to)| is_operation(from) && is_operation(to));
    pairs.map(|(from, to)| format!("{from} knows {to}")).collect()
}

fn fence_violations(all: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in all.iter().filter(|source| source.path.ends_with(".rs") && !is_test_file(&source.path)) {
        let code = production_code(&source.text);
        for (word, place, fenced) in FENCES {
            let is_fenced = fenced.iter().any(|folder| source.path.starts_with(folder));
            if is_fenced && !source.path.starts_with(place) && find_word(&code, word).is_some() {
                found.push(format!("{} names {word}, which belongs to {place}", source.path));
            }
        }
    }
    found
}

#[test]
fn layers_of_the_core_import_downwards_only() {
    assert_none("imports against the layers", &upward_edges(&rust_edges("core/src/", &sources())));
}

#[test]
fn only_the_opener_of_the_store_names_a_back_end() {
    let edges = rust_edges("core/src/", &sources());
    assert_none("imports past the store's traits", &edges_past_the_store_seam(&edges));
}

#[test]
fn operations_do_not_know_each_other() {
    let all = sources();
    let exists = |name: &str| all.iter().any(|source| source.path == format!("core/src/engine/{name}.rs"));
    assert!(OPERATIONS.iter().all(|name| exists(name)), "an operation has no file: mend OPERATIONS");
    assert_none("operations that know others", &edges_between_operations(&rust_edges("core/src/", &all)));
}

#[test]
fn foreign_crates_and_clocks_stay_inside_their_fences() {
    assert_only("words outside of their place", &fence_violations(&sources()), FENCE_EXCEPTIONS);
}

#[test]
fn no_file_knows_itself_through_others() {
    let all = sources();
    let mut found: Vec<String> = CRATES.iter().flat_map(|folder| cycles(&rust_edges(folder, &all))).collect();
    found.extend(cycles(&typescript_edges("npm/", &all)));
    assert_none("circles of imports", &found);
}

mod self_tests {
    use super::*;

    fn core(files: &[(&str, &str)]) -> Vec<Source> {
        files.iter().map(|(path, text)| Source::new(&format!("core/src/{path}"), text)).collect()
    }

    #[test]
    fn an_import_from_a_higher_layer_is_caught() {
        let all = core(&[
            ("lib.rs", "mod engine; mod store;"),
            ("engine/mod.rs", "mod tenant;"),
            ("engine/tenant.rs", "pub struct Tenant;"),
            ("store/mod.rs", "fn f(t: crate::engine::tenant::Tenant) {}"),
        ]);
        let found = upward_edges(&rust_edges("core/src/", &all));
        assert_eq!(
            found,
            ["core/src/store/mod.rs knows core/src/engine/tenant.rs, which is in a higher layer"]
        );
    }

    #[test]
    fn an_operation_that_knows_another_is_caught() {
        let all = core(&[
            ("engine/verify.rs", "pub(super) fn unknown() {}"),
            ("engine/revoke.rs", "use super::verify::unknown;"),
            ("engine/tenant.rs", "use super::verify::unknown;"),
        ]);
        let found = edges_between_operations(&rust_edges("core/src/", &all));
        assert_eq!(found, ["core/src/engine/revoke.rs knows core/src/engine/verify.rs"]);
    }

    #[test]
    fn a_back_end_named_by_the_engine_is_caught() {
        let all = core(&[
            ("store/mod.rs", "mod sqlite;"),
            ("store/sqlite/mod.rs", "pub struct Options;"),
            ("engine/mod.rs", "use crate::store::sqlite::Options;"),
        ]);
        let found = edges_past_the_store_seam(&rust_edges("core/src/", &all));
        assert_eq!(found, ["core/src/engine/mod.rs knows core/src/store/sqlite/mod.rs"]);
    }

    #[test]
    fn a_driver_outside_of_its_folder_is_caught() {
        let all = core(&[
            ("engine/query.rs", "fn f(e: rusqlite::Error) {}"),
            ("store/sqlite/error.rs", "use rusqlite::Error;"),
            ("rules/expiry.rs", "// SystemTime would be wrong here\nlet a = std::time::SystemTime::now();"),
        ]);
        assert_eq!(
            fence_violations(&all),
            [
                "core/src/engine/query.rs names rusqlite, which belongs to core/src/store/sqlite/",
                "core/src/rules/expiry.rs names SystemTime, which belongs to core/src/clock.rs",
            ]
        );
    }
}
