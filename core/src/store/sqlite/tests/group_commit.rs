//! Proves what callers get who share a transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Failure};
use crate::model::config::Config;
use crate::store::sqlite::store::SqliteStore;
use crate::store::{
    Database, Durability, QueuedJob, QueuedWrite, Store, StoreOptions, TenantRecord, WaitPolicy,
    WriteTransaction,
};

struct TestDatabase {
    _folder: tempfile::TempDir,
    store: Arc<SqliteStore>,
}

/// SessionScope callers wait for this long, once it is open.
fn database_of(patience: Duration) -> TestDatabase {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { durability: Durability::Normal, busy_timeout: Duration::from_secs(3600) };
    let mut store = SqliteStore::open(Database::File(folder.path().join("s.db")), options).unwrap();
    store.options.busy_timeout = patience;
    TestDatabase { _folder: folder, store: Arc::new(store) }
}

fn database() -> TestDatabase {
    database_of(Duration::from_secs(3600))
}

fn marked(store: &dyn WriteTransaction, millis: i64) -> Result<i64, Failure> {
    let mark = store.clock_mark()?;
    store.raise_clock_mark(Timestamp::from_millis(millis))?;
    Ok(mark.highest.as_millis())
}

fn committed(store: &SqliteStore) -> i64 {
    let mut found = 0;
    store
        .read(WaitPolicy::Block, &mut |store| {
            found = store.clock_mark()?.highest.as_millis();
            Ok(())
        })
        .unwrap();
    found
}

impl TestDatabase {
    fn enqueue(
        &self,
        job: impl FnMut(&dyn WriteTransaction) -> Result<(), Failure> + Send + 'static,
    ) -> Arc<QueuedWrite> {
        self.store.enqueue(Box::new(job), Durability::Full)
    }

    /// Sets the clock mark to `millis`; the list gets what it was before.
    fn mark(&self, millis: i64, before: &Arc<Mutex<Vec<i64>>>) -> Arc<QueuedWrite> {
        let before = Arc::clone(before);
        self.enqueue(move |store| {
            let seen = marked(store, millis)?;
            before.lock().push(seen);
            Ok(())
        })
    }

    fn outcomes<const N: usize>(&self, places: [&Arc<QueuedWrite>; N]) -> [Option<ErrorCode>; N] {
        places.map(|place| self.store.wait(place).err().map(|failure| Error::from(failure).code()))
    }
}

#[test]
fn those_who_wait_share_a_transaction() {
    let db = database();
    let before = Arc::default();
    let first = db.mark(1, &before);
    let second = db.mark(2, &before);
    let (store, seen_outside) = (Arc::clone(&db.store), Arc::new(Mutex::new(None)));
    let seen = Arc::clone(&seen_outside);
    let third = db.enqueue(move |_| {
        *seen.lock() = Some(committed(&store));
        Ok(())
    });
    assert_eq!(db.outcomes([&second, &third, &first]), [None; 3]);
    assert_eq!(*before.lock(), [0, 1]);
    assert_eq!(*seen_outside.lock(), Some(0), "committed before the last job of the transaction had run");
    assert_eq!(committed(&db.store), 2);
}

#[test]
fn those_who_wait_for_the_disk_share_nothing_with_those_who_do_not() {
    let db = database();
    let order = Arc::new(Mutex::new(Vec::new()));
    let places = [Durability::Full, Durability::Normal, Durability::Full, Durability::Normal]
        .into_iter()
        .enumerate()
        .map(|(n, durability)| {
            let (order, store) = (Arc::clone(&order), Arc::clone(&db.store));
            let job: Box<QueuedJob> = Box::new(move |tx| {
                marked(tx, n as i64 + 1)?;
                order.lock().push((n, committed(&store)));
                Ok(())
            });
            db.store.enqueue(job, durability)
        })
        .collect::<Vec<_>>();
    db.store.wait(&places[3]).unwrap(); // runs whoever is first in the line until its own turn has come
    assert_eq!(*order.lock(), [(0, 0), (2, 0), (1, 3), (3, 3)]);
    for place in &places[..3] {
        db.store.wait(place).unwrap();
    }
    assert_eq!(committed(&db.store), 4);
}

#[test]
fn a_failing_job_fails_alone_and_leaves_nothing_behind() {
    for fails_at in 0..3 {
        let db = database();
        let before = Arc::default();
        let mut places = Vec::new();
        for n in 0..3 {
            places.push(if n == fails_at {
                db.enqueue(|store| {
                    marked(store, 99)?;
                    Err(Failure::internal("not this one"))
                })
            } else {
                db.mark(n + 1, &before)
            });
        }
        let mut expected = [None; 3];
        expected[fails_at as usize] = Some(ErrorCode::Internal);
        assert_eq!(db.outcomes([&places[0], &places[1], &places[2]]), expected);
        assert!(!before.lock().contains(&99), "{before:?}");
        assert_eq!(committed(&db.store), if fails_at == 2 { 2 } else { 3 });
    }
}

#[test]
fn a_panic_is_the_failure_of_its_caller_only() {
    let db = database();
    let before = Arc::default();
    let first = db.mark(1, &before);
    let second = db.enqueue(|_| panic!("foreign code"));
    let third = db.mark(3, &before);
    assert_eq!(db.outcomes([&first, &second, &third]), [None, Some(ErrorCode::Internal), None]);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _ = db.store.write_exclusive(&mut |_| panic!("foreign code"));
    }));
    assert!(panicked.is_err());
    assert_eq!(db.outcomes([&db.mark(4, &before)]), [None], "a panic took the turn with it");
    assert_eq!(committed(&db.store), 4);
}

/// What a foreign panic carries, and panics itself when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("foreign code, again");
    }
}

#[test]
fn nobody_is_told_of_a_success_that_a_panic_takes_back() {
    let db = database();
    let before = Arc::default();
    let first = db.mark(1, &before);
    let second = db.enqueue(|_| std::panic::panic_any(Grenade));
    let third = db.mark(3, &before);
    assert_eq!(db.outcomes([&second, &first, &third]), [Some(ErrorCode::Internal), None, None]);
    assert_eq!(committed(&db.store), 3);
}

#[test]
fn after_a_panic_the_next_in_line_is_called() {
    let db = database();
    let before = Arc::default();
    let in_turn = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                db.store.write_exclusive(&mut |_| {
                    in_turn.wait();
                    in_turn.wait();
                    panic!("foreign code")
                })
            }));
            assert!(panicked.is_err());
        });
        in_turn.wait();
        let waiting = [db.mark(1, &before), db.mark(2, &before), db.mark(3, &before)];
        let threads = waiting.map(|place| {
            let store = &db.store;
            scope.spawn(move || store.wait(&place).unwrap())
        });
        in_turn.wait();
        // Nobody would come otherwise: their patience is an hour.
        for thread in threads {
            thread.join().unwrap();
        }
    });
    assert_eq!(committed(&db.store), 3);
    assert!(db.store.group_commit.is_empty());
}

/// SQLite itself rolls back the whole transaction when a statement finds no room.
#[test]
fn when_the_transaction_is_lost_each_gets_his_own_answer() {
    let db = database();
    {
        let writer = db.store.writer.lock();
        let writer = writer.as_ref().unwrap();
        let pages: i64 = writer.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        writer.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    }
    let before = Arc::default();
    let first = db.mark(1, &before);
    let large = db.enqueue(|store| {
        marked(store, 99)?;
        let row = TenantRecord {
            config: Config::default(),
            salt: [0; 16],
            wrapped_refresh_key: vec![0; 100_000],
            token_horizon: Timestamp::default(),
        };
        store.add_tenant(&"tnt".parse().unwrap(), &row, Timestamp::default()).map(drop)
    });
    let third = db.mark(3, &before);
    assert_eq!(db.outcomes([&first, &large, &third]), [None, Some(ErrorCode::StorageFull), None]);
    assert_eq!(*before.lock(), [0, 0, 1], "the first ran in the lost transaction, then each on his own");
    assert_eq!(committed(&db.store), 3);
}

#[test]
fn whoever_waits_too_long_or_gives_up_changes_nothing() {
    let db = database_of(Duration::ZERO);
    let before = Arc::default();
    let (store, busy) = (Arc::clone(&db.store), Arc::new(Mutex::new(None)));
    let seen = Arc::clone(&busy);
    let turn = db.enqueue(move |_| {
        // Nobody else gets a turn while this job is at work.
        *seen.lock() = store.write_exclusive(&mut |store| marked(store, 99).map(drop)).err();
        Ok(())
    });
    let given_up = db.mark(98, &before);
    db.store.cancel(&given_up);
    assert_eq!(db.outcomes([&turn]), [None]);
    assert_eq!(busy.lock().take().map(|failure| Error::from(failure).code()), Some(ErrorCode::StorageBusy));
    assert_eq!(committed(&db.store), 0);
}

#[test]
fn many_threads_lose_no_change() {
    let db = database();
    let store = &db.store;
    std::thread::scope(|scope| {
        for thread in 0..16 {
            scope.spawn(move || {
                for round in 0..100 {
                    let mut one_more = |inside: &dyn WriteTransaction| {
                        let mark = inside.clock_mark()?.highest.as_millis();
                        marked(inside, mark + 1).map(drop)
                    };
                    if (thread + round) % 10 == 0 {
                        store.write_exclusive(&mut one_more).unwrap();
                    } else {
                        store.wait(&store.enqueue(Box::new(one_more), Durability::Full)).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(committed(store), 1600);
}
