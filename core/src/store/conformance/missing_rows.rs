//! A change that hits nothing is a lost write, and is answered as damage.

use super::samples::{add_tenant, at, full_config, key, plain_session, session_id, user};
use super::{NEVER_BUSY, TestDatabase, code, try_write, write};
use crate::error::{ErrorCode, Failure};
use crate::model::session::{End, EndReason};
use crate::store::{Needs, Store, TenantNo, WaitPolicy, WriteTransaction};
use crate::token::keyring::KeyState;

type Change<'a> = &'a dyn Fn(&dyn WriteTransaction) -> Result<(), Failure>;

fn assert_corrupt(store: &dyn Store, changes: &[Change<'_>]) {
    for (position, change) in changes.iter().enumerate() {
        assert_eq!(try_write(store, change), Err(ErrorCode::StorageCorrupt), "change {position}");
    }
}

pub(in crate::store) fn a_change_of_a_missing_session_is_corrupt(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let (present, missing) =
        (plain_session(session_id(1), &user("u")), plain_session(session_id(2), &user("u")));
    let tenant = write(&*store, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        tx.add_session(tenant, &present)?;
        Ok(tenant)
    });
    assert_corrupt(
        &*store,
        &[
            &|tx| tx.rotate_session(tenant, &missing),
            &|tx| tx.change_identity(tenant, &missing),
            &|tx| tx.count_replay(tenant, missing.id),
            &|tx| tx.end_session(tenant, missing.id, End { at: at(9), reason: EndReason::Revoked }, 0),
            &|tx| tx.delete_session(tenant, missing.id),
        ],
    );
}

pub(in crate::store) fn a_change_of_a_missing_key_is_corrupt(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        tx.add_key(tenant, &key(1, KeyState::Active))?;
        Ok(tenant)
    });
    assert_corrupt(
        &*store,
        &[
            &|tx| tx.set_key(tenant, &key(2, KeyState::Active)),
            &|tx| tx.add_key(tenant, &key(1, KeyState::Active)),
            &|tx| tx.delete_key(tenant, 1),
            &|tx| tx.delete_key(tenant, 2),
        ],
    );
}

pub(in crate::store) fn a_missing_tenant_is_corrupt(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let missing: TenantNo = 1 + write(&*store, |tx| add_tenant(tx, "tnt"));
    assert_corrupt(
        &*store,
        &[
            &|tx| tx.set_config(missing, &full_config(), at(1)),
            &|tx| tx.set_secret(missing, &[1; 16], &[2]),
            &|tx| tx.tenant(missing).map(drop),
            &|tx| tx.tenant_version(missing).map(drop),
        ],
    );
    let read =
        store.read(WaitPolicy::Block, &Needs::default(), &mut |tx| tx.tenant_version(missing).map(drop));
    assert_eq!(read.map_err(code), Err(ErrorCode::StorageCorrupt));
}

pub(in crate::store) fn a_tenant_id_is_taken_once(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    write(&*store, |tx| add_tenant(tx, "tnt"));
    assert_corrupt(&*store, &[&|tx| add_tenant(tx, "tnt").map(drop)]);
}

pub(in crate::store) fn a_session_id_is_taken_once(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let session = plain_session(session_id(1), &user("u"));
    let tenant = write(&*store, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        tx.add_session(tenant, &session)?;
        Ok(tenant)
    });
    assert_corrupt(&*store, &[&|tx| tx.add_session(tenant, &session)]);
}
