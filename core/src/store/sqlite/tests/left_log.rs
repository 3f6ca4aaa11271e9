//! Opening a database whose log is not moved, or whose counts say so, while other processes have it open.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::{Connection, ffi};

use super::conformance::open;
use super::log::commit;
use crate::clock::Stopwatch;
use crate::error::{Error, ErrorCode};
use crate::store::sqlite::connection::{checkpoint_log, set_busy_timeout};
use crate::store::sqlite::left_log::{finish_checkpoint, is_checkpoint_unfinished};
use crate::store::sqlite::store::SqliteStore;
use crate::store::sqlite::wal_index::{database_file, first_region};
use crate::store::{SqliteDatabase, StoreOptions};

const BUSY_TIMEOUT: Duration = Duration::from_millis(300);

/// How many pages of the log a checkpoint has begun to move, in words of four bytes (sqlite.org/walformat.html, section 2.3).
const BEGUN: usize = 128 / 4;

/// The lock that the one connection holds which moves the log.
const CHECKPOINT_LOCK: i32 = 1;

fn store(path: &Path) -> SqliteStore {
    open(SqliteDatabase::File(path.to_owned()), Duration::from_secs(20))
}

/// Another program that has read from the database.
fn program(path: &Path) -> Connection {
    let program = Connection::open(path).unwrap();
    program.query_row("SELECT count(*) FROM sessions", [], |_| Ok(())).unwrap();
    program
}

/// As a process leaves it that stops after this number was written.
fn begin_checkpoint(program: &Connection, pages: u32) {
    let region = first_region(database_file(program).unwrap()).unwrap().cast::<AtomicU32>();
    // SAFETY: an aligned word of the region, which is mapped as long as the connection is open.
    unsafe { (*region.add(BEGUN)).store(pages, Ordering::SeqCst) };
}

/// What opening says, which comes in time.
fn finish(program: &Connection) -> Result<(), Error> {
    assert!(is_checkpoint_unfinished(program).unwrap());
    let options = StoreOptions::relaxed(BUSY_TIMEOUT);
    set_busy_timeout(program, BUSY_TIMEOUT).unwrap();
    let waiting = Stopwatch::start();
    let outcome = finish_checkpoint(program, &options);
    assert!(waiting.elapsed() < BUSY_TIMEOUT + Duration::from_secs(1));
    outcome.map_err(Error::from)
}

/// SQLite clears the counts of a log that begins anew one after the other; a process may be killed between two of them.
#[test]
fn a_log_without_a_page_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = store(&path);
    commit(&store, 0, 20);
    let program = program(&path);
    program.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    begin_checkpoint(&program, 20);
    finish(&program).unwrap();
    commit(&store, 100, 1);
}

#[test]
fn a_reader_that_needs_the_database_as_it_is_without_the_log_keeps_it_from_no_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = store(&path);
    commit(&store, 0, 20);
    let (reader, opening) = (program(&path), program(&path));
    reader.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM sessions").unwrap();
    commit(&store, 100, 3);
    opening.query_row("SELECT count(*) FROM sessions", [], |_| Ok(())).unwrap();
    // As after a recovery of the index.
    begin_checkpoint(&opening, store.change_tracker().wal_index().header().log_pages());
    finish(&opening).unwrap();
}

#[test]
fn a_reader_of_a_part_of_the_log_keeps_it_from_no_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = store(&path);
    commit(&store, 0, 20);
    let (reader, opening) = (program(&path), program(&path));
    reader.execute_batch("BEGIN; SELECT count(*) FROM sessions").unwrap();
    begin_checkpoint(&opening, store.change_tracker().wal_index().header().log_pages());
    commit(&store, 100, 3);
    finish(&opening).unwrap();
    assert!(!is_checkpoint_unfinished(&opening).unwrap());
}

/// It sees to the log itself.
#[test]
fn a_writer_at_work_keeps_it_from_no_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = store(&path);
    commit(&store, 0, 20);
    let (writer, opening) = (program(&path), program(&path));
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    begin_checkpoint(&opening, store.change_tracker().wal_index().header().log_pages());
    finish(&opening).unwrap();
    assert!(!is_checkpoint_unfinished(&opening).unwrap());
}

/// It may be an opening that writes the log anew: until it has, what is read from the log may not be on the disk.
#[test]
fn no_opening_moves_the_log_while_another_may_write_it_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = store(&path);
    commit(&store, 0, 20);
    let (first, second) = (program(&path), program(&path));
    first.execute_batch("BEGIN IMMEDIATE").unwrap();
    begin_checkpoint(&first, store.change_tracker().wal_index().header().log_pages());
    let (tell, outcome) = mpsc::channel();
    let opening = std::thread::spawn(move || {
        let options = StoreOptions::relaxed(Duration::from_secs(20));
        set_busy_timeout(&second, options.busy_timeout).unwrap();
        tell.send(finish_checkpoint(&second, &options).map_err(Error::from)).unwrap();
    });
    assert!(outcome.recv_timeout(Duration::from_millis(500)).is_err(), "it did not wait");
    assert!(is_checkpoint_unfinished(&first).unwrap());
    first.execute_batch("COMMIT").unwrap();
    outcome.recv().unwrap().unwrap();
    opening.join().unwrap();
    assert!(!is_checkpoint_unfinished(&first).unwrap());
}

/// It may be the first that opens the database: what it has not moved yet may never come to the disk.
#[test]
fn a_process_that_is_at_the_log_is_waited_for_as_long_as_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = store(&path);
    commit(&store, 0, 20);
    let (mover, opening) = (program(&path), program(&path));
    let lock = |flags: i32| {
        let file = database_file(&mover).unwrap();
        // SAFETY: the file of the open connection, which runs no transaction.
        unsafe {
            (*(*file).pMethods).xShmLock.unwrap()(file, CHECKPOINT_LOCK, 1, flags | ffi::SQLITE_SHM_EXCLUSIVE)
        }
    };
    assert_eq!(lock(ffi::SQLITE_SHM_LOCK), ffi::SQLITE_OK);
    begin_checkpoint(&mover, 10);
    assert!(!checkpoint_log(&opening).unwrap());
    let waiting = Stopwatch::start();
    let refused = finish(&opening).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::StorageBusy);
    assert!(waiting.elapsed() >= BUSY_TIMEOUT, "it was not waited for");
    assert_eq!(lock(ffi::SQLITE_SHM_UNLOCK), ffi::SQLITE_OK);
    finish(&opening).unwrap();
    assert!(!is_checkpoint_unfinished(&opening).unwrap());
}
