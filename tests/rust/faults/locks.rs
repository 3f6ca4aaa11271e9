//! What keeps the locks of a database when other parts of its process open and close its files.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use hellojohn::{Engine, ErrorCode};
use hellojohn_tests::fixture::{Database, START, sign_in, tenant};

use crate::{Worker, assert_sound, open};

fn worker(role: &str, database: &Path, more: &str) -> Worker {
    Worker::start_program(env!("CARGO_BIN_EXE_file_worker"), role, database, more)
}

/// A program that opens the database, looks and leaves: a lock that was lost would let it take the log away.
fn visit(role: &str, database: &Path, more: &str) -> Vec<String> {
    worker(role, database, more).finish()
}

fn read_own_files_and_lose_nothing(way: &str) {
    let database = Database::new();
    let mut host = worker("read-own-files", &database.path(), way);
    let line = host.line();
    if line == "not permitted" {
        host.finish();
        return;
    }
    let (revoked, kept) = line.split_once(' ').expect(&line);
    assert_eq!(visit("visit", &database.path(), ""), ["20"]);
    assert!(database.folder().join("sessions.db-wal").exists(), "the visitor has taken the log away");
    host.write_line();
    assert_eq!(host.line(), "ok");
    let last = host.line();
    assert_eq!(visit("verify", &database.path(), revoked), ["session_revoked"]);
    assert_eq!(visit("verify", &database.path(), kept), ["ok"]);
    assert_eq!(visit("verify", &database.path(), &last), ["ok"]);
    host.write_line();
    assert_eq!(host.line(), "all kept");
    host.finish();
    assert_eq!(visit("visit", &database.path(), ""), ["39"]);
    assert_sound(&database.path());
}

#[test]
fn a_process_that_reads_its_database_as_plain_files_keeps_its_locks() {
    read_own_files_and_lose_nothing("");
}

#[test]
fn locks_are_kept_without_proc_too() {
    read_own_files_and_lose_nothing("without-proc");
}

#[test]
fn a_descriptor_that_may_write_is_taken_for_another_library() {
    for way in ["", "without-proc"] {
        let database = Database::new();
        drop(database.open_at(START));
        let found = visit("open-beside-a-reader", &database.path(), way);
        assert!(found == ["ok", "storage_busy", "ok"] || found == ["not permitted"], "{way} {found:?}");
    }
}

#[test]
fn every_foreign_descriptor_is_refused_where_locks_belong_to_the_process() {
    let database = Database::new();
    drop(database.open_at(START));
    let found = visit("open-beside-a-reader", &database.path(), "without-locks-of-descriptions");
    assert_eq!(found, ["storage_busy", "storage_busy", "ok"]);
}

#[test]
fn a_connection_of_the_host_shares_the_locks_of_its_process() {
    let database = Database::new();
    let engine = Engine::open(database.path()).unwrap();
    sign_in(&tenant(&engine, "tnt"), "u");
    // The test's own SQLite is the library's.
    let own = rusqlite::Connection::open(database.path()).unwrap();
    own.query_row("SELECT count(*) FROM sessions", [], |row| row.get::<_, i64>(0)).unwrap();
    drop(engine);
    assert_eq!(visit("visit", &database.path(), ""), ["1"]);
    own.execute_batch("UPDATE clock_mark SET era = era").unwrap();
    assert_eq!(visit("visit", &database.path(), ""), ["1"]);
    assert!(database.folder().join("sessions.db-wal").exists(), "the visitor has taken the log away");
    assert_eq!(open(&database.path()), None);
    drop(own);
    // One that was there before the engine has locks of the process.
    let early = rusqlite::Connection::open(database.path()).unwrap();
    assert_eq!(open(&database.path()), Some(ErrorCode::StorageBusy));
    drop(early);
    assert_eq!(open(&database.path()), None);
}

#[test]
fn another_copy_of_sqlite_in_the_process_is_excluded_as_another_process_is() {
    let database = Database::new();
    let mut host = worker("beside-another-sqlite", &database.path(), "");
    let line = host.line();
    if line == "not there" {
        host.finish();
        return;
    }
    assert_eq!(line, "[0, 0] storage_busy");
    assert_eq!(visit("visit", &database.path(), ""), ["2"]);
    assert!(database.folder().join("sessions.db-wal").exists(), "the visitor has taken the log away");
    host.write_line();
    assert_eq!(host.line(), "3");
    host.finish();
    assert_eq!(visit("visit", &database.path(), ""), ["3"]);
    assert_sound(&database.path());
}

#[test]
fn a_database_that_waits_to_be_opened_keeps_no_other_one_waiting() {
    let (held, free) = (Database::new(), Database::new());
    drop(held.open_at(START));
    let mut locker = Worker::start("hold", &held.path(), "PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
    assert_eq!(locker.line(), "held");
    thread::scope(|scope| {
        let path = held.path();
        let waiting = scope.spawn(move || {
            Engine::builder().busy_timeout(Duration::from_secs(3_600)).open(path).map(drop).unwrap();
        });
        let is_opening = || {
            let open_files = fs::read_dir("/proc/self/fd").unwrap().flatten();
            open_files.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|file| file == held.path())
        };
        while !is_opening() {
            thread::yield_now();
        }
        assert_eq!(open(&free.path()), None);
        assert!(!waiting.is_finished());
        locker.finish();
    });
}
