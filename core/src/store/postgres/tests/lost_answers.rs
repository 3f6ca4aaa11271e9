//! Writes through a proxy that loses answers, cuts connections and falls silent: what was acknowledged is there once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::fault_proxy::{Fault, FaultProxy};
use super::schema::Schema;
use super::server::{Parts, parts};
use crate::error::ErrorCode;
use crate::store::conformance::samples::add_tenant;
use crate::store::conformance::{TestDatabase, committed_mark, replace_mark};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::url::PostgresUrl;
use crate::store::{Durability, Needs, Store, StoreOptions, WriteTransaction};

fn through_proxy(schema: &Schema, busy_timeout: Duration) -> (FaultProxy, PostgresStore) {
    let Parts { login, port, database } = parts("HJ_PG");
    let proxy = FaultProxy::start(SocketAddr::from(([127, 0, 0, 1], port)));
    let url = format!("postgres://{login}@{}/{database}?schema={}", proxy.address(), schema.name);
    let store = PostgresStore::open(PostgresUrl::parse(&url).unwrap(), StoreOptions::relaxed(busy_timeout));
    (proxy, store.unwrap())
}

/// Raises the mark by one; twice would show.
fn add_one(store: &PostgresStore) -> Result<(), ErrorCode> {
    let job = |tx: &dyn WriteTransaction| {
        let mark = tx.clock_mark()?.highest.as_millis();
        replace_mark(tx, mark + 1).map(drop)
    };
    let queued = store.enqueue(Box::new(job), Durability::Full, Needs::default());
    store.wait(&queued).map_err(|failure| failure.as_error().code())
}

#[test]
fn every_write_happens_once_while_answers_are_lost() {
    // More than one login and one transaction take: with fewer no connection would ever get that far.
    for every in [19, 23, 29] {
        let schema = Schema::create();
        let (proxy, store) = through_proxy(&schema, Duration::from_secs(60));
        proxy.set(Fault::LoseAnswers { every });
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let store = &store;
                scope.spawn(move || (0..25).for_each(|_| add_one(store).unwrap()));
            }
        });
        proxy.set(Fault::None);
        assert_eq!(committed_mark(&store), 100, "every {every}th answer is lost");
    }
}

#[test]
fn connections_that_are_cut_cost_no_call() {
    let schema = Schema::create();
    let (proxy, store) = through_proxy(&schema, Duration::from_secs(60));
    for expected in 1..=10 {
        proxy.cut();
        add_one(&store).unwrap();
        proxy.cut();
        assert_eq!(committed_mark(&store), expected);
    }
}

#[test]
fn a_silent_network_fails_a_call_in_time_and_is_got_over() {
    let schema = Schema::create();
    let (proxy, store) = through_proxy(&schema, Duration::from_millis(500));
    add_one(&store).unwrap();
    proxy.set(Fault::BlackHole);
    assert!(matches!(add_one(&store), Err(ErrorCode::StorageIo | ErrorCode::StorageBusy)));
    proxy.set(Fault::None);
    proxy.cut();
    // The transaction that was begun in the silence may still have the turn, for as long as the server gives it.
    let direct = schema.open_store(Duration::from_secs(60));
    add_one(&direct).unwrap();
    let after = committed_mark(&direct);
    assert!((2..=3).contains(&after), "{after}");
    add_one(&store).unwrap();
    assert_eq!(committed_mark(&store), after + 1);
}

#[test]
fn a_machine_that_stops_in_its_turn_holds_the_others_up_for_a_bounded_time() {
    let schema = Schema::create();
    let (ours, theirs) =
        (schema.open_store(Duration::from_secs(60)), schema.open_store(Duration::from_secs(60)));
    let ours = Arc::new(ours);
    let is_done = std::sync::Barrier::new(2);
    let mut runs = 0;
    std::thread::scope(|scope| {
        theirs
            .write_exclusive(&mut |tx| {
                runs += 1;
                add_tenant(tx, "tnt")?;
                if runs == 1 {
                    // Stands still until another machine has had the turn.
                    let ours = Arc::clone(&ours);
                    let is_done = &is_done;
                    scope.spawn(move || {
                        add_one(&ours).unwrap();
                        is_done.wait();
                    });
                    is_done.wait();
                }
                Ok(())
            })
            .unwrap();
    });
    assert_eq!(runs, 2, "the turn was taken away, and the job ran again");
    assert_eq!(committed_mark(&theirs), 1);
}
