//! How many trips callers take, and what becomes of their writes when answers are lost.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::schema::Schema;
use crate::error::Failure;
use crate::model::id::SessionId;
use crate::store::conformance::TestDatabase;
use crate::store::conformance::samples::{add_tenant, at, plain_session, session_id, user};
use crate::store::postgres::PostgresStore;
use crate::store::{
    Durability, NeededPage, NeededSessions, Needs, QueuedWrite, ReadTransaction, RecordParts, ScanFilter,
    SessionScope, Store, TenantNo, WaitPolicy, WriteTransaction,
};

const PATIENT: Duration = Duration::from_secs(60);

/// A store with one tenant and sessions of these numbers.
fn with_sessions(schema: &Schema, numbers: std::ops::Range<u16>) -> (PostgresStore, TenantNo) {
    let store = schema.open_store(PATIENT);
    let mut tenant = 0;
    store
        .write_exclusive(&mut |tx| {
            tenant = add_tenant(tx, "tnt")?;
            for number in numbers.clone() {
                tx.add_session(tenant, &plain_session(session_id(number), &user("usr")))?;
            }
            Ok(())
        })
        .unwrap();
    (store, tenant)
}

fn needs(tenant: TenantNo, id: SessionId) -> Needs {
    Needs { tenant: Some(tenant), sessions: NeededSessions::One(id) }
}

/// Queues what a refresh does to the store.
fn enqueue_rotation(store: &PostgresStore, tenant: TenantNo, id: SessionId) -> Arc<QueuedWrite> {
    let job = move |tx: &dyn WriteTransaction| {
        let mark = tx.tenant_version(tenant)?.mark;
        let mut record = tx.session(tenant, id)?.ok_or_else(|| Failure::internal("it is there"))?;
        record.rotation.generation += 1;
        tx.rotate_session(tenant, &record)?;
        tx.raise_clock_mark(at(mark.highest.as_millis() + 1))
    };
    store.enqueue(Box::new(job), Durability::Full, needs(tenant, id))
}

fn generation(store: &PostgresStore, tenant: TenantNo, id: SessionId) -> u32 {
    let mut found = None;
    let mut ask = |tx: &dyn ReadTransaction| {
        tx.tenant_version(tenant)?;
        found = tx.session(tenant, id)?;
        Ok(())
    };
    store.read(WaitPolicy::Block, &needs(tenant, id), &mut ask).unwrap();
    found.unwrap().rotation.generation
}

/// How many trips this takes.
fn trips<T>(store: &PostgresStore, work: impl FnOnce() -> T) -> (u64, T) {
    let before = store.trips.load(Ordering::Relaxed);
    let answer = work();
    (store.trips.load(Ordering::Relaxed) - before, answer)
}

#[test]
fn a_write_takes_two_trips_alone_and_with_others_and_a_read_takes_one() {
    let schema = Schema::create();
    let (store, tenant) = with_sessions(&schema, 0..64);
    let rotate = |id| store.wait(&enqueue_rotation(&store, tenant, id)).unwrap();
    assert_eq!(trips(&store, || rotate(session_id(1))).0, 2);
    let (all, ()) = trips(&store, || {
        let queued: Vec<_> = (0..64).map(|n| enqueue_rotation(&store, tenant, session_id(n))).collect();
        queued.iter().for_each(|write| store.wait(write).unwrap());
    });
    assert_eq!(all, 2);
    assert_eq!(trips(&store, || generation(&store, tenant, session_id(1))), (1, 3));
    assert_eq!(trips(&store, || generation(&store, tenant, session_id(63))), (1, 2));
}

#[test]
fn jobs_of_one_session_in_one_transaction_see_each_other() {
    let schema = Schema::create();
    let (store, tenant) = with_sessions(&schema, 0..2);
    let queued: Vec<_> = (0..6).map(|n| enqueue_rotation(&store, tenant, session_id(n % 2))).collect();
    queued.iter().for_each(|write| store.wait(write).unwrap());
    assert_eq!(generation(&store, tenant, session_id(0)), 4);
    assert_eq!(generation(&store, tenant, session_id(1)), 4);
}

#[test]
fn a_job_that_fails_after_the_server_knew_its_changes_leaves_nothing_behind() {
    let schema = Schema::create();
    let (store, tenant) = with_sessions(&schema, 0..3);
    let queue_failing = |id: SessionId| {
        let job = move |tx: &dyn WriteTransaction| {
            let mut record = tx.session(tenant, id)?.ok_or_else(|| Failure::internal("it is there"))?;
            record.rotation.generation = 90;
            tx.rotate_session(tenant, &record)?;
            tx.raise_clock_mark(at(90))?;
            // A question sends the change to the server.
            assert_eq!(tx.session(tenant, id)?.map(|record| record.rotation.generation), Some(90));
            tx.count_replay(tenant, id)?;
            Err(Failure::internal("not this one"))
        };
        store.enqueue(Box::new(job), Durability::Full, needs(tenant, id))
    };
    let queued = [
        enqueue_rotation(&store, tenant, session_id(0)),
        queue_failing(session_id(1)),
        enqueue_rotation(&store, tenant, session_id(1)),
        queue_failing(session_id(0)),
        enqueue_rotation(&store, tenant, session_id(2)),
    ];
    let outcomes = queued.map(|write| store.wait(&write).is_ok());
    assert_eq!(outcomes, [true, false, true, false, true]);
    for number in 0..3 {
        assert_eq!(generation(&store, tenant, session_id(number)), 2, "session {number}");
    }
}

#[test]
fn readers_at_the_same_time_get_their_own_sessions() {
    let schema = Schema::create();
    let (store, tenant) = with_sessions(&schema, 0..32);
    for number in 0..32 {
        for _ in 0..number % 4 {
            store.wait(&enqueue_rotation(&store, tenant, session_id(number))).unwrap();
        }
    }
    std::thread::scope(|scope| {
        for number in 0..32 {
            let store = &store;
            scope.spawn(move || {
                for _ in 0..20 {
                    let found = generation(store, tenant, session_id(number));
                    assert_eq!(found, 1 + u32::from(number % 4));
                }
            });
        }
    });
}

/// What a list of the tenant's newest sessions asks for first.
fn page(tenant: TenantNo, rows: usize) -> Needs {
    let page = NeededPage { user: None, filter: ScanFilter::Open, before: None, rows };
    Needs { tenant: Some(tenant), sessions: NeededSessions::Page(Arc::new(page)) }
}

/// The ids that a scan visits until it has seen so many.
fn scan(tx: &dyn ReadTransaction, tenant: TenantNo, wanted: usize) -> Result<Vec<SessionId>, Failure> {
    let mut found = Vec::new();
    tx.scan_newest_first(
        tenant,
        SessionScope::Tenant,
        ScanFilter::Open,
        RecordParts::All,
        None,
        &mut |session, read| {
            assert_eq!(read()?.id, session.id);
            found.push(session.id);
            Ok(if found.len() == wanted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        },
    )?;
    Ok(found)
}

#[test]
fn reads_that_were_queued_before_the_first_is_waited_for_share_one_trip() {
    let schema = Schema::create();
    let (store, tenant) = with_sessions(&schema, 0..64);
    let all: Vec<SessionId> = (0..64).rev().map(session_id).collect();
    let (taken, ()) = trips(&store, || {
        let ids = (0..64).map(session_id);
        let looked_up: Vec<_> = ids.map(|id| (id, store.enqueue_read(&needs(tenant, id)).unwrap())).collect();
        let listed: Vec<_> =
            (1..20).map(|rows| (rows, store.enqueue_read(&page(tenant, rows)).unwrap())).collect();
        for (rows, queued) in listed {
            let mut job = |tx: &dyn ReadTransaction| {
                assert_eq!(scan(tx, tenant, rows)?, all[..rows]);
                Ok(())
            };
            store.read_queued(queued, &page(tenant, rows), &mut job).unwrap();
        }
        for (id, queued) in looked_up {
            let mut job = |tx: &dyn ReadTransaction| {
                assert_eq!(tx.session(tenant, id)?.map(|session| session.id), Some(id));
                Ok(())
            };
            store.read_queued(queued, &needs(tenant, id), &mut job).unwrap();
        }
    });
    assert_eq!(taken, 1);
}

#[test]
fn a_list_that_needs_more_rows_than_it_said_reads_on() {
    let schema = Schema::create();
    let (store, tenant) = with_sessions(&schema, 0..64);
    for (rows, wanted) in [(1, 64), (63, 64), (64, 64), (64, 65), (65, 65), (3, 2)] {
        let mut found = Vec::new();
        let mut job = |tx: &dyn ReadTransaction| {
            found = scan(tx, tenant, wanted)?;
            Ok(())
        };
        store.read(WaitPolicy::Block, &page(tenant, rows), &mut job).unwrap();
        let expected: Vec<SessionId> = (0..64).rev().map(session_id).take(wanted).collect();
        assert_eq!(found, expected, "{rows} {wanted}");
    }
}

#[test]
fn a_queued_read_that_no_thread_waits_for_holds_up_no_other() {
    let schema = Schema::create();
    let (store, tenant) = with_sessions(&schema, 0..2);
    let forgotten = store.enqueue_read(&needs(tenant, session_id(0)));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let forgotten = store.enqueue_read(&needs(tenant, session_id(0)));
                for _ in 0..20 {
                    assert_eq!(generation(&store, tenant, session_id(1)), 1);
                }
                drop(forgotten);
            });
        }
    });
    drop(forgotten);
    assert_eq!(trips(&store, || generation(&store, tenant, session_id(0))), (1, 1));
}

#[test]
fn a_queued_read_sees_what_was_committed_before_it_was_queued() {
    let schema = Schema::create();
    let (store, tenant) = with_sessions(&schema, 0..2);
    let early = store.enqueue_read(&needs(tenant, session_id(0))).unwrap();
    store.wait(&enqueue_rotation(&store, tenant, session_id(0))).unwrap();
    let late = store.enqueue_read(&needs(tenant, session_id(0))).unwrap();
    for queued in [late, early] {
        let mut found = None;
        let mut job = |tx: &dyn ReadTransaction| {
            found = tx.session(tenant, session_id(0))?;
            Ok(())
        };
        store.read_queued(queued, &needs(tenant, session_id(0)), &mut job).unwrap();
        assert_eq!(found.unwrap().rotation.generation, 2);
    }
}
