//! Events, seals and leases.

use super::samples::{add_tenant, at, event};
use super::{NEVER_BUSY, TestDatabase, read, try_write, write};
use crate::error::{ErrorCode, Failure};
use crate::model::event::{Event, EventHash, EventType};
use crate::model::id::KeyId;
use crate::store::{LeaseRecord, SealRecord, Store, TenantNo};

fn numbers(store: &dyn Store, tenant: TenantNo) -> Vec<u64> {
    read(store, |tx| tx.events(tenant, 0, 100)).iter().map(|event| event.seq).collect()
}

fn seal(seq: u64) -> SealRecord {
    SealRecord {
        seq,
        hash: EventHash([seq as u8; 32]),
        sealed_at: at(70 + seq as i64),
        kid: KeyId::from_bytes([9; 16]),
        signature: [seq as u8; 64],
    }
}

pub(in crate::store) fn events_read_back_under_their_numbers(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let (tenant, other) = write(&*store, |tx| Ok((add_tenant(tx, "tnt")?, add_tenant(tx, "tnt_other")?)));
    let plain = Event { session_id: None, user_id: None, actor: None, ..event(EventType::KeyRotated) };
    let told = [event(EventType::SessionEnded), plain, event(EventType::SessionCreated)];
    write(&*store, |tx| told.iter().try_for_each(|event| tx.add_event(tenant, event)));
    write(&*store, |tx| tx.add_event(other, &told[0]));
    let expected: Vec<Event> = (1..).zip(&told).map(|(seq, event)| Event { seq, ..event.clone() }).collect();
    let events = |after, limit| read(&*store, |tx| tx.events(tenant, after, limit));
    assert_eq!(events(0, 9), expected);
    assert_eq!(
        (events(1, 1), events(3, 9), events(u64::MAX, 9)),
        (vec![expected[1].clone()], vec![], vec![])
    );
    assert_eq!(read(&*store, |tx| tx.newest_event(tenant)), 3);
    assert_eq!(numbers(&*store, other), [1]);
}

pub(in crate::store) fn a_failed_job_takes_its_event_with_it_and_leaves_no_gap(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    let add = |fails: bool| {
        try_write(&*store, |tx| {
            tx.add_event(tenant, &event(EventType::SessionCreated))?;
            if fails { Err(Failure::internal("a test")) } else { Ok(()) }
        })
    };
    assert_eq!((add(false), add(true), add(false)), (Ok(()), Err(ErrorCode::Internal), Ok(())));
    assert_eq!(numbers(&*store, tenant), [1, 2]);
}

pub(in crate::store) fn numbers_go_on_after_every_event_is_deleted(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    let told = event(EventType::SessionCreated);
    for _ in 0..3 {
        write(&*store, |tx| tx.add_event(tenant, &told));
    }
    write(&*store, |tx| tx.add_seal(tenant, &seal(3)));
    for seq in 1..=3 {
        write(&*store, |tx| tx.delete_event(tenant, seq));
    }
    assert_eq!(read(&*store, |tx| tx.newest_event(tenant)), 3);
    write(&*store, |tx| tx.add_event(tenant, &told));
    assert_eq!(numbers(&*store, tenant), [4]);
    let missing = try_write(&*store, |tx| tx.delete_event(tenant, 3));
    assert_eq!(missing, Err(ErrorCode::StorageCorrupt));
}

pub(in crate::store) fn an_event_is_hashed_once(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    write(&*store, |tx| tx.add_event(tenant, &event(EventType::SessionCreated)));
    let hash = |bytes| try_write(&*store, |tx| tx.hash_event(tenant, 1, EventHash(bytes)));
    assert_eq!((hash([1; 32]), hash([2; 32])), (Ok(()), Err(ErrorCode::StorageCorrupt)));
    assert_eq!(read(&*store, |tx| tx.events(tenant, 0, 9))[0].hash, Some(EventHash([1; 32])));
}

pub(in crate::store) fn seals_read_back_until_they_are_deleted(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    assert_eq!(read(&*store, |tx| tx.newest_seal(tenant)), None);
    for seq in [5, 2] {
        write(&*store, |tx| tx.add_seal(tenant, &seal(seq)));
    }
    let seals = |after, limit| read(&*store, |tx| tx.seals(tenant, after, limit));
    assert_eq!(
        (seals(0, 9), seals(0, 1), seals(2, 9)),
        (vec![seal(2), seal(5)], vec![seal(2)], vec![seal(5)])
    );
    assert_eq!(read(&*store, |tx| tx.newest_seal(tenant)), Some(seal(5)));
    let delete = || try_write(&*store, |tx| tx.delete_seal(tenant, 2));
    assert_eq!((delete(), delete()), (Ok(()), Err(ErrorCode::StorageCorrupt)));
    assert_eq!(seals(0, 9), [seal(5)]);
}

pub(in crate::store) fn a_lease_is_replaced_by_the_next_one_of_its_name(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let (tenant, other) = write(&*store, |tx| Ok((add_tenant(tx, "tnt")?, add_tenant(tx, "tnt_other")?)));
    let first = LeaseRecord { name: "mail 'ü".to_owned(), holder: [1; 16], until: at(5), position: 0 };
    let next = LeaseRecord { holder: [2; 16], until: at(6), position: 7, ..first.clone() };
    for lease in [&first, &next] {
        write(&*store, |tx| tx.set_lease(tenant, lease));
        assert_eq!(read(&*store, |tx| tx.lease(tenant, &first.name)).as_ref(), Some(lease));
    }
    let count = |tenant| read(&*store, |tx| tx.lease_count(tenant));
    assert_eq!((count(tenant), count(other)), (1, 0));
    assert_eq!(read(&*store, |tx| tx.lease(other, &first.name)), None);
    let delete = || try_write(&*store, |tx| tx.delete_lease(tenant, &first.name));
    assert_eq!((delete(), delete()), (Ok(()), Err(ErrorCode::StorageCorrupt)));
}
