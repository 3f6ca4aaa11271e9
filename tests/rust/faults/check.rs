//! What `check_database` finds, and that it changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use hellojohn::{CheckReport, ErrorCode, check_database};
use hellojohn_tests::fixture::{Database, START, code, configure, sign_in, sign_in_for};

use crate::{Worker, output_of};

/// A database with sessions of every kind, closed.
fn database_with_sessions() -> Database {
    let database = Database::new();
    let process = database.open_at(START);
    for tenant in ["tnt", "other"].map(|id| process.tenant(id)) {
        configure(&tenant, r#"{"max_sessions_per_user":3,"idle_timeout":"7d"}"#);
        for at in 0..600 {
            let grant = sign_in(&tenant, &format!("u{}", at % 250));
            if at % 5 == 0 {
                tenant.revoke(grant.session.id).unwrap();
            }
        }
        sign_in_for(&tenant, "u", "1h");
        tenant.rotate_keys().unwrap();
    }
    drop(process);
    database
}

/// Lets another program change the database.
fn change(database: &Database, statements: &str) {
    let connection = rusqlite::Connection::open(database.path()).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
    connection.execute_batch(statements).unwrap();
}

/// The files of the folder with their bytes.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    files
        .map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap()))
        .filter(|(name, _)| !name.ends_with("-shm"))
        .collect()
}

fn check(database: &Database) -> CheckReport {
    check_database(database.path()).unwrap()
}

fn assert_finds(database: &Database, kind: &str, object: &str, detail: &str) {
    let report = check(database);
    assert!(!report.ok);
    assert_eq!(report.problems.len() as u64, report.problem_count.min(100));
    assert!(
        report.problems.iter().any(|problem| {
            problem.kind.as_str() == kind
                && problem.object.contains(object)
                && problem.detail.contains(detail)
        }),
        "no {kind} of {object} with {detail:?}: {:#?}",
        report.problems
    );
}

#[test]
fn a_sound_database_has_no_problem_and_every_row_is_counted() {
    let database = database_with_sessions();
    let before = contents(&database.folder());
    let report = check(&database);
    assert_eq!((report.ok, report.problem_count, &report.problems[..]), (true, 0, &[][..]));
    assert_eq!((report.counts.tenants, report.counts.sessions, report.counts.signing_keys), (2, 1_202, 6));
    assert_eq!(contents(&database.folder()), before);
    // What SQLite's own tools leave is no problem.
    change(&database, "ANALYZE");
    assert!(check(&database).ok);
    change(&database, "VACUUM");
    assert!(check(&database).ok);
}

#[test]
fn what_another_program_added_or_changed_is_named() {
    for (statement, kind, object, detail) in [
        (
            "CREATE TRIGGER unrevoke AFTER UPDATE OF ended_at_ms ON sessions BEGIN
                 UPDATE sessions SET ended_at_ms = NULL, end_reason = NULL WHERE session_ulid = NEW.session_ulid;
             END",
            "schema",
            "trigger \"unrevoke\"",
            "none of this library's",
        ),
        ("CREATE VIEW living AS SELECT * FROM sessions", "schema", "view \"living\"", "none of this library's"),
        ("CREATE TABLE audit (id)", "schema", "table \"audit\"", "none of this library's"),
        ("CREATE INDEX by_email ON sessions (email)", "schema", "index \"by_email\"", "none of this library's"),
        ("DROP INDEX sessions_of_user", "schema", "index \"sessions_of_user\"", "missing"),
        ("ALTER TABLE sessions ADD COLUMN note TEXT", "schema", "table \"sessions\"", "not as this library makes it"),
        (
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, 'max_sessions_per_user >= 1', 'max_sessions_per_user >= 0')
             WHERE name = 'tenants'",
            "schema",
            "table \"tenants\"",
            "not as this library makes it",
        ),
        ("DELETE FROM clock_mark", "row", "clock_mark", "missing"),
        ("DELETE FROM tenants WHERE tenant_id = 'other'", "reference", "sessions", "missing row of tenants"),
        ("UPDATE signing_keys SET state = 'next' WHERE state = 'active'", "row", "tenants 1", "0 active and 2 next"),
        ("UPDATE tenants SET session_duration = 'for ever'", "row", "tenants 2", "tenants.session_duration"),
        ("UPDATE sessions SET device_type = 'toaster'", "row", "sessions ses_", "sessions.device_type"),
        ("UPDATE sessions SET ip_address = 'somewhere'", "row", "sessions ses_", "sessions.ip_address"),
        ("UPDATE sessions SET expires_at_ms = created_at_ms", "row", "sessions ses_", "times"),
        ("UPDATE sessions SET last_active_at_ms = -1", "row", "sessions ses_", "times"),
        ("UPDATE sessions SET generation = 0", "structure", "pages", "CHECK constraint failed in sessions"),
        ("UPDATE sessions SET user_id = ''", "row", "sessions ses_", "sessions.user_id"),
        ("PRAGMA application_id = 7", "file", "file", "another application"),
    ] {
        let database = database_with_sessions();
        // One row where every row would be more problems than a report lists.
        let statement = match statement.starts_with("UPDATE sessions") {
            true => format!("{statement} WHERE session_ulid = (SELECT max(session_ulid) FROM sessions)"),
            false => statement.to_owned(),
        };
        change(&database, &statement);
        assert_finds(&database, kind, object, detail);
    }
}

/// What the first release made; this one brings it up to date when it opens it.
#[test]
fn a_file_of_the_first_release_is_sound_and_stays_as_it_is() {
    let database = Database::new();
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../core/src/store/sqlite/migrations/0001_create_tables.sql");
    change(&database, &fs::read_to_string(path).unwrap());
    change(
        &database,
        "PRAGMA application_id = 0x68656a6f; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;
         INSERT INTO tenants VALUES (1, 'tnt', 1, 0, zeroblob(16), zeroblob(72), '30d', '1h', NULL, NULL, '10s', 0);
         INSERT INTO signing_keys VALUES
             (1, 1, randomblob(16), 'active', 0, NULL, zeroblob(72)),
             (1, 2, randomblob(16), 'next', 0, NULL, zeroblob(72))",
    );
    let before = contents(&database.folder());
    let report = check(&database);
    assert!(report.ok, "{:#?}", report.problems);
    assert_eq!((report.counts.tenants, report.counts.sessions, report.counts.signing_keys), (1, 0, 2));
    assert_eq!(contents(&database.folder()), before);
    change(&database, "CREATE VIEW living AS SELECT * FROM sessions");
    assert_finds(&database, "schema", "view \"living\"", "none of this library's");
}

#[test]
fn a_report_lists_a_hundred_problems_and_counts_them_all() {
    let database = database_with_sessions();
    change(&database, "UPDATE sessions SET device_type = 'toaster'");
    let report = check(&database);
    assert_eq!((report.ok, report.problems.len(), report.problem_count), (false, 100, 1_202));
    assert_eq!(report.counts.sessions, 1_202);
}

#[test]
fn a_file_that_is_no_database_of_ours_is_a_report_and_one_that_cannot_be_read_an_error() {
    let database = Database::new();
    fs::write(database.path(), "no database, but long enough to be looked at as one".repeat(40)).unwrap();
    assert_finds(&database, "file", "file", "not a database");
    fs::write(database.path(), "").unwrap();
    assert_finds(&database, "file", "file", "empty");
    fs::remove_file(database.path()).unwrap();
    change(&database, "CREATE TABLE sessions (id TEXT)");
    assert_finds(&database, "file", "file", "another application");
    fs::remove_file(database.path()).unwrap();
    drop(database.open_at(START));
    change(&database, "PRAGMA user_version = 99");
    assert_eq!(code(check_database(database.path())), Some(ErrorCode::StorageTooNew));
    let missing = check_database(database.folder().join("missing.db")).unwrap_err();
    assert_eq!(missing.code(), ErrorCode::StorageIo);
    assert!(missing.detail().contains("No such file or directory (os error 2)"), "{missing}");
    assert_eq!(code(check_database(database.folder())), Some(ErrorCode::StorageIo));
    for refused in [":memory:", "", "postgres://localhost/x"] {
        assert_eq!(code(check_database(refused)), Some(ErrorCode::ValidationError), "{refused}");
    }
    assert_eq!(fs::read_dir(database.folder()).unwrap().count(), 1, "no file was created");
}

/// As the first release made it.
#[test]
fn a_file_whose_header_keeps_sqlite_from_writing_it_is_named() {
    let database = database_with_sessions();
    let mut bytes = fs::read(database.path()).unwrap();
    bytes[18] = 3; // "file format write version", 1 or 2: every other part of SQLite takes such a file for sound
    fs::write(database.path(), bytes).unwrap();
    assert_finds(&database, "file", "file", "cannot be written");
    let process = database.open_at(START);
    assert_eq!(code(process.tenant("tnt").revoke_tenant()), Some(ErrorCode::StorageReadOnly));
}

#[test]
fn a_file_of_an_earlier_release_is_sound_and_opens_with_its_sessions() {
    let database = database_with_sessions();
    change(
        &database,
        "DROP TABLE sign_in_failures; DROP TABLE bulk_ends; DROP TABLE events; DROP TABLE event_seals; DROP TABLE leases;
         DROP TABLE revocations; DROP INDEX sessions_of_credential; DROP INDEX sessions_of_external_id;
         ALTER TABLE tenants DROP COLUMN revocation_list; ALTER TABLE sessions DROP COLUMN credential_sha256; ALTER TABLE sessions DROP COLUMN external_id;
         ALTER TABLE tenants DROP COLUMN event_retention; ALTER TABLE tenants DROP COLUMN record_retention; ALTER TABLE sessions DROP COLUMN judged_by;
         ALTER TABLE sessions DROP COLUMN identity_serial; ALTER TABLE sessions DROP COLUMN factors; ALTER TABLE sessions DROP COLUMN acted_by;
         ALTER TABLE tenants DROP COLUMN max_actor_duration; PRAGMA user_version = 1",
    );
    let report = check(&database);
    assert!(report.ok && report.counts.sessions == 1_202, "{report:?}");
    let active = database.open_at(START).tenant("tnt").stats().unwrap().sessions.active;
    assert!(active > 100);
    assert!(check(&database).ok);
}

#[test]
fn a_log_that_a_crash_left_is_read_and_left_alone() {
    let database = Database::new();
    let mut worker = Worker::start("write", &database.path(), "");
    for line in worker.lines.by_ref().take(40) {
        line.unwrap();
    }
    worker.child.kill().unwrap();
    worker.child.wait().unwrap();
    let before = contents(&database.folder());
    assert!(before["sessions.db-wal"].len() > 10_000);
    let report = check(&database);
    assert!(report.ok && report.counts.sessions > 0, "{report:?}");
    assert_eq!(contents(&database.folder()), before);
}

#[test]
fn hosts_go_on_beside_a_check_and_after_it() {
    let database = database_with_sessions();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..20 {
                let report = check(&database);
                assert!(report.ok, "{:?}", report.problems);
            }
            is_done.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        let mut at = 0;
        while !is_done.load(std::sync::atomic::Ordering::SeqCst) {
            let grant = sign_in(&tenant, &format!("v{}", at % 50));
            tenant.revoke(grant.session.id).unwrap();
            at += 1;
        }
    });
    // The engine still holds its locks.
    let grant = sign_in(&tenant, "u");
    assert_eq!(output_of("hold", &database.path(), "SELECT 1"), ["held"]);
    tenant.verify_session(grant.session.id).unwrap();
}

#[test]
fn a_database_in_a_folder_that_may_not_be_written_is_checked() {
    let database = database_with_sessions();
    let odd = database.folder().join("50% of #1?.db");
    fs::rename(database.path(), &odd).unwrap();
    fs::set_permissions(&odd, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(database.folder(), fs::Permissions::from_mode(0o555)).unwrap();
    let found = output_of("check-unprivileged", &odd, "");
    fs::set_permissions(database.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(found, ["true 1202"]);
    assert_eq!(fs::read_dir(database.folder()).unwrap().count(), 1);
}
