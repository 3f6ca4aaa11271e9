//! Change tracking is optional, but it must never claim too much. Each test goes on where the store can tell, and asserts
//! nothing where it cannot.

use super::samples::{add_tenant, at, full_config, full_session, key, plain_session, session_id, user};
use super::{NEVER_BUSY, TestDatabase, read, write};
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::model::id::SessionId;
use crate::model::imported::CredentialHash;
use crate::model::session::{End, EndReason};
use crate::store::{
    ClockMark, CommitVersion, Durability, LeaseStart, Needs, SessionRecord, Store, TenantNo, VerifyLease,
    WriteTransaction,
};
use crate::token::keyring::KeyState;

/// What a caller that remembers an answer has from before the read.
struct Before(Option<CommitVersion>, Option<LeaseStart>);

impl Before {
    fn look(store: &dyn Store) -> Self {
        Before(store.commit_version(), store.begin_lease())
    }

    /// Fails if the store still vouches for what it told of the session then, or of the sessions of its user, "u".
    fn require_changed(&self, store: &dyn Store, tenant: TenantNo, id: SessionId, change: usize) {
        if let Some(version) = self.0 {
            assert!(!store.is_unchanged_since(id, version), "change {change}");
            assert!(!store.is_list_unchanged_since(tenant, "u", version), "change {change}: the list");
        }
        if let Some(start) = self.1 {
            let lease = VerifyLease::new(start, i64::MAX, Timestamp::default());
            assert_eq!(store.check_lease(id, &lease), None, "change {change}");
        }
    }
}

type Change = fn(&dyn WriteTransaction, i64) -> Result<(), Failure>;

pub(in crate::store) fn a_version_never_hides_a_change_of_the_session(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let id = session_id(1);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    let changes: [Change; 7] = [
        |tx, tenant| {
            let credential = Some(CredentialHash([7; 32]));
            let record = SessionRecord { credential, ..plain_session(session_id(1), &user("u")) };
            tx.add_session(tenant, &record)
        },
        |tx, tenant| tx.rotate_session(tenant, &full_session(session_id(1), &user("u"), 1)),
        |tx, tenant| tx.count_replay(tenant, session_id(1)),
        |tx, tenant| tx.set_credential(tenant, session_id(1), CredentialHash([8; 32])),
        |tx, tenant| tx.change_identity(tenant, &full_session(session_id(1), &user("u"), 2)),
        |tx, tenant| tx.end_session(tenant, session_id(1), End { at: at(9), reason: EndReason::Revoked }, 0),
        |tx, tenant| tx.delete_session(tenant, session_id(1)),
    ];
    for (position, change) in changes.into_iter().enumerate() {
        let before = Before::look(&*store);
        if position % 2 == 0 {
            write(&*store, |tx| change(tx, tenant));
        } else {
            let job = move |tx: &dyn WriteTransaction| change(tx, tenant);
            store.wait(&store.enqueue(Box::new(job), Durability::Normal, Needs::default())).unwrap();
        }
        before.require_changed(&*store, tenant, id, position);
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
        let before = Before::look(&*store);
        write(&*store, |tx| change(tx, tenant));
        for number in [1, 2] {
            before.require_changed(&*store, tenant, session_id(number), position);
        }
        read(&*store, |tx| tx.tenant_version(tenant));
    }
}
