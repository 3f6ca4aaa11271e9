//! The revocation list.

use super::samples::{add_tenant, at, session_id, user};
use super::{NEVER_BUSY, TestDatabase, read, try_write, write};
use crate::error::{ErrorCode, Failure};
use crate::model::revocation::Revocation;

fn of_session(seq: u64) -> Revocation {
    Revocation { session: Some(session_id(4)), ..Revocation::numbered(seq, at(1_700_000_000_123)) }
}

pub(in crate::store) fn revocations_read_back_in_the_order_of_their_numbers(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let (tenant, other) = write(&*store, |tx| Ok((add_tenant(tx, "tnt")?, add_tenant(tx, "tnt_other")?)));
    assert_eq!(read(&*store, |tx| tx.newest_revocation(tenant)), 0);
    let many = Revocation {
        at: Some(at(7)),
        user_id: Some(user("usr 'ü")),
        spared: Some(session_id(1)),
        newest: Some(session_id(9)),
        spares_actors: true,
        ..Revocation::numbered(u64::from(u32::MAX) * 1_000, at(8))
    };
    let start = Revocation { at: Some(at(5)), is_start: true, ..Revocation::numbered(3, at(6)) };
    let entries = [start, of_session(70), many];
    write(&*store, |tx| entries.iter().rev().try_for_each(|entry| tx.add_revocation(tenant, entry)));
    let found = |after, limit| read(&*store, |tx| tx.revocations(tenant, after, limit));
    assert_eq!((found(0, 9), found(3, 1)), (entries.to_vec(), vec![entries[1].clone()]));
    assert_eq!((found(u64::MAX, 9), found(entries[2].seq, 9)), (vec![], vec![]));
    assert_eq!(read(&*store, |tx| tx.newest_revocation(tenant)), entries[2].seq);
    assert_eq!(read(&*store, |tx| tx.newest_revocation(other)), 0);
    let delete = || try_write(&*store, |tx| tx.delete_revocation(tenant, 70));
    assert_eq!((delete(), delete()), (Ok(()), Err(ErrorCode::StorageCorrupt)));
    assert_eq!(found(3, 9), [entries[2].clone()]);
}

pub(in crate::store) fn a_job_reads_the_number_of_its_own_revocation(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    write(&*store, |tx| tx.add_revocation(tenant, &of_session(5)));
    let failed = try_write(&*store, |tx| {
        assert_eq!(tx.newest_revocation(tenant)?, 5);
        tx.add_revocation(tenant, &of_session(6))?;
        assert_eq!(tx.newest_revocation(tenant)?, 6);
        Err::<(), _>(Failure::internal("a test"))
    });
    assert_eq!(failed, Err(ErrorCode::Internal));
    assert_eq!(read(&*store, |tx| tx.newest_revocation(tenant)), 5);
}
