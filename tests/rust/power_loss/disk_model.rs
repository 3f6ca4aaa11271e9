//! The model of a disk that loses its power says what SQLite may rely on, and no more.

use hellojohn_tests::dice::Dice;
use hellojohn_tests::disk::{CrashKind, Disk, DiskModel, Event};
use rusqlite::Connection;

fn write(at: u64, bytes: &[u8]) -> Event {
    Event::Write("f".to_owned(), at, bytes.into())
}

fn disk(events: &[Event]) -> DiskModel {
    let mut disk = DiskModel::default();
    disk.apply(&Event::Create("f".to_owned()));
    events.iter().for_each(|event| disk.apply(event));
    disk
}

fn content(disk: &DiskModel, kind: CrashKind, seed: u64) -> Option<Vec<u8>> {
    disk.crash(kind, &mut Dice::new(seed)).0.remove("f")
}

#[test]
fn what_was_synced_stays_and_what_was_written_since_may() {
    let disk = disk(&[write(0, b"old"), Event::Sync("f".to_owned(), true), write(0, b"new")]);
    assert_eq!(content(&disk, CrashKind::Killed, 0).as_deref(), Some(&b"new"[..]));
    assert_eq!(content(&disk, CrashKind::Nothing, 0).as_deref(), Some(&b"old"[..]));
    let found: std::collections::BTreeSet<_> =
        (0..20).map(|seed| content(&disk, CrashKind::Some, seed)).collect();
    assert_eq!(found, [Some(b"new".to_vec()), Some(b"old".to_vec())].into());
}

#[test]
fn a_name_is_there_once_the_folder_was_synced() {
    let disk = disk(&[write(0, b"x"), Event::Sync("f".to_owned(), false)]);
    assert_eq!(content(&disk, CrashKind::Nothing, 0), None);
}

#[test]
fn the_first_sync_of_a_log_that_was_there_syncs_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::watch(folder.path());
    let open = || Connection::open(folder.path().join("s.db")).unwrap();
    let first = open();
    first.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x)").unwrap();
    let second = open();
    second.execute_batch("PRAGMA synchronous = FULL; SELECT * FROM t").unwrap();
    disk.record();
    second.execute_batch("INSERT INTO t VALUES (1)").unwrap();
    let events = disk.take_events();
    assert!(events.iter().any(|event| matches!(event, Event::Sync(name, true) if name == "s.db-wal")));
}

#[test]
fn a_write_is_torn_at_the_edges_of_sectors() {
    let disk = disk(&[
        Event::Truncate("f".to_owned(), 1024),
        Event::Sync("f".to_owned(), true),
        write(500, &[1; 24]),
    ]);
    let found: std::collections::BTreeSet<_> = (0..40)
        .map(|seed| {
            let content = content(&disk, CrashKind::Torn, seed).unwrap();
            (content[500..512].iter().all(|byte| *byte == 1), content[512..524].iter().all(|byte| *byte == 1))
        })
        .collect();
    assert_eq!(found.len(), 4);
}

#[test]
fn what_a_failed_sync_was_to_write_never_comes() {
    let lost = Event::LostSync("f".to_owned());
    let disk = disk(&[
        Event::Sync("f".to_owned(), true),
        write(0, b"lost"),
        lost,
        Event::Sync("f".to_owned(), false),
    ]);
    assert_eq!(content(&disk, CrashKind::Killed, 0).as_deref(), Some(&b"lost"[..]));
    assert_eq!(content(&disk, CrashKind::Torn, 0).as_deref(), Some(&b""[..]));
}
