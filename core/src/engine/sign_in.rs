//! Sign-ins that may fail: counted as failed before the host checks the credentials, taken back when they were right
//! (SPEC 23). So calls at the same instant cannot get past the limit together.

use std::convert::Infallible;
use std::fmt;

use super::answers::Grant;
use super::bulk_write::BulkStep;
use super::create::CreateSession;
use super::refusals::{too_many_sign_ins, wrong_credentials};
use super::sign_in_failures::{FailureKeys, Reservation};
use super::tenant::Tenant;
use super::transaction::ReadContext;
use crate::error::Error;
use crate::model::ip_address::IpAddress;
use crate::model::operation::Operation;
use crate::model::sign_in_limit::FailedSignIn;
use crate::random;
use crate::rules::expiry::seconds_until;
use crate::store::NeededSessions;

/// A sign-in whose credentials the host is about to check; it counts as failed until [`succeed`](Self::succeed) or
/// [`cancel`](Self::cancel). See [`Tenant::begin_sign_in`].
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// use hellojohn::{CreateSession, ErrorCode};
///
/// let attempt = tenant.begin_sign_in("ada@example.com", None)?;
/// assert_eq!(attempt.fail().code(), ErrorCode::InvalidCredentials); // a wrong password
/// tenant.begin_sign_in("ada@example.com", None)?.cancel()?; // the user table is down
/// let attempt = tenant.begin_sign_in("ada@example.com", None)?;
/// let grant = attempt.succeed(CreateSession::new("usr_ada".parse()?))?;
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[must_use = "the sign-in counts as failed until its outcome is known"]
pub struct SignInAttempt {
    tenant: Tenant,
    /// Absent without a limit.
    reserved: Option<Reservation>,
}

impl fmt::Debug for SignInAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInAttempt").field("tenant", self.tenant.id()).finish_non_exhaustive()
    }
}

impl Tenant {
    /// Begins a sign-in: call it before checking credentials, and say afterwards how the check ended. `account` is the name
    /// that the user gave, such as an e-mail address; its case and the space around it do not matter. `address` is where
    /// the request comes from, nothing if that is not known.
    ///
    /// The sign-in counts as failed at once, so that the limit is exact for calls at the same instant, in every process on
    /// the database. [`SignInLimit`](crate::SignInLimit) has the numbers, [`EngineBuilder::sign_in_limit`](crate::EngineBuilder::sign_in_limit)
    /// sets them.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let password_is_right = |_: &str| true;
    /// use hellojohn::CreateSession;
    ///
    /// let attempt = tenant.begin_sign_in("ada@example.com", Some("203.0.113.42".parse()?))?;
    /// let grant = match password_is_right("correct horse") {
    ///     true => attempt.succeed(CreateSession::new("usr_1".parse()?))?,
    ///     false => return Err(attempt.fail()),
    /// };
    /// # let _ = grant;
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `too_many_requests`, with [`retry_after_secs`](Error::retry_after_secs): do not check the credentials;
    /// `validation_error` for an empty account.
    pub fn begin_sign_in(&self, account: &str, address: Option<IpAddress>) -> Result<SignInAttempt, Error> {
        self.observe(Operation::BeginSignIn, |_| 0, || self.reserve_sign_in(account, address))
    }

    fn reserve_sign_in(&self, account: &str, address: Option<IpAddress>) -> Result<SignInAttempt, Error> {
        self.inner.require_open()?;
        if account.trim().is_empty() {
            return Err(Error::validation("account", "must not be empty"));
        }
        let Some(limit) = self.inner.sign_in_limit else {
            return Ok(SignInAttempt { tenant: self.clone(), reserved: None });
        };
        // Asked first without the write lock, so that a client who goes on after a refusal costs no write.
        self.read_about(NeededSessions::Scanned, |ctx: &ReadContext<'_>| {
            let keys = FailureKeys::new(&ctx.snapshot.refresh_key, account, address);
            keys.check(ctx.transaction, ctx.tenant, ctx.now, &limit)
        })?;
        let account = account.to_owned();
        let reserved = self.write(move |tenant, ctx| {
            let tag = u16::from_be_bytes(*random::draw_bytes(tenant.random())?);
            let failure = FailedSignIn { at: ctx.now, tag };
            let keys = FailureKeys::new(&ctx.snapshot.refresh_key, &account, address);
            Reservation::make(ctx, keys, failure, &limit)
        })?;
        Ok(SignInAttempt { tenant: self.clone(), reserved: Some(reserved) })
    }

    /// The attempt of which [`SignInAttempt::suspend`] made this text.
    #[doc(hidden)]
    pub fn resume_sign_in(&self, suspended: &str) -> Result<SignInAttempt, Error> {
        let reserved = serde_json::from_str(suspended)
            .map_err(|_| Error::validation("attempt", "is not a sign-in that was begun"))?;
        Ok(SignInAttempt { tenant: self.clone(), reserved })
    }
}

impl SignInAttempt {
    /// The credentials were right: opens the user's session as [`Tenant::create`] does. In the same transaction the failures
    /// of this account from this address are forgotten (all of this account if no address is known), and the address gets
    /// its one failure back: those that it has at other accounts stay.
    ///
    /// # Errors
    /// `too_many_requests` if the account was at its limit and the user has had no session from this address: the client
    /// must not learn that its guess was right; `validation_error` for an `actor`: only [`Tenant::create`] starts a session with one. As
    /// [`Tenant::create`].
    pub fn succeed(self, request: CreateSession) -> Result<Grant, Error> {
        let tenant = self.tenant.clone();
        tenant.observe(Operation::SucceedSignIn, Grant::rows, || self.open_session(request))
    }

    fn open_session(self, mut request: CreateSession) -> Result<Grant, Error> {
        // The credentials are the user's own.
        if request.actor.is_some() {
            return Err(Error::validation("actor", "cannot sign in: create starts a session for another"));
        }
        let Some(reserved) = self.reserved else { return self.tenant.queue_create(request).wait() };
        request.client.device_type = Some(request.client.device_type_with(&request.hints));
        let needed = self.tenant.needed_for(&request.user_id);
        let opened = self.tenant.begin_bulk_write(needed, move |tenant, ctx| {
            if let Some(until) = reserved.account_limited_until()
                && !reserved.is_familiar(ctx, &request.user_id)?
            {
                return Err(too_many_sign_ins(seconds_until(until, ctx.now)).into());
            }
            let opened = tenant.open_session(ctx, request.clone())?;
            if matches!(opened, BulkStep::Done(_)) {
                reserved.forgive(ctx)?;
            }
            Ok(opened)
        });
        self.tenant.grant_of(opened).wait()
    }

    /// The credentials were wrong: the failure stays counted. Returns the error for the client: `invalid_credentials`, or
    /// `too_many_requests` if right ones would have been refused too.
    pub fn fail(self) -> Error {
        let tenant = self.tenant.clone();
        let Err(error) = tenant.observe(
            Operation::FailSignIn,
            |never: &Infallible| match *never {},
            || Err(self.refuse()),
        );
        error
    }

    fn refuse(self) -> Error {
        match self.reserved.and_then(|reserved| reserved.account_limited_until()) {
            None => wrong_credentials().into(),
            // In a forked child the clock's lock may be held for ever.
            Some(until) => {
                match self.tenant.inner.require_open().and_then(|()| self.tenant.inner.now_from_memory()) {
                    Ok(now) => too_many_sign_ins(seconds_until(until, now)).into(),
                    Err(failure) => failure.into(),
                }
            }
        }
    }

    /// The host could not tell: the sign-in counts as if it had not been tried.
    pub fn cancel(self) -> Result<(), Error> {
        self.tenant.observe(
            Operation::CancelSignIn,
            |()| 0,
            || match self.reserved {
                None => Ok(()),
                Some(reserved) => self.tenant.write(move |_, ctx| Ok(reserved.cancel(ctx)?)),
            },
        )
    }

    /// The attempt as a text for [`Tenant::resume_sign_in`], for a binding whose host keeps no objects of ours.
    #[doc(hidden)]
    pub fn suspend(self) -> String {
        serde_json::to_string(&self.reserved).unwrap_or_default()
    }
}
