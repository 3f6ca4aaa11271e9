//! The blocks of Rust in the documents, each document's as one test. `run.mjs` writes them and says where.

use std::process::{ExitCode, Termination};

include!(env!("HJ_DOCS_BLOCKS"));

/// Fails if what `main` returned is a failure.
fn must_succeed(outcome: impl Termination) {
    assert!(outcome.report() == ExitCode::SUCCESS, "main failed");
}

/// The blocks may make files; they run one after another.
#[allow(dead_code)]
fn enter_an_empty_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::env::set_current_dir(folder.path()).expect("it can be entered");
    folder
}
