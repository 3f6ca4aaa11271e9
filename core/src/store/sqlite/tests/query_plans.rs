//! Every statement finds its rows by a key. Those that look at a whole tenant start at its first session.

use std::ffi::CStr;
use std::ops::ControlFlow;

use rusqlite::{Connection, ffi};

use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::Failure;
use crate::model::client::ClientInfo;
use crate::model::config::Config;
use crate::model::id::{KeyId, SessionId, UserId};
use crate::model::identity::Identity;
use crate::model::session::{End, EndReason, SessionTimes};
use crate::rules::rotation::Rotation;
use crate::store::sqlite::store::SqliteStore;
use crate::store::{
    ClockMark, IssuedAccessToken, KeyRecord, LastSeen, SessionRecord, SessionScope, TenantRecord,
    WriteTransaction,
};
use crate::store::{Database, Durability, Store, StoreOptions};
use crate::token::issuer::AccessTokenParams;
use crate::token::keyring::KeyState;

/// Small tables that are read as a whole: one row, and the tenants for `lower_clock_mark`.
const READ_AS_A_WHOLE: [&str; 4] =
    ["SCAN clock_mark", "SCAN tenants", "SCAN pragma_page_count", "SCAN pragma_page_size"];

fn row(user_id: &UserId) -> SessionRecord {
    let at = Timestamp::from_millis(5);
    SessionRecord {
        id: SessionId::from_bytes([1; 16]),
        user_id: user_id.clone(),
        times: SessionTimes { created_at: at, last_active_at: at, expires_at: at, end: None },
        rotation: Rotation { generation: 1, replays: 0 },
        nonce: [2; 16],
        access: IssuedAccessToken {
            params: AccessTokenParams { serial: 1, issued_at: at, expires_at: at },
            key_no: 1,
        },
        client: ClientInfo::default(),
        last_seen: LastSeen::default(),
        identity: Identity::default(),
    }
}

/// Asks every question and makes every transition once.
fn exercise(store: &dyn WriteTransaction) -> Result<(), Failure> {
    let (at, user) = (Timestamp::from_millis(5), "u".parse().unwrap());
    let tenant = TenantRecord {
        config: Config::default(),
        salt: [0; 16],
        wrapped_refresh_key: vec![1],
        token_horizon: at,
    };
    let no = store.add_tenant(&"tnt".parse().unwrap(), &tenant, at)?;
    let key = KeyRecord {
        no: 1,
        id: KeyId::from_bytes([3; 16]),
        state: KeyState::Active,
        created_at: at,
        drained_at: None,
        wrapped_seed: Some(vec![1]),
    };
    store.add_key(no, &key)?;
    store.set_key(no, &key)?;
    store.set_config(no, &tenant.config, at)?;
    store.set_secret(no, &tenant.salt, &tenant.wrapped_refresh_key)?;
    store.reset_clock_mark(ClockMark { highest: at, epoch: 1 })?;
    let row = row(&user);
    store.add_session(no, &row)?;
    store.rotate_session(no, &row)?;
    store.count_replay(no, row.id)?;
    store.change_identity(no, &row)?;
    for whose in [SessionScope::Tenant, SessionScope::User(&user)] {
        assert_eq!(store.open_sessions(no, whose)?.len(), 1);
        for before in [None, Some(row.id)] {
            store.scan_newest_first(no, whose, before, &mut |_, row| {
                row().map(|_| ControlFlow::Continue(()))
            })?;
        }
    }
    store.scan_oldest_first(no, None, 10)?;
    store.clock_mark()?;
    store.tenant_no(&"tnt".parse().unwrap())?;
    store.tenant_numbers()?;
    store.tenant_version(no)?;
    store.tenant(no)?;
    store.keys(no)?;
    store.session(no, row.id)?;
    store.database_bytes()?;
    store.end_session(no, row.id, End { at, reason: EndReason::Revoked })?;
    store.delete_session(no, row.id)
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
    let options = StoreOptions { durability: Durability::Normal, busy_timeout: Duration::ZERO };
    let store = SqliteStore::open(Database::Memory, options).unwrap();
    store.write_exclusive(&mut exercise).unwrap();
    let guard = store.writer.lock();
    let connection = guard.as_ref().unwrap();
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
            if step.contains("sessions ") {
                assert!(step.contains("tenant_no=?"), "{step}: {statement}");
            }
        }
    }
}
