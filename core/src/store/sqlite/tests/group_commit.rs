//! Group commit where it needs SQLite's help, or a look inside.

use std::time::Duration;

use super::conformance::open;
use crate::clock::Timestamp;
use crate::error::ErrorCode;
use crate::store::conformance::group_commit::{
    MarksBefore, enqueue, enqueue_mark, panic_while_others_wait, wait_for_all,
};
use crate::store::conformance::samples::plain_tenant;
use crate::store::conformance::{committed_mark, replace_mark};
use crate::store::sqlite::store::SqliteStore;
use crate::store::{SqliteDatabase, TenantRecord};

fn database() -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(SqliteDatabase::File(folder.path().join("s.db")), Duration::from_secs(3600));
    (folder, store)
}

#[test]
fn a_panic_leaves_no_write_in_the_queue() {
    let (_folder, store) = database();
    panic_while_others_wait(&store);
    assert!(store.has_empty_queue());
}

/// SQLite itself rolls back the whole transaction when a statement finds no room.
#[test]
fn when_the_transaction_is_lost_each_write_gets_its_own_outcome() {
    let (_folder, store) = database();
    store.with_idle_writer(|writer| {
        let pages: i64 = writer.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        writer.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    });
    let before = MarksBefore::default();
    let first = enqueue_mark(&store, 1, &before);
    let large = enqueue(&store, |tx| {
        replace_mark(tx, 99)?;
        let record = TenantRecord { wrapped_refresh_key: vec![0; 100_000], ..plain_tenant() };
        tx.add_tenant(&"tnt".parse().unwrap(), &record, Timestamp::default()).map(drop)
    });
    let third = enqueue_mark(&store, 3, &before);
    assert_eq!(wait_for_all(&store, [&first, &large, &third]), [None, Some(ErrorCode::StorageFull), None]);
    assert_eq!(*before.lock(), [0, 0, 1], "the first ran in the lost transaction, then each in its own");
    assert_eq!(committed_mark(&store), 3);
}
