//! The length of the write-ahead log.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::Connection;

use super::conformance::open;
use crate::store::conformance::samples::{add_tenant, plain_session, session_id, user};
use crate::store::sqlite::log::LogLimits;
use crate::store::sqlite::store::SqliteStore;
use crate::store::{Needs, SqliteDatabase, Store, WaitPolicy, WriteJob};

/// One page of the log, with its header.
const PAGE: u64 = 4096 + 24;

const LIMITS: LogLimits =
    LogLimits { checkpoint: 40, again: 10, force: 60, patience: Duration::from_millis(20) };

fn store(folder: &Path) -> SqliteStore {
    let mut store = open(SqliteDatabase::File(folder.join("s.db")), Duration::from_secs(3600));
    store.set_log_limits(LIMITS);
    store
}

/// Commits `count` sessions, one by one: each fills a few pages of the log.
pub(super) fn commit(store: &SqliteStore, first: u16, count: u16) {
    for number in first..first + count {
        commit_one(store, number, &mut |_| Ok(()));
    }
}

/// Commits a session after other work in the same transaction.
fn commit_one(store: &SqliteStore, number: u16, work: &mut WriteJob<'_>) {
    let added = store.write_exclusive(&mut |tx| {
        work(tx)?;
        let id = "tnt".parse().unwrap();
        let tenant = match tx.tenant_no(&id)? {
            Some(tenant) => tenant,
            None => add_tenant(tx, "tnt")?,
        };
        tx.add_session(tenant, &plain_session(session_id(number), &user("u")))
    });
    added.unwrap();
}

fn log_pages(store: &SqliteStore) -> u64 {
    store.log_bytes().unwrap() / PAGE
}

fn begin_read(folder: &Path) -> Connection {
    let reader = Connection::open(folder.join("s.db")).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    reader.query_row("SELECT count(*) FROM sessions", [], |_| Ok(())).unwrap();
    reader
}

#[test]
fn the_log_begins_anew_when_it_is_long() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    commit(&store, 0, 200);
    assert!((20..60).contains(&log_pages(&store)), "{}", log_pages(&store));
}

#[test]
fn reads_that_overlap_without_a_gap_do_not_let_the_log_grow() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let done = AtomicBool::new(false);
    // Each reader begins its next read before it lets the other one end its own.
    let (to_second, from_first) = mpsc::channel();
    let (to_first, from_second) = mpsc::channel();
    let read = |mine: mpsc::Receiver<()>, other: mpsc::Sender<()>| {
        while !done.load(Ordering::Acquire) {
            let reading = store.read(WaitPolicy::Block, &Needs::default(), &mut |tx| {
                tx.clock_mark()?;
                let _ = other.send(());
                let _ = mine.recv();
                Ok(())
            });
            reading.unwrap();
        }
        let _ = other.send(());
    };
    let read = &read;
    std::thread::scope(|scope| {
        scope.spawn(move || read(from_second, to_second));
        scope.spawn(move || read(from_first, to_first));
        for round in 0..20 {
            commit(&store, round * 100, 100);
        }
        done.store(true, Ordering::Release);
    });
    assert!(log_pages(&store) < 2 * u64::from(LIMITS.force), "{}", log_pages(&store));
}

#[test]
fn writes_that_follow_one_another_without_a_gap_do_not_let_the_log_grow() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store(folder.path());
    // Next to a transaction of so many reads, the time between two of them is nothing, and so is the patience.
    const READS: usize = 1_000;
    store.set_log_limits(LogLimits { patience: Duration::ZERO, ..LIMITS });
    let store = &store;
    // While one thread keeps the log short after its own write, the other one's next transaction runs, and no further one.
    let (to_second, from_first) = mpsc::channel();
    let (to_first, from_second) = mpsc::channel();
    let write = |first: u16, mine: mpsc::Receiver<()>, other: mpsc::Sender<()>| {
        for number in first..first + 200 {
            let _ = mine.recv();
            commit_one(store, number, &mut |tx| {
                let _ = other.send(());
                (0..READS).try_for_each(|_| tx.clock_mark().map(drop))
            });
            assert!(log_pages(store) < 2 * u64::from(LIMITS.force), "{}", log_pages(store));
        }
    };
    let write = &write;
    to_first.send(()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || write(1_000, from_second, to_second));
        scope.spawn(move || write(2_000, from_first, to_first));
    });
}

#[test]
fn a_log_that_a_slow_read_has_kept_is_cut_when_the_read_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    commit(&store, 0, 5);
    let slow = begin_read(folder.path());
    commit(&store, 100, 100);
    let long = log_pages(&store);
    assert!(long > 100, "no read can end by force: {long}");
    drop(slow);
    commit(&store, 300, 10);
    assert!(log_pages(&store) <= u64::from(LIMITS.checkpoint), "{} after {long}", log_pages(&store));
}

#[test]
fn a_store_in_memory_has_no_log() {
    let store = open(SqliteDatabase::Memory, Duration::ZERO);
    assert_eq!(store.log_bytes().unwrap(), 0);
}
