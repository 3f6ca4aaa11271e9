//! A process of its own that does to its database's files, or to itself, what a host may do: it reads the files as plain
//! files, hides `/proc`, forks. It says what it did on standard output, a line each; a line of input lets it go on.
#![allow(clippy::print_stdout)] // the protocol

use std::fs;
use std::io::{Write as _, stdin, stdout};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hellojohn::{Durability, Engine, Error, Tenant, check_database};
use hellojohn_tests::fixture::{code, sign_in, tenant, user};
use hellojohn_tests::odd_hosts::{AnotherSqlite, prepare};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize| arguments.get(at).map(String::as_str).unwrap_or_default();
    let database = Path::new(argument(1));
    match argument(0) {
        "read-own-files" => read_own_files(database, argument(2)),
        "visit" => visit(database),
        "verify" => verify(database, argument(2)),
        "beside-another-sqlite" => work_beside_another_sqlite(database),
        "restore" => restore(database, Path::new(argument(2))),
        "open-beside-a-reader" => open_beside_a_reader(database, argument(2)),
        "leave-a-child-behind" => leave_a_child_behind(database),
        "fork-and-open-another" => fork_and_open_another(database),
        "fork-and-check" => fork_and_check(database),
        "fork-into-a-pid-namespace" => fork_into_a_pid_namespace(database),
        other => panic!("no role {other:?}"),
    }
}

fn say(line: &str) {
    let mut out = stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("a reader of this output");
}

/// Whether there was a line, and not the end of the input.
fn wait_for_line() -> bool {
    stdin().read_line(&mut String::new()).expect("input") > 0
}

fn name_of<T, E: Into<Error>>(outcome: Result<T, E>) -> &'static str {
    code(outcome).map_or("ok", |code| code.as_str())
}

fn engine(database: &Path) -> Result<Engine, Error> {
    Engine::builder().durability(Durability::Normal).busy_timeout(Duration::from_millis(200)).open(database)
}

fn beside(database: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", database.display()))
}

/// Signs users in, reads the files as a backup tool would, and revokes the first session at the next line.
fn read_own_files(database: &Path, way: &str) {
    if !prepare(way) {
        return say("not permitted");
    }
    let engine = engine(database).expect("an engine");
    let tenant = tenant(&engine, "tnt");
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(sign_in(&tenant, "u").session.id);
    }
    for ending in ["", "-wal", "-shm"] {
        fs::read(beside(database, ending)).expect("a file");
    }
    say(&format!("{} {}", ids[0], ids[1]));
    wait_for_line();
    say(name_of(tenant.revoke(ids[0])));
    for _ in 0..20 {
        ids.push(sign_in(&tenant, "u").session.id);
    }
    say(&format!("{}", ids[39]));
    wait_for_line();
    let kept = ids[1..].iter().all(|id| tenant.verify_session(*id).is_ok());
    say(if kept { "all kept" } else { "lost" });
}

fn visit(database: &Path) {
    let engine = engine(database).expect("an engine");
    let stats = tenant(&engine, "tnt").stats().expect("an answer");
    say(&stats.sessions.active.to_string());
}

fn verify(database: &Path, id: &str) {
    let engine = engine(database).expect("an engine");
    say(name_of(tenant(&engine, "tnt").verify_session(id.parse().expect("an id"))));
}

/// Copies a backup into the database while others have it open, as the `.restore` of SQLite's own program does.
fn restore(database: &Path, backup: &Path) {
    use rusqlite::ffi;
    let [into, from] = [database, backup].map(|path| rusqlite::Connection::open(path).expect("a connection"));
    // SAFETY: both connections are open until the copy is finished.
    let result = unsafe {
        let copy = ffi::sqlite3_backup_init(into.handle(), c"main".as_ptr(), from.handle(), c"main".as_ptr());
        ffi::sqlite3_backup_step(copy, -1);
        ffi::sqlite3_backup_finish(copy)
    };
    say(&format!("restored {result}"));
}

/// Both copies write in turns; while one has the write lock, the other is told that the database is busy.
fn work_beside_another_sqlite(database: &Path) {
    let Some(other) = AnotherSqlite::load() else { return say("not there") };
    let engine = engine(database).expect("an engine");
    let tenant = tenant(&engine, "tnt");
    sign_in(&tenant, "u");
    let mut results = Vec::new();
    let connection = other.connect(database);
    results.push(connection.run(c"BEGIN IMMEDIATE; UPDATE clock_mark SET highest_at_ms = highest_at_ms"));
    let refused = name_of(tenant.create(hellojohn::CreateSession::new(user("v"))));
    results.push(connection.run(c"COMMIT"));
    sign_in(&tenant, "u");
    drop(connection);
    say(&format!("{results:?} {refused}"));
    wait_for_line();
    sign_in(&tenant, "u");
    say(&tenant.stats().expect("stats").sessions.active.to_string());
}

/// Opens the database while another part of this process has the file open, to read it and to write it.
fn open_beside_a_reader(database: &Path, way: &str) {
    if !prepare(way) {
        return say("not permitted");
    }
    let reader = fs::File::open(database).expect("a file");
    say(name_of(engine(database)));
    drop(reader);
    let writer = fs::OpenOptions::new().read(true).write(true).open(database).expect("a file");
    say(name_of(engine(database)));
    drop(writer);
    say(name_of(engine(database)));
}

/// Dies in the middle of a write while a child that it forked lives on until the end of the input.
fn leave_a_child_behind(database: &Path) {
    let engine = engine(database).expect("an engine");
    let writer = rusqlite::Connection::open(database).expect("a connection");
    writer.execute_batch("BEGIN IMMEDIATE").expect("the write lock");
    // SAFETY: this process has one thread. The parent ends as a crash would.
    unsafe {
        if libc::fork() == 0 {
            say(&format!("child {}", name_of(engine.lower_clock_mark())));
            wait_for_line();
        }
        libc::_exit(0);
    }
}

/// Forks while other threads are inside of the library; each child opens a database of its own.
fn fork_and_open_another(database: &Path) {
    let engine = engine(database).expect("an engine");
    let tenant = tenant(&engine, "tnt");
    let stop = AtomicBool::new(false);
    let mut outcomes = Vec::new();
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (tenant, stop): (&Tenant, _) = (&tenant, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    sign_in(tenant, &format!("u{thread}"));
                    let other = beside(database, &format!("-{thread}.db"));
                    drop(self::engine(&other).expect("an engine"));
                }
            });
        }
        for child in 0..60 {
            let other = beside(database, &format!("-child-{child}.db"));
            outcomes.push(outcome_of_child(|| status_of(self::engine(&other))));
        }
        stop.store(true, Ordering::Relaxed);
    });
    outcomes.dedup();
    say(&format!("{outcomes:?}"));
}

/// Forks while an engine is open; the child checks the file.
fn fork_and_check(database: &Path) {
    let _engine = engine(database).expect("an engine");
    say(&format!("{}", outcome_of_child(|| status_of(check_database(database)))));
}

fn status_of<T>(outcome: Result<T, Error>) -> i32 {
    // Not by `code`, which makes a text: the allocator may be in use by a thread that was not forked.
    match outcome {
        Ok(_) => 0,
        Err(error) => error.code() as i32,
    }
}

/// The exit status of a forked child, which ends as soon as it has it.
fn outcome_of_child(status: impl FnOnce() -> i32) -> i32 {
    let mut found = 0;
    // SAFETY: the child calls the library, as hosts do, and leaves at once.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::_exit(status());
        }
        libc::waitpid(child, &mut found, 0);
    }
    libc::WEXITSTATUS(found)
}

/// The first process of a namespace opens the database and forks the first process of a further one: both are number 1.
fn fork_into_a_pid_namespace(database: &Path) {
    // SAFETY: system calls without memory.
    let enter = || unsafe {
        libc::unshare(libc::CLONE_NEWPID) == 0 || libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWPID) == 0
    };
    if !enter() {
        return say("not permitted");
    }
    let status = outcome_of_child(|| {
        let own = engine(database).expect("an engine");
        let tenant = tenant(&own, "tnt");
        let grant = sign_in(&tenant, "u");
        assert!(std::process::id() == 1 && enter(), "a namespace within the namespace");
        outcome_of_child(|| {
            assert_eq!(std::process::id(), 1);
            let calls = [
                name_of(tenant.verify_access_token(grant.access_token.expose())),
                name_of(tenant.revoke(grant.session.id)),
                name_of(engine(&beside(database, "-other"))),
            ];
            i32::from(calls != ["forked"; 3])
        })
    });
    say(&format!("child {status}"));
}
