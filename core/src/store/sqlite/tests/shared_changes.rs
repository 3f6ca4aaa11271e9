//! What processes tell each other of their commits, with processes that are killed, or stopped and continued, at each step; with other
//! programs, and with a shared file that is replaced, emptied and overwritten. No answer is accepted that lacks a change, and
//! what is remembered of other sessions stays where it may.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::pause::chosen_step;
use crate::store::conformance::samples::{add_tenant, plain_session, session_id, user};
use crate::store::conformance::write;
use crate::store::records::CommitVersion;
use crate::store::sqlite::change_tracker::{Change, Changes};
use crate::store::sqlite::store::SqliteStore;
use crate::store::{ClockMark, SqliteDatabase, Store, StoreOptions, TenantNo};

static ARMED: AtomicBool = AtomicBool::new(false);

/// Whether this process stops at its step from now on.
pub(super) fn is_armed() -> bool {
    ARMED.load(Ordering::SeqCst)
}

fn open(path: &Path) -> SqliteStore {
    let options = StoreOptions::relaxed(Duration::from_secs(20));
    SqliteStore::open(SqliteDatabase::File(path.to_owned()), options).unwrap()
}

/// A session that is changed, and one that is not.
const CHANGED: u16 = 1;
const OTHER: u16 = 2;

struct World {
    folder: tempfile::TempDir,
    /// The process that remembers.
    reader: SqliteStore,
    tenant: TenantNo,
    /// Another program.
    program: Connection,
}

/// An answer, as a cache remembers it: how often the session was changed, and the version from before it was read.
#[derive(Clone, Copy)]
struct Answer {
    number: u16,
    changes: i64,
    version: Option<CommitVersion>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        let reader = open(&path);
        let tenant = write(&reader, |tx| {
            let tenant = add_tenant(tx, "tnt")?;
            for number in [CHANGED, OTHER] {
                tx.add_session(tenant, &plain_session(session_id(number), &user("u")))?;
            }
            Ok(tenant)
        });
        let program = Connection::open(&path).unwrap();
        program.busy_timeout(Duration::from_secs(20)).unwrap();
        World { folder, reader, tenant, program }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("s.db")
    }

    fn shared_file(&self) -> PathBuf {
        self.folder.path().join("s.db-hj1")
    }

    fn changes(&self, number: u16) -> i64 {
        count_changes(&self.program, number)
    }

    fn ask(&self, number: u16) -> Answer {
        let version = self.reader.commit_version();
        Answer { number, version, changes: self.changes(number) }
    }

    fn accepts(&self, answer: Answer) -> bool {
        answer
            .version
            .is_some_and(|version| self.reader.is_unchanged_since(session_id(answer.number), version))
    }

    /// The answer that it comes to keep when it asks; twice at most while all others stand still.
    fn ask_to_keep(&self, number: u16) -> Answer {
        for _ in 0..2 {
            let answer = self.ask(number);
            assert!(answer.version.is_some_and(crate::store::sqlite::shared_changes::is_shared));
            if self.accepts(answer) {
                return answer;
            }
        }
        panic!("an answer about session {number} is never kept")
    }

    /// Fails if an answer is accepted that lacks a change.
    fn require_current(&self, answers: &[Answer], when: &str) {
        for &answer in answers {
            let changes = self.changes(answer.number);
            assert!(answer.changes == changes || !self.accepts(answer), "stale: {when}");
        }
    }

    fn change_by(&self, store: &SqliteStore, number: u16) {
        write(store, |tx| tx.count_replay(self.tenant, session_id(number)));
    }

    /// As a program does that does not tell.
    fn change_by_program(&self, number: u16) {
        let id = session_id(number).to_bytes();
        self.program.execute("UPDATE sessions SET replays = replays + 1 WHERE session_ulid = ?", [id]).unwrap();
    }

    fn start(&self, role: &str, step: &str) -> Stopped {
        let child = Command::new(std::env::current_exe().unwrap())
            .stdout(Stdio::null())
            .args(["--exact", "store::sqlite::tests::shared_changes::a_process_of_these_tests"])
            .env("HJ_PAUSE_AT", step)
            .env("HJ_DATABASE", self.path())
            .env("HJ_ROLE", role)
            .spawn()
            .unwrap();
        let mut status = 0;
        // SAFETY: waits for the child of this test, which is not waited for elsewhere, until it stops or ends.
        let found = unsafe { libc::waitpid(child.id().cast_signed(), &mut status, libc::WUNTRACED) };
        assert_eq!(found, child.id().cast_signed());
        assert!(libc::WIFSTOPPED(status), "{step}: {}", ExitStatus::from_raw(status));
        Stopped(child)
    }
}

fn count_changes(connection: &Connection, number: u16) -> i64 {
    let id = session_id(number).to_bytes();
    connection
        .query_row("SELECT replays FROM sessions WHERE session_ulid = ?", [id], |row| row.get(0))
        .unwrap()
}

/// A process that has stopped at its step.
struct Stopped(Child);

impl Stopped {
    fn end(mut self, is_killed: bool) {
        if is_killed {
            self.0.kill().unwrap();
        } else {
            // SAFETY: continues the child of this test.
            unsafe { libc::kill(self.0.id().cast_signed(), libc::SIGCONT) };
        }
        let ended = self.0.wait().unwrap();
        assert_eq!(ended.success(), !is_killed, "{ended}");
    }
}

/// What a process of these tests does, if this is one: changes a session or asks, and stops on the way.
#[test]
fn a_process_of_these_tests() {
    let Some(step) = chosen_step() else { return };
    #[expect(clippy::disallowed_methods, reason = "an argument of this process")]
    let [path, role] = ["HJ_DATABASE", "HJ_ROLE"].map(|name| std::env::var(name).unwrap());
    let store = open(Path::new(&path));
    assert!(store.commit_version().is_some());
    if step.starts_with("repair") {
        let program = Connection::open(&path).unwrap();
        program.execute("UPDATE clock_mark SET highest_at_ms = highest_at_ms + 1", []).unwrap();
    }
    ARMED.store(true, Ordering::SeqCst);
    match role.as_str() {
        "write" => write(&store, |tx| tx.count_replay(1, session_id(CHANGED))),
        _ => assert!(store.commit_version().is_some()),
    }
    ARMED.store(false, Ordering::SeqCst);
}

#[test]
fn a_process_that_dies_or_stops_at_any_step_leaves_no_stale_answer_and_ends_no_others() {
    // Whether the change is committed by then, and whether answers about other sessions may be kept meanwhile.
    let steps = [
        ("write", "note: begun", false, true),
        ("write", "note: done", false, true),
        ("write", "tell: begun", true, false),
        ("write", "tell: half", true, false),
        ("write", "tell: done", true, true),
        ("write", "repair: epoch", false, false),
        ("write", "repair: buckets", false, false),
        ("ask", "repair: epoch", false, false),
        ("ask", "repair: buckets", false, false),
    ];
    for (role, step, is_committed, keeps_others) in steps {
        for is_killed in [true, false] {
            let when = format!("{role}, {step}, killed: {is_killed}");
            let world = World::new();
            let mut answers = vec![world.ask_to_keep(CHANGED), world.ask_to_keep(OTHER)];
            let process = world.start(role, step);
            assert_eq!(world.changes(CHANGED), i64::from(is_committed), "{when}");
            world.require_current(&answers, &when);
            assert_eq!(world.accepts(answers[1]), keeps_others, "{when}");
            // What is answered meanwhile may be remembered, too.
            answers.extend([world.ask(CHANGED), world.ask(OTHER)]);
            world.require_current(&answers, &when);
            process.end(is_killed);
            let has_changed = role == "write" && (is_committed || !is_killed);
            assert_eq!(world.changes(CHANGED), i64::from(has_changed), "{when}");
            world.require_current(&answers, &when);
            // Then all is as before: answers are kept, over commits about other sessions.
            let kept = world.ask_to_keep(CHANGED);
            let other = open(&world.path());
            world.change_by(&other, OTHER);
            assert!(world.accepts(kept), "{when}");
            world.change_by(&other, CHANGED);
            assert!(!world.accepts(kept), "{when}");
            world.require_current(&answers, &when);
        }
    }
}

#[test]
fn commits_of_every_kind_end_what_they_change_and_other_programs_end_all() {
    let world = World::new();
    let other = open(&world.path());
    for store in [&world.reader, &other] {
        let (changed, kept) = (world.ask_to_keep(CHANGED), world.ask_to_keep(OTHER));
        world.change_by(store, CHANGED);
        assert!(!world.accepts(changed) && world.accepts(kept));

        // Rolled back after it was noted: as if nothing had happened.
        let (changed, kept) = (world.ask_to_keep(CHANGED), world.ask_to_keep(OTHER));
        let changes = Changes::default();
        changes.record(Change::Session(session_id(CHANGED)));
        store.with_idle_writer(|writer| {
            writer.execute_batch("BEGIN IMMEDIATE").unwrap();
            store.change_tracker().announce(writer, &changes);
            assert!(!world.accepts(changed) && world.accepts(kept));
            writer.execute_batch("ROLLBACK").unwrap();
        });
        assert!(world.accepts(changed) && world.accepts(kept));

        // A new era of the clock concerns every session.
        write(store, |tx| {
            let mark = tx.clock_mark()?;
            tx.reset_clock_mark(ClockMark { epoch: mark.epoch + 1, ..mark })
        });
        assert!(!world.accepts(changed) && !world.accepts(kept));
    }
    let kept = [world.ask_to_keep(CHANGED), world.ask_to_keep(OTHER)];
    world.change_by_program(CHANGED);
    assert!(kept.iter().all(|&answer| !world.accepts(answer)));
    // Also where it begins the log anew and empties it.
    for checkpoint in ["RESTART", "TRUNCATE"] {
        let kept = [world.ask_to_keep(CHANGED), world.ask_to_keep(OTHER)];
        world.change_by_program(CHANGED);
        let statement = format!("PRAGMA wal_checkpoint({checkpoint})");
        world.program.query_row(&statement, [], |row| row.get::<_, i64>(0)).unwrap();
        assert!(kept.iter().all(|&answer| !world.accepts(answer)));
        let kept = world.ask_to_keep(OTHER);
        world.change_by(&other, CHANGED);
        assert!(world.accepts(kept), "{checkpoint}");
    }
}

#[test]
fn a_clock_mark_that_another_process_raises_comes_with_the_check() {
    let world = World::new();
    let other = open(&world.path());
    let kept = world.ask_to_keep(CHANGED);
    let mark = || world.reader.clock_mark_if_unchanged(session_id(CHANGED), kept.version.unwrap());
    let before = mark().unwrap();
    let raised = crate::clock::Timestamp::from_millis(before.as_millis() + 5_000);
    let changes = Changes::default();
    changes.record(Change::ClockMark(raised));
    other.with_idle_writer(|writer| {
        writer.execute_batch("BEGIN IMMEDIATE").unwrap();
        other.change_tracker().announce(writer, &changes);
        assert_eq!(mark(), Some(raised));
        writer.execute_batch("ROLLBACK").unwrap();
    });
    assert_eq!(mark(), Some(before));
    write(&other, |tx| tx.raise_clock_mark(raised));
    assert_eq!(mark(), Some(raised));
}

#[test]
fn a_shared_file_that_is_emptied_or_overwritten_or_gone_leaves_no_stale_answer() {
    type Harm = fn(&Path, &[u8]);
    let harms: [(&str, Harm); 6] = [
        ("deleted", |path, _| std::fs::remove_file(path).unwrap()),
        ("renamed over", |path, old| {
            let fresh = path.with_extension("copy");
            std::fs::write(&fresh, old).unwrap();
            std::fs::rename(fresh, path).unwrap();
        }),
        ("a folder", |path, _| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        }),
        ("zeroed", |path, old| overwrite(path, &vec![0; old.len()])),
        ("garbage", |path, old| {
            let garbage: Vec<u8> = (0..old.len()).map(|at| (at * 7919 >> 3) as u8).collect();
            overwrite(path, &garbage);
        }),
        ("an old copy", overwrite),
    ];
    for (what, harm) in harms {
        let world = World::new();
        let other = open(&world.path());
        let first = [world.ask_to_keep(CHANGED), world.ask_to_keep(OTHER)];
        let old = std::fs::read(world.shared_file()).unwrap();
        world.change_by(&other, CHANGED);
        let second = [world.ask_to_keep(CHANGED), world.ask_to_keep(OTHER)];
        let answers: Vec<Answer> = first.into_iter().chain(second).collect();
        harm(&world.shared_file(), &old);
        world.require_current(&answers, what);
        for store in [&other, &world.reader] {
            world.change_by(store, CHANGED);
            world.require_current(&answers, what);
        }
        // A second later all processes use one file again, where there can be one.
        if what != "a folder" {
            for store in [&other, &world.reader] {
                store.change_tracker().shared().make_look_due();
                store.commit_version();
            }
            let kept = world.ask_to_keep(OTHER);
            world.change_by(&other, CHANGED);
            assert!(world.accepts(kept), "{what}");
        }
        let answer = world.ask(CHANGED);
        world.change_by(&other, CHANGED);
        assert!(!world.accepts(answer), "{what}");
        world.require_current(&answers, what);
    }
}

fn overwrite(path: &Path, content: &[u8]) {
    use std::io::Write as _;
    std::fs::File::options().write(true).open(path).unwrap().write_all(content).unwrap();
}

#[test]
fn without_a_shared_file_a_store_goes_by_its_own_commits() {
    let world = World::new();
    std::fs::remove_file(world.shared_file()).unwrap();
    std::fs::create_dir(world.shared_file()).unwrap();
    world.reader.change_tracker().shared().make_look_due();
    let other = open(&world.path());
    let kept = [world.ask(CHANGED), world.ask(OTHER)];
    world.change_by(&world.reader, CHANGED);
    assert_eq!(kept.map(|answer| world.accepts(answer)), [false, true]);
    world.change_by(&other, CHANGED);
    assert_eq!(kept.map(|answer| world.accepts(answer)), [false, false]);
}

#[test]
fn the_shared_file_goes_with_the_log() {
    let world = World::new();
    let (path, folder) = (world.shared_file(), world.folder.path().to_owned());
    let other = open(&world.path());
    assert!(path.exists());
    drop(world.program);
    world.reader.close();
    assert!(path.exists(), "another process has the database open");
    other.close();
    let left: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["s.db"]);
}
