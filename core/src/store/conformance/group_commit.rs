//! What callers get that share a transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{NEVER_BUSY, TestDatabase, code, committed_mark, replace_mark};
use crate::error::{ErrorCode, Failure};
use crate::store::{Durability, Needs, QueuedWrite, Store, WriteTransaction};

/// What the clock mark was when each job ran.
pub(in crate::store) type MarksBefore = Arc<Mutex<Vec<i64>>>;

pub(in crate::store) fn enqueue(
    store: &dyn Store,
    job: impl FnMut(&dyn WriteTransaction) -> Result<(), Failure> + Send + 'static,
) -> Arc<QueuedWrite> {
    store.enqueue(Box::new(job), Durability::Full, Needs::default())
}

/// Queues a write that sets the clock mark to `millis`; the list gets what it was before.
pub(in crate::store) fn enqueue_mark(
    store: &dyn Store,
    millis: i64,
    before: &MarksBefore,
) -> Arc<QueuedWrite> {
    let before = Arc::clone(before);
    enqueue(store, move |tx| {
        let seen = replace_mark(tx, millis)?;
        before.lock().push(seen);
        Ok(())
    })
}

pub(in crate::store) fn wait_for_all<const N: usize>(
    store: &dyn Store,
    writes: [&Arc<QueuedWrite>; N],
) -> [Option<ErrorCode>; N] {
    writes.map(|write| store.wait(write).err().map(code))
}

pub(in crate::store) fn a_job_sees_the_changes_of_the_jobs_before_it(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let before = MarksBefore::default();
    let writes = [1, 2, 3].map(|millis| enqueue_mark(&*store, millis, &before));
    assert_eq!(wait_for_all(&*store, [&writes[1], &writes[2], &writes[0]]), [None; 3]);
    assert_eq!(*before.lock(), [0, 1, 2]);
    assert_eq!(committed_mark(&*store), 3);
}

pub(in crate::store) fn a_job_can_ask_whether_others_wait(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let answers = Arc::new(Mutex::new(Vec::new()));
    let ask = || {
        let (outside, answers) = (Arc::clone(&store), Arc::clone(&answers));
        enqueue(&*store, move |_| {
            answers.lock().push(outside.has_waiting_writes());
            Ok(())
        })
    };
    let writes = [ask(), ask(), ask()];
    assert_eq!(wait_for_all(&*store, [&writes[0], &writes[1], &writes[2]]), [None; 3]);
    assert_eq!(*answers.lock(), [true, true, false]);
    assert!(!store.has_waiting_writes());
}

pub(in crate::store) fn a_failing_job_fails_alone_and_leaves_nothing_behind(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    for fails_at in 0..3 {
        let start = 10 * fails_at;
        let before = MarksBefore::default();
        let mut writes = Vec::new();
        for n in 0..3 {
            writes.push(if n == fails_at {
                enqueue(&*store, |tx| {
                    replace_mark(tx, 99)?;
                    Err(Failure::internal("not this one"))
                })
            } else {
                enqueue_mark(&*store, start + n + 1, &before)
            });
        }
        let mut expected = [None; 3];
        expected[fails_at as usize] = Some(ErrorCode::Internal);
        assert_eq!(wait_for_all(&*store, [&writes[0], &writes[1], &writes[2]]), expected);
        assert!(!before.lock().contains(&99), "{before:?}");
        assert_eq!(committed_mark(&*store), start + if fails_at == 2 { 2 } else { 3 });
    }
}

pub(in crate::store) fn a_panic_fails_only_its_own_write(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let before = MarksBefore::default();
    let first = enqueue_mark(&*store, 1, &before);
    let second = enqueue(&*store, |_| panic!("foreign code"));
    let third = enqueue_mark(&*store, 3, &before);
    assert_eq!(wait_for_all(&*store, [&first, &second, &third]), [None, Some(ErrorCode::Internal), None]);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _ = store.write_exclusive(&mut |_| panic!("foreign code"));
    }));
    assert!(panicked.is_err());
    let fourth = enqueue_mark(&*store, 4, &before);
    assert_eq!(wait_for_all(&*store, [&fourth]), [None], "the leader that panicked still leads");
    assert_eq!(committed_mark(&*store), 4);
}

/// What a foreign panic carries, and panics itself when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("foreign code, again");
    }
}

pub(in crate::store) fn no_caller_is_told_of_a_success_that_a_panic_takes_back(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let before = MarksBefore::default();
    let first = enqueue_mark(&*store, 1, &before);
    let second = enqueue(&*store, |_| std::panic::panic_any(Grenade));
    let third = enqueue_mark(&*store, 3, &before);
    assert_eq!(wait_for_all(&*store, [&second, &first, &third]), [Some(ErrorCode::Internal), None, None]);
    assert_eq!(committed_mark(&*store), 3);
}

pub(in crate::store) fn after_a_panic_the_next_waiter_leads(database: &dyn TestDatabase) {
    panic_while_others_wait(&*database.open(NEVER_BUSY));
}

/// An exclusive write panics while three writes wait; they are committed all the same.
pub(in crate::store) fn panic_while_others_wait(store: &dyn Store) {
    let before = MarksBefore::default();
    let at_work = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                store.write_exclusive(&mut |_| {
                    at_work.wait();
                    at_work.wait();
                    panic!("foreign code")
                })
            }));
            assert!(panicked.is_err());
        });
        at_work.wait();
        let waiting = [1, 2, 3].map(|millis| enqueue_mark(store, millis, &before));
        let threads = waiting.map(|write| scope.spawn(move || store.wait(&write).unwrap()));
        at_work.wait();
        // No other thread would lead: these wait for an hour.
        for thread in threads {
            thread.join().unwrap();
        }
    });
    assert_eq!(committed_mark(store), 3);
}

pub(in crate::store) fn a_write_that_waits_too_long_or_is_cancelled_changes_nothing(
    database: &dyn TestDatabase,
) {
    let store = database.open(Duration::ZERO);
    let before = MarksBefore::default();
    let busy = Arc::new(Mutex::new(None));
    let (inside, seen) = (Arc::clone(&store), Arc::clone(&busy));
    let leading = enqueue(&*store, move |_| {
        // No other caller leads while this job is being run.
        *seen.lock() = inside.write_exclusive(&mut |tx| replace_mark(tx, 99).map(drop)).err();
        Ok(())
    });
    let cancelled = enqueue_mark(&*store, 98, &before);
    store.cancel(&cancelled);
    assert_eq!(wait_for_all(&*store, [&leading]), [None]);
    assert_eq!(busy.lock().take().map(code), Some(ErrorCode::StorageBusy));
    assert_eq!(committed_mark(&*store), 0);
}

pub(in crate::store) fn many_threads_lose_no_change(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..100 {
                    let mut add_one = |tx: &dyn WriteTransaction| {
                        let mark = tx.clock_mark()?.highest.as_millis();
                        replace_mark(tx, mark + 1).map(drop)
                    };
                    if (thread + round) % 10 == 0 {
                        store.write_exclusive(&mut add_one).unwrap();
                    } else {
                        store
                            .wait(&store.enqueue(Box::new(add_one), Durability::Full, Needs::default()))
                            .unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(committed_mark(&*store), 1600);
}
