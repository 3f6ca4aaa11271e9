//! Bulk ends, and the ends that count in them.

use super::samples::{add_tenant, at, full_bulk_end, plain_bulk_end, plain_session, session_id, user};
use super::{NEVER_BUSY, TestDatabase, read, try_write, write};
use crate::error::ErrorCode;
use crate::model::session::{End, EndReason};
use crate::store::{BulkEndRecord, Store, TenantNo};

const END: End = End { at: at(3), reason: EndReason::RevokeAll };

fn bulk_ends(store: &dyn Store, tenant: TenantNo) -> Vec<BulkEndRecord> {
    read(store, |tx| tx.bulk_ends(tenant))
}

pub(in crate::store) fn bulk_ends_read_back_oldest_first(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let (tenant, other) = write(&*store, |tx| Ok((add_tenant(tx, "tnt")?, add_tenant(tx, "tnt_other")?)));
    for bulk_end in [full_bulk_end(3), plain_bulk_end(1), full_bulk_end(2)] {
        write(&*store, |tx| tx.add_bulk_end(tenant, &bulk_end));
    }
    let expected = [plain_bulk_end(1), full_bulk_end(2), full_bulk_end(3)].map(BulkEndRecord::new);
    assert_eq!(bulk_ends(&*store, tenant), expected);
    assert!(bulk_ends(&*store, other).is_empty());
}

pub(in crate::store) fn the_number_of_a_bulk_end_is_taken_once_in_each_tenant(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let (tenant, other) = write(&*store, |tx| Ok((add_tenant(tx, "tnt")?, add_tenant(tx, "tnt_other")?)));
    write(&*store, |tx| tx.add_bulk_end(tenant, &plain_bulk_end(1)));
    write(&*store, |tx| tx.add_bulk_end(other, &plain_bulk_end(1)));
    let outcome = try_write(&*store, |tx| tx.add_bulk_end(tenant, &full_bulk_end(1)));
    assert_eq!(outcome, Err(ErrorCode::StorageCorrupt));
}

pub(in crate::store) fn an_end_counts_in_the_bulk_end_that_brought_it(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        for number in [1, 2, 3] {
            tx.add_session(tenant, &plain_session(session_id(number), &user("u")))?;
        }
        tx.add_bulk_end(tenant, &plain_bulk_end(1))?;
        tx.add_bulk_end(tenant, &plain_bulk_end(2))?;
        Ok(tenant)
    });
    for (number, by) in [(1, 2), (2, 0), (3, 2)] {
        write(&*store, |tx| tx.end_session(tenant, session_id(number), END, by));
        let found = read(&*store, |tx| tx.session(tenant, session_id(number))).unwrap();
        assert_eq!((found.times.end, found.times.judged_by), (Some(END), by));
    }
    let ended: Vec<u64> = bulk_ends(&*store, tenant).iter().map(|record| record.ended).collect();
    assert_eq!(ended, [0, 2]);
}

pub(in crate::store) fn an_end_by_a_missing_bulk_end_is_corrupt(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        tx.add_session(tenant, &plain_session(session_id(1), &user("u")))?;
        Ok(tenant)
    });
    let outcome = try_write(&*store, |tx| tx.end_session(tenant, session_id(1), END, 1));
    assert_eq!(outcome, Err(ErrorCode::StorageCorrupt));
}

pub(in crate::store) fn a_bulk_end_is_finished_once_and_deleted_after_that(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        tx.add_bulk_end(tenant, &full_bulk_end(1))?;
        tx.add_bulk_end(tenant, &full_bulk_end(2))?;
        Ok(tenant)
    });
    let delete = || try_write(&*store, |tx| tx.delete_bulk_end(tenant, 1));
    let finish = || try_write(&*store, |tx| tx.finish_bulk_end(tenant, 1));
    assert_eq!(delete(), Err(ErrorCode::StorageCorrupt));
    assert_eq!((finish(), finish()), (Ok(()), Err(ErrorCode::StorageCorrupt)));
    let done: Vec<bool> = bulk_ends(&*store, tenant).iter().map(|record| record.is_done).collect();
    assert_eq!(done, [true, false]);
    assert_eq!((delete(), delete()), (Ok(()), Err(ErrorCode::StorageCorrupt)));
    assert_eq!(bulk_ends(&*store, tenant), [BulkEndRecord::new(full_bulk_end(2))]);
}
