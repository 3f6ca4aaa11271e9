//! Databases that another program has changed: their journal, their schema, what they do by themselves.

use std::path::Path;

use hellojohn::{Engine, ErrorCode};
use hellojohn_tests::fixture::{Database, Process, START, code, sign_in};

use crate::{Worker, open};

fn connect(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}

fn journal_mode(path: &Path) -> String {
    connect(path).pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap()
}

#[test]
fn a_database_with_a_rollback_journal_gets_its_log_when_it_is_opened() {
    let database = Database::new();
    let id = sign_in(&database.open_at(START).tenant("tnt"), "u").session.id;
    let copy = database.folder().join("copy.db");
    connect(&database.path()).execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    assert_eq!(journal_mode(&copy), "delete");
    Process::open(&copy, START, Engine::builder()).tenant("tnt").verify_session(id).unwrap();
    assert_eq!(journal_mode(&copy), "wal");
}

#[test]
fn a_rollback_journal_that_another_program_uses_is_refused() {
    let database = Database::new();
    drop(database.open_at(START).tenant("tnt"));
    let mut locker = Worker::start("hold", &database.path(), "PRAGMA journal_mode = DELETE; BEGIN IMMEDIATE");
    assert_eq!(locker.line(), "held");
    assert_eq!(open(&database.path()), Some(ErrorCode::StorageBusy));
    locker.finish();
    assert_eq!(open(&database.path()), None);
    assert_eq!(journal_mode(&database.path()), "wal");
}

const UNREVOKE: &str = "CREATE TRIGGER unrevoke AFTER UPDATE OF ended_at_ms ON sessions BEGIN
    UPDATE sessions SET ended_at_ms = NULL, end_reason = NULL WHERE session_ulid = new.session_ulid;
END";

#[test]
fn a_schema_that_is_not_ours_is_refused_by_the_name_of_what_differs() {
    let weaken = "PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (replays', 'CHECK (0 <= replays') WHERE name = 'sessions';
        UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (end_reason IS NULL)', 'CHECK (1)') WHERE name = 'sessions';
        UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (user_id <> '''')', '') WHERE name = 'sessions';";
    for (statements, name) in [
        (UNREVOKE, "trigger \"unrevoke\""),
        ("CREATE VIEW everything AS SELECT * FROM sessions", "view \"everything\""),
        ("CREATE TABLE notes (text TEXT)", "table \"notes\""),
        ("CREATE UNIQUE INDEX one_session ON sessions (user_id)", "index \"one_session\""),
        ("DROP INDEX sessions_of_user", "index \"sessions_of_user\""),
        ("ALTER TABLE sessions ADD COLUMN extra TEXT", "table \"sessions\""),
        (weaken, "table \"sessions\""),
    ] {
        let database = Database::new();
        drop(database.open_at(START).tenant("tnt"));
        let before = connect(&database.path());
        before.execute_batch(statements).unwrap();
        drop(before);
        let error = Engine::open(database.path()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::StorageCorrupt, "{name}");
        assert!(error.detail().contains(name), "{error}");
    }
}

#[test]
fn statistics_of_an_administrator_are_no_change() {
    let database = Database::new();
    sign_in(&database.open_at(START).tenant("tnt"), "u");
    connect(&database.path()).execute_batch("ANALYZE").unwrap();
    assert_eq!(open(&database.path()), None);
}

#[test]
fn a_trigger_that_is_planted_while_the_database_is_open_does_nothing() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let grant = sign_in(&tenant, "u");
    let other = {
        let mut other = Worker::start("hold", &database.path(), UNREVOKE);
        assert_eq!(other.line(), "held");
        other
    };
    tenant.revoke(grant.session.id).unwrap();
    assert_eq!(code(tenant.verify_session(grant.session.id)), Some(ErrorCode::SessionRevoked));
    assert_eq!(
        code(tenant.verify_access_token(grant.access_token.expose())),
        Some(ErrorCode::SessionRevoked)
    );
    other.finish();
}

#[test]
fn a_view_in_the_place_of_a_table_is_never_read() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let grant = sign_in(&tenant, "u");
    let mut other = Worker::start(
        "hold",
        &database.path(),
        "ALTER TABLE sessions RENAME TO real_sessions; CREATE VIEW sessions AS SELECT * FROM real_sessions",
    );
    assert_eq!(other.line(), "held");
    assert!(tenant.get(grant.session.id).is_err());
    assert!(tenant.verify_access_token(grant.access_token.expose()).is_err());
    assert!(tenant.revoke(grant.session.id).is_err());
    other.finish();
}
