//! Failed sign-ins by key.

use super::samples::{add_tenant, failures};
use super::{NEVER_BUSY, TestDatabase, read, try_write, write};
use crate::error::ErrorCode;

pub(in crate::store) fn failures_read_back_until_they_are_replaced_or_deleted(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    let many: Vec<i64> = (0..1_000).map(|number| 247_092_076_799_000 + number / 2).collect();
    for times in [&[5][..], &[5, 5, 6], &many, &[9], &[], &[7]] {
        let kept = failures(1, 2, times);
        write(&*store, |tx| tx.set_sign_in_failures(tenant, &kept));
        assert_eq!(read(&*store, |tx| tx.sign_in_failures(tenant, &kept.key)), kept.failures);
    }
}

pub(in crate::store) fn failures_of_tenants_and_keys_are_apart(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let (tenant, other) = write(&*store, |tx| Ok((add_tenant(tx, "tnt")?, add_tenant(tx, "tnt_other")?)));
    let (one, two) = (failures(1, 0, &[1]), failures(2, 0, &[2]));
    write(&*store, |tx| tx.set_sign_in_failures(tenant, &one));
    write(&*store, |tx| tx.set_sign_in_failures(other, &two));
    assert_eq!(read(&*store, |tx| tx.sign_in_failures(tenant, &two.key)), []);
    assert_eq!(read(&*store, |tx| tx.scan_sign_in_failures(tenant, &[], 9)), [one]);
    assert_eq!(read(&*store, |tx| tx.scan_sign_in_failures(other, &[], 9)), [two]);
}

pub(in crate::store) fn failures_are_scanned_by_ascending_key(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    let ascending =
        [failures(1, 0, &[1]), failures(1, 5, &[1, 2]), failures(2, 0, &[3]), failures(255, 1, &[4])];
    for kept in ascending.iter().rev() {
        write(&*store, |tx| tx.set_sign_in_failures(tenant, kept));
    }
    let scan = |after: &[u8], limit| read(&*store, |tx| tx.scan_sign_in_failures(tenant, after, limit));
    assert_eq!(scan(&[], 9), ascending);
    assert_eq!(scan(&[], 3), ascending[..3]);
    // A key is above every beginning of it, and not above itself.
    assert_eq!(scan(&[1], 2), ascending[..2]);
    assert_eq!(scan(&[1, 5], 2), ascending[1..3]);
    assert_eq!(scan(&ascending[1].key, 9), ascending[2..]);
    assert_eq!(scan(&ascending[3].key, 9), []);
}

pub(in crate::store) fn a_deletion_of_a_missing_key_is_corrupt(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    let outcome = try_write(&*store, |tx| tx.set_sign_in_failures(tenant, &failures(1, 0, &[])));
    assert_eq!(outcome, Err(ErrorCode::StorageCorrupt));
}
