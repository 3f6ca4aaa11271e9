//! Transactions in trips, and what becomes of them when the network or the server fails.

use std::sync::Arc;
use std::time::Duration;

use super::fault_proxy::Fault;
use super::server::{ask, ask_text, failure, parts, patient, pool, proxied, sql, statement, variable, write};
use crate::error::Failure;
use crate::store::postgres::connection::{Connection, Deadline};
use crate::store::postgres::error::WireError;
use crate::store::postgres::pool::Pool;
use crate::store::postgres::value::Value;

/// A table of this test's own, with an integer that is unique.
fn make_table(name: &str) -> Pool {
    let pool = pool(&variable("HJ_PG"));
    let sql = format!("CREATE TABLE IF NOT EXISTS {name} (n bigint PRIMARY KEY)");
    ask(&pool, &sql, Vec::new()).unwrap();
    ask(&pool, &format!("DELETE FROM {name}"), Vec::new()).unwrap();
    pool
}

fn count(pool: &Pool, table: &str) -> i64 {
    ask(pool, &format!("SELECT count(*) FROM {table}"), Vec::new()).unwrap().rows[0].get(0).unwrap()
}

fn begin(connection: &mut Connection<'_>) -> Result<(), WireError> {
    connection.begin(&sql("BEGIN"), Vec::new()).map(drop)
}

fn insert(table: &str, number: i64) -> crate::store::postgres::value::Statement {
    statement(&format!("INSERT INTO {table} VALUES ($1)"), vec![number.into()])
}

#[test]
fn every_kind_of_value_comes_back_as_it_went() {
    for url in ["HJ_PG", "HJ_PG_BOUNCER"] {
        let pool = pool(&variable(url));
        let bytes = [0_u8, 255].to_vec();
        let values: Vec<Value> = vec![
            i64::MIN.into(),
            true.into(),
            bytes.clone().into(),
            "é\u{10ffff}".into(),
            None::<i64>.into(),
            vec![Some(1_i64), None].into(),
            vec![Some(false), None].into(),
            vec![Some(bytes.clone()), None].into(),
            vec![Some("x".to_owned()), None].into(),
        ];
        let text = "SELECT $1::bigint, $2::boolean, $3::bytea, $4::text, $5::bigint, $6::bigint[], $7::boolean[], $8::bytea[], $9::text[]";
        let answer = ask(&pool, text, values).unwrap();
        let row = &answer.rows[0];
        assert_eq!(answer.row_count, 1);
        assert_eq!((row.get::<i64>(0), row.get::<bool>(1)), (Ok(i64::MIN), Ok(true)));
        assert_eq!((row.get::<&[u8]>(2), row.get::<&str>(3)), (Ok(&bytes[..]), Ok("é\u{10ffff}")));
        assert_eq!(row.get::<Option<i64>>(4), Ok(None));
        assert_eq!(row.get::<Vec<Option<i64>>>(5), Ok(vec![Some(1), None]));
        assert_eq!(row.get::<Vec<Option<bool>>>(6), Ok(vec![Some(false), None]));
        assert_eq!(row.get::<Vec<Option<Vec<u8>>>>(7), Ok(vec![Some(bytes), None]));
        assert_eq!(row.get::<Vec<Option<&str>>>(8), Ok(vec![Some("x"), None]));
        // A null where none can be, and a value of another type.
        for wrong in [row.get::<i64>(4).unwrap_err(), row.get::<i64>(3).unwrap_err()] {
            assert!(wrong.as_error().to_string().starts_with("storage_corrupt"));
        }
    }
}

#[test]
fn a_transaction_of_two_trips_is_two_messages_and_commits_once() {
    let pool = make_table("trips_two");
    let (proxy, proxied) = proxied("");
    for round in 0..3 {
        write(&proxied, |connection| {
            let before = proxy.requests();
            connection.begin(&sql("BEGIN"), vec![statement("SELECT n FROM trips_two", Vec::new())])?;
            let answers = connection
                .commit(vec![insert("trips_two", 2 * round), insert("trips_two", 2 * round + 1)])?;
            assert_eq!(answers.iter().map(|answer| answer.row_count).collect::<Vec<_>>(), [1, 1]);
            assert_eq!(connection.trips(), 2);
            if round > 0 {
                assert_eq!(proxy.requests() - before, 2);
            }
            Ok(())
        })
        .unwrap();
    }
    assert_eq!(count(&pool, "trips_two"), 6);
}

#[test]
fn what_is_not_committed_is_rolled_back() {
    let pool = make_table("trips_open");
    // Left open, ended in an error, and left by a panic.
    write(&pool, |connection| {
        begin(connection)?;
        connection.ask(vec![insert("trips_open", 1)])
    })
    .unwrap();
    let error = write(&pool, |connection| {
        begin(connection)?;
        connection.ask(vec![insert("trips_open", 1)])?;
        connection.commit(vec![insert("trips_open", 1), insert("trips_open", 2)])
    });
    assert!(matches!(error, Err(WireError::Refused(cause)) if cause.sqlstate.as_deref() == Some("23505")));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        write(&pool, |connection| -> Result<(), WireError> {
            begin(connection)?;
            connection.ask(vec![insert("trips_open", 1)])?;
            panic!("a job of the host's")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(count(&pool, "trips_open"), 0);
    // And the connection is of use.
    write(&pool, |connection| {
        begin(connection)?;
        connection.commit(vec![insert("trips_open", 1)])
    })
    .unwrap();
    assert_eq!(count(&pool, "trips_open"), 1);
}

#[test]
fn a_commit_whose_answer_is_lost_has_an_unknown_outcome() {
    let pool = make_table("trips_lost");
    let (proxy, proxied) = proxied("");
    let once = |number: i64, fault: Fault| {
        write(&proxied, |connection| {
            begin(connection)?;
            connection.ask(vec![insert("trips_lost", number), statement("SELECT 1", Vec::new())])?;
            proxy.set(fault);
            let outcome = connection.commit(vec![statement("SELECT 1", Vec::new())]);
            proxy.set(Fault::None);
            outcome
        })
    };
    once(1, Fault::None).unwrap();
    assert!(matches!(once(2, Fault::LoseNextAnswer), Err(WireError::UnknownOutcome(_))));
    // The server goes on with what it has received when the connection is gone.
    assert!((0..10_000).any(|_| count(&pool, "trips_lost") == 2), "the server commits");
    assert!(matches!(once(3, Fault::Refuse), Err(WireError::UnknownOutcome(_) | WireError::Lost(_))));
    assert_eq!(count(&pool, "trips_lost"), 2);
}

#[test]
fn a_transaction_that_loses_its_connection_before_the_commit_is_lost() {
    let pool = make_table("trips_cut");
    let (proxy, proxied) = proxied("");
    let outcome = write(&proxied, |connection| {
        begin(connection)?;
        connection.ask(vec![insert("trips_cut", 1)])?;
        proxy.cut();
        connection.ask(vec![insert("trips_cut", 2)])
    });
    assert!(matches!(outcome, Err(WireError::Lost(_))), "{outcome:?}");
    assert_eq!(count(&pool, "trips_cut"), 0);
}

#[test]
fn an_idle_connection_that_is_dead_costs_a_repeat_and_no_error() {
    let (proxy, proxied) = proxied("");
    let process = "SELECT pg_backend_pid()::text";
    let first = ask_text(&proxied, process).unwrap();
    proxy.cut();
    let second = ask_text(&proxied, process).unwrap();
    assert_ne!(first, second);
    // The server ends it, as an operator or a restart does.
    let superuser = pool(&variable("HJ_PG_SUPER"));
    ask(&superuser, &format!("SELECT pg_terminate_backend({second}, 5000)"), Vec::new()).unwrap();
    let third =
        write(&proxied, |connection| connection.begin(&sql("BEGIN"), vec![statement(process, Vec::new())]));
    assert_ne!(third.unwrap()[0].rows[0].get::<&str>(0), Ok(second.as_str()));
    // The answer to the first trip is lost.
    let before = proxy.requests();
    proxy.set(Fault::LoseNextAnswer);
    assert!(ask_text(&proxied, process).is_ok());
    assert!(proxy.requests() - before > 1, "the trip was sent twice, and a login in between");
}

#[test]
fn a_server_that_says_nothing_is_waited_for_until_the_time_is_up() {
    let (proxy, proxied) = proxied("");
    ask_text(&proxied, "SELECT 'x'").unwrap();
    proxy.set(Fault::BlackHole);
    let deadline = Deadline::after(Duration::from_millis(300));
    let outcome =
        proxied.with_writing(&deadline, |connection| connection.ask(vec![statement("SELECT 1", Vec::new())]));
    assert!(matches!(outcome, Err(WireError::Lost(_))), "{outcome:?}");
    assert!(deadline.remaining().is_zero());
    // Half of the connection is gone, and the client is not told.
    proxy.set(Fault::None);
    ask_text(&proxied, "SELECT 'x'").unwrap();
    proxy.set(Fault::HalfOpen);
    let deadline = Deadline::after(Duration::from_millis(300));
    let outcome =
        proxied.with_writing(&deadline, |connection| connection.ask(vec![statement("SELECT 1", Vec::new())]));
    assert!(matches!(outcome, Err(WireError::Lost(_))), "{outcome:?}");
    proxy.set(Fault::None);
    assert!(ask_text(&proxied, "SELECT 'x'").is_ok());
}

#[test]
fn a_server_that_fell_silent_costs_one_caller_the_wait_and_not_one_for_each_connection() {
    let (proxy, proxied) = proxied("");
    proxied
        .with_reading(&patient(), |first| {
            first.ask(vec![statement("SELECT 1", Vec::new())])?;
            proxied.with_alone(&patient(), |second| second.ask(vec![statement("SELECT 1", Vec::new())]))
        })
        .unwrap();
    assert_eq!(proxied.idle_count(), 2);
    proxy.set(Fault::BlackHole);
    let deadline = Deadline::after(Duration::from_millis(300));
    let outcome =
        proxied.with_writing(&deadline, |connection| connection.ask(vec![statement("SELECT 1", Vec::new())]));
    assert!(matches!(outcome, Err(WireError::Lost(_))), "{outcome:?}");
    assert_eq!(proxied.idle_count(), 0);
}

#[test]
fn a_commit_without_an_answer_in_time_has_an_unknown_outcome() {
    let pool = make_table("trips_late");
    let (proxy, proxied) = proxied("");
    let deadline = Deadline::after(Duration::from_millis(500));
    let outcome = proxied.with_writing(&deadline, |connection| {
        begin(connection)?;
        proxy.set(Fault::BlackHole);
        connection.commit(vec![insert("trips_late", 1)])
    });
    assert!(matches!(outcome, Err(WireError::UnknownOutcome(_))), "{outcome:?}");
    assert!(failure(outcome.unwrap_err()).starts_with("storage_io"));
    drop(pool);
}

#[test]
fn a_warning_while_committing_leaves_the_outcome_open() {
    let pool = pool(&variable("HJ_PG"));
    let outcome = write(&pool, |connection| {
        begin(connection)?;
        connection.commit(vec![statement(
            "DO $$ BEGIN RAISE WARNING 'a standby does not know'; END $$",
            Vec::new(),
        )])
    });
    assert!(
        matches!(outcome, Err(WireError::UnknownOutcome(cause)) if cause.to_string().contains("a standby"))
    );
    // Other notices say nothing about the commit.
    write(&pool, |connection| {
        begin(connection)?;
        connection.commit(vec![statement("DO $$ BEGIN RAISE NOTICE 'by the way'; END $$", Vec::new())])
    })
    .unwrap();
}

#[test]
fn a_warning_while_committing_counts_though_the_connection_ends_behind_it() {
    let superuser = pool(&variable("HJ_PG"));
    for sql in [
        "DROP TABLE IF EXISTS trips_warned",
        "CREATE TABLE trips_warned (x bigint)",
        "CREATE OR REPLACE FUNCTION trips_warn() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE WARNING 'a standby does not know'; RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER warned AFTER INSERT ON trips_warned DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION trips_warn()",
    ] {
        ask(&superuser, sql, Vec::new()).unwrap();
    }
    let (proxy, proxied) = proxied("");
    for number in 0..20 {
        let outcome = write(&proxied, |connection| {
            begin(connection)?;
            connection.commit(Vec::new())?; // so that it is prepared
            begin(connection)?;
            connection.ask(vec![insert("trips_warned", number)])?;
            proxy.set(Fault::EndBehindAnswer);
            connection.commit(Vec::new())
        });
        proxy.set(Fault::None);
        assert!(matches!(outcome, Err(WireError::UnknownOutcome(_))), "{outcome:?}");
    }
}

#[test]
fn a_lock_that_is_not_had_in_time_is_a_conflict() {
    let pool = make_table("trips_lock");
    write(&pool, |connection| {
        begin(connection)?;
        connection.ask(vec![statement("LOCK TABLE trips_lock", Vec::new())])?;
        let outcome = write(&pool, |other| {
            let limit = statement("SELECT set_config('lock_timeout', '1ms', true)", Vec::new());
            other.begin(&sql("BEGIN"), vec![limit, statement("LOCK TABLE trips_lock", Vec::new())])
        });
        let Err(WireError::Refused(cause)) = outcome else { panic!("{outcome:?}") };
        assert!(cause.is_conflict());
        assert!(failure(WireError::Refused(cause)).starts_with("storage_busy"));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_lane_lends_as_many_connections_as_it_has() {
    let pool = Arc::new(pool(&format!("{}?pool_max=6", variable("HJ_PG"))));
    write(&pool, |_| {
        write(&pool, |_| {
            let third =
                pool.with_writing(&Deadline::after(Duration::from_millis(50)), |_| Ok::<_, WireError>(()));
            assert!(matches!(third, Err(WireError::NoConnection)));
            assert!(failure(third.unwrap_err()).starts_with("storage_busy"));
            // The other lanes are free.
            pool.with_reading(&patient(), |_| Ok::<_, WireError>(()))?;
            pool.with_alone(&patient(), |_| Ok::<_, WireError>(()))
        })
    })
    .unwrap();
    write(&pool, |_| Ok(())).unwrap();
}

#[test]
fn a_connection_is_replaced_at_the_end_of_its_life() {
    let process = "SELECT pg_backend_pid()::text";
    let lasting = pool(&variable("HJ_PG"));
    assert_eq!(ask_text(&lasting, process).unwrap(), ask_text(&lasting, process).unwrap());
    let short = pool(&variable("HJ_PG")).with_life(Duration::ZERO);
    assert_ne!(ask_text(&short, process).unwrap(), ask_text(&short, process).unwrap());
}

#[test]
fn closing_waits_for_what_is_lent_and_ends_every_connection() {
    let name = "closing_test";
    let pool = Arc::new(pool(&format!("{}?application_name={name}", variable("HJ_PG"))));
    let (started, wait) = std::sync::mpsc::channel();
    let worker = {
        let pool = Arc::clone(&pool);
        std::thread::spawn(move || {
            write(&pool, |connection| {
                begin(connection)?;
                started.send(()).unwrap();
                connection.commit(vec![statement("SELECT pg_sleep(0.1)", Vec::new())])
            })
            .map(drop)
        })
    };
    wait.recv().unwrap();
    pool.close();
    assert!(worker.join().unwrap().is_ok());
    let after = write(&pool, |_| Ok(()));
    assert!(matches!(after, Err(WireError::Closed)));
    assert!(Failure::from(after.unwrap_err()).as_error().to_string().starts_with("engine_closed"));
    pool.close();
    let superuser = super::server::pool(&variable("HJ_PG_SUPER"));
    let left = format!("SELECT count(*)::text FROM pg_stat_activity WHERE application_name = '{name}'");
    while ask_text(&superuser, &left).unwrap() != "0" {} // the server notices when it reads the end
}

#[test]
fn an_app_role_can_log_in_and_not_make_tables() {
    let app = pool(&variable("HJ_PG_APP"));
    let outcome = ask(&app, "CREATE SCHEMA x", Vec::new());
    let Err(error @ WireError::Refused(_)) = outcome else { panic!("{outcome:?}") };
    assert!(failure(error).starts_with("storage_read_only"));
    assert_eq!(parts("HJ_PG_APP").database, "hj");
}
