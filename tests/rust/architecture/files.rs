//! Names, lengths and words of files.

use crate::rust_code::{TEST_MODULES, before_unit_tests, is_test_file};
use crate::{Source, assert_none, assert_only, sources};

const CODE: &[&str] = &["c", "cpp", "h", "hpp", "mjs", "mts", "py", "rs", "sql", "ts", "tsx"];

/// Written by a program and compared by a test.
const GENERATED: &[&str] = &["include/hellojohn.h"];

/// Longer than this, a file of code needs a reason; longer than the second, there is none.
const LINES: usize = 300;
const LINES_AT_MOST: usize = 600;

/// The files of code that are longer than `LINES`, and why.
const LONG_FILES: &[(&str, &str)] = &[
    ("bindings/c/src/engine.rs", "every option of opening, with its documentation"),
    ("bindings/node/src/tenant.rs", "a method for each operation"),
    ("core/src/clock.rs", "the clocks, each with its documentation"),
    ("core/src/engine/answers.rs", "what every call answers with, with its documentation"),
    ("core/src/error.rs", "the one table of errors, and each type that carries a row of it"),
    ("core/src/engine/event_log_check.rs", "one reader of a log, with every way in which it can be wrong"),
    ("core/src/engine/event_seals.rs", "sealing, deleting and exporting one chain"),
    ("core/src/engine/import.rs", "one import, from its lines to its steps"),
    ("core/src/engine/builder.rs", "a setter for each option, with its documentation"),
    ("core/src/engine/verify.rs", "the three ways to verify, with their documentation"),
    ("core/src/engine/signing_keys.rs", "all keys of a tenant: what one leak calls for"),
    ("core/src/engine/transaction.rs", "how an operation reaches the store, and nothing else does"),
    ("core/src/model/user_agent/mod.rs", "one decision table, read from top to bottom"),
    ("core/src/rest/authorize.rs", "the gate, and a test for each way through it"),
    ("core/src/engine/replayed_log.rs", "one reader of a log, and what it makes of each line"),
    ("core/src/model/config.rs", "every setting, with its documentation"),
    ("core/src/rest/cookie_options.rs", "every option of the cookie, with its documentation"),
    ("core/src/rest/options.rs", "every option, and a table of bad ones"),
    ("core/src/rest/routes.rs", "the one table of routes"),
    ("core/src/store/group_commit.rs", "the whole life of a shared commit, told once"),
    ("core/src/store/postgres/codec.rs", "the columns of every table, once"),
    ("core/src/store/postgres/read_tx.rs", "a function for each question"),
    ("core/src/store/postgres/change.rs", "each kind of change: its rows, its columns, its SQL"),
    ("core/src/store/postgres/statements.rs", "every statement"),
    ("core/src/store/transaction.rs", "a method for each question and each change, with its contract"),
    (
        "core/src/store/postgres/transaction.rs",
        "what a transaction knows, has changed and has sent, told once",
    ),
    ("core/src/store/postgres/tests/trips.rs", "each thing that can become of a trip"),
    ("core/src/store/sqlite/check_rows.rs", "a walk for each table"),
    ("core/src/store/sqlite/codec.rs", "the columns of every table, once"),
    ("core/src/store/sqlite/read_tx.rs", "a function for each question"),
    ("core/src/store/sqlite/write_tx.rs", "a function for each statement that changes something"),
    ("core/src/store/sqlite/store.rs", "the connections of one database, who holds them, and closing"),
    ("examples/c/event_loop.c", "a whole server, from the socket to the answer"),
    ("include/hellojohn.hpp", "an owner for each object and a method for each function of the header"),
    ("npm/client/src/client.ts", "the client, with its documentation: its parts share one state"),
    ("npm/client/src/verifier.ts", "what verifiers take, answer and do, with their documentation"),
    ("npm/node/src/sessions.ts", "the methods of sessions, with their documentation"),
    ("npm/node/src/hellojohn.ts", "the class that users see, with its documentation"),
    ("tests/c/begun.c", "each call that a host on an event loop begins, and what can become of it"),
    ("tests/c/completions.c", "each thing that can become of a call that was begun"),
    ("tests/c/nulls.c", "a line for each function of the header"),
    ("tests/c/rest.c", "the REST API as a C host mounts it, each case once"),
    ("tests/c/sequences.c", "each kind of call, of object and of order"),
    ("tests/c/strings.c", "a line for each text that the header takes"),
    ("tests/c/surface_operations.c", "a function for each operation"),
    ("tests/codegen/c.rs", "how each kind of object is written"),
    ("tests/codegen/node_session.rs", "the one array of a session: its order, its writer and its reader"),
    ("tests/node/event_loop.test.mjs", "each way in which a call could stop the event loop"),
    ("tests/node/rest_bad_input.test.mjs", "a table of bad input"),
    ("tests/node/rest_hosts.test.mjs", "each kind of host server"),
    ("tests/node/surface.mjs", "a function for each operation"),
    ("tests/node/webhooks.test.mjs", "each thing that a receiver can do"),
    ("tests/rust/bin/rest_surface.rs", "a function for each operation over REST"),
    ("tests/rust/events.rs", "what a log of events must tell, and each way to tamper with it"),
    ("tests/rust/replay.rs", "random calls around a backup, and each log that is refused"),
    (
        "tests/rust/revocations.rs",
        "a plain verifier, random calls against it, and each case that they do not reach",
    ),
    ("tests/rust/histories/model.rs", "a second engine, in plain code"),
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["common", "helper", "helpers", "misc", "util", "utils"];

/// Pronouns that hide who does something (a sentence names its subject), and a private word for "API surface" and
/// "binding".
const BANNED_WORDS: &[&str] = &["anybody", "door", "doors", "nobody", "somebody", "whoever", "whom"];

/// Texts that are not ours to word, and the two that name the words.
const MAY_NAME_THEM: &[&str] =
    &["CONTRIBUTING.md", "LICENSE-APACHE", "LICENSE-MIT", "tests/rust/architecture/files.rs"];

fn is_code(path: &str) -> bool {
    let is_generated = GENERATED.contains(&path) || path.contains("/generated/");
    path.rsplit_once('.').is_some_and(|(_, ending)| CODE.contains(&ending)) && !is_generated
}

fn longer_than(limit: usize, all: &[Source]) -> Vec<String> {
    let long = all.iter().filter(|source| is_code(&source.path) && source.text.lines().count() > limit);
    long.map(|source| source.path.clone()).collect()
}

fn empty_names(all: &[Source]) -> Vec<String> {
    let says_nothing = |part: &str| EMPTY_NAMES.contains(&part.split('.').next().unwrap_or(part));
    all.iter().map(|source| source.path.clone()).filter(|path| path.split('/').any(says_nothing)).collect()
}

/// Words between characters that are no letters: `evict_nobody` holds one too.
fn banned_words(all: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in all.iter().filter(|source| !MAY_NAME_THEM.contains(&source.path.as_str())) {
        let lines = source.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        for (number, line) in [(0, source.path.as_str())].into_iter().chain(lines) {
            let lower = line.to_lowercase();
            for word in lower.split(|c: char| !c.is_alphabetic()).filter(|word| BANNED_WORDS.contains(word)) {
                found.push(format!("{}:{number}: {word}", source.path));
            }
        }
    }
    found
}

/// Tests that stand among production code without saying so: a module that only tests compile and that has another name
/// than `TEST_MODULES`, or a test outside of one.
fn hidden_tests(all: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    let is_production =
        |path: &str| path.contains("/src/") && path.ends_with(".rs") && !path.starts_with("tests/");
    for source in all.iter().filter(|source| is_production(&source.path)) {
        for after in source.text.split("#[cfg(test)]\n").skip(1) {
            let declared =
                after.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
            let name = declared.strip_prefix("mod ").map(|rest| rest.split([';', ' ']).next().unwrap_or(""));
            if let Some(name) = name.filter(|name| !TEST_MODULES.contains(name)) {
                found.push(format!("{}: the module {name} is compiled for tests only", source.path));
            }
        }
        if !is_test_file(&source.path) && before_unit_tests(&source.text).contains("#[test]") {
            found.push(format!("{}: a test outside of `mod tests`", source.path));
        }
    }
    found
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let all = sources();
    assert_none(&format!("more than {LINES_AT_MOST} lines"), &longer_than(LINES_AT_MOST, &all));
    assert_only(&format!("more than {LINES} lines"), &longer_than(LINES, &all), LONG_FILES);
}

#[test]
fn no_name_of_a_file_says_nothing() {
    assert_none("names that say nothing", &empty_names(&sources()));
}

#[test]
fn every_sentence_names_its_subject() {
    assert_none("words that a sentence must do without", &banned_words(&sources()));
}

#[test]
fn tests_stand_in_files_that_say_so() {
    let found = hidden_tests(&sources());
    assert_none("tests that look like production code", &found);
}

mod self_tests {
    use super::*;

    #[test]
    fn a_long_file_is_caught() {
        let all = [
            Source::new("core/src/a.rs", &"\n".repeat(LINES + 1)),
            Source::new("core/src/b.rs", &"\n".repeat(LINES)),
            Source::new("docs/C.md", &"\n".repeat(LINES + 1)),
        ];
        assert_eq!(longer_than(LINES, &all), ["core/src/a.rs"]);
    }

    #[test]
    #[should_panic(expected = "allowed, but no longer there: b.rs")]
    fn a_file_that_shrank_must_leave_the_list() {
        assert_only("long", &["a.rs".to_owned()], &[("a.rs", "reason"), ("b.rs", "reason")]);
    }

    #[test]
    #[should_panic(expected = "new: c.rs")]
    fn a_file_that_grew_must_give_a_reason() {
        assert_only("long", &["a.rs".to_owned(), "c.rs".to_owned()], &[("a.rs", "reason")]);
    }

    #[test]
    fn an_empty_name_is_caught() {
        let all = [Source::new("core/src/utils.rs", ""), Source::new("npm/node/src/common/a.ts", "")];
        assert_eq!(empty_names(&all).len(), 2);
        assert!(empty_names(&[Source::new("core/src/misconduct.rs", "")]).is_empty());
    }

    #[test]
    fn a_banned_word_is_caught() {
        let all = [Source::new("a.rs", "// the writer\nfn wait_for_somebody() {} // Whom?\n")];
        assert_eq!(banned_words(&all), ["a.rs:2: somebody", "a.rs:2: whom"]);
    }

    #[test]
    fn a_hidden_test_is_caught() {
        let all = [
            Source::new("core/src/a.rs", "#[cfg(test)]\nmod plans;\n"),
            Source::new("core/src/b.rs", "#[test]\nfn f() {}\n"),
            Source::new("core/src/c.rs", "#[cfg(test)]\nmod tests {\n#[test]\nfn f() {}\n}\n"),
            Source::new("core/src/d/tests/e.rs", "#[test]\nfn f() {}\n"),
        ];
        assert_eq!(hidden_tests(&all).len(), 2);
    }
}
