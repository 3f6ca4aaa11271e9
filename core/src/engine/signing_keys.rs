//! Signing keys: rotation, retirement, the JWK Set; the refresh key; the secret key that wraps them.

use super::event_log::EventData;
use super::observed::count_rows;
use super::provisioning::mint_signing_key;
use super::refusals::{too_many_rotations, unknown_key};
use super::tenant::Tenant;
use super::tenant_snapshot::unwrap_seed;
use super::transaction::WriteContext;
use crate::clock::Timestamp;
use crate::error::{Error, Failure, Refusal};
use crate::key_wrapping::{SALT_BYTES, WrappingKey, refresh_key_purpose, signing_key_purpose};
use crate::model::event::EventType;
use crate::model::id::KeyId;
use crate::model::operation::Operation;
use crate::random;
use crate::rules::expiry;
use crate::secret::SecretKey;
use crate::store::lease_wait;
use crate::store::{KeyRecord, NeededSessions};
use crate::token::jwks::Jwks;
use crate::token::keyring::{KeyInfo, KeyNo, KeyState};

/// How many keys may be retiring at once: each is loaded with the tenant, published, and wrapped anew with a new secret key.
const RETIRING_MAX: usize = 100;

/// How many retired keys a tenant's records keep when another key is made.
const RETIRED_MAX: usize = 100;

/// The state as seen at `now`: a retiring key whose tokens have all expired is retired, also before that is written down.
fn state_at(key: &KeyRecord, now: Timestamp) -> KeyState {
    match key.drained_at {
        Some(drained_at) if now >= drained_at => KeyState::Retired,
        _ => key.state,
    }
}

/// What is told of the key at this place among all keys, oldest first.
fn describe_key(keys: &[KeyRecord], at: usize, now: Timestamp) -> Option<KeyInfo> {
    let key = keys.get(at)?;
    let state = state_at(key, now);
    let has_signed = matches!(key.state, KeyState::Active | KeyState::Retiring);
    // The rotation that activates a key makes the one after it.
    let made_after = |at: usize| keys.get(at + 1).map(|next| next.created_at);
    // The key that took over is the next one, unless that was retired: then it may never have signed.
    let successor = keys.get(at + 1).filter(|next| next.state != KeyState::Retired);
    let is_retiring = state == KeyState::Retiring;
    Some(KeyInfo {
        kid: key.id,
        state,
        created_at: key.created_at,
        activated_at: if has_signed && state != KeyState::Retired { made_after(at) } else { None },
        retiring_at: if is_retiring && successor.is_some() { made_after(at + 1) } else { None },
        leaves_at: key.drained_at.filter(|_| is_retiring),
    })
}

/// The record of the key once it is retired: without its seed.
pub(super) fn retire(key: KeyRecord) -> KeyRecord {
    KeyRecord { state: KeyState::Retired, drained_at: None, wrapped_seed: None, ..key }
}

fn next_key_no(keys: &[KeyRecord]) -> KeyNo {
    keys.iter().map(|key| key.no).max().unwrap_or(0) + 1
}

impl WriteContext<'_> {
    /// The refusal of a rotation while as many keys are retiring as may be.
    fn require_room_for_retiring(&self, keys: &[KeyRecord]) -> Result<(), Refusal> {
        let retiring = keys.iter().filter(|key| state_at(key, self.now) == KeyState::Retiring);
        if retiring.clone().count() < RETIRING_MAX {
            return Ok(());
        }
        let first_leaves_at = retiring.filter_map(|key| key.drained_at).min().unwrap_or(self.now);
        Err(too_many_rotations(RETIRING_MAX, expiry::seconds_until(first_leaves_at, self.now)))
    }

    /// Deletes the oldest retired keys, of which a tenant keeps [`RETIRED_MAX`]; the other keys.
    fn forget_oldest_retired(&self, keys: Vec<KeyRecord>) -> Result<Vec<KeyRecord>, Failure> {
        let is_retired = |key: &KeyRecord| state_at(key, self.now) == KeyState::Retired;
        let mut excess = keys.iter().filter(|key| is_retired(key)).count().saturating_sub(RETIRED_MAX);
        let mut kept = Vec::with_capacity(keys.len() - excess);
        for key in keys {
            if excess == 0 || !is_retired(&key) {
                kept.push(key);
                continue;
            }
            excess -= 1;
            let no = key.no;
            if key.state == KeyState::Retiring {
                self.retire_drained(key)?;
            }
            self.transaction.delete_key(self.tenant, no)?;
        }
        Ok(kept)
    }

    /// Writes down that the last token of this retiring key has expired.
    fn retire_drained(&self, key: KeyRecord) -> Result<(), Failure> {
        let (kid, drained_at) = (key.id, key.drained_at.unwrap_or(self.now));
        self.transaction.set_key(self.tenant, &retire(key))?;
        self.events().tell_of(EventType::KeyRetired, drained_at, None, None, || {
            EventData::default().with("kid", kid.to_string())
        })
    }
}

impl Tenant {
    /// All signing keys, oldest first, retired ones included: the newest 100 of those at least.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// let states: Vec<&str> = tenant.keys()?.iter().map(|key| key.state.as_str()).collect();
    /// assert_eq!(states, ["active", "next"]);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn keys(&self) -> Result<Vec<KeyInfo>, Error> {
        self.observe(Operation::Keys, |keys: &Vec<KeyInfo>| count_rows(keys), || self.read_keys())
    }

    fn read_keys(&self) -> Result<Vec<KeyInfo>, Error> {
        self.read_about(NeededSessions::Scanned, |ctx| {
            let keys = ctx.transaction.keys(ctx.tenant)?;
            Ok((0..keys.len()).filter_map(|at| describe_key(&keys, at, ctx.now)).collect())
        })
    }

    /// The public keys as a JWK Set: next, active, and retiring ones until the last token that they signed has expired.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// println!("{}", tenant.jwks()?); // {"keys":[{"kty":"OKP","crv":"Ed25519",…},…]}
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn jwks(&self) -> Result<Jwks, Error> {
        self.observe(Operation::Jwks, |_| 0, || self.read(|ctx| Ok(ctx.snapshot.ring.jwks(ctx.now))))
    }

    /// Rotates the signing keys: the next key becomes active, the active one retiring, a new next one is minted. No
    /// session ends and no token dies. Answers with the key that signs from now on. Of the retired keys the newest 100 are
    /// kept.
    ///
    /// # Errors
    /// `too_many_requests` while 100 keys are retiring, with the time until the first of them leaves.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// let active = tenant.rotate_keys()?;
    /// assert_eq!(tenant.keys()?[1].kid, active);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn rotate_keys(&self) -> Result<KeyId, Error> {
        self.observe(Operation::RotateKeys, |_| 1, || self.replace_active_key())
    }

    fn replace_active_key(&self) -> Result<KeyId, Error> {
        self.write_settings(|ctx| {
            let config = &ctx.snapshot.config;
            let drained_at = expiry::token_horizon(ctx.now, config, ctx.snapshot.token_horizon);
            let keys = ctx.transaction.keys(ctx.tenant)?;
            ctx.require_room_for_retiring(&keys)?;
            let keys = ctx.forget_oldest_retired(keys)?;
            let no = next_key_no(&keys);
            let mut active = None;
            for key in keys {
                match state_at(&key, ctx.now) {
                    KeyState::Active => {
                        let retiring =
                            KeyRecord { state: KeyState::Retiring, drained_at: Some(drained_at), ..key };
                        ctx.transaction.set_key(ctx.tenant, &retiring)?;
                    }
                    KeyState::Next => {
                        active = Some(key.id);
                        ctx.transaction.set_key(ctx.tenant, &KeyRecord { state: KeyState::Active, ..key })?;
                    }
                    KeyState::Retired if key.state == KeyState::Retiring => ctx.retire_drained(key)?,
                    KeyState::Retiring | KeyState::Retired => {}
                }
            }
            self.add_next_key(ctx, no)?;
            // No token of the newly active key exists yet.
            ctx.transaction.set_config(ctx.tenant, config, Timestamp::default())?;
            let active = active.ok_or_else(|| Failure::corrupt("the tenant has no next signing key"))?;
            ctx.events()
                .tell(EventType::KeyRotated, None, || EventData::default().with("kid", active.to_string()))?;
            Ok(active)
        })
    }

    /// Retires a retiring or next key at once, for emergencies: its tokens die. A next key is replaced by a new one.
    /// Retiring a retired key does nothing. The key is taken out of the database's files as
    /// [`change_secret_key`](Self::change_secret_key) says.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// let former = tenant.keys()?.into_iter().find(|key| key.state == hellojohn::KeyState::Active).expect("one");
    /// tenant.rotate_keys()?;
    /// tenant.retire_key(former.kid)?; // its tokens die
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `not_found`; `validation_error` for the active key: rotate first.
    pub fn retire_key(&self, kid: KeyId) -> Result<(), Error> {
        self.observe(Operation::RetireKey, |()| 1, || self.retire_at_once(kid))
    }

    fn retire_at_once(&self, kid: KeyId) -> Result<(), Error> {
        let answer = self.write_settings(|ctx| {
            let keys = ctx.transaction.keys(ctx.tenant)?;
            let no = next_key_no(&keys);
            let key = keys.iter().find(|key| key.id == kid).cloned().ok_or_else(unknown_key)?;
            match key.state {
                KeyState::Retired => {
                    ctx.transaction.outlast_leases(None); // another call may have retired it just now
                    return Ok(());
                }
                KeyState::Active => {
                    let problem = Error::validation("kid", "is the active key; rotate first");
                    return Err(Refusal::because(problem).into());
                }
                KeyState::Retiring => ctx.transaction.set_key(ctx.tenant, &retire(key))?,
                KeyState::Next => {
                    ctx.forget_oldest_retired(keys)?;
                    ctx.transaction.set_key(ctx.tenant, &retire(key))?;
                    self.add_next_key(ctx, no)?;
                }
            }
            ctx.events()
                .tell(EventType::KeyRetired, None, || EventData::default().with("kid", kid.to_string()))?;
            Ok(())
        });
        if answer.is_ok() {
            self.inner.erase_deleted();
        }
        answer
    }

    /// Retires the keys whose last token has expired; how many.
    pub(super) fn retire_drained_keys(&self) -> Result<u64, Error> {
        let is_drained =
            |key: &KeyRecord, now| key.state == KeyState::Retiring && state_at(key, now) == KeyState::Retired;
        let any = self
            .read(|ctx| Ok(ctx.transaction.keys(ctx.tenant)?.iter().any(|key| is_drained(key, ctx.now))))?;
        if !any {
            return Ok(0);
        }
        self.write_settings(|ctx| {
            let mut retired = 0;
            for key in ctx.transaction.keys(ctx.tenant)? {
                if is_drained(&key, ctx.now) {
                    ctx.retire_drained(key)?;
                    retired += 1;
                }
            }
            Ok(retired)
        })
    }

    fn add_next_key(&self, ctx: &WriteContext<'_>, no: KeyNo) -> Result<(), Failure> {
        let wrapping = self.state.wrapping.read();
        let key = mint_signing_key(&self.inner, self.id(), &wrapping, no, KeyState::Next, ctx.now)?;
        ctx.transaction.add_key(ctx.tenant, &key)
    }

    /// Changes the tenant's secret key: all keys are wrapped anew, no session and no token is touched. This handle and
    /// its clones go on; every other handle, here and in other processes, answers `invalid_api_key` from its next call.
    ///
    /// What the former secret key opened is taken out of the database and its log, so that it opens no copy made from now
    /// on. Where a long read holds the log, the next [`sweep`](Self::sweep), [`purge`](Self::purge) or change of keys through
    /// this engine does that. After a leak more is to do: see [`rotate_refresh_key`](Self::rotate_refresh_key).
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// tenant.change_secret_key(&"sk_live_8hQ2mZ6tYb1XcD4vNf7kRw".parse()?)?;
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` for a new key that does not start with `sk_` or is weaker than [`SecretKey`] asks for.
    pub fn change_secret_key(&self, new: &SecretKey) -> Result<(), Error> {
        self.observe(Operation::ChangeSecretKey, |()| 0, || self.replace_secret_key(new))
    }

    fn replace_secret_key(&self, new: &SecretKey) -> Result<(), Error> {
        let random = &*self.inner.random;
        let salt = *random::draw_bytes::<SALT_BYTES>(random)?;
        // Before the transaction: stretching takes long.
        let wrapping = WrappingKey::stretch(new.require_strength(self.inner.key_strength)?, &salt, random)?;
        // Locked inside the transaction and until its commit is known: no reader may meet the new rows with the old key.
        let mut own = None;
        // What other machines remember is waited for at the end, without the lock.
        let (answer, left) = lease_wait::defer(|| {
            self.write_settings(|ctx| {
                own = None; // the job may run again, and must not wait for itself
                let current = self.state.wrapping.write();
                self.rewrap_keys(ctx, &current, &wrapping, &salt)?;
                ctx.events().tell(EventType::SecretKeyChanged, None, EventData::default)?;
                own = Some(current);
                Ok(())
            })
        });
        if let (Ok(()), Some(mut own)) = (&answer, own) {
            *own = wrapping;
        }
        if let Some(left) = left {
            left.wait();
        }
        if answer.is_ok() {
            self.inner.erase_deleted();
        }
        answer
    }

    /// Replaces the key behind refresh tokens: every refresh token that was issued before is `refresh_token_invalid` from
    /// now on, in every process, and so is every cursor of a list. No session ends, and access tokens stay good until they
    /// expire; then their users sign in again.
    ///
    /// With the secret key and a copy of the file a thief can make a refresh token of every session, also of those that
    /// begin later if he can read the file again, and sign access tokens. After such a leak, in this order:
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// use hellojohn::KeyState;
    ///
    /// tenant.change_secret_key(&"sk_live_nE4wQ8tYb2mZ6kXp9RvLcU".parse()?)?; // the thief's key opens no new copy
    /// tenant.rotate_refresh_key()?; // no refresh token that he made works
    /// let stolen: Vec<_> = tenant.keys()?.into_iter().filter(|key| key.state != KeyState::Retired).collect();
    /// for key in stolen.iter().filter(|key| key.state != KeyState::Active) {
    ///     tenant.retire_key(key.kid)?; // the next key, too, which would sign after a rotation
    /// }
    /// tenant.rotate_keys()?;
    /// for key in stolen.iter().filter(|key| key.state == KeyState::Active) {
    ///     tenant.retire_key(key.kid)?; // no access token that he signed works
    /// }
    /// tenant.revoke_tenant()?; // no session goes on that he may have opened before
    /// # assert_eq!(tenant.keys()?.iter().filter(|key| key.state == KeyState::Retired).count(), 2);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn rotate_refresh_key(&self) -> Result<(), Error> {
        self.observe(Operation::RotateRefreshKey, |()| 0, || self.replace_refresh_key())
    }

    fn replace_refresh_key(&self) -> Result<(), Error> {
        let answer = self.write_settings(|ctx| {
            let (id, random) = (self.id(), &*self.inner.random);
            let wrapping = self.state.wrapping.read();
            let refresh_key = random::draw_bytes::<32>(random)?;
            let wrapped = wrapping.wrap(&refresh_key, &refresh_key_purpose(id), random)?;
            let salt = ctx.transaction.tenant(ctx.tenant)?.salt;
            ctx.transaction.set_secret(ctx.tenant, &salt, &wrapped)?;
            Ok(ctx.events().tell(EventType::RefreshKeyRotated, None, EventData::default)?)
        });
        if answer.is_ok() {
            self.inner.erase_deleted();
        }
        answer
    }

    /// Wraps all keys of the tenant under `new`.
    fn rewrap_keys(
        &self,
        ctx: &WriteContext<'_>,
        old: &WrappingKey,
        new: &WrappingKey,
        salt: &[u8; SALT_BYTES],
    ) -> Result<(), Failure> {
        let (id, random) = (self.id(), &*self.inner.random);
        for key in ctx.transaction.keys(ctx.tenant)? {
            if let Some(seed) = unwrap_seed(&key, id, old)? {
                let wrapped_seed = Some(new.wrap(&seed, &signing_key_purpose(id, key.id), random)?);
                ctx.transaction.set_key(ctx.tenant, &KeyRecord { wrapped_seed, ..key })?;
            }
        }
        let purpose = refresh_key_purpose(id);
        let refresh_key = old
            .unwrap(&ctx.transaction.tenant(ctx.tenant)?.wrapped_refresh_key, &purpose)
            .ok_or_else(|| Failure::corrupt("the tenant's refresh key does not open"))?;
        ctx.transaction.set_secret(ctx.tenant, salt, &new.wrap(&refresh_key, &purpose, random)?)
    }
}
