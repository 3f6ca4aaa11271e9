//! Two stores on one database, as two processes have them.

use std::time::Duration;

use super::samples::{add_tenant, plain_session, session_id, user};
use super::{NEVER_BUSY, TestDatabase, code, committed_mark, read, replace_mark, try_write, write};
use crate::error::ErrorCode;
use crate::store::{Durability, Needs, WriteTransaction};

pub(in crate::store) fn a_commit_of_one_store_is_read_by_the_other(database: &dyn TestDatabase) {
    let [ours, theirs] = [(); 2].map(|()| database.open(NEVER_BUSY));
    for millis in [1, 2, 3] {
        write(&*theirs, |tx| replace_mark(tx, millis));
        assert_eq!(committed_mark(&*ours), millis);
    }
}

pub(in crate::store) fn a_writer_of_another_store_is_waited_for_up_to_the_busy_timeout(
    database: &dyn TestDatabase,
) {
    let (ours, theirs) = (database.open(Duration::ZERO), database.open(NEVER_BUSY));
    write(&*theirs, |tx| {
        replace_mark(tx, 1)?;
        let outcome = try_write(&*ours, |tx| replace_mark(tx, 99));
        assert_eq!(outcome, Err(ErrorCode::StorageBusy));
        let job = |tx: &dyn WriteTransaction| replace_mark(tx, 98).map(drop);
        let queued = ours.enqueue(Box::new(job), Durability::Full, Needs::default());
        assert_eq!(ours.wait(&queued).map_err(code), Err(ErrorCode::StorageBusy));
        Ok(())
    });
    assert_eq!(committed_mark(&*ours), 1);
    assert_eq!(write(&*ours, |tx| replace_mark(tx, 2)), 1);
}

pub(in crate::store) fn a_commit_of_another_store_never_counts_as_unchanged(database: &dyn TestDatabase) {
    let [ours, theirs] = [(); 2].map(|()| database.open(NEVER_BUSY));
    let session = plain_session(session_id(1), &user("usr_1"));
    let tenant = write(&*ours, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        tx.add_session(tenant, &session)?;
        Ok(tenant)
    });
    for _ in 0..3 {
        let before = ours.commit_version();
        write(&*theirs, |tx| tx.count_replay(tenant, session.id));
        if let Some(before) = before {
            assert!(!ours.is_unchanged_since(session.id, before));
        }
    }
}

pub(in crate::store) fn what_was_committed_is_there_after_reopening(database: &dyn TestDatabase) {
    let session = plain_session(session_id(1), &user("usr_1"));
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        tx.add_session(tenant, &session)?;
        replace_mark(tx, 5)?;
        Ok(tenant)
    });
    store.close();
    drop(store);
    let store = database.open(NEVER_BUSY);
    assert_eq!(committed_mark(&*store), 5);
    assert_eq!(read(&*store, |tx| tx.tenant_no(&"tnt".parse().unwrap())), Some(tenant));
    assert_eq!(read(&*store, |tx| tx.session(tenant, session.id)), Some(session));
}

pub(in crate::store) fn two_stores_lose_no_change(database: &dyn TestDatabase) {
    let stores = [(); 2].map(|()| database.open(NEVER_BUSY));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &stores[thread % 2];
            scope.spawn(move || {
                for _ in 0..50 {
                    let add_one = |tx: &dyn WriteTransaction| {
                        let mark = tx.clock_mark()?.highest.as_millis();
                        replace_mark(tx, mark + 1).map(drop)
                    };
                    store
                        .wait(&store.enqueue(Box::new(add_one), Durability::Full, Needs::default()))
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(committed_mark(&*stores[0]), 200);
    assert_eq!(committed_mark(&*stores[1]), 200);
}
