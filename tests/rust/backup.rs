//! Backups beside working engines, and databases from them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hellojohn::{
    CreateSession, EndReason, Engine, ErrorCode, RestorePolicy, SessionFilter, SessionId, Status, Tenant,
    backup_database, check_database, restore_database,
};
use hellojohn_tests::fixture::{
    Database, Process, SECOND, START, code, configure, every_session, sign_in, user,
};
use proptest::prelude::*;

fn open(path: &Path) -> Process {
    Process::open(path, START, Engine::builder())
}

/// The files of the folder, by their names.
fn names(folder: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

fn beside(database: &Database, name: &str) -> PathBuf {
    database.folder().join(name)
}

#[test]
fn a_backup_beside_four_writers_is_of_one_instant() {
    const USERS: usize = 6;
    let database = Database::new();
    let first = open(&database.path());
    let tenant = first.tenant("tnt");
    // Each sign-in ends the session before it in its own commit: every user has exactly one at every instant.
    configure(&tenant, r#"{"max_sessions_per_user":1}"#);
    for at in 0..USERS {
        sign_in(&tenant, &format!("u{at}"));
    }
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for writer in 0..4 {
            let (path, is_over) = (database.path(), &is_over);
            scope.spawn(move || {
                let process = open(&path);
                let tenant = process.tenant("tnt");
                for at in writer.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    sign_in(&tenant, &format!("u{}", at % USERS));
                }
            });
        }
        let mut counts = Vec::new();
        for number in 0..5 {
            let copy = beside(&database, &format!("copy{number}.db"));
            let mut told = Vec::new();
            backup_database(database.path(), &copy, |progress| {
                told.push((progress.copied_bytes, progress.total_bytes));
            })
            .unwrap();
            assert!(told.is_sorted() && told.last().is_some_and(|(copied, total)| copied == total));
            assert!(check_database(&copy).unwrap().ok);
            let restored = open(&copy);
            let tenant = restored.tenant("tnt");
            for at in 0..USERS {
                let of_user = SessionFilter::of_user(user(&format!("u{at}")));
                assert_eq!(tenant.count(&of_user).unwrap(), 1, "copy {number}, user {at}");
            }
            counts.push(every_session(&tenant).len());
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(
            counts.is_sorted() && counts.first() < counts.last(),
            "{counts:?}: no writer wrote meanwhile"
        );
    });
}

#[test]
fn a_backup_replaces_no_file_and_leaves_none_when_it_fails() {
    let database = Database::new();
    let process = open(&database.path());
    sign_in(&process.tenant("tnt"), "u");
    let copy = beside(&database, "copy.db");
    fs::write(&copy, "precious").unwrap();
    let before = names(&database.folder());
    assert_eq!(code(backup_database(database.path(), &copy, |_| {})), Some(ErrorCode::StorageIo));
    assert_eq!(fs::read(&copy).unwrap(), b"precious");
    let missing = beside(&database, "missing.db");
    let nowhere = beside(&database, "no folder/copy.db");
    assert_eq!(
        code(backup_database(&missing, beside(&database, "x.db"), |_| {})),
        Some(ErrorCode::StorageIo)
    );
    assert_eq!(code(backup_database(database.path(), &nowhere, |_| {})), Some(ErrorCode::StorageIo));
    for text in [":memory:", "postgres://host/db", ""] {
        let refused = Some(ErrorCode::ValidationError);
        assert_eq!(code(backup_database(text, beside(&database, "x.db"), |_| {})), refused);
        assert_eq!(code(backup_database(database.path(), text, |_| {})), refused);
        assert_eq!(code(restore_database(text, database.path(), RestorePolicy::Keep)), refused);
    }
    assert_eq!(names(&database.folder()), before);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_a_backup() {
    use std::os::unix::fs::PermissionsExt as _;
    let database = Database::new();
    let process = open(&database.path());
    sign_in(&process.tenant("tnt"), "u");
    let copy = beside(&database, "copy.db");
    backup_database(database.path(), &copy, |_| {}).unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    // Without a log or anything else beside it.
    assert!(names(&database.folder()).iter().filter(|name| name.starts_with("copy")).eq(["copy.db"]));
}

#[test]
fn a_restore_takes_no_backup_with_a_fault_and_no_database_that_is_open() {
    let database = Database::new();
    let process = open(&database.path());
    let tenant = process.tenant("tnt");
    let session = sign_in(&tenant, "u").session.id;
    let (good, bad) = (beside(&database, "good.db"), beside(&database, "bad.db"));
    backup_database(database.path(), &good, |_| {}).unwrap();
    backup_database(database.path(), &bad, |_| {}).unwrap();
    let tampered = rusqlite::Connection::open(&bad).unwrap();
    tampered.execute_batch("CREATE TABLE more (x)").unwrap();
    drop(tampered);
    let restore = |from: &Path| restore_database(from, database.path(), RestorePolicy::EndAll);
    let error = restore(&bad).unwrap_err();
    assert_eq!(error.code(), ErrorCode::StorageCorrupt);
    assert!(error.detail().contains("more"), "{error}");
    assert_eq!(code(restore(&good)), Some(ErrorCode::StorageBusy));
    assert_eq!(tenant.get(session).unwrap().status, Status::Active);
    process.engine.close().unwrap();
    restore(&good).unwrap();
    let names = names(&database.folder());
    assert!(!names.iter().any(|name| name.ends_with(".partial")), "{names:?}");
    let after = open(&database.path());
    assert_eq!(after.tenant("tnt").get(session).unwrap().end_reason, Some(EndReason::Restored));
    // A log without its database would be read into the restored one.
    let elsewhere = beside(&database, "elsewhere.db");
    fs::write(beside(&database, "elsewhere.db-wal"), "a log").unwrap();
    assert_eq!(code(restore_database(&good, &elsewhere, RestorePolicy::Keep)), Some(ErrorCode::StorageIo));
    fs::remove_file(beside(&database, "elsewhere.db-wal")).unwrap();
    restore_database(&good, &elsewhere, RestorePolicy::Keep).unwrap();
    assert_eq!(open(&elsewhere).tenant("tnt").get(session).unwrap().status, Status::Active);
    fs::write(&elsewhere, "not a database at all, but long enough to be taken for one".repeat(200)).unwrap();
    assert_eq!(
        code(restore_database(&good, &elsewhere, RestorePolicy::Keep)),
        Some(ErrorCode::StorageCorrupt)
    );
}

#[derive(Debug, Clone, Copy)]
enum Step {
    SignIn(usize),
    Revoke(usize),
    RevokeUser(usize),
    RevokeWhere,
    Wait(i64),
    Sweep,
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..3usize).prop_map(Step::SignIn),
        2 => (0..12usize).prop_map(Step::Revoke),
        1 => (0..3usize).prop_map(Step::RevokeUser),
        1 => Just(Step::RevokeWhere),
        1 => (0..20i64).prop_map(Step::Wait),
        1 => Just(Step::Sweep),
    ];
    prop::collection::vec(step, 0..12)
}

fn apply(process: &Process, tenant: &Tenant, step: Step, ids: &mut Vec<SessionId>) {
    match step {
        Step::SignIn(at) => {
            let request = CreateSession::new(user(&format!("u{at}")));
            ids.push(tenant.create(request).unwrap().session.id);
        }
        Step::Revoke(at) => {
            if let Some(id) = ids.get(at) {
                tenant.revoke(*id).unwrap();
            }
        }
        Step::RevokeUser(at) => drop(tenant.revoke_user(&user(&format!("u{at}")), None).unwrap()),
        Step::RevokeWhere => {
            let filter = SessionFilter::default().mfa_verified(Some(false));
            tenant.revoke_where(hellojohn::RevokeWhere::new(filter)).unwrap();
        }
        Step::Wait(secs) => process.clock.advance_millis(secs * SECOND),
        Step::Sweep => drop(tenant.sweep().unwrap()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_ended_session_lives_again(before in any_steps(), after in any_steps()) {
        let database = Database::new();
        let process = Process::open(database.path(), START, Engine::builder().direct_ends_max(1));
        let tenant = process.tenant("tnt");
        configure(&tenant, r#"{"idle_timeout":"30s"}"#);
        let mut ids = Vec::new();
        before.iter().for_each(|step| apply(&process, &tenant, *step, &mut ids));
        let then = every_session(&tenant);
        let copy = beside(&database, "copy.db");
        backup_database(database.path(), &copy, |_| {}).unwrap();
        after.iter().for_each(|step| apply(&process, &tenant, *step, &mut ids));
        process.engine.close().unwrap();

        restore_database(&copy, database.path(), RestorePolicy::EndAll).unwrap();
        let now = process.clock.clone();
        let reopen = || {
            let engine = Engine::builder().clock(now.clone()).open(database.path()).unwrap();
            let tenant = engine
                .tenant(&"tnt".parse().unwrap(), &hellojohn_tests::fixture::SECRET.parse().unwrap())
                .unwrap();
            (engine, tenant)
        };
        let (engine, tenant) = reopen();
        let ended = every_session(&tenant);
        prop_assert!(ended.keys().eq(then.keys()));
        for (id, session) in &ended {
            prop_assert!(session.status != Status::Active);
            if then[id].status != Status::Active {
                prop_assert_eq!(session.end_reason, then[id].end_reason);
                prop_assert_eq!(session.revoked_at, then[id].revoked_at);
            }
        }
        engine.close().unwrap();

        restore_database(&copy, database.path(), RestorePolicy::Keep).unwrap();
        let (engine, tenant) = reopen();
        for (id, session) in every_session(&tenant) {
            // Those that had ended stay so; the clock may have ended others.
            if then[&id].status != Status::Active {
                prop_assert_eq!(&session, &then[&id]);
            }
        }
        engine.close().unwrap();
    }
}
