//! Making a tenant on its first use, and minting signing keys.

use super::inner::{EngineInner, raise_clock_mark};
use crate::clock::Timestamp;
use crate::error::{Error, Failure};
use crate::key_wrapping::{SALT_BYTES, WrappingKey, refresh_key_purpose, signing_key_purpose};
use crate::model::config::Config;
use crate::model::id::TenantId;
use crate::random;
use crate::secret::SecretKey;
use crate::store::{KeyRecord, TenantRecord};
use crate::token::keyring::{KeyNo, KeyState};

/// Adds the tenant with its refresh key, an active and a next signing key, all wrapped under the secret key. Does nothing
/// if another thread or process has added the tenant meanwhile: then that one's secret key counts. Answers with the salt and
/// what it made of the secret key, which costs too much to make it again.
pub(super) fn create_tenant(
    inner: &EngineInner,
    id: &TenantId,
    secret: &SecretKey,
) -> Result<([u8; SALT_BYTES], WrappingKey), Error> {
    let salt = *random::draw_bytes::<SALT_BYTES>(&*inner.random)?;
    // Before the transaction: stretching takes long.
    let secret = secret.require_strength(inner.key_strength)?;
    let wrapping = WrappingKey::stretch(secret, &salt, &*inner.random)?;
    let refresh_key = random::draw_bytes::<32>(&*inner.random)?;
    let wrapped_refresh_key = wrapping.wrap(&refresh_key, &refresh_key_purpose(id), &*inner.random)?;
    inner.store.write_exclusive(&mut |transaction| {
        if transaction.tenant_no(id)?.is_some() {
            return Ok(());
        }
        let mark = transaction.clock_mark()?;
        let now = inner.now(inner.transaction_time(transaction)?, mark);
        let record = TenantRecord {
            config: Config::default(),
            salt,
            wrapped_refresh_key: wrapped_refresh_key.clone(),
            token_horizon: Timestamp::default(),
        };
        let no = transaction.add_tenant(id, &record, now)?;
        for (key_no, state) in [(1, KeyState::Active), (2, KeyState::Next)] {
            transaction.add_key(no, &mint_signing_key(inner, id, &wrapping, key_no, state, now)?)?;
        }
        raise_clock_mark(transaction, mark, now)
    })?;
    Ok((salt, wrapping))
}

pub(super) fn mint_signing_key(
    inner: &EngineInner,
    tenant: &TenantId,
    wrapping: &WrappingKey,
    no: KeyNo,
    state: KeyState,
    now: Timestamp,
) -> Result<KeyRecord, Failure> {
    let id = inner.ids.key(now, &*inner.random)?;
    let seed = random::draw_bytes::<32>(&*inner.random)?;
    let wrapped_seed = wrapping.wrap(&seed, &signing_key_purpose(tenant, id), &*inner.random)?;
    Ok(KeyRecord { no, id, state, created_at: now, drained_at: None, wrapped_seed: Some(wrapped_seed) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{SystemClock, TimeSource};
    use crate::engine::Engine;
    use crate::engine::inner::EngineSettings;
    use crate::error::ErrorCode;
    use crate::random::OsRandom;
    use crate::store::{self, Database, Durability, SqliteDatabase, StoreOptions};

    /// A tenant as a release made it that asked for no strength.
    fn make_tenant_of_before(path: &std::path::Path, id: &TenantId, secret: &SecretKey) {
        let options = StoreOptions { durability: Durability::Normal, ..StoreOptions::default() };
        let store = store::open(Database::Sqlite(SqliteDatabase::File(path.into())), options).unwrap();
        let (clock, random) = (TimeSource::Injected(Box::new(SystemClock)), Box::new(OsRandom));
        let inner = EngineInner::new(store, clock, random, EngineSettings::without_limits());
        create_tenant(&inner, id, secret).unwrap();
        inner.store.close();
    }

    #[test]
    fn a_tenant_that_exists_opens_with_its_weak_key_and_is_changed_to_a_strong_one_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sessions.db");
        let (id, weak, other): (TenantId, SecretKey, SecretKey) =
            ("tnt_a".parse().unwrap(), "sk_a".parse().unwrap(), "sk_b".parse().unwrap());
        make_tenant_of_before(&path, &id, &weak);

        let engine = Engine::open(&path).unwrap();
        let tenant = engine.tenant(&id, &weak).unwrap();
        assert_eq!(engine.tenant(&id, &other).unwrap_err().code(), ErrorCode::InvalidApiKey);
        for new in [&weak, &other] {
            let error = tenant.change_secret_key(new).unwrap_err();
            assert_eq!(error.code(), ErrorCode::ValidationError);
        }
        tenant.change_secret_key(&"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse().unwrap()).unwrap();
        let new_tenant = engine.tenant(&"tnt_b".parse().unwrap(), &weak).unwrap_err();
        assert_eq!(new_tenant.code(), ErrorCode::ValidationError);
    }

    #[test]
    fn a_tenant_in_memory_may_have_a_weak_key() {
        let engine = Engine::open(":memory:").unwrap();
        let tenant = engine.tenant(&"tnt_a".parse().unwrap(), &"sk_a".parse().unwrap()).unwrap();
        tenant.change_secret_key(&"sk_b".parse().unwrap()).unwrap();
    }
}
