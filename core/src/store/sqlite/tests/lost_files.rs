//! A store whose files are cut or taken away while it is open.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::conformance::open;
use super::log::commit;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode};
use crate::store::sqlite::store::SqliteStore;
use crate::store::{SqliteDatabase, Store as _};

fn store(path: &Path) -> SqliteStore {
    open(SqliteDatabase::File(path.to_owned()), Duration::from_secs(20))
}

/// What the store says of its files at this second.
fn look(store: &SqliteStore, second: i64) -> Result<(), Error> {
    store.confirm_files(Timestamp::from_secs(second)).map_err(Error::from)
}

fn count_sessions(program: &Connection) -> u32 {
    program.query_row("SELECT count(*) FROM sessions", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_database_that_lacks_pages_which_the_log_does_not_hold_either_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = store(&path);
    commit(&store, 0, 20);
    let program = Connection::open(&path).unwrap();
    program.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    commit(&store, 100, 1);
    let pages: u32 = program.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    let extent = store.change_tracker().log_extent().unwrap();
    let frames = store.log_bytes().unwrap() / (4_096 + 24);
    assert_eq!((extent.page_bytes, extent.pages, extent.frames), (4_096, pages.into(), frames));
    look(&store, 100).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    let kept = extent.pages - extent.frames;
    file.set_len(kept * 4_096).unwrap();
    look(&store, 200).unwrap();
    file.set_len((kept - 1) * 4_096).unwrap();
    let noticed = look(&store, 300).unwrap_err();
    assert_eq!(noticed.code(), ErrorCode::StorageIo);
    assert!(noticed.detail().contains("truncated"), "{noticed}");
}

/// The last connection to close would move the log into the database and delete the file that has the log's name, which may be another's.
#[test]
fn what_is_beside_a_database_that_was_lost_is_left_as_it_is() {
    for moved in ["s.db", "s.db-wal"] {
        let folder = tempfile::tempdir().unwrap();
        let [path, log, from] = ["s.db", "s.db-wal", moved].map(|name| folder.path().join(name));
        let away = folder.path().join("away");
        let lost = store(&path);
        commit(&lost, 0, 20);
        fs::rename(&from, &away).unwrap();
        if moved == "s.db-wal" {
            fs::write(&log, "of another program").unwrap();
        }
        let read = || [&path, &log, &away].map(|file| fs::read(file).ok());
        let before = read();
        let noticed = look(&lost, 100).unwrap_err();
        assert_eq!(noticed.code(), ErrorCode::StorageIo, "{noticed}");
        lost.close();
        drop(lost);
        assert!(read() == before, "{moved}: a file was touched");
        // Back where it was, nothing is missing.
        fs::rename(&away, &from).unwrap();
        drop(store(&path));
        assert_eq!(count_sessions(&Connection::open(&path).unwrap()), 20, "{moved}");
    }
}

/// A read that began before the close may look at the files behind it: the last connection has deleted the log, and another program made one.
#[test]
fn a_store_that_was_closed_takes_the_log_of_the_next_program_for_no_loss() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = store(&path);
    commit(&store, 0, 1);
    store.close();
    let program = Connection::open(&path).unwrap();
    program.execute("UPDATE clock_mark SET highest_at_ms = highest_at_ms + 1", []).unwrap();
    assert_eq!(look(&store, 100).unwrap_err().code(), ErrorCode::EngineClosed);
    assert_eq!(look(&store, 200).unwrap_err().code(), ErrorCode::EngineClosed);
}
