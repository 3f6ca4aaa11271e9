//! The same store where the database itself keeps transactions apart and knows no advisory locks.

use std::time::Duration;

use super::schema::{Schema, SerializableSchema};
use super::server::{Parts, ask_text, parts, pool, variable};
use crate::error::{ErrorCode, Failure};
use crate::store::conformance::{TestDatabase, committed_mark, replace_mark};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::url::PostgresUrl;
use crate::store::{Durability, Needs, Store, StoreOptions, WriteTransaction};

const PATIENT: Duration = Duration::from_secs(60);

fn open(url: &str) -> Result<PostgresStore, Failure> {
    PostgresStore::open(PostgresUrl::parse(url).unwrap(), StoreOptions::relaxed(PATIENT))
}

#[test]
fn its_transactions_are_serializable_and_no_statement_takes_an_advisory_lock() {
    let url = variable("HJ_PG_SERIALIZABLE");
    let refused = ask_text(&pool(&url), "SELECT pg_try_advisory_xact_lock(1)::text").unwrap_err();
    assert!(format!("{refused:?}").contains("42501"), "{refused:?}");

    let schema = SerializableSchema::create();
    let store = schema.open_store(PATIENT);
    let ask = "SELECT current_setting('transaction_isolation')";
    for (begin, is_read_only) in
        [(&store.statements.begin_write, false), (&store.statements.begin_snapshot, true)]
    {
        let level: String = store
            .pool
            .with_alone(&super::server::patient(), |connection| {
                let answers = connection.begin(begin, vec![super::server::statement(ask, Vec::new())])?;
                answers[0].rows[0].get(0)
            })
            .unwrap();
        assert_eq!(level, "serializable", "read only: {is_read_only}");
    }
}

#[test]
fn engines_that_open_at_once_make_the_tables_once() {
    let schema = SerializableSchema::create();
    let is_ready = std::sync::Barrier::new(6);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                is_ready.wait();
                assert_eq!(committed_mark(&schema.open_store(PATIENT)), 0);
            });
        }
    });
}

#[test]
fn no_write_of_several_engines_is_lost_or_seen_late() {
    let schema = SerializableSchema::create();
    let engines: Vec<PostgresStore> = (0..3).map(|_| schema.open_store(PATIENT)).collect();
    std::thread::scope(|scope| {
        for engine in engines.iter().cycle().take(6) {
            scope.spawn(move || {
                for _ in 0..30 {
                    // Each of them reads what the one before has written.
                    let job = |tx: &dyn WriteTransaction| {
                        let mark = tx.clock_mark()?.highest.as_millis();
                        replace_mark(tx, mark + 1).map(drop)
                    };
                    let queued = engine.enqueue(Box::new(job), Durability::Full, Needs::default());
                    engine.wait(&queued).unwrap();
                }
            });
        }
    });
    for engine in &engines {
        assert_eq!(committed_mark(engine), 180);
    }
}

/// The runner has a role for which `version()` answers as CockroachDB does.
#[test]
fn a_database_that_is_not_postgresql_is_refused_unless_the_url_asks_for_serializable() {
    let Parts { port, database, .. } = parts("HJ_PG");
    let Schema { name, .. } = Schema::create();
    let url = format!("postgres://hj_disguised:disguised%20secret@127.0.0.1:{port}/{database}?schema={name}");
    let refused = open(&url).err().expect("it is refused");
    assert_eq!(refused.as_error().code(), ErrorCode::ValidationError);
    assert!(refused.as_error().to_string().contains("isolation=serializable"), "{}", refused.as_error());

    let store = open(&format!("{url}&isolation=serializable")).unwrap();
    let job = |tx: &dyn WriteTransaction| replace_mark(tx, 7).map(drop);
    let queued = store.enqueue(Box::new(job), Durability::Full, Needs::default());
    store.wait(&queued).unwrap();
    assert_eq!(committed_mark(&store), 7);
}
