//! Locks of other processes, a second library in this one, and calls beside a close.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hellojohn::{Engine, Error, ErrorCode};
use hellojohn_tests::fixture::{Database, Process, SECRET, START, code, sign_in, user};

use crate::{Worker, open};

#[test]
fn a_lock_of_another_process_makes_writers_busy_and_leaves_readers_alone() {
    const PATIENCE: Duration = Duration::from_millis(1_500);
    const CALLERS: u32 = 8;
    let database = Database::new();
    let builder = Engine::builder().busy_timeout(PATIENCE);
    let process = Process::open(database.path(), START, builder);
    let tenant = process.tenant("tnt");
    let grant = sign_in(&tenant, "u");
    let mut locker = Worker::start("hold", &database.path(), "BEGIN IMMEDIATE");
    assert_eq!(locker.line(), "held");
    let gives_up = || {
        let start = Instant::now();
        assert_eq!(code(tenant.revoke(grant.session.id)), Some(ErrorCode::StorageBusy));
        start.elapsed()
    };
    let alone = gives_up();
    thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(gives_up)).collect();
        for _ in 0..100 {
            tenant.verify_session(grant.session.id).unwrap();
            tenant.verify_access_token(grant.access_token.expose()).unwrap();
            tenant.list(&Default::default()).unwrap();
        }
        for caller in callers {
            // One after the other the last would wait for all of them.
            let waited = caller.join().unwrap();
            assert!(waited < alone * CALLERS / 2, "{waited:?} beside others, {alone:?} alone");
        }
    });
    locker.finish();
    tenant.revoke(grant.session.id).unwrap();
}

#[test]
fn opening_a_file_that_is_locked_gives_up() {
    for lock in ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"] {
        for exists in [false, true] {
            let database = Database::new();
            if exists {
                drop(database.open_at(START).tenant("tnt"));
            }
            let mut locker = Worker::start("hold", &database.path(), lock);
            assert_eq!(locker.line(), "held");
            let outcome = Engine::builder().busy_timeout(Duration::from_millis(300)).open(database.path());
            let outcome = outcome.and_then(|engine| engine.tenant(&"other".parse()?, &SECRET.parse()?));
            assert_eq!(code(outcome), Some(ErrorCode::StorageBusy), "{lock} {exists}");
            locker.finish();
            database.open_at(START).tenant("other");
        }
    }
}

/// Another copy of a library in this process, as far as files show it: a descriptor that is not ours and may write.
#[test]
fn a_second_library_in_this_process_is_refused() {
    let database = Database::new();
    drop(database.open_at(START));
    let foreign = fs::OpenOptions::new().read(true).write(true).open(database.path()).unwrap();
    assert_eq!(open(&database.path()), Some(ErrorCode::StorageBusy));
    drop(foreign);
    let (one, two) = (database.open_at(START), database.open_at(START));
    let grant = sign_in(&one.tenant("tnt"), "u");
    two.tenant("tnt").verify_session(grant.session.id).unwrap();
    // Closing one of them takes nothing from the other.
    drop(one);
    let mut locker = Worker::start("hold", &database.path(), "SELECT 1");
    locker.line();
    two.tenant("tnt").revoke(grant.session.id).unwrap();
    locker.finish();
}

#[test]
fn a_write_that_another_caller_committed_is_answered_after_a_close() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let (first, second) =
        ["u1", "u2"].map(|id| tenant.begin_create(hellojohn::CreateSession::new(user(id)))).into();
    let first = first.wait().unwrap();
    let third = tenant.begin_create(hellojohn::CreateSession::new(user("u3")));
    process.engine.close().unwrap();
    let second = second.wait().unwrap();
    assert_eq!(code(third.wait()), Some(ErrorCode::EngineClosed));
    let again = database.open_at(START).tenant("tnt");
    assert_eq!(again.stats().unwrap().sessions.active, 2);
    for grant in [first, second] {
        again.verify_session(grant.session.id).unwrap();
    }
}

#[test]
fn calls_beside_a_close_finish_or_say_so() {
    for round in 0..20 {
        let database = (round % 2 == 0).then(Database::new);
        let path = database.as_ref().map_or(":memory:".into(), Database::path);
        let process = Process::open(path, START, Engine::builder());
        let tenant = process.tenant("tnt");
        let grant = sign_in(&tenant, "u");
        let closed = AtomicBool::new(false);
        let check = |outcome: Result<(), Error>, was_closed: bool| match outcome {
            Ok(()) => assert!(!was_closed, "a call after the close was served"),
            Err(error) => assert_eq!(error.code(), ErrorCode::EngineClosed),
        };
        thread::scope(|scope| {
            for thread in 0..4 {
                let (tenant, grant, closed) = (&tenant, &grant, &closed);
                scope.spawn(move || {
                    loop {
                        let was_closed = closed.load(Ordering::SeqCst);
                        match thread {
                            0 => check(
                                tenant.create(hellojohn::CreateSession::new(user("u"))).map(drop),
                                was_closed,
                            ),
                            1 => check(tenant.get(grant.session.id).map(drop), was_closed),
                            2 => check(tenant.sweep().map(drop), was_closed),
                            _ => {
                                let token = grant.access_token.expose();
                                check(
                                    tenant.verify_access_token(token).map(drop).map_err(Error::from),
                                    was_closed,
                                );
                            }
                        }
                        if was_closed {
                            return;
                        }
                    }
                });
            }
            thread::sleep(Duration::from_millis(round));
            process.engine.close().unwrap();
            closed.store(true, Ordering::SeqCst);
        });
        process.engine.close().unwrap();
        assert_eq!(code(process.engine.lower_clock_mark()), Some(ErrorCode::EngineClosed));
        if let Some(database) = &database {
            let held = fs::read_dir("/proc/self/fd").unwrap().flatten();
            let mut held = held.filter_map(|entry| fs::read_link(entry.path()).ok());
            assert!(!held.any(|file| file.starts_with(database.folder())), "a file is still open");
            let again = database.open_at(START);
            again.tenant("tnt").verify_session(grant.session.id).unwrap();
        }
    }
}
