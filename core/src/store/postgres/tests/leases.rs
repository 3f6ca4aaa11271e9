//! How long machines remember answers, and how long ending calls wait: what is agreed on in the database, in which order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::schema::Schema;
use super::server::ask_text;
use crate::clock::Stopwatch;
use crate::error::{ErrorCode, Failure};
use crate::model::session::{End, EndReason};
use crate::store::conformance::samples::{
    add_tenant, at, full_config, full_session, key, plain_bulk_end, plain_session, session_id, user,
};
use crate::store::conformance::{TestDatabase, write};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::lease_terms::lower_lease;
use crate::store::records::TenantNo;
use crate::store::{Durability, Needs, Store, StoreOptions, VerifyMode, WriteTransaction};
use crate::token::keyring::KeyState;

const PATIENT: Duration = Duration::from_secs(60);

fn lease(millis: u64) -> VerifyMode {
    VerifyMode::Lease(Duration::from_millis(millis))
}

/// The allowed lease and the wait, in ms.
fn terms(schema: &Schema) -> String {
    let sql = format!("SELECT lease_ms || ' ' || lease_wait_ms FROM {}.clock_mark", schema.name);
    ask_text(&schema.pool(), &sql).unwrap()
}

fn isolations() -> [Schema; 2] {
    [Schema::on("HJ_PG"), Schema::on("HJ_PG_SERIALIZABLE")]
}

#[test]
fn a_longer_lease_is_agreed_on_at_opening_and_a_shorter_one_changes_nothing() {
    for schema in isolations() {
        schema.open_store(PATIENT);
        assert_eq!(terms(&schema), "0 0");
        for (mode, expected) in [
            (lease(250), "250 250"),
            (lease(100), "250 250"),
            (VerifyMode::Stale(VerifyMode::LONGEST), "250 250"),
            (VerifyMode::Store, "250 250"),
            (lease(5_000), "5000 5000"),
        ] {
            schema.open_verifying(mode, PATIENT);
            assert_eq!(terms(&schema), expected, "{mode}");
        }
    }
}

#[test]
fn the_mode_comes_from_the_options_or_the_url_which_must_not_differ() {
    let schema = Schema::create();
    let open = |parameter: &str, verify: Option<VerifyMode>| {
        let options = StoreOptions { verify, ..StoreOptions::relaxed(PATIENT) };
        let opened = PostgresStore::open(schema.url(parameter), options);
        opened.map(|store| store.leases.mode).map_err(|failure| failure.as_error().code())
    };
    let of_url = "&verify=stale:25ms";
    let stale = VerifyMode::Stale(VerifyMode::SHORTEST);
    assert_eq!(open("", None), Ok(VerifyMode::Store));
    assert_eq!(open("", Some(stale)), Ok(stale));
    assert_eq!(open(of_url, None), Ok(stale));
    assert_eq!(open(of_url, Some(stale)), Ok(stale));
    for other in [VerifyMode::Store, lease(25)] {
        assert_eq!(open(of_url, Some(other)), Err(ErrorCode::ValidationError), "{other}");
    }
}

/// Runs a job by itself or in a shared transaction, and says how long its caller has waited.
fn time(
    store: &PostgresStore,
    job: fn(&dyn WriteTransaction, TenantNo) -> Result<(), Failure>,
    tenant: TenantNo,
) -> [Duration; 2] {
    let alone = Stopwatch::start();
    write(store, |tx| job(tx, tenant));
    let alone = alone.elapsed();
    let shared = Stopwatch::start();
    let queued = store.enqueue(Box::new(move |tx| job(tx, tenant)), Durability::Full, Needs::default());
    store.wait(&queued).unwrap();
    [alone, shared.elapsed()]
}

#[test]
fn what_alters_an_answer_waits_and_nothing_else_does() {
    let (schema, ms) = (Schema::create(), 400);
    let ours = schema.open_store(PATIENT); // from before the lease, and without one
    let tenant = write(&ours, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        tx.add_key(tenant, &key(1, KeyState::Next))?;
        for number in 1..=12 {
            tx.add_session(tenant, &plain_session(session_id(number), &user("u")))?;
        }
        tx.add_bulk_end(tenant, &plain_bulk_end(7))?;
        Ok(tenant)
    });
    schema.open_verifying(lease(ms), PATIENT);

    /// Ends the first session that has no end.
    fn end_one(
        tx: &dyn WriteTransaction,
        tenant: TenantNo,
        reason: EndReason,
        by: i64,
    ) -> Result<(), Failure> {
        for number in 1..=12 {
            let session = tx.session(tenant, session_id(number))?.unwrap();
            if session.times.end.is_none() {
                return tx.end_session(tenant, session.id, End { at: at(9), reason }, by);
            }
        }
        panic!("all of them have ended")
    }
    type Job = fn(&dyn WriteTransaction, TenantNo) -> Result<(), Failure>;
    let waits: [(&str, Job); 6] = [
        ("end", |tx, tenant| end_one(tx, tenant, EndReason::Revoked, 0)),
        ("found ended", |tx, _| {
            tx.outlast_leases(Some(session_id(12)));
            Ok(())
        }),
        ("identity", |tx, tenant| tx.change_identity(tenant, &full_session(session_id(12), &user("u"), 2))),
        ("settings", |tx, tenant| tx.set_config(tenant, &full_config(), at(1))),
        ("key", |tx, tenant| tx.set_key(tenant, &key(1, KeyState::Active))),
        ("secret", |tx, tenant| tx.set_secret(tenant, &[1; 16], &[2])),
    ];
    let wait = Duration::from_millis(ms + ms / 100 + 1);
    for (name, job) in waits {
        for took in time(&ours, job, tenant) {
            assert!(took >= wait, "{name}: {took:?}");
        }
    }
    let passes: [(&str, Job); 4] = [
        ("rotation", |tx, tenant| tx.rotate_session(tenant, &full_session(session_id(12), &user("u"), 1))),
        ("end by the clock", |tx, tenant| end_one(tx, tenant, EndReason::Expired, 0)),
        ("stamp of a bulk end", |tx, tenant| end_one(tx, tenant, EndReason::RevokeAll, 7)),
        ("nothing", |_, _| Ok(())),
    ];
    for (name, job) in passes {
        // A machine that is busy may be slow once.
        assert!(time(&ours, job, tenant).iter().any(|took| *took < wait), "{name}");
    }
}

#[test]
fn jobs_of_one_transaction_wait_each_for_itself_and_hold_up_no_other() {
    let (schema, ms) = (Schema::create(), 1_000);
    let store = schema.open_verifying(lease(ms), PATIENT);
    let tenant = write(&store, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        (1..=2)
            .try_for_each(|number| tx.add_session(tenant, &plain_session(session_id(number), &user("u"))))?;
        Ok(tenant)
    });
    let end = move |tx: &dyn WriteTransaction| {
        tx.end_session(tenant, session_id(1), End { at: at(9), reason: EndReason::Revoked }, 0)
    };
    let rotate = move |tx: &dyn WriteTransaction| {
        tx.rotate_session(tenant, &full_session(session_id(2), &user("u"), 1))
    };
    let began = Stopwatch::start();
    let ending = store.enqueue(Box::new(end), Durability::Full, Needs::default());
    let rotating = store.enqueue(Box::new(rotate), Durability::Full, Needs::default());
    std::thread::scope(|scope| {
        let store = &store;
        let ended = scope.spawn(move || {
            store.wait(&ending).unwrap();
            Stopwatch::start()
        });
        store.wait(&rotating).unwrap();
        // Nothing is held while the other one waits: further writes go on.
        let later = store.enqueue(Box::new(rotate), Durability::Full, Needs::default());
        store.wait(&later).unwrap();
        assert!(!ended.is_finished(), "{:?}", began.elapsed());
        ended.join().unwrap();
    });
    assert!(began.elapsed() >= Duration::from_millis(ms));
}

#[test]
fn a_longer_lease_begins_only_after_every_transaction_that_does_not_know_of_it() {
    for schema in isolations() {
        let older = schema.open_store(PATIENT);
        let tenant = write(&older, |tx| {
            let tenant = add_tenant(tx, "tnt")?;
            tx.add_session(tenant, &plain_session(session_id(1), &user("u")))?;
            Ok(tenant)
        });
        let (is_done, opened) = (AtomicBool::new(false), AtomicBool::new(false));
        let watching = schema.pool();
        // Whether some session waits for the row that is the turn, in whichever way.
        let waiting = "SELECT count(*)::text FROM pg_stat_activity \
                       WHERE wait_event_type = 'Lock' AND query LIKE '%"
            .to_owned()
            + &schema.name
            + "%clock_mark%'";
        let mut runs = 0;
        std::thread::scope(|scope| {
            older
                .write_exclusive(&mut |tx| {
                    runs += 1;
                    tx.end_session(tenant, session_id(1), End { at: at(9), reason: EndReason::Revoked }, 0)?;
                    if runs == 1 {
                        let (schema, is_done, opened) = (&schema, &is_done, &opened);
                        scope.spawn(move || {
                            schema.open_verifying(lease(250), PATIENT);
                            opened.store(true, Ordering::SeqCst);
                            assert!(is_done.load(Ordering::SeqCst), "the lease began during the transaction");
                        });
                        while !opened.load(Ordering::SeqCst) && ask_text(&watching, &waiting).unwrap() == "0"
                        {
                        }
                    }
                    is_done.store(true, Ordering::SeqCst);
                    Ok(())
                })
                .unwrap();
        });
        assert_eq!(terms(&schema), "250 250");
    }
}

#[test]
fn a_shorter_lease_waits_for_the_longer_ones() {
    for schema in isolations() {
        schema.open_verifying(lease(300), PATIENT);
        let began = Stopwatch::start();
        let options = StoreOptions::relaxed(PATIENT);
        // The parameter of the URL plays no part.
        assert_eq!(lower_lease(schema.url("&verify=lease:300ms"), options, 25).unwrap(), 25);
        assert!(began.elapsed() >= Duration::from_millis(304));
        assert_eq!(terms(&schema), "25 25");
        // What is shorter already stays.
        assert_eq!(lower_lease(schema.url(""), options, 100).unwrap(), 25);
        assert_eq!(lower_lease(schema.url(""), options, 0).unwrap(), 0);
        assert_eq!(terms(&schema), "0 0");
    }
    let missing = lower_lease(Schema::create().url(""), StoreOptions::relaxed(PATIENT), 0).unwrap_err();
    assert_eq!(missing.as_error().code(), ErrorCode::StorageIo);
}

#[test]
fn a_lease_that_is_asked_for_meanwhile_is_not_shortened() {
    let schema = Schema::create();
    schema.open_verifying(lease(3_000), PATIENT);
    std::thread::scope(|scope| {
        let lowering = scope.spawn(|| lower_lease(schema.url(""), StoreOptions::relaxed(PATIENT), 0));
        while terms(&schema) != "0 3000" {}
        // While leases still run for which calls have to wait.
        schema.open_verifying(lease(100), PATIENT);
        assert_eq!(terms(&schema), "100 3000");
        let refused = lowering.join().unwrap().unwrap_err();
        assert_eq!(refused.as_error().code(), ErrorCode::StorageBusy);
    });
    assert_eq!(terms(&schema), "100 3000");
    assert_eq!(lower_lease(schema.url(""), StoreOptions::relaxed(PATIENT), 50).unwrap(), 50);
}

#[test]
fn what_a_lost_answer_leaves_open_is_waited_for_from_the_moment_that_it_is_known() {
    use super::fault_proxy::{Fault, FaultProxy};
    use super::server::{Parts, parts};

    let (schema, ms) = (Schema::create(), 300);
    let direct = schema.open_verifying(lease(ms), PATIENT);
    let tenant = write(&direct, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        (1..=20)
            .try_for_each(|number| tx.add_session(tenant, &plain_session(session_id(number), &user("u"))))?;
        Ok(tenant)
    });
    let Parts { login, port, database } = parts("HJ_PG");
    let proxy = FaultProxy::start(std::net::SocketAddr::from(([127, 0, 0, 1], port)));
    let url = format!("postgres://{login}@{}/{database}?schema={}", proxy.address(), schema.name);
    let url = crate::store::postgres::url::PostgresUrl::parse(&url).unwrap();
    let options = StoreOptions { verify: Some(lease(ms)), ..StoreOptions::relaxed(PATIENT) };
    let store = PostgresStore::open(url, options).unwrap();
    proxy.set(Fault::LoseAnswers { every: 17 });
    for number in 1..=6 {
        let id = session_id(number);
        let start = store.begin_lease().unwrap();
        let remembered = crate::store::VerifyLease::new(start, i64::MAX, at(0));
        let began = Stopwatch::start();
        write(&store, |tx| tx.end_session(tenant, id, End { at: at(9), reason: EndReason::Revoked }, 0));
        assert!(began.elapsed() >= Duration::from_millis(ms + 4));
        assert_eq!(store.check_lease(id, &remembered), None, "what was remembered of it is gone");
    }
}
