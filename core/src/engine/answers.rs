//! What calls answer with. These types lie below the operations, because the engine's caches hold them.

use std::fmt;

use super::cache_validator::CacheValidator;
use crate::clock::Timestamp;
use crate::error::{Error, Failure, Refusal};
use crate::model::id::{SessionId, UserId};
use crate::model::revoke_plan::RevokePlan;
use crate::model::session::{EndReason, Session, Status};
use crate::model::session_actor::SessionActor;
use crate::schema::public_record;
use crate::secret::{AccessToken, RefreshToken};
use crate::token::access_claims::AccessClaims;
use crate::word_enum::word_enum;

/// What a device gets when it signs in or refreshes.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
/// // To the client: its tokens, as REST sends them.
/// let json = serde_json::to_value(&grant).expect("it is JSON");
/// assert_eq!(json["session_id"], grant.session.id.to_string());
/// assert_eq!((json["expires_in"].as_u64(), grant.evicted.len()), (Some(grant.expires_in), 0));
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Grant {
    /// The session.
    pub session: Session,
    /// The access token.
    pub access_token: AccessToken,
    /// The session's live refresh token. A session has one at a time.
    pub refresh_token: RefreshToken,
    /// How long the access token lasts from now, in seconds (RFC 6749, section 5.1).
    pub expires_in: u64,
    /// The sessions that this sign-in evicted under the cap, oldest first; of more than 500, as after a cap was lowered, the
    /// newest 500. Empty after a refresh.
    pub evicted: Vec<SessionId>,
}

impl Grant {
    /// How many sessions the answer tells of.
    pub(super) fn rows(&self) -> u64 {
        self.evicted.len() as u64 + 1
    }
}

/// A changed session with an access token that carries the change.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
/// let patch = hellojohn::IdentityPatch::default().role(Some(Some("admin".parse()?)));
/// let updated = tenant.update(grant.session.id, patch)?;
/// let token = updated.access_token.expose(); // carries the new role
/// assert!(token.len() > 100 && updated.expires_in <= 3600);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UpdatedSession {
    /// The session.
    pub session: Session,
    /// The access token. The refresh token stays as it is.
    pub access_token: AccessToken,
    /// How long the access token lasts from now, in seconds.
    pub expires_in: u64,
}

/// An access token that is not expired, of a session that is active.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
/// let verified = tenant.verify_access_token(grant.access_token.expose())?;
/// assert!(!verified.outdated && verified.claims.session_id == verified.session.id);
/// let may_be_given_again = tenant.is_fresh(verified.validator())?; // later
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct VerifiedAccess {
    /// The session as it is now: decide by its organisation, role, second factor and claims.
    pub session: Session,
    /// What the token says: the same as the session, unless it is outdated.
    pub claims: AccessClaims,
    /// Whether the token was issued before the last [`update`](crate::Tenant::update) of the session. The client gets
    /// one that is not by a refresh.
    pub outdated: bool,
    pub(super) validator: CacheValidator,
}

impl VerifiedAccess {
    /// What [`Tenant::is_fresh`](crate::Tenant::is_fresh) needs to say later whether this answer still holds.
    pub fn validator(&self) -> &CacheValidator {
        &self.validator
    }
}

/// What ending the sessions of a filter would come to.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
/// let preview = tenant.preview_revoke_where(&hellojohn::SessionFilter::of_user("usr_1".parse()?))?;
/// assert_eq!((preview.count, preview.sample[0].id), (1, grant.session.id));
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RevokePreview {
    /// How many sessions match.
    pub count: u64,
    /// The newest of them, at most 20, newest first.
    pub sample: Vec<Session>,
    /// Names what was found, for [`RevokeWhere`](crate::RevokeWhere).
    pub plan: RevokePlan,
}

word_enum! {
    /// What ends a session by the clock.
    pub enum SessionLimit as "limit" {
        /// It reaches its end.
        SessionDuration = "session_duration",
        /// It was not refreshed within the idle time-out.
        IdleTimeout = "idle_timeout",
    }
}

word_enum! {
    /// How a refresh token is answered.
    pub enum RefreshAnswer as "answer" {
        /// With its successor.
        Rotated = "rotated",
        /// With the same successor again.
        Replayed = "replayed",
        /// With `refresh_token_reused`: the session ends.
        Reused = "refresh_token_reused",
        /// With `session_revoked`.
        Revoked = "session_revoked",
        /// With `session_expired`.
        Expired = "session_expired",
    }
}

public_record! {
    /// Why a session is over, or what will end it. Instants are the first ones at which something is so, as long as nothing
    /// else happens to the session.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let explained = tenant.explain(grant.session.id)?;
    /// assert_eq!(explained.ends_by.map(|limit| limit.as_str()), Some("session_duration"));
    /// assert_eq!(explained.rank, Some(1));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq)]
    pub struct SessionExplanation {
        /// The session.
        pub session_id: SessionId,
        /// Its user.
        pub user_id: UserId,
        /// Who acts for the user in this session, if another person does. No cap knows such a session: it has no rank.
        pub actor: Option<SessionActor>,
        /// The engine's now: what the explanation is of.
        pub explained_at: Timestamp,
        /// Its status.
        pub status: Status,
        /// Why it ended.
        pub end_reason: Option<EndReason>,
        /// When it ended. An idle session ended at the last instant at which it could have been refreshed.
        pub ended_at: Option<Timestamp>,
        /// Of an active session: what ends it first.
        pub ends_by: Option<SessionLimit>,
        /// Of an active session: the instant from which on it is over by the clock.
        pub ends_at: Option<Timestamp>,
        /// Of an active session: the instant from which on it is over because it reached its end.
        pub duration_ends_at: Option<Timestamp>,
        /// Of an active session: the instant from which on it is over because it was idle; absent without an idle time-out, and
        /// where the session reaches its end before.
        pub idle_timeout_ends_at: Option<Timestamp>,
        /// The instant from which on its newest access token is refused everywhere. Until then local verification accepts it,
        /// also after the end of the session.
        pub access_token_ends_at: Timestamp,
        /// Of an active session: its place among the user's active ones, the oldest of which has 1.
        pub rank: Option<u64>,
        /// Of an active session: how many active ones its user has.
        pub active_sessions: Option<u64>,
        /// The cap: how many active sessions a user may have.
        pub max_sessions_per_user: Option<u64>,
        /// Of an active session under a cap: which of the user's next sign-ins ends it, 1 for the very next, if no session ends
        /// before.
        pub evicted_by_sign_in: Option<u64>,
        /// How its live refresh token would be answered now.
        pub live_token: RefreshAnswer,
        /// From which instant on it would be answered otherwise; absent if it never is.
        pub live_token_until: Option<Timestamp>,
        /// How the refresh token before that would be answered now; absent if there was none.
        pub former_token: Option<RefreshAnswer>,
        /// From which instant on it would be answered otherwise; absent if it never is.
        pub former_token_until: Option<Timestamp>,
        /// How often the former token would still be answered so; absent if it would not be replayed.
        pub replays_left: Option<u64>,
        /// How a still older refresh token would be answered now; absent if there was none.
        pub older_token: Option<RefreshAnswer>,
        /// From which instant on it would be answered otherwise; absent if it never is.
        pub older_token_until: Option<Timestamp>,
    }
}

/// Why a verification failed, with the session if it is known but has ended. Turns into a plain [`Error`] with `?`.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
/// tenant.revoke(grant.session.id)?;
/// let refused = tenant.verify_session(grant.session.id).unwrap_err();
/// assert_eq!(refused.error.code(), hellojohn::ErrorCode::SessionRevoked);
/// assert_eq!(refused.session.expect("the ended session").id, grant.session.id);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct VerifyError {
    /// The error.
    pub error: Error,
    /// The ended session.
    pub session: Option<Box<Session>>,
}

impl VerifyError {
    /// The refusal of a session that has ended.
    pub(super) fn ended(session: Session, refusal: Refusal) -> Self {
        VerifyError { error: refusal.into(), session: Some(Box::new(session)) }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for VerifyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<Error> for VerifyError {
    fn from(error: Error) -> Self {
        VerifyError { error, session: None }
    }
}

impl From<Failure> for VerifyError {
    fn from(failure: Failure) -> Self {
        Error::from(failure).into()
    }
}

impl From<VerifyError> for Error {
    fn from(refused: VerifyError) -> Error {
        refused.error
    }
}

public_record! {
    /// What one round of maintenance has done. As JSON: the names below.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// let round = tenant.maintain()?;
    /// assert!(round.stamped == 0 && !round.has_more);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct MaintenanceReport {
        /// How many sessions the clock had ended and this round has written down.
        pub stamped: u64,
        /// How many records of ended sessions it has deleted.
        pub purged: u64,
        /// How many events it has sealed.
        pub sealed_events: u64,
        /// How many events it has deleted.
        pub deleted_events: u64,
        /// How many drained signing keys it has retired.
        pub retired_keys: u64,
        /// Whether there is work left for a round at once.
        pub has_more: bool,
    }
}
