//! Readers beside a writer: what is committed shows at once, what is not never.

use std::sync::Arc;

use parking_lot::Mutex;

use super::samples::{add_tenant, at, plain_session, session_id, user};
use super::{NEVER_BUSY, TestDatabase, committed_mark, read, replace_mark, write};
use crate::store::{Durability, Needs, QueuedJob, SessionScope, WaitPolicy, WriteTransaction};

pub(in crate::store) fn a_snapshot_does_not_move(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    let session = plain_session(session_id(1), &user("usr_1"));
    store
        .read(WaitPolicy::Block, &Needs::default(), &mut |snapshot| {
            assert_eq!(snapshot.clock_mark()?.highest, at(0));
            write(&*store, |tx| {
                tx.add_session(tenant, &session)?;
                replace_mark(tx, 7)
            });
            assert_eq!(committed_mark(&*store), 7, "a read that begins after the commit sees it");
            assert_eq!(snapshot.clock_mark()?.highest, at(0));
            assert_eq!(snapshot.session(tenant, session.id)?, None);
            assert!(snapshot.scan_oldest_first(tenant, SessionScope::Tenant, None, 10)?.is_empty());
            Ok(())
        })
        .unwrap();
    assert_eq!(read(&*store, |tx| tx.session(tenant, session.id)), Some(session));
}

pub(in crate::store) fn an_uncommitted_change_is_not_seen(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    write(&*store, |tx| {
        add_tenant(tx, "tnt")?;
        replace_mark(tx, 7)?;
        assert_eq!(committed_mark(&*store), 0);
        assert!(read(&*store, |outside| outside.tenant_numbers()).is_empty());
        Ok(())
    });
    assert_eq!(committed_mark(&*store), 7);
    assert_eq!(read(&*store, |tx| tx.tenant_numbers()).len(), 1);
}

pub(in crate::store) fn writes_that_wait_together_share_a_transaction(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let before = Arc::new(Mutex::new(Vec::new()));
    let mark = |millis: i64| {
        let before = Arc::clone(&before);
        let job = move |tx: &dyn WriteTransaction| {
            let seen = replace_mark(tx, millis)?;
            before.lock().push(seen);
            Ok(())
        };
        store.enqueue(Box::new(job), Durability::Full, Needs::default())
    };
    let (first, second) = (mark(1), mark(2));
    let seen_outside = Arc::new(Mutex::new(None));
    let (outside, seen) = (Arc::clone(&store), Arc::clone(&seen_outside));
    let look = move |_: &dyn WriteTransaction| {
        *seen.lock() = Some(committed_mark(&*outside));
        Ok(())
    };
    let third = store.enqueue(Box::new(look), Durability::Full, Needs::default());
    for write in [second, third, first] {
        store.wait(&write).unwrap();
    }
    assert_eq!(*before.lock(), [0, 1]);
    assert_eq!(*seen_outside.lock(), Some(0), "committed before the last job of the transaction had run");
    assert_eq!(committed_mark(&*store), 2);
}

pub(in crate::store) fn a_batch_holds_writes_of_one_durability(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let order = Arc::new(Mutex::new(Vec::new()));
    // The mark only rises, so these are numbered as they are to run.
    let writes =
        [(Durability::Full, 1), (Durability::Normal, 3), (Durability::Full, 2), (Durability::Normal, 4)]
            .into_iter()
            .map(|(durability, n)| {
                let (order, outside) = (Arc::clone(&order), Arc::clone(&store));
                let job: Box<QueuedJob> = Box::new(move |tx| {
                    replace_mark(tx, n)?;
                    order.lock().push((n, committed_mark(&*outside)));
                    Ok(())
                });
                store.enqueue(job, durability, Needs::default())
            })
            .collect::<Vec<_>>();
    store.wait(&writes[3]).unwrap(); // leads the batches before its own, too
    assert_eq!(*order.lock(), [(1, 0), (2, 0), (3, 2), (4, 2)]);
    for write in &writes[..3] {
        store.wait(write).unwrap();
    }
    assert_eq!(committed_mark(&*store), 4);
}
