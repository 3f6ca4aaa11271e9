//! Change tracking is optional, but it must never claim too much. Each test goes on where the store can tell, and asserts
//! nothing where it cannot.

use super::samples::{add_tenant, at, full_config, full_session, key, plain_session, session_id, user};
use super::{NEVER_BUSY, TestDatabase, read, write};
use crate::error::Failure;
use crate::model::session::{End, EndReason};
use crate::store::{ClockMark, Durability, Needs, WriteTransaction};
use crate::token::keyring::KeyState;

type Change = fn(&dyn WriteTransaction, i64) -> Result<(), Failure>;

pub(in crate::store) fn a_version_never_hides_a_change_of_the_session(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let id = session_id(1);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    let changes: [Change; 6] = [
        |tx, tenant| tx.add_session(tenant, &plain_session(session_id(1), &user("u"))),
        |tx, tenant| tx.rotate_session(tenant, &full_session(session_id(1), &user("u"), 1)),
        |tx, tenant| tx.count_replay(tenant, session_id(1)),
        |tx, tenant| tx.change_identity(tenant, &full_session(session_id(1), &user("u"), 2)),
        |tx, tenant| tx.end_session(tenant, session_id(1), End { at: at(9), reason: EndReason::Revoked }, 0),
        |tx, tenant| tx.delete_session(tenant, session_id(1)),
    ];
    for (position, change) in changes.into_iter().enumerate() {
        let before = store.commit_version();
        if position % 2 == 0 {
            write(&*store, |tx| change(tx, tenant));
        } else {
            let job = move |tx: &dyn WriteTransaction| change(tx, tenant);
            store.wait(&store.enqueue(Box::new(job), Durability::Normal, Needs::default())).unwrap();
        }
        if let Some(before) = before {
            assert!(!store.is_unchanged_since(id, before), "change {position}");
        }
    }
}

pub(in crate::store) fn a_version_never_hides_a_change_that_concerns_every_session(
    database: &dyn TestDatabase,
) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        tx.add_key(tenant, &key(1, KeyState::Next))?;
        tx.add_session(tenant, &plain_session(session_id(1), &user("u")))?;
        Ok(tenant)
    });
    let changes: [Change; 4] = [
        |tx, tenant| tx.set_config(tenant, &full_config(), at(1)),
        |tx, tenant| tx.set_key(tenant, &key(1, KeyState::Active)),
        |tx, tenant| tx.set_secret(tenant, &[1; 16], &[2]),
        |tx, _| {
            let mark = tx.clock_mark()?;
            tx.reset_clock_mark(ClockMark { epoch: mark.epoch + 1, ..mark })
        },
    ];
    for (position, change) in changes.into_iter().enumerate() {
        let before = store.commit_version();
        write(&*store, |tx| change(tx, tenant));
        if let Some(before) = before {
            for number in [1, 2] {
                assert!(!store.is_unchanged_since(session_id(number), before), "change {position}");
            }
        }
        read(&*store, |tx| tx.tenant_version(tenant));
    }
}
