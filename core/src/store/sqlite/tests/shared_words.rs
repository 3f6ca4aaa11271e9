//! What stands in the file of shared words at which time, and when the write lock is asked for.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::shared_world::{CHANGED, OTHER, World, change_of, open};
use crate::clock::{Stopwatch, Timestamp};
use crate::model::id::SessionId;
use crate::store::conformance::samples::session_id;
use crate::store::conformance::write;
use crate::store::sqlite::bucket::Bucket;
use crate::store::sqlite::change_tracker::{Change, Changes};
use crate::store::sqlite::shared_changes::{SharedChanges, is_shared};
use crate::store::sqlite::store::SqliteStore;
use crate::store::{Store as _, UserTag};

/// The file that a store uses now.
fn shared(store: &SqliteStore) -> Arc<SharedChanges> {
    store.change_tracker().shared().current().unwrap()
}

fn read_u32(path: &Path, at: usize) -> u32 {
    let bytes = std::fs::read(path).unwrap();
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Processes of one release may be builds of different compilers and of different languages: what stands where is fixed.
#[test]
fn the_file_has_the_header_of_the_index_mixed_with_the_epoch_and_the_number_of_each_commit() {
    let world = World::new();
    let (file, index) = (world.shared_file(), world.folder.path().join("s.db-shm"));
    for round in 0..3 {
        world.ask_to_keep(CHANGED);
        let epoch = [read_u32(&file, 8), read_u32(&file, 12)];
        assert_ne!(epoch[1] >> 31, 0, "a shared epoch has its first bit set");
        for word in 0..12 {
            let header = read_u32(&index, 4 * word);
            assert_eq!(read_u32(&file, 64 + 4 * word), header ^ epoch[word % 2], "{round}, word {word}");
        }
        let counter = read_u32(&index, 8);
        world.change_by(&world.reader, CHANGED);
        let buckets =
            [Bucket::of_session(session_id(CHANGED)), Bucket::of_user(UserTag::of(world.tenant, "usr_1"))];
        for bucket in buckets {
            assert_eq!(read_u32(&file, 4_096 + 4 * bucket.index()), counter + 1);
        }
        // The next round is in another epoch.
        world.change_by_program(OTHER);
    }
}

/// A question looks at memory only, as long as nothing has to be repaired or taken back.
#[test]
fn what_was_told_is_not_behind_and_what_was_committed_has_no_early_note() {
    let world = World::new();
    let other = open(&world.path());
    let [changed, kept] = [CHANGED, OTHER].map(|number| Bucket::of_session(session_id(number)));
    let require = |is_behind: bool, has_early_note: bool| {
        let shared = shared(&world.reader);
        assert_eq!(shared.is_behind(), is_behind);
        assert_eq!(shared.has_early_note(changed), has_early_note);
        assert!(!shared.has_early_note(kept));
    };
    world.ask_to_keep(CHANGED);
    require(false, false);
    world.change_by(&other, CHANGED);
    require(false, false);
    world.change_by(&other, OTHER);
    require(false, false);
    let changes = Changes::default();
    changes.record(change_of(world.tenant, CHANGED));
    other.with_idle_writer(|writer| {
        writer.execute_batch("BEGIN IMMEDIATE").unwrap();
        other.change_tracker().announce(writer, &changes);
        require(false, true);
        writer.execute_batch("ROLLBACK").unwrap();
    });
    require(false, false);
    world.change_by_program(CHANGED);
    require(true, false);
    world.ask_to_keep(CHANGED);
    require(false, false);
}

#[test]
fn the_name_of_the_file_is_looked_at_once_a_second() {
    let world = World::new();
    let is_due = || world.reader.change_tracker().shared().is_look_due();
    world.reader.change_tracker().shared().make_look_due();
    assert!(is_due());
    let before = Stopwatch::start();
    world.ask(CHANGED);
    let was_due = is_due();
    assert!(!was_due || before.elapsed() >= Duration::from_secs(1), "each question looks at the name");
    std::fs::remove_file(world.shared_file()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the second is one of the clock on the wall")]
    std::thread::sleep(Duration::from_millis(1_010));
    assert!(is_due());
    world.ask(CHANGED);
    assert!(world.shared_file().exists(), "another one was made");
}

/// With the user's counter, each session of a commit takes two.
#[test]
fn a_commit_about_more_than_4096_sessions_ends_every_answer() {
    let world = World::new();
    let other = open(&world.path());
    for (count, is_told) in [(1_u16, true), (4_096, true), (4_097, false), (10_000, false)] {
        let kept = world.ask_to_keep(OTHER);
        let changes = Changes::default();
        for number in 0..count {
            // Those of the world end otherwise.
            let mut bytes = [0; 16];
            bytes[14..].copy_from_slice(&(0x8000 | number).to_be_bytes());
            let id = SessionId::from_bytes(bytes);
            changes.record(Change::Session { id, user: UserTag::of(world.tenant, "another") });
        }
        other.with_idle_writer(|writer| {
            writer
                .execute_batch("BEGIN IMMEDIATE; UPDATE clock_mark SET highest_at_ms = highest_at_ms + 1")
                .unwrap();
            other.change_tracker().announce(writer, &changes);
            writer.execute_batch("COMMIT").unwrap();
        });
        assert_eq!(world.accepts(kept), is_told, "{count} sessions");
    }
}

/// The header of an index that was just built may come back word for word when that happens again.
#[test]
fn nothing_is_shared_before_the_first_commit_to_a_log() {
    let world = World::new();
    let tenant = world.tenant;
    drop(world.program);
    world.reader.close();
    let store = open(&world.folder.path().join("s.db"));
    let ask = |number: u16| (number, store.commit_version().unwrap());
    let accepts = |(number, version)| store.is_unchanged_since(session_id(number), version);
    let answers = [ask(CHANGED), ask(OTHER)];
    let header = store.change_tracker().wal_index().header();
    assert_eq!(header.counter(), 0, "something was committed");
    assert!(answers.iter().all(|&(_, version)| !is_shared(version)));
    assert_eq!(shared(&store).words().words().epoch.load(SeqCst), 0, "an epoch was begun");
    // Until then the store goes by its own commits, the first one included.
    assert!(answers.into_iter().all(accepts));
    write(&store, |tx| tx.count_replay(tenant, session_id(CHANGED)));
    assert_eq!(answers.map(accepts), [false, true]);
    // From then on by those of all.
    let (_, version) = ask(CHANGED);
    assert!(is_shared(version) && store.is_unchanged_since(session_id(CHANGED), version));
}

/// What is remembered while the file says nothing, and cannot be made to say something, ends by this store's own commits.
#[test]
fn an_answer_of_a_time_without_an_epoch_is_not_taken_for_a_shared_one() {
    let world = World::new();
    let other = open(&world.path());
    for by in [&world.reader, &other] {
        world.ask_to_keep(CHANGED);
        shared(&world.reader).words().words().epoch.store(0, SeqCst);
        // Another program has the write lock, so that no process can repair.
        world.program.execute_batch("BEGIN IMMEDIATE").unwrap();
        let answers = [world.ask(CHANGED), world.ask(OTHER)];
        assert!(answers.iter().all(|answer| !is_shared(answer.version.unwrap())));
        assert!(answers.iter().all(|&answer| world.accepts(answer)));
        world.program.execute_batch("ROLLBACK").unwrap();
        world.change_by(by, CHANGED);
        world.require_current(&answers, "without an epoch");
        assert!(!world.accepts(answers[0]));
    }
}

/// As if the words had been written by something else: told, but in an epoch that no process has drawn.
#[test]
fn an_epoch_that_is_not_marked_is_replaced() {
    let world = World::new();
    let kept = world.ask_to_keep(CHANGED);
    let shared = shared(&world.reader);
    let words = shared.words().words();
    words.epoch.fetch_xor(1 << 63, SeqCst);
    for word in words.told.iter().skip(1).step_by(2) {
        word.fetch_xor(1 << 31, SeqCst);
    }
    assert!(shared.is_behind());
    assert!(!world.accepts(kept));
    assert!(world.accepts(world.ask_to_keep(CHANGED)));
    assert_ne!(words.epoch.load(SeqCst) >> 63, 0);
}

/// SQLite writes the second copy of the header first. A writer that died between the two leaves the rest to the next transaction.
#[test]
fn a_header_that_was_half_written_is_not_told() {
    let world = World::new();
    world.ask_to_keep(CHANGED);
    let (tracker, shared) = (world.reader.change_tracker(), shared(&world.reader));
    let epoch = shared.words().words().epoch.load(SeqCst);
    let word = &tracker.wal_index().copies()[0][7];
    word.fetch_xor(1, SeqCst);
    assert!(shared.is_behind());
    assert!(shared.repair().is_none());
    world.reader.commit_version();
    assert_eq!(shared.words().words().epoch.load(SeqCst), epoch, "a new epoch was begun");
    assert!(shared.is_behind());
    word.fetch_xor(1, SeqCst);
    assert!(!shared.is_behind());
    world.ask_to_keep(CHANGED);
}

/// What is told of the clock is the highest mark, not the last one.
#[test]
fn a_lower_clock_mark_changes_nothing() {
    let world = World::new();
    world.ask_to_keep(CHANGED);
    let clock = || shared(&world.reader).words().words().clock.load(SeqCst);
    for (mark, expected) in [(7_000, 7_000), (6_000, 7_000), (7_001, 7_001)] {
        let changes = Changes::default();
        changes.record(Change::ClockMark(Timestamp::from_millis(mark)));
        world.reader.with_idle_writer(|writer| {
            writer
                .execute_batch("BEGIN IMMEDIATE; UPDATE clock_mark SET highest_at_ms = highest_at_ms + 1")
                .unwrap();
            world.reader.change_tracker().announce(writer, &changes);
            writer.execute_batch("COMMIT").unwrap();
        });
        assert_eq!(clock(), expected);
    }
}
