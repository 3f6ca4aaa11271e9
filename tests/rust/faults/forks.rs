//! Processes that fork after they have used the library.

use hellojohn::{Engine, ErrorCode};
use hellojohn_tests::fixture::{Database, Process, START, sign_in};

use crate::{Worker, assert_sound, output_of};

fn output_of_file_worker(role: &str, database: &Database) -> Vec<String> {
    Worker::start_program(env!("CARGO_BIN_EXE_file_worker"), role, &database.path(), "").finish()
}

#[test]
fn a_forked_child_is_refused_and_its_parent_is_unharmed() {
    let database = Database::new();
    assert_eq!(output_of("fork", &database.path(), ""), ["child 0", "parent true", "child 0", "parent true"]);
    let process = database.open_at(0);
    assert_eq!(process.tenant("tnt").stats().unwrap().sessions.active, 3);
    drop(process);
    assert_sound(&database.path());
}

#[test]
fn a_forked_child_cannot_open_what_its_parent_had_open() {
    let database = Database::new();
    assert_eq!(output_of("fork-and-reopen", &database.path(), ""), ["child forked"]);
}

#[test]
fn a_future_of_the_parents_is_refused_in_a_child_and_answered_in_the_parent() {
    let database = Database::new();
    let told = output_of("fork-with-a-future", &database.path(), "");
    assert_eq!(told, ["before pending", "child forked forked", "parent ok"]);
}

#[test]
fn a_child_that_opens_another_file_is_refused_whatever_its_parents_threads_were_doing() {
    let database = Database::new();
    let refused = format!("[{}]", ErrorCode::Forked as i32);
    assert_eq!(output_of_file_worker("fork-and-open-another", &database), [refused]);
}

#[test]
fn a_child_that_checks_a_file_is_refused() {
    let database = Database::new();
    let refused = (ErrorCode::Forked as i32).to_string();
    assert_eq!(output_of_file_worker("fork-and-check", &database), [refused]);
}

#[test]
fn a_child_with_its_parents_process_number_is_noticed() {
    let database = Database::new();
    let found = output_of_file_worker("fork-into-a-pid-namespace", &database);
    assert!(found == ["child 0"] || found == ["not permitted"], "{found:?}");
}

#[test]
fn a_child_that_outlives_its_parent_holds_no_lock_of_it() {
    let database = Database::new();
    let mut worker = Worker::start_program(
        env!("CARGO_BIN_EXE_file_worker"),
        "leave-a-child-behind",
        &database.path(),
        "",
    );
    assert_eq!(worker.line(), "child forked");
    let input = worker.child.stdin.take();
    assert!(worker.child.wait().unwrap().success());
    let patient = Engine::builder().busy_timeout(std::time::Duration::from_millis(200));
    sign_in(&Process::open(database.path(), START, patient).tenant("tnt"), "u");
    drop(input);
}
