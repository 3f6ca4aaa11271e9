//! What processes tell each other of their commits, with processes that are killed, or stopped and continued, at each step; with other
//! programs, and with a shared file that is replaced, emptied and overwritten. No answer is accepted that lacks a change, and
//! what is remembered of other sessions stays where it may.

use std::path::Path;
use std::sync::atomic::Ordering;

use rusqlite::Connection;

use super::pause::chosen_step;
use super::shared_world::{ARMED, Answer, CHANGED, OTHER, World, change_of, open};
use crate::store::conformance::samples::session_id;
use crate::store::conformance::write;
use crate::store::sqlite::change_tracker::{Change, Changes};
use crate::store::{ClockMark, Store, Subject};

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
        changes.record(change_of(world.tenant, CHANGED));
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
    let mark =
        || world.reader.clock_mark_if_unchanged(Subject::Session(session_id(CHANGED)), kept.version.unwrap());
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
            let garbage: Vec<u8> = (0..old.len()).map(|at| ((at * 7919) >> 3) as u8).collect();
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
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["s.db"]);
}
