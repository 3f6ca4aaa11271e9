//! Every statement finds its rows by a key. Those that look at a whole tenant start at its first session.

use std::ffi::CStr;
use std::ops::ControlFlow;
use std::time::Duration;

use rusqlite::{Connection, ffi};

use crate::error::Failure;
use crate::model::event::{EventHash, EventType};
use crate::model::id::KeyId;
use crate::model::imported::{CredentialHash, ImportKey};
use crate::model::revocation::Revocation;
use crate::model::session::{End, EndReason};
use crate::model::sign_in_limit::FailedSignIn;
use crate::store::conformance::samples::{
    at, event, key, plain_bulk_end, plain_session, plain_tenant, session_id, user,
};
use crate::store::sqlite::store::SqliteStore;
use crate::store::{
    ClockMark, LeaseRecord, RecordParts, ScanFilter, SealRecord, SessionRecord, SessionScope, SignInFailures,
    SqliteDatabase, Store, StoreOptions, WriteTransaction,
};
use crate::token::keyring::KeyState;

/// Small tables that are read as a whole: one row, and the tenants for `lower_clock_mark`.
const READ_AS_A_WHOLE: [&str; 5] = [
    "SCAN clock_mark",
    "SCAN tenants",
    "SCAN pragma_page_count",
    "SCAN pragma_page_size",
    "SCAN CONSTANT ROW",
];

/// Asks every question and makes every change once.
fn exercise(tx: &dyn WriteTransaction) -> Result<(), Failure> {
    let tenant = plain_tenant();
    let no = tx.add_tenant(&"tnt".parse().unwrap(), &tenant, at(5))?;
    tx.add_key(no, &key(1, KeyState::Active))?;
    tx.set_key(no, &key(1, KeyState::Active))?;
    tx.add_key(no, &key(2, KeyState::Retired))?;
    tx.delete_key(no, 2)?;
    tx.set_config(no, &tenant.config, at(5))?;
    tx.set_secret(no, &tenant.salt, &tenant.wrapped_refresh_key)?;
    tx.raise_clock_mark(at(5))?;
    tx.reset_clock_mark(ClockMark { highest: at(5), epoch: 1 })?;
    let session = plain_session(session_id(1), &user("u"));
    tx.add_session(no, &session)?;
    tx.rotate_session(no, &session)?;
    tx.count_replay(no, session.id)?;
    tx.change_identity(no, &session)?;
    let credential = CredentialHash([7; 32]);
    let external_id = Some("of the old system".parse().unwrap());
    let imported = SessionRecord {
        credential: Some(credential),
        external_id: external_id.clone(),
        ..plain_session(session_id(2), &user("u"))
    };
    tx.add_session(no, &imported)?;
    assert_eq!(tx.imported_sessions(no, &[ImportKey { credential, external_id }])?.len(), 2);
    tx.set_credential(no, imported.id, CredentialHash([8; 32]))?;
    for scope in [SessionScope::Tenant, SessionScope::User(&session.user_id)] {
        tx.scan_oldest_first(no, scope, None, 10)?;
        for before in [None, Some(session.id)] {
            for filter in [ScanFilter::All, ScanFilter::Open] {
                for parts in [RecordParts::All, RecordParts::Shown] {
                    tx.scan_newest_first(no, scope, filter, parts, before, &mut |_, read_record| {
                        read_record().map(|_| ControlFlow::Continue(()))
                    })?;
                }
            }
        }
    }
    tx.scan_open_newest_first(no, &session.user_id, None, &mut |_| Ok(ControlFlow::Continue(())))?;
    let failures = SignInFailures { key: [7; 16], failures: vec![FailedSignIn { at: at(5), tag: 1 }] };
    tx.set_sign_in_failures(no, &failures)?;
    assert_eq!(tx.sign_in_failures(no, &failures.key)?, failures.failures);
    tx.scan_sign_in_failures(no, &[], 10)?;
    tx.set_sign_in_failures(no, &SignInFailures { failures: Vec::new(), ..failures })?;
    tx.add_event(no, &event(EventType::SessionEnded))?;
    tx.hash_event(no, 1, EventHash([1; 32]))?;
    let seal = SealRecord {
        seq: 1,
        hash: EventHash([1; 32]),
        sealed_at: at(5),
        kid: KeyId::from_bytes([1; 16]),
        signature: [1; 64],
    };
    tx.add_seal(no, &seal)?;
    assert_eq!((tx.newest_event(no)?, tx.newest_seal(no)?), (1, Some(seal.clone())));
    assert_eq!((tx.events(no, 0, 10)?.len(), tx.seals(no, 0, 10)?), (1, vec![seal]));
    tx.delete_event(no, 1)?;
    tx.delete_seal(no, 1)?;
    let lease = LeaseRecord { name: "work".to_owned(), holder: [1; 16], until: at(5), position: 1 };
    tx.set_lease(no, &lease)?;
    assert_eq!((tx.lease(no, "work")?, tx.lease_count(no)?), (Some(lease), 1));
    tx.delete_lease(no, "work")?;
    let entry = Revocation { session: Some(session.id), ..Revocation::numbered(1, at(5)) };
    tx.add_revocation(no, &entry)?;
    assert_eq!((tx.newest_revocation(no)?, tx.revocations(no, 0, 10)?), (1, vec![entry]));
    tx.delete_revocation(no, 1)?;
    tx.clock_mark()?;
    tx.tenant_no(&"tnt".parse().unwrap())?;
    tx.tenant_numbers()?;
    tx.tenant_version(no)?;
    tx.tenant(no)?;
    tx.keys(no)?;
    tx.session(no, session.id)?;
    tx.database_bytes()?;
    tx.add_bulk_end(no, &plain_bulk_end(1))?;
    tx.bulk_ends(no)?;
    tx.end_session(no, session.id, End { at: at(5), reason: EndReason::Revoked }, 1)?;
    tx.finish_bulk_end(no, 1)?;
    tx.delete_bulk_end(no, 1)?;
    tx.delete_session(no, session.id)
}

/// The statements that the connection keeps prepared.
fn prepared(connection: &Connection) -> Vec<String> {
    let mut texts = Vec::new();
    // SAFETY: the connection is open and no other thread uses it; statements are only looked at.
    unsafe {
        let database = connection.handle();
        let mut statement = ffi::sqlite3_next_stmt(database, std::ptr::null_mut());
        while !statement.is_null() {
            texts.push(CStr::from_ptr(ffi::sqlite3_sql(statement)).to_str().unwrap().to_owned());
            statement = ffi::sqlite3_next_stmt(database, statement);
        }
    }
    texts
}

#[test]
fn every_statement_searches_by_key() {
    let options = StoreOptions::relaxed(Duration::ZERO);
    let store = SqliteStore::open(SqliteDatabase::Memory, options).unwrap();
    store.write_exclusive(&mut exercise).unwrap();
    store.with_idle_writer(|writer| assert_searches_by_key(writer));
}

fn assert_searches_by_key(connection: &Connection) {
    let statements = prepared(connection);
    assert!(statements.len() > 20, "{statements:#?}");
    for statement in statements.iter().filter(|statement| !statement.starts_with(['B', 'C', 'R'])) {
        let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let mut steps = explained.raw_query();
        while let Some(step) = steps.next().unwrap() {
            let step: String = step.get("detail").unwrap();
            let whole = READ_AS_A_WHOLE.iter().any(|known| step.starts_with(known));
            assert!(whole || !step.contains("SCAN"), "{step}: {statement}");
            assert!(!step.contains("TEMP B-TREE"), "sorts: {step}: {statement}");
            if ["sessions ", "sign_in_failures ", "events ", "leases ", "revocations "]
                .iter()
                .any(|table| step.contains(table))
            {
                assert!(step.contains("tenant_no=?"), "{step}: {statement}");
            }
        }
    }
}
