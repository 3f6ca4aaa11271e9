//! What a closed store answers.

use super::samples::session_id;
use super::{NEVER_BUSY, TestDatabase, code, replace_mark, write};
use crate::error::ErrorCode;
use crate::store::{Durability, Needs, WaitPolicy};

pub(in crate::store) fn a_closed_store_answers_engine_closed(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    assert_eq!(store.check_open().map_err(code), Ok(()));
    write(&*store, |tx| replace_mark(tx, 1));
    let version = store.commit_version();
    let queued =
        store.enqueue(Box::new(|_| unreachable!("it had not begun")), Durability::Full, Needs::default());
    store.close();
    let closed = Err(ErrorCode::EngineClosed);
    assert_eq!(store.check_open().map_err(code), closed);
    for wait_policy in [WaitPolicy::Block, WaitPolicy::NonBlocking] {
        assert_eq!(store.read(wait_policy, &Needs::default(), &mut |_| unreachable!()).map_err(code), closed);
    }
    assert_eq!(store.write_exclusive(&mut |_| unreachable!()).map_err(code), closed);
    assert_eq!(store.wait(&queued).map_err(code), closed);
    let late = store.enqueue(Box::new(|_| unreachable!()), Durability::Normal, Needs::default());
    assert_eq!(store.wait(&late).map_err(code), closed);
    assert_eq!(store.commit_version(), None);
    if let Some(version) = version {
        assert!(!store.is_unchanged_since(session_id(1), version));
    }
}

pub(in crate::store) fn closing_twice_does_nothing(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    store.close();
    store.close();
    assert_eq!(store.check_open().map_err(code), Err(ErrorCode::EngineClosed));
}
