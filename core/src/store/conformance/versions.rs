//! The tenant's version and the clock mark.

use super::samples::{
    add_tenant, at, failures, full_config, key, plain_bulk_end, plain_session, session_id, user,
};
use super::{NEVER_BUSY, TestDatabase, read, try_write, write};
use crate::error::{ErrorCode, Failure};
use crate::model::session::{End, EndReason};
use crate::store::{ClockMark, WriteTransaction};
use crate::token::keyring::KeyState;

pub(in crate::store) fn the_version_changes_with_settings_keys_secret_and_bulk_ends_and_with_nothing_else(
    database: &dyn TestDatabase,
) {
    let store = database.open(NEVER_BUSY);
    let session = plain_session(session_id(1), &user("usr_1"));
    let (tenant, other) = write(&*store, |tx| Ok((add_tenant(tx, "tnt")?, add_tenant(tx, "tnt_other")?)));
    write(&*store, |tx| tx.add_key(tenant, &key(1, KeyState::Next)));
    let version = |tenant| read(&*store, |tx| Ok(tx.tenant_version(tenant)?.version));
    let others = version(other);
    assert_ne!(version(tenant), others, "a counter would come back");

    type Change<'a> = &'a dyn Fn(&dyn WriteTransaction) -> Result<(), Failure>;
    let growing: [Change<'_>; 5] = [
        &|tx| tx.add_bulk_end(tenant, &plain_bulk_end(1)),
        &|tx| tx.finish_bulk_end(tenant, 1),
        &|tx| tx.set_config(tenant, &full_config(), at(1)),
        &|tx| tx.set_key(tenant, &key(1, KeyState::Active)),
        &|tx| tx.set_secret(tenant, &[1; 16], &[2]),
    ];
    for (position, change) in growing.iter().enumerate() {
        let before = version(tenant);
        write(&*store, change);
        assert_ne!(version(tenant), before, "change {position}");
    }
    let resting: [Change<'_>; 8] = [
        &|tx| tx.add_session(tenant, &session),
        &|tx| tx.rotate_session(tenant, &session),
        &|tx| tx.count_replay(tenant, session.id),
        &|tx| tx.change_identity(tenant, &session),
        &|tx| tx.end_session(tenant, session.id, End { at: at(9), reason: EndReason::Revoked }, 0),
        &|tx| tx.delete_session(tenant, session.id),
        &|tx| tx.raise_clock_mark(at(10)),
        &|tx| tx.set_sign_in_failures(tenant, &failures(1, 0, &[11])),
    ];
    let before = version(tenant);
    for (position, change) in resting.iter().enumerate() {
        write(&*store, change);
        assert_eq!(version(tenant), before, "change {position}");
    }
    assert_eq!(version(other), others);
}

pub(in crate::store) fn the_clock_mark_rises_within_its_epoch(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    let fresh = read(&*store, |tx| tx.clock_mark());
    assert_eq!(fresh.highest, at(0));
    write(&*store, |tx| tx.raise_clock_mark(at(1_700_000_000_000)));
    let raised = ClockMark { highest: at(1_700_000_000_000), ..fresh };
    assert_eq!(read(&*store, |tx| tx.clock_mark()), raised);
    assert_eq!(read(&*store, |tx| Ok(tx.tenant_version(tenant)?.mark)), raised);
}

pub(in crate::store) fn a_reset_clock_mark_begins_its_epoch(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    write(&*store, |tx| tx.raise_clock_mark(at(1_000)));
    let before = read(&*store, |tx| tx.clock_mark());
    let lowered = ClockMark { highest: at(10), epoch: before.epoch + 1 };
    write(&*store, |tx| tx.reset_clock_mark(lowered));
    assert_eq!(read(&*store, |tx| tx.clock_mark()), lowered);
    assert_eq!(read(&*store, |tx| Ok(tx.tenant_version(tenant)?.mark)), lowered);
}

pub(in crate::store) fn the_clock_mark_is_committed_with_the_changes_or_not_at_all(
    database: &dyn TestDatabase,
) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    let session = plain_session(session_id(1), &user("usr_1"));
    for fails in [true, false] {
        let outcome = try_write(&*store, |tx| {
            tx.add_session(tenant, &session)?;
            tx.raise_clock_mark(at(77))?;
            if fails { Err(Failure::internal("not this time")) } else { Ok(()) }
        });
        assert_eq!(outcome, if fails { Err(ErrorCode::Internal) } else { Ok(()) });
        let (mark, found) =
            read(&*store, |tx| Ok((tx.clock_mark()?.highest, tx.session(tenant, session.id)?.is_some())));
        assert_eq!((mark, found), if fails { (at(0), false) } else { (at(77), true) });
    }
}
