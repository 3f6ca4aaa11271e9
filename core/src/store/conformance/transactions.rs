//! Transactions of one caller: all or nothing, and a job reads its own changes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use std::ops::ControlFlow;

use super::samples::{add_tenant, at, full_config, key, plain_session, session_id, user};
use super::{NEVER_BUSY, TestDatabase, code, committed_mark, read, replace_mark, try_write, write};
use crate::error::{ErrorCode, Failure};
use crate::model::session::{End, EndReason};
use crate::store::{Durability, Needs, SessionScope, WaitPolicy, WriteTransaction};
use crate::token::keyring::KeyState;

pub(in crate::store) fn a_job_reads_its_own_changes(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let session = plain_session(session_id(1), &user("usr_1"));
    write(&*store, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        assert_eq!(tx.tenant_no(&"tnt".parse().unwrap())?, Some(tenant));
        tx.add_key(tenant, &key(1, KeyState::Active))?;
        assert_eq!(tx.keys(tenant)?.len(), 1);
        let version = tx.tenant_version(tenant)?.version;
        tx.set_config(tenant, &full_config(), at(3))?;
        assert_ne!(tx.tenant_version(tenant)?.version, version);
        assert_eq!(tx.tenant(tenant)?.config, full_config());
        tx.raise_clock_mark(at(4))?;
        assert_eq!(tx.clock_mark()?.highest, at(4));

        tx.add_session(tenant, &session)?;
        assert_eq!(tx.session(tenant, session.id)?.as_ref(), Some(&session));
        let count_open = || {
            let mut open = 0;
            tx.scan_open_newest_first(tenant, &session.user_id, None, &mut |_| {
                open += 1;
                Ok(ControlFlow::Continue(()))
            })
            .map(|()| open)
        };
        assert_eq!(count_open()?, 1);
        tx.end_session(tenant, session.id, End { at: at(9), reason: EndReason::SignOut }, 0)?;
        assert_eq!(count_open()?, 0);
        for scope in [SessionScope::Tenant, SessionScope::User(&session.user_id)] {
            assert_eq!(tx.scan_oldest_first(tenant, scope, None, 10)?.len(), 1);
        }
        tx.delete_session(tenant, session.id)?;
        assert_eq!(tx.session(tenant, session.id)?, None);
        Ok(())
    });
}

pub(in crate::store) fn a_failing_job_leaves_nothing_behind(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let outcome = try_write(&*store, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        tx.add_session(tenant, &plain_session(session_id(1), &user("usr_1")))?;
        replace_mark(tx, 99)?;
        Err::<(), _>(Failure::internal("not this one"))
    });
    assert_eq!(outcome, Err(ErrorCode::Internal));
    assert!(read(&*store, |tx| tx.tenant_numbers()).is_empty());
    assert_eq!(committed_mark(&*store), 0);
}

pub(in crate::store) fn a_panic_reaches_the_caller_of_an_exclusive_write_and_leaves_nothing_behind(
    database: &dyn TestDatabase,
) {
    let store = database.open(NEVER_BUSY);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _ = store.write_exclusive(&mut |tx| {
            replace_mark(tx, 99)?;
            panic!("foreign code")
        });
    }));
    assert!(panicked.is_err());
    assert_eq!(committed_mark(&*store), 0);
    write(&*store, |tx| replace_mark(tx, 1));
    assert_eq!(committed_mark(&*store), 1);
}

pub(in crate::store) fn a_failing_read_hands_its_failure_on(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    for _ in 0..3 {
        let outcome = store.read(WaitPolicy::Block, &Needs::default(), &mut |_| Err(Failure::internal("no")));
        assert_eq!(outcome.map_err(code), Err(ErrorCode::Internal));
    }
    assert_eq!(committed_mark(&*store), 0);
}

pub(in crate::store) fn a_panic_in_a_read_leaves_the_store_usable(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    for _ in 0..3 {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _ = store.read(WaitPolicy::Block, &Needs::default(), &mut |_| panic!("foreign code"));
        }));
        assert!(panicked.is_err());
    }
    write(&*store, |tx| replace_mark(tx, 1));
    assert_eq!(committed_mark(&*store), 1);
}

pub(in crate::store) fn changes_are_counted_for_each_job(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let job = |millis: i64, fails: bool| {
        store.enqueue(
            Box::new(move |tx: &dyn WriteTransaction| {
                assert!(!tx.has_changed(), "another job's change");
                tx.clock_mark()?;
                assert!(!tx.has_changed(), "a read");
                replace_mark(tx, millis)?;
                assert!(tx.has_changed());
                if fails { Err(Failure::internal("not this one")) } else { Ok(()) }
            }),
            Durability::Full,
            Needs::default(),
        )
    };
    let writes = [job(1, false), job(2, true), job(3, false)];
    let outcomes = writes.map(|write| store.wait(&write).map_err(code));
    assert_eq!(outcomes, [Ok(()), Err(ErrorCode::Internal), Ok(())]);
    write(&*store, |tx| {
        assert!(!tx.has_changed());
        replace_mark(tx, 4)?;
        assert!(tx.has_changed());
        Ok(())
    });
}

pub(in crate::store) fn a_non_blocking_read_answers_or_is_busy(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    write(&*store, |tx| replace_mark(tx, 5));
    let mut seen = None;
    let outcome = store.read(WaitPolicy::NonBlocking, &Needs::default(), &mut |tx| {
        seen = Some(tx.clock_mark()?.highest);
        Ok(())
    });
    match outcome.map_err(code) {
        Ok(()) => assert_eq!(seen, Some(at(5))),
        Err(ErrorCode::StorageBusy) => assert_eq!(seen, None, "a read that does not happen runs no job"),
        Err(other) => panic!("{other}"),
    }
}

pub(in crate::store) fn the_size_of_the_database_can_be_asked(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    store.log_bytes().unwrap();
    read(&*store, |tx| tx.database_bytes());
    write(&*store, |tx| tx.database_bytes());
}
