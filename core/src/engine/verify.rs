//! The three ways to verify, named so that callers cannot mix them up (SPEC 3).

use std::sync::Arc;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::answers::{VerifiedAccess, VerifyError};
use super::cache_validator::CacheValidator;
use super::pending::Pending;
use super::refusals::{ended_session, rejected_access_token, unknown_session};
use super::remembered::token_key;
use super::tenant::Tenant;
use super::tenant_snapshot::TenantSnapshot;
use super::transaction::BegunRead;
use super::waiting_threads::CallKind;
use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::error::{Error, Failure, Refusal};
use crate::json;
use crate::model::id::SessionId;
use crate::model::operation::Operation;
use crate::model::session::Session;
use crate::object_reader::ObjectReader;
use crate::store::NeededSessions;
use crate::token::access_claims::{ACCESS_TOKEN_MAX, AccessClaims};
use crate::token::verifier::{self, Expected, Leeway, Rejection};

/// Options of local verification.
///
/// ```
/// use hellojohn::LocalVerification;
///
/// let options = LocalVerification { leeway_secs: 5, ..LocalVerification::default() };
///
/// let json = serde_json::json!({"leeway_s": 5});
/// assert_eq!(LocalVerification::from_json(json.as_object().unwrap().clone())?, options);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalVerification {
    /// The `aud` to expect; default: the tenant's id, which is what the tenant's tokens have.
    pub audience: Option<String>,
    /// For how many seconds after its `exp` a token is still good, 0 to 60; default 0.
    pub leeway_secs: u64,
}

impl LocalVerification {
    /// Reads the optional `audience` and `leeway_s` (whole seconds).
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::request(object);
        let audience = members.optional("audience")?;
        let leeway_secs = match members.take("leeway_s") {
            None => 0,
            Some(value) => json::whole_number(&value).ok_or_else(|| {
                Error::validation("leeway", "must be a whole number of seconds from 0 to 60")
            })?,
        };
        members.finish()?;
        Ok(LocalVerification { audience, leeway_secs })
    }
}

/// What the store knows about a session.
enum Lookup {
    Active {
        session: Session,
        validator: CacheValidator,
        is_outdated: bool,
    },
    Ended(Session, Refusal),
    /// The tenant's keys are no longer the ones that the token was verified with.
    KeysChanged(Arc<TenantSnapshot>),
}

impl Tenant {
    /// Verifies by session id against the store: refuses a session from the instant that the call which ended it
    /// returned, in every thread and every process on the database.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// match tenant.verify_session(grant.session.id) {
    ///     Ok(session) => println!("{} is signed in", session.user_id),
    ///     Err(refused) => println!("{}", refused.error.code()),
    /// }
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `session_not_found`; with the session: `session_revoked`, `session_expired`.
    pub fn verify_session(&self, id: SessionId) -> Result<Session, VerifyError> {
        Ok(self.verify_session_cacheable(id)?.0)
    }

    /// [`verify_session`](Self::verify_session) for a caller that caches the answer: with the validator that
    /// [`is_fresh`](Self::is_fresh) takes.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let (session, validator) = tenant.verify_session_cacheable(grant.session.id)?;
    /// assert_eq!(session.id, grant.session.id);
    /// let may_be_shown_again = tenant.is_fresh(&validator)?; // later
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`verify_session`](Self::verify_session).
    pub fn verify_session_cacheable(&self, id: SessionId) -> Result<(Session, CacheValidator), VerifyError> {
        self.observe(Operation::VerifySession, |_| 1, || self.check_session(None, id))
    }

    /// Begins a [`verify_session`](Self::verify_session).
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let session = tenant.begin_verify_session(grant.session.id).wait()?;
    /// assert_eq!(session.id, grant.session.id);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`verify_session`](Self::verify_session), from [`Pending::wait`].
    pub fn begin_verify_session(&self, id: SessionId) -> Pending<Session, VerifyError> {
        self.begin_verify_session_cacheable(id).map(|(session, _)| session)
    }

    /// Begins a [`verify_session_cacheable`](Self::verify_session_cacheable).
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let (session, validator) = tenant.begin_verify_session_cacheable(grant.session.id).wait().map_err(|it| it.error)?;
    /// # assert_eq!(session.id, grant.session.id);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`verify_session`](Self::verify_session), from [`Pending::wait`].
    pub fn begin_verify_session_cacheable(
        &self,
        id: SessionId,
    ) -> Pending<(Session, CacheValidator), VerifyError> {
        self.observe_pending(
            Operation::VerifySession,
            |_| 1,
            || {
                let (tenant, begun) = (self.clone(), self.begin_read(&NeededSessions::One(id)));
                Pending::deferred(&self.inner, CallKind::Read, move || tenant.check_session(begun, id))
            },
        )
    }

    fn check_session(
        &self,
        begun: Option<BegunRead>,
        id: SessionId,
    ) -> Result<(Session, CacheValidator), VerifyError> {
        match self.look_up(begun, id, None)? {
            Lookup::Active { session, validator, .. } => Ok((session, validator)),
            Lookup::Ended(session, refusal) => Err(VerifyError::ended(session, refusal)),
            Lookup::KeysChanged(_) => Err(Failure::internal("no keys were used").into()),
        }
    }

    /// Verifies an access token, then its session against the store, as [`verify_session`](Self::verify_session) does.
    /// The answer tells of the session as it is now: a role that was taken away is gone with the next call, whatever the
    /// token still says. Results are cached: a repeated token skips the signature check and, while no commit has touched
    /// its session, the database.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let verified = tenant.verify_access_token(grant.access_token.expose())?;
    /// assert_eq!(verified.claims.user_id.as_str(), "usr_1");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `missing_token`, `invalid_token`, `token_expired`, `session_not_found`; with the session: `session_revoked`,
    /// `session_expired`.
    pub fn verify_access_token(&self, token: &str) -> Result<Arc<VerifiedAccess>, VerifyError> {
        self.observe_cached(
            Operation::VerifyAccessToken,
            |_| 1,
            |is_from_cache| self.check_token(None, token, is_from_cache),
        )
    }

    /// Begins a [`verify_access_token`](Self::verify_access_token). The signature is checked on the thread that waits; what is
    /// looked up before is the session that the token names, genuine or not.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let verified = tenant.begin_verify_access_token(grant.access_token.expose()).wait()?;
    /// assert_eq!(verified.session.id, grant.session.id);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`verify_access_token`](Self::verify_access_token), from [`Pending::wait`].
    pub fn begin_verify_access_token(&self, token: &str) -> Pending<Arc<VerifiedAccess>, VerifyError> {
        self.observe_pending(
            Operation::VerifyAccessToken,
            |_| 1,
            || {
                // What is remembered takes no place in the line for the next trip, and no thread where it is awaited.
                if let Ok(Some(cached)) = self.find_cached(token) {
                    return Pending::ready(Ok(cached));
                }
                let named = verifier::session_named_by(token, &self.inner.issuer, self.id());
                let begun = named.and_then(|id| self.begin_read(&NeededSessions::One(id)));
                let (tenant, token) = (self.clone(), Zeroizing::new(token.to_owned()));
                Pending::deferred(&self.inner, CallKind::Read, move || {
                    tenant.check_token(begun, &token, &mut false)
                })
            },
        )
    }

    /// The answer about a token, if it is remembered and holds.
    fn find_cached(&self, token: &str) -> Result<Option<Arc<VerifiedAccess>>, Error> {
        self.inner.require_open()?; // a forked child must not touch its parent's locks
        if token.len() > ACCESS_TOKEN_MAX {
            return Ok(None);
        }
        let key = token_key(self.state.handle, token);
        let Some(cached) = self.inner.remembered.tokens.get(&key) else { return Ok(None) };
        Ok(self.is_fresh(&cached.validator)?.then_some(cached))
    }

    pub(super) fn check_token(
        &self,
        mut begun: Option<BegunRead>,
        token: &str,
        is_from_cache: &mut bool,
    ) -> Result<Arc<VerifiedAccess>, VerifyError> {
        if token.len() > ACCESS_TOKEN_MAX {
            return Err(Error::from(rejected_access_token(Rejection::Invalid)).into());
        }
        self.inner.require_open()?; // a forked child must not touch its parent's locks
        let key = token_key(self.state.handle, token);
        let cached = self.inner.remembered.tokens.get(&key);
        if let Some(cached) = &cached
            && self.is_fresh(&cached.validator)?
        {
            *is_from_cache = true;
            return Ok(Arc::clone(cached));
        }
        let mut snapshot = self.recent_snapshot()?;
        let now = self.inner.now_from_memory()?;
        loop {
            let (claims, used) = match &cached {
                Some(cached) if cached.validator.snapshot_version == snapshot.version => {
                    (cached.claims.clone(), snapshot)
                }
                _ => self.verify_claims(token, snapshot, now, None, Leeway::None)?,
            };
            match self.look_up(begun.take(), claims.session_id, Some((&claims, used.version)))? {
                Lookup::Active { session, validator, is_outdated } => {
                    let verified =
                        Arc::new(VerifiedAccess { session, claims, outdated: is_outdated, validator });
                    self.inner.remembered.tokens.insert(key, Arc::clone(&verified));
                    return Ok(verified);
                }
                Lookup::Ended(session, refusal) => return Err(VerifyError::ended(session, refusal)),
                Lookup::KeysChanged(newer) => snapshot = newer,
            }
        }
    }

    /// Verifies an access token by signature and claims only. A token stays good until its `exp`, even after its session
    /// was revoked: for immediate revocation use [`verify_access_token`](Self::verify_access_token).
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// use hellojohn::LocalVerification;
    ///
    /// tenant.revoke(grant.session.id)?;
    /// let claims = tenant.verify_locally(grant.access_token.expose(), &LocalVerification::default())?;
    /// assert_eq!(claims.session_id, grant.session.id); // revoked, and still good here
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `missing_token`, `invalid_token`, `token_expired`; `validation_error` for a leeway over 60 seconds.
    pub fn verify_locally(&self, token: &str, options: &LocalVerification) -> Result<AccessClaims, Error> {
        self.observe(Operation::VerifyLocally, |_| 1, || self.check_locally(token, options))
    }

    pub(super) fn check_locally(&self, token: &str, how: &LocalVerification) -> Result<AccessClaims, Error> {
        let leeway = match how.leeway_secs {
            0 => Leeway::None,
            secs @ 1..=60 => Leeway::UpTo(Duration::from_secs(secs)?),
            _ => return Err(Error::validation("leeway", "must be 0 to 60 seconds")),
        };
        let snapshot = self.recent_snapshot()?;
        let now = self.inner.now_from_memory()?;
        let (claims, _) = self.verify_claims(token, snapshot, now, how.audience.as_deref(), leeway)?;
        Ok(claims)
    }

    /// Verifies signature and claims under the snapshot's keys, or under the database's if the snapshot does not know the
    /// token's key. Answers with the snapshot that was used.
    pub(super) fn verify_claims(
        &self,
        token: &str,
        snapshot: Arc<TenantSnapshot>,
        now: Timestamp,
        audience: Option<&str>,
        leeway: Leeway,
    ) -> Result<(AccessClaims, Arc<TenantSnapshot>), Error> {
        let expected = Expected {
            issuer: &self.inner.issuer,
            tenant_id: self.id(),
            audience: audience.unwrap_or(self.id().as_str()),
            now,
            leeway,
        };
        let (outcome, snapshot) = match verifier::verify(token, &snapshot.ring, &expected) {
            Err(Rejection::UnknownKey) => {
                let latest = self.latest_snapshot()?;
                (verifier::verify(token, &latest.ring, &expected), latest)
            }
            outcome => (outcome, snapshot),
        };
        Ok((outcome.map_err(rejected_access_token)?, snapshot))
    }

    /// Looks the session up. For an access token: with its claims and the version of the keys that verified it.
    fn look_up(
        &self,
        begun: Option<BegunRead>,
        id: SessionId,
        token: Option<(&AccessClaims, i64)>,
    ) -> Result<Lookup, Error> {
        self.finish_read(begun, NeededSessions::One(id), |ctx| {
            if token.is_some_and(|(_, version)| version != ctx.snapshot.version) {
                return Ok(Lookup::KeysChanged(Arc::clone(&ctx.snapshot)));
            }
            // Checked again now that the database's time is known: other processes may have seen a later one.
            if token.is_some_and(|(claims, _)| ctx.now >= claims.expires_at) {
                return Err(rejected_access_token(Rejection::Expired).into());
            }
            let record = ctx.transaction.session(ctx.tenant, id)?.ok_or_else(unknown_session)?;
            if token.is_some_and(|(claims, _)| claims.user_id != record.user_id) {
                return Err(rejected_access_token(Rejection::Invalid).into());
            }
            let end = ctx.effective_end(&record.lifetime())?;
            let mut validator = ctx.cache_validator(&record, end, token.map(|(claims, _)| claims.expires_at));
            validator.lease = ctx.verify_lease();
            // A token of this tenant always has a serial; without one nothing is known of it.
            let is_outdated = token.is_some_and(|(claims, _)| {
                claims.serial().is_none_or(|serial| serial < record.identity_serial)
            });
            let session = self.view(record, end);
            Ok(match end {
                None => Lookup::Active { session, validator, is_outdated },
                Some(end) => Lookup::Ended(session, ended_session(end)),
            })
        })
    }
}
