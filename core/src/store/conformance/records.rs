//! Everything that is written reads back, and a change touches its own fields only.

use super::samples::{
    add_tenant, at, full_config, full_session, full_tenant, key, plain_session, plain_tenant, session_id,
    user,
};
use super::{NEVER_BUSY, TestDatabase, code, read, try_write, write};
use crate::error::{ErrorCode, Failure};
use crate::model::client::ClientInfo;
use crate::model::device_type::DeviceType;
use crate::model::imported::{CredentialHash, ExternalId, ImportKey};
use crate::model::session::{End, EndReason, SessionTimes};
use crate::store::{
    Needs, RecordParts, ScanFilter, SessionRecord, SessionScope, Store, TenantNo, WaitPolicy,
    WriteTransaction,
};
use crate::token::keyring::KeyState;

/// A tenant with this session in it.
fn with_session(store: &dyn Store, record: &SessionRecord) -> TenantNo {
    write(store, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        tx.add_session(tenant, record)?;
        Ok(tenant)
    })
}

fn session(store: &dyn Store, tenant: TenantNo, record: &SessionRecord) -> SessionRecord {
    read(store, |tx| tx.session(tenant, record.id)).unwrap()
}

/// A session without an end, every other field set.
fn open_session() -> SessionRecord {
    let full = full_session(session_id(1), &user("usr_1"), 1);
    SessionRecord { times: SessionTimes { end: None, ..full.times }, ..full }
}

pub(in crate::store) fn a_session_with_every_field_set_reads_back(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    for seed in 0..8 {
        let record = full_session(session_id(u16::from(seed)), &user("usr 'ü"), seed);
        let tenant = write(&*store, |tx| {
            let id = "tnt".parse().unwrap();
            let tenant = match tx.tenant_no(&id)? {
                Some(tenant) => tenant,
                None => add_tenant(tx, "tnt")?,
            };
            tx.add_session(tenant, &record)?;
            Ok(tenant)
        });
        assert_eq!(session(&*store, tenant, &record), record);
    }
}

pub(in crate::store) fn a_session_with_every_optional_field_absent_reads_back(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let record = plain_session(session_id(1), &user("usr_1"));
    let tenant = with_session(&*store, &record);
    assert_eq!(session(&*store, tenant, &record), record);
}

pub(in crate::store) fn a_device_type_that_was_not_given_is_derived(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148";
    let client = ClientInfo { user_agent: Some(agent.parse().unwrap()), ..ClientInfo::default() };
    let record = SessionRecord { client, ..plain_session(session_id(1), &user("usr_1")) };
    let tenant = with_session(&*store, &record);
    let kept = session(&*store, tenant, &record).client;
    assert_eq!(kept.device_type, Some(DeviceType::Mobile));
    assert_eq!(kept.user_agent, record.client.user_agent);
}

pub(in crate::store) fn a_rotation_changes_its_own_fields_and_no_other(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let before = open_session();
    let tenant = with_session(&*store, &before);
    for rotated in [full_session(before.id, &user("usr_2"), 2), plain_session(before.id, &user("usr_3"))] {
        write(&*store, |tx| tx.rotate_session(tenant, &rotated));
        let expected = SessionRecord {
            times: SessionTimes {
                last_active_at: rotated.times.last_active_at,
                judged_by: rotated.times.judged_by,
                ..before.times
            },
            rotation: rotated.rotation,
            access: rotated.access,
            last_seen: rotated.last_seen,
            ..before.clone()
        };
        assert_eq!(session(&*store, tenant, &before), expected);
    }
}

pub(in crate::store) fn a_change_of_identity_changes_its_own_fields_and_no_other(
    database: &dyn TestDatabase,
) {
    let store = database.open(NEVER_BUSY);
    let before = open_session();
    let tenant = with_session(&*store, &before);
    for changed in [full_session(before.id, &user("usr_2"), 2), plain_session(before.id, &user("usr_3"))] {
        write(&*store, |tx| tx.change_identity(tenant, &changed));
        let mut expected = SessionRecord {
            access: changed.access,
            identity: changed.identity,
            identity_serial: changed.identity_serial,
            factors: changed.factors,
            times: SessionTimes { judged_by: changed.times.judged_by, ..before.times },
            ..before.clone()
        };
        expected.identity.email.clone_from(&before.identity.email);
        assert_eq!(session(&*store, tenant, &before), expected);
    }
}

pub(in crate::store) fn an_imported_session_is_found_by_what_it_was_imported_with(
    database: &dyn TestDatabase,
) {
    let store = database.open(NEVER_BUSY);
    let [plain, first, second] = [1, 2, 3].map(|number| plain_session(session_id(number), &user("u")));
    let [one, two, three] = [1, 2, 3].map(|byte| CredentialHash([byte; 32]));
    let name = |text: &str| -> Option<ExternalId> { Some(text.parse().unwrap()) };
    let first = SessionRecord { credential: Some(one), external_id: name("a"), ..first };
    let second = SessionRecord { credential: Some(two), ..second };
    let (tenant, other) = write(&*store, |tx| {
        let (tenant, other) = (add_tenant(tx, "tnt")?, add_tenant(tx, "other")?);
        for session in [&plain, &first, &second] {
            tx.add_session(tenant, session)?;
        }
        Ok((tenant, other))
    });
    let find = |tenant, keys: &[(CredentialHash, Option<ExternalId>)]| {
        let key = |(credential, external_id): &(CredentialHash, Option<ExternalId>)| ImportKey {
            credential: *credential,
            external_id: external_id.clone(),
        };
        let keys: Vec<ImportKey> = keys.iter().map(key).collect();
        let mut found = read(&*store, |tx| tx.imported_sessions(tenant, &keys));
        found.sort_unstable_by_key(|session| session.id);
        found.dedup();
        found
    };
    assert_eq!(find(tenant, &[]), []);
    assert_eq!(find(tenant, &[(three, None), (three, name("b"))]), []);
    assert_eq!(find(other, &[(one, name("a"))]), []);
    assert_eq!(find(tenant, &[(one, name("a")), (two, None)]), [first.clone(), second.clone()]);
    write(&*store, |tx| {
        tx.set_credential(tenant, first.id, three)?;
        assert_eq!(
            tx.imported_sessions(tenant, &[ImportKey { credential: three, external_id: None }])?.len(),
            1
        );
        Ok(())
    });
    let first = SessionRecord { credential: Some(three), ..first };
    assert_eq!(find(tenant, &[(one, None)]), []);
    assert_eq!(find(tenant, &[(one, name("a"))]), std::slice::from_ref(&first));
    for change in [
        &|tx: &dyn WriteTransaction| tx.set_credential(tenant, plain.id, one),
        &|tx: &dyn WriteTransaction| tx.set_credential(tenant, second.id, three),
    ] as [&dyn Fn(&dyn WriteTransaction) -> Result<(), Failure>; 2]
    {
        assert_eq!(try_write(&*store, change), Err(ErrorCode::StorageCorrupt));
    }
}

pub(in crate::store) fn a_replay_is_counted(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let mut record = open_session();
    let tenant = with_session(&*store, &record);
    write(&*store, |tx| tx.count_replay(tenant, record.id));
    record.rotation.replays += 1;
    assert_eq!(session(&*store, tenant, &record), record);
}

pub(in crate::store) fn an_end_reads_back_with_every_reason(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    for (number, reason) in EndReason::ALL.iter().enumerate() {
        let mut record = plain_session(session_id(number as u16), &user("usr_1"));
        let end = End { at: at(100 + number as i64), reason: *reason };
        write(&*store, |tx| {
            tx.add_session(tenant, &record)?;
            tx.end_session(tenant, record.id, end, 0)
        });
        record.times.end = Some(end);
        assert_eq!(session(&*store, tenant, &record), record);
    }
}

pub(in crate::store) fn an_end_is_never_replaced(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let record = open_session();
    let tenant = with_session(&*store, &record);
    let first = End { at: at(50), reason: EndReason::SignOut };
    write(&*store, |tx| tx.end_session(tenant, record.id, first, 0));
    for later in [End { at: at(60), reason: EndReason::Revoked }, first] {
        let outcome = try_write(&*store, |tx| tx.end_session(tenant, record.id, later, 0));
        assert_eq!(outcome, Err(ErrorCode::StorageCorrupt));
        assert_eq!(session(&*store, tenant, &record).times.end, Some(first));
    }
}

pub(in crate::store) fn a_deleted_session_is_gone(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let record = open_session();
    let tenant = with_session(&*store, &record);
    write(&*store, |tx| tx.delete_session(tenant, record.id));
    assert_eq!(read(&*store, |tx| tx.session(tenant, record.id)), None);
    assert!(read(&*store, |tx| tx.scan_oldest_first(tenant, SessionScope::Tenant, None, 1)).is_empty());
}

pub(in crate::store) fn a_tenant_with_every_setting_reads_back(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    for (id, record) in [("tnt_plain", plain_tenant()), ("tnt 'ü", full_tenant())] {
        let id = id.parse().unwrap();
        assert_eq!(read(&*store, |tx| tx.tenant_no(&id)), None);
        let tenant = write(&*store, |tx| tx.add_tenant(&id, &record, at(1)));
        assert_eq!(read(&*store, |tx| tx.tenant_no(&id)), Some(tenant));
        assert_eq!(read(&*store, |tx| tx.tenant(tenant)), record);
    }
}

pub(in crate::store) fn new_settings_and_a_new_secret_replace_the_former_ones(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let tenant = write(&*store, |tx| add_tenant(tx, "tnt"));
    let mut expected = plain_tenant();

    write(&*store, |tx| tx.set_config(tenant, &full_config(), at(55)));
    (expected.config, expected.token_horizon) = (full_config(), at(55));
    assert_eq!(read(&*store, |tx| tx.tenant(tenant)), expected);

    write(&*store, |tx| tx.set_secret(tenant, &[7; 16], &[6; 50]));
    (expected.salt, expected.wrapped_refresh_key) = ([7; 16], vec![6; 50]);
    assert_eq!(read(&*store, |tx| tx.tenant(tenant)), expected);

    let plain = plain_tenant().config;
    write(&*store, |tx| tx.set_config(tenant, &plain, at(0)));
    (expected.config, expected.token_horizon) = (plain, at(0));
    assert_eq!(read(&*store, |tx| tx.tenant(tenant)), expected);
}

pub(in crate::store) fn keys_of_every_state_read_back(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let states = [KeyState::Next, KeyState::Active, KeyState::Retiring, KeyState::Retired];
    let mut keys: Vec<_> = (1..).zip(states).map(|(no, state)| key(no, state)).collect();
    let tenant = write(&*store, |tx| {
        let tenant = add_tenant(tx, "tnt")?;
        keys.iter().try_for_each(|key| tx.add_key(tenant, key))?;
        Ok(tenant)
    });
    assert_eq!(read(&*store, |tx| tx.keys(tenant)), keys);
    for (known, state) in keys.iter_mut().zip(states.into_iter().rev()) {
        let id_and_birth = (known.id, known.created_at);
        *known = key(known.no, state);
        assert_eq!((known.id, known.created_at), id_and_birth);
        write(&*store, |tx| tx.set_key(tenant, known));
    }
    assert_eq!(read(&*store, |tx| tx.keys(tenant)), keys);
    // In the end the first is retired, and only a retired one is deleted.
    write(&*store, |tx| tx.delete_key(tenant, 1));
    assert_eq!(read(&*store, |tx| tx.keys(tenant)), keys[1..]);
}

pub(in crate::store) fn tenants_do_not_see_each_other(database: &dyn TestDatabase) {
    let store = database.open(NEVER_BUSY);
    let record = open_session();
    let tenant = with_session(&*store, &record);
    write(&*store, |tx| tx.add_key(tenant, &key(1, KeyState::Active)));
    let other = write(&*store, |tx| add_tenant(tx, "tnt_other"));
    store
        .read(WaitPolicy::Block, &Needs::default(), &mut |tx| {
            assert_eq!(tx.session(other, record.id)?, None);
            assert!(tx.keys(other)?.is_empty());
            tx.scan_open_newest_first(other, &record.user_id, None, &mut |_| unreachable!())?;
            for scope in [SessionScope::Tenant, SessionScope::User(&record.user_id)] {
                assert!(tx.scan_oldest_first(other, scope, None, 10)?.is_empty());
                tx.scan_newest_first(
                    other,
                    scope,
                    ScanFilter::All,
                    RecordParts::All,
                    None,
                    &mut |_, _| unreachable!(),
                )?;
            }
            Ok(())
        })
        .unwrap();
    let failure = store.write_exclusive(&mut |tx| tx.delete_session(other, record.id)).unwrap_err();
    assert_eq!(code(failure), ErrorCode::StorageCorrupt);
    assert_eq!(session(&*store, tenant, &record), record);
}
