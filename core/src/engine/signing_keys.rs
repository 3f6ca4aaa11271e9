//! Signing keys: rotation, retirement, the JWK Set; the secret key that wraps them.

use std::fmt;

use jsonwebtoken::jwk::JwkSet;

use super::Tenant;
use super::tenant::{WriteContext, unwrap_seed};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode, Failure, Refusal};
use crate::key_wrapping::{SALT_BYTES, WrappingKey, refresh_key_purpose, signing_key_purpose};
use crate::model::id::KeyId;
use crate::random;
use crate::rules::expiry;
use crate::secret::SecretKey;
use crate::store::KeyRecord;
use crate::token::keyring::{KeyInfo, KeyState};

/// A JWK Set (RFC 7517): the public keys that verify the tenant's live access tokens, and the next one. Prints as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwks(JwkSet);

impl Jwks {
    /// The set as a JSON value `{"keys": […]}`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_json().fmt(f)
    }
}

/// The state as seen at `now`: a retiring key whose tokens are all dead is retired, also before anybody writes it down.
fn state_at(key: &KeyRecord, now: Timestamp) -> KeyState {
    match key.drained_at {
        Some(drained_at) if now >= drained_at => KeyState::Retired,
        _ => key.state,
    }
}

fn retired(key: KeyRecord) -> KeyRecord {
    KeyRecord { state: KeyState::Retired, drained_at: None, wrapped_seed: None, ..key }
}

fn next_no(keys: &[KeyRecord]) -> i64 {
    keys.iter().map(|key| key.no).max().unwrap_or(0) + 1
}

impl Tenant {
    /// All signing keys, oldest first, retired ones included.
    ///
    /// # Errors
    /// None of its own.
    pub fn keys(&self) -> Result<Vec<KeyInfo>, Error> {
        self.read(|r| {
            let keys = r.store.keys(r.tenant)?;
            let info = |key: &KeyRecord| KeyInfo {
                kid: key.id,
                state: state_at(key, r.now),
                created_at: key.created_at,
            };
            Ok(Ok(keys.iter().map(info).collect()))
        })
    }

    /// The public keys as a JWK Set: next, active, and retiring ones until their longest-lived token is dead.
    ///
    /// # Errors
    /// None of its own.
    pub fn jwks(&self) -> Result<Jwks, Error> {
        self.read(|r| Ok(Ok(Jwks(r.current.ring.jwks(r.now)))))
    }

    /// Rotates the signing keys: the next key becomes active, the active one retiring, a new next one is minted. No
    /// session ends and no token dies. Answers with the key that signs from now on.
    ///
    /// # Errors
    /// None of its own.
    pub fn rotate_keys(&self) -> Result<KeyId, Error> {
        self.write_settings(|w| {
            let config = &w.current.config;
            let drained_at = expiry::token_horizon(w.now, config, w.current.token_horizon);
            let keys = w.store.keys(w.tenant)?;
            let no = next_no(&keys);
            let mut active = None;
            for key in keys {
                match state_at(&key, w.now) {
                    KeyState::Active => {
                        let retiring =
                            KeyRecord { state: KeyState::Retiring, drained_at: Some(drained_at), ..key };
                        w.store.set_key(w.tenant, &retiring)?;
                    }
                    KeyState::Next => {
                        active = Some(key.id);
                        w.store.set_key(w.tenant, &KeyRecord { state: KeyState::Active, ..key })?;
                    }
                    KeyState::Retired if key.state == KeyState::Retiring => {
                        w.store.set_key(w.tenant, &retired(key))?;
                    }
                    KeyState::Retiring | KeyState::Retired => {}
                }
            }
            w.store.add_key(w.tenant, &self.mint_key(no, KeyState::Next, w.now)?)?;
            // No token of the newly active key exists yet.
            w.store.set_config(w.tenant, config, Timestamp::default())?;
            active.map(Ok).ok_or_else(|| Failure::corrupt("the tenant has no next signing key"))
        })
    }

    /// Retires a retiring or next key at once, for emergencies: its tokens die. A next key is replaced by a new one.
    /// Retiring a retired key does nothing.
    ///
    /// # Errors
    /// `not_found`; `validation_error` for the active key: rotate first.
    pub fn retire_key(&self, kid: KeyId) -> Result<(), Error> {
        self.write_settings(|w| {
            let keys = w.store.keys(w.tenant)?;
            let no = next_no(&keys);
            let Some(key) = keys.into_iter().find(|key| key.id == kid) else {
                return Ok(Err(Refusal::new(ErrorCode::NotFound, "no such key")));
            };
            match key.state {
                KeyState::Retired => {}
                KeyState::Active => {
                    return Ok(Err(Refusal::because(Error::validation(
                        "kid",
                        "is the active key; rotate first",
                    ))));
                }
                KeyState::Retiring => w.store.set_key(w.tenant, &retired(key))?,
                KeyState::Next => {
                    w.store.set_key(w.tenant, &retired(key))?;
                    w.store.add_key(w.tenant, &self.mint_key(no, KeyState::Next, w.now)?)?;
                }
            }
            Ok(Ok(()))
        })
    }

    /// Changes the tenant's secret key: all keys are wrapped anew, no session and no token is touched. This handle and
    /// its clones go on; every other handle, here and in other processes, answers `invalid_api_key` from its next call.
    ///
    /// # Errors
    /// `validation_error` for a new key that does not start with `sk_`.
    pub fn change_secret_key(&self, new: &SecretKey) -> Result<(), Error> {
        let random = &*self.core.random;
        let salt = *random::bytes::<SALT_BYTES>(random)?;
        // Before the transaction: stretching takes long.
        let wrapping = WrappingKey::stretch(new.require_well_formed()?, &salt)?;
        // Taken inside the transaction, kept until the commit is known: nobody may read the new rows with the old key.
        let mut own = None;
        let answer = self.write_settings(|w| {
            let current = self.state.wrapping.write();
            rewrap(self, w, &current, &wrapping, &salt)?;
            own = Some(current);
            Ok(Ok(()))
        });
        if let (Ok(()), Some(mut own)) = (&answer, own) {
            *own = wrapping;
        }
        answer
    }
}

fn rewrap(
    tenant: &Tenant,
    w: &WriteContext<'_>,
    old: &WrappingKey,
    new: &WrappingKey,
    salt: &[u8; SALT_BYTES],
) -> Result<(), Failure> {
    let (id, random) = (tenant.id(), &*tenant.core.random);
    for key in w.store.keys(w.tenant)? {
        if let Some(seed) = unwrap_seed(&key, id, old)? {
            let wrapped_seed = Some(new.wrap(&seed, &signing_key_purpose(id, key.id), random)?);
            w.store.set_key(w.tenant, &KeyRecord { wrapped_seed, ..key })?;
        }
    }
    let purpose = refresh_key_purpose(id);
    let refresh_key = old
        .unwrap(&w.store.tenant(w.tenant)?.wrapped_refresh_key, &purpose)
        .ok_or_else(|| Failure::corrupt("the tenant's refresh key does not open"))?;
    w.store.set_secret(w.tenant, salt, &new.wrap(&refresh_key, &purpose, random)?)
}
