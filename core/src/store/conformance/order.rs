//! The order of lists, scans and pages. All sessions are of one millisecond, so that only the whole id decides.

use std::ops::ControlFlow;

use super::samples::{add_tenant, at, key, plain_session, session_id, user};
use super::{NEVER_BUSY, TestDatabase, code, read, write};
use crate::error::{ErrorCode, Failure};
use crate::model::id::SessionId;
use crate::model::session::{End, EndReason, SessionLifetime};
use crate::store::{
    Needs, ReadTransaction, RecordParts, ScanFilter, SessionRecord, SessionScope, Store, TenantNo, WaitPolicy,
};
use crate::token::keyring::KeyState;

const END: End = End { at: at(50), reason: EndReason::Revoked };

/// Sessions 1 to 6, added out of order: the odd ones are usr_a's, the even ones usr_b's; 3 and 4 have ended.
fn with_sessions(store: &dyn Store) -> TenantNo {
    write(store, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        for number in [4, 1, 6, 3, 2, 5] {
            let owner = if number % 2 == 1 { user("usr_a") } else { user("usr_b") };
            tx.add_session(tenant, &plain_session(session_id(number), &owner))?;
        }
        tx.end_session(tenant, session_id(3), END, 0)?;
        tx.end_session(tenant, session_id(4), END, 0)?;
        Ok(tenant)
    })
}

fn ids(numbers: &[u16]) -> Vec<SessionId> {
    numbers.iter().copied().map(session_id).collect()
}

fn ids_of(lifetimes: &[SessionLifetime]) -> Vec<SessionId> {
    lifetimes.iter().map(|lifetime| lifetime.id).collect()
}

fn scan(
    tx: &dyn ReadTransaction,
    tenant: TenantNo,
    scope: SessionScope<'_>,
    filter: ScanFilter,
    before: Option<SessionId>,
) -> Result<Vec<SessionId>, Failure> {
    let mut seen = Vec::new();
    tx.scan_newest_first(tenant, scope, filter, RecordParts::All, before, &mut |lifetime, read_record| {
        let record = read_record()?;
        assert_eq!((record.id, record.times), (lifetime.id, lifetime.times));
        assert_eq!(Some(record), tx.session(tenant, lifetime.id)?);
        seen.push(lifetime.id);
        Ok(ControlFlow::Continue(()))
    })?;
    let mut shown = Vec::new();
    tx.scan_newest_first(tenant, scope, filter, RecordParts::Shown, before, &mut |lifetime, read_record| {
        let all = tx.session(tenant, lifetime.id)?.expect("it was just seen");
        // What may be blank is not compared.
        let SessionRecord { rotation, nonce, access, identity_serial, credential, external_id, .. } =
            all.clone();
        let shown_record = read_record()?;
        assert_eq!(shown_record.access.params.expires_at, access.params.expires_at);
        let filled = SessionRecord {
            rotation,
            nonce,
            access,
            identity_serial,
            credential,
            external_id,
            ..shown_record
        };
        assert_eq!(filled, all);
        shown.push(lifetime.id);
        Ok(ControlFlow::Continue(()))
    })?;
    assert_eq!(shown, seen);
    Ok(seen)
}

pub(in crate::store) fn a_scan_of_open_sessions_goes_from_the_newest_to_the_oldest_of_the_user(
    database: &dyn TestDatabase,
) {
    let store = database.open(NEVER_BUSY);
    let tenant = with_sessions(&*store);
    for (owner, from, expected) in [
        ("usr_a", None, &[5, 1][..]),
        ("usr_b", None, &[6, 2]),
        ("usr_b", Some(session_id(2)), &[6, 2]),
        ("usr_b", Some(session_id(3)), &[6]),
        ("usr_", None, &[]),
    ] {
        let mut seen = Vec::new();
        read(&*store, |tx| {
            tx.scan_open_newest_first(tenant, &user(owner), from, &mut |lifetime| {
                assert_eq!(tx.session(tenant, lifetime.id)?.unwrap().lifetime(), lifetime);
                seen.push(lifetime.id);
                Ok(ControlFlow::Continue(()))
            })
        });
        assert_eq!(seen, ids(expected), "{owner} {from:?}");
    }
}

pub(in crate::store) fn a_walk_through_a_users_sessions_meets_open_and_ended_ones_oldest_first(
    database: &dyn TestDatabase,
) {
    let store = database.open(NEVER_BUSY);
    let tenant = with_sessions(&*store);
    let owner = user("usr_a");
    let page = |after, limit| {
        read(&*store, |tx| tx.scan_oldest_first(tenant, SessionScope::User(&owner), after, limit))
    };
    assert_eq!(ids_of(&page(None, 10)), ids(&[1, 3, 5]));
    assert_eq!(ids_of(&page(None, 2)), ids(&[1, 3]));
    assert_eq!(ids_of(&page(Some(session_id(3)), 2)), ids(&[5]));
}

pub(in crate::store) fn a_scan_of_a_tenant_goes_from_the_newest_session_to_the_oldest(
    database: &dyn TestDatabase,
) {
    let store = database.open(NEVER_BUSY);
    let tenant = with_sessions(&*store);
    let seen = |before| read(&*store, |tx| scan(tx, tenant, SessionScope::Tenant, ScanFilter::All, before));
    assert_eq!(seen(None), ids(&[6, 5, 4, 3, 2, 1]));
    assert_eq!(seen(Some(session_id(4))), ids(&[3, 2, 1]));
    assert_eq!(seen(Some(session_id(1))), ids(&[]));
}

pub(in crate::store) fn a_scan_of_a_user_merges_open_and_ended_sessions(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = with_sessions(&*store);
    let owner = user("usr_a");
    let seen =
        |before| read(&*store, |tx| scan(tx, tenant, SessionScope::User(&owner), ScanFilter::All, before));
    assert_eq!(seen(None), ids(&[5, 3, 1]));
    assert_eq!(seen(Some(session_id(5))), ids(&[3, 1]));
    assert_eq!(seen(Some(session_id(2))), ids(&[1]));
}

pub(in crate::store) fn a_scan_of_a_users_open_sessions_passes_over_ended_ones(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = with_sessions(&*store);
    let owner = user("usr_b");
    let scope = SessionScope::User(&owner);
    let seen = |before| read(&*store, |tx| scan(tx, tenant, scope, ScanFilter::Open, before));
    assert_eq!(seen(None), ids(&[6, 2]));
    assert_eq!(seen(Some(session_id(6))), ids(&[2]));
    // Of a whole tenant a store may show ended ones as well.
    let mut open = read(&*store, |tx| scan(tx, tenant, SessionScope::Tenant, ScanFilter::Open, None));
    open.retain(|id| !ids(&[3, 4]).contains(id));
    assert_eq!(open, ids(&[6, 5, 2, 1]));
}

pub(in crate::store) fn a_scan_begins_below_its_cursor_even_if_that_session_is_gone(
    database: &dyn TestDatabase,
) {
    let store = database.open(NEVER_BUSY);
    let tenant = with_sessions(&*store);
    write(&*store, |tx| tx.delete_session(tenant, session_id(4)));
    let cursor = Some(session_id(4));
    assert_eq!(
        read(&*store, |tx| scan(tx, tenant, SessionScope::Tenant, ScanFilter::All, cursor)),
        ids(&[3, 2, 1])
    );
    let owner = user("usr_b");
    assert_eq!(
        read(&*store, |tx| scan(tx, tenant, SessionScope::User(&owner), ScanFilter::All, cursor)),
        ids(&[2])
    );
    assert_eq!(
        ids_of(&read(&*store, |tx| tx.scan_oldest_first(tenant, SessionScope::Tenant, cursor, 10))),
        ids(&[5, 6])
    );
}

pub(in crate::store) fn a_scan_ends_where_its_visitor_breaks_or_fails(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = with_sessions(&*store);
    let owner = user("usr_a");
    for scope in [SessionScope::Tenant, SessionScope::User(&owner)] {
        let mut calls = 0;
        read(&*store, |tx| {
            tx.scan_newest_first(tenant, scope, ScanFilter::All, RecordParts::All, None, &mut |_, _| {
                calls += 1;
                Ok(if calls == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })
        });
        assert_eq!(calls, 2);
        let outcome = store.read(WaitPolicy::Block, &Needs::default(), &mut |tx| {
            tx.scan_newest_first(tenant, scope, ScanFilter::All, RecordParts::All, None, &mut |_, _| {
                Err(Failure::internal("enough"))
            })
        });
        assert_eq!(outcome.map_err(code), Err(ErrorCode::Internal));
    }
}

pub(in crate::store) fn a_walk_in_pages_meets_every_session_once(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = with_sessions(&*store);
    for limit in 1..=7 {
        let mut seen = Vec::new();
        loop {
            let page = read(&*store, |tx| {
                let after = seen.last().map(|lifetime: &SessionLifetime| lifetime.id);
                tx.scan_oldest_first(tenant, SessionScope::Tenant, after, limit)
            });
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            seen.extend(page);
        }
        assert_eq!(ids_of(&seen), ids(&[1, 2, 3, 4, 5, 6]), "pages of {limit}");
        let ended: Vec<_> = seen.iter().filter(|lifetime| lifetime.times.end == Some(END)).cloned().collect();
        assert_eq!(ids_of(&ended), ids(&[3, 4]));
    }
}

pub(in crate::store) fn tenants_and_keys_are_listed_oldest_first(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenants: Vec<TenantNo> =
        ["tnt_z", "tnt_a", "tnt_m"].into_iter().map(|id| write(&*store, |tx| add_tenant(tx, id))).collect();
    let listed = read(&*store, |tx| tx.tenant_numbers());
    assert!(listed.is_sorted());
    assert_eq!(listed.len(), 3);
    assert!(tenants.iter().all(|tenant| listed.contains(tenant)));
    for no in [2, 3, 1] {
        write(&*store, |tx| tx.add_key(tenants[0], &key(no, KeyState::Retired)));
    }
    let numbers: Vec<_> = read(&*store, |tx| tx.keys(tenants[0])).iter().map(|key| key.no).collect();
    assert_eq!(numbers, [1, 2, 3]);
}
