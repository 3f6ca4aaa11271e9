//! Sign-in: a new session with its first tokens.

use serde::Serialize;
use serde_json::{Map, Value};

use super::answers::Grant;
use super::bulk_write::BulkStep;
use super::event_log::EventData;
use super::eviction::{Eviction, evict_oldest};
use super::pending::Pending;
use super::session_view::expires_in;
use super::tenant::Tenant;
use super::transaction::WriteContext;
use crate::duration::Duration;
use crate::error::{Error, OpError, Refusal};
use crate::model::claims::Claims;
use crate::model::client::ClientInfo;
use crate::model::client_hints::ClientHints;
use crate::model::event::EventType;
use crate::model::factor::Factors;
use crate::model::factor_methods::SignInFactors;
use crate::model::id::{SessionId, UserId};
use crate::model::identity::Identity;
use crate::model::operation::Operation;
use crate::model::session::SessionTimes;
use crate::model::session_actor::SessionActor;
use crate::random;
use crate::rules::expiry;
use crate::rules::rotation::Rotation;
use crate::schema::{self, request_record};
use crate::secret::RefreshToken;
use crate::store::{IssuedAccessToken, LastSeen, NeededSessions, SessionRecord};
use crate::token::issuer::{AccessTokenParams, Unsigned};

request_record! {
    /// A sign-in.
    ///
    /// ```
    /// use hellojohn::{ClientInfo, CreateSession};
    ///
    /// let request = CreateSession::new("usr_01HABCDEF123456".parse()?)
    ///     .client(ClientInfo::default().ip_address(Some("203.0.113.42".parse()?)))
    ///     .duration(Some("24h".parse()?)); // "remember me" was not ticked
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq)]
    pub struct CreateSession {
        /// The user who signs in, 1 to 255 bytes. The host has checked the credentials.
        pub user_id: UserId,
        /// The device that the user signs in from.
        #[serde(flatten)]
        pub client: ClientInfo,
        /// What the user's browser says of its device besides.
        #[serde(flatten)]
        pub hints: ClientHints,
        /// The methods that the user has passed: names of RFC 8176 (`pwd`, `otp`, …) or the host's own, at most 8. Two kinds of them
        /// make the session `mfa_verified`, unless that is said.
        pub factors: SignInFactors,
        /// What access tokens carry.
        #[serde(flatten)]
        pub identity: Identity,
        /// Who acts for the user, if another person does. Such a session lasts `max_actor_duration` at most, and no cap knows it.
        pub actor: Option<SessionActor>,
        /// How long this session lasts, such as `24h`, instead of the tenant's session duration.
        pub duration: Option<Duration>,
    }
}

impl CreateSession {
    /// Sets the host's own claims to this value of a type of the host's.
    ///
    /// ```
    /// #[derive(serde::Serialize)]
    /// struct Subscription {
    ///     plan: &'static str,
    /// }
    ///
    /// let request = hellojohn::CreateSession::new("usr_1".parse()?).own_claims(&Subscription { plan: "pro" })?;
    /// assert_eq!(request.identity.claims.as_object()["plan"], "pro");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Claims::encode`](crate::Claims::encode).
    pub fn own_claims<T: Serialize + ?Sized>(mut self, claims: &T) -> Result<Self, Error> {
        self.identity.claims = Claims::encode(claims)?;
        Ok(self)
    }

    /// A sign-in of this user with nothing else known.
    ///
    /// ```
    /// let request = hellojohn::CreateSession::new("usr_1".parse()?);
    /// assert_eq!(request.user_id.as_str(), "usr_1");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn new(user_id: UserId) -> Self {
        CreateSession {
            user_id,
            client: ClientInfo::default(),
            hints: ClientHints::default(),
            factors: SignInFactors::default(),
            identity: Identity::default(),
            actor: None,
            duration: None,
        }
    }

    /// Reads a sign-in in its JSON form: `user_id` and, each optional, the fields of [`ClientInfo`], [`ClientHints`] and
    /// [`Identity`], `factors` (names), `actor` (`user_id` and `reason`) and `duration`; null counts as absent.
    ///
    /// ```
    /// let json = serde_json::json!({"user_id": "usr_1", "duration": "24h", "role": "admin"});
    /// let request = hellojohn::CreateSession::from_json(json.as_object().unwrap().clone())?;
    /// assert_eq!(request.duration, Some("24h".parse()?));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        schema::read_request(object)
    }
}

impl Tenant {
    /// Signs a user in on a device: a new session with its first tokens. In the same transaction the user's oldest
    /// sessions above `max_sessions_per_user` are revoked (reason `max_sessions`); the new one never is. Other writers wait
    /// while the user's newest sessions are looked at, about `max_sessions_per_user` and at most 500 more; a user with more
    /// sessions that have ended and were not swept waits while they are stamped in steps.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// use hellojohn::CreateSession;
    ///
    /// let grant = tenant.create(CreateSession::new("usr_1".parse()?))?;
    /// println!("{} is good for {} s", grant.access_token.expose(), grant.expires_in);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` if the claims would make an access token of more than 8 KB, for an actor who is the user, and for an
    /// actor with a `duration` longer than `max_actor_duration`.
    pub fn create(&self, request: CreateSession) -> Result<Grant, Error> {
        self.begin_create(request).wait()
    }

    /// Begins [`create`](Self::create) without waiting for it; see [`Pending`].
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// use hellojohn::CreateSession;
    ///
    /// let first = tenant.begin_create(CreateSession::new("usr_1".parse()?));
    /// let second = tenant.begin_create(CreateSession::new("usr_2".parse()?));
    /// assert_ne!(first.wait()?.session.id, second.wait()?.session.id); // in one commit
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn begin_create(&self, request: CreateSession) -> Pending<Grant> {
        self.observe_pending(Operation::Create, Grant::rows, || self.queue_create(request))
    }

    /// A create that is not told of by itself.
    pub(super) fn queue_create(&self, mut request: CreateSession) -> Pending<Grant> {
        // Classified here, before the write lock is taken.
        request.client.device_type = Some(request.client.device_type_with(&request.hints));
        let opened = self.begin_bulk_write(self.needed_for(&request.user_id), move |tenant, ctx| {
            tenant.open_session(ctx, request.clone())
        });
        self.grant_of(opened)
    }

    /// The sessions that a sign-in of this user asks for: those that a cap looks at.
    pub(super) fn needed_for(&self, user: &UserId) -> NeededSessions {
        match self.state.snapshot.lock().config.max_sessions_per_user {
            Some(_) => NeededSessions::OpenOf(user.clone()),
            None => NeededSessions::None,
        }
    }

    /// Adds the session of a sign-in, whose device type is known. Its tokens are signed after the commit, by
    /// [`grant_of`](Self::grant_of).
    pub(super) fn open_session(
        &self,
        ctx: &WriteContext<'_>,
        request: CreateSession,
    ) -> Result<BulkStep<OpenedSession>, OpError> {
        let CreateSession { user_id, client, hints: _, factors: given, mut identity, actor, duration } =
            request;
        let factors = Factors::passed(given.methods().as_slice(), ctx.now);
        identity.mfa_verified |= !given.is_mfa_decided() && factors.are_of_two_kinds();
        let config = &ctx.snapshot.config;
        let duration = match &actor {
            None => duration,
            Some(actor) if actor.user_id == user_id => {
                return Err(invalid("actor.user_id", "must be another than the user"));
            }
            Some(_) => {
                let allowed = expiry::actor_duration(config, duration);
                Some(allowed.ok_or_else(|| invalid("duration", "must be at most max_actor_duration"))?)
            }
        };
        let times = SessionTimes {
            created_at: ctx.now,
            last_active_at: ctx.now,
            expires_at: expiry::session_end(ctx.now, config, duration),
            end: None,
            judged_by: ctx.snapshot.bulk_ends.newest,
        };
        let params = AccessTokenParams {
            serial: 1,
            issued_at: ctx.now,
            expires_at: expiry::access_token_end(ctx.now, config, times.expires_at),
        };
        let key = ctx.snapshot.ring.active();
        let mut record = SessionRecord {
            id: self.inner.ids.session(ctx.now, self.random())?,
            user_id,
            times,
            rotation: Rotation { generation: 1, replays: 0 },
            nonce: *random::draw_bytes(self.random())?,
            access: IssuedAccessToken { params, key_no: key.no },
            client,
            last_seen: LastSeen::default(),
            identity,
            identity_serial: 0,
            factors,
            credential: None,
            external_id: None,
            actor,
        };
        let unsigned = self.prepare_access_token(&record, key)?;
        let eviction = match config.max_sessions_per_user {
            Some(cap) if record.actor.is_none() => evict_oldest(ctx, &record, cap)?,
            Some(_) | None => BulkStep::Done(Eviction::default()),
        };
        let evicted = match eviction {
            BulkStep::Done(Eviction { evicted, by }) => {
                record.times.judged_by = by.unwrap_or(record.times.judged_by);
                evicted
            }
            BulkStep::Again => return Ok(BulkStep::Again),
            BulkStep::Alone => return Ok(BulkStep::Alone),
            BulkStep::Finish(oldest) => return Ok(BulkStep::Finish(oldest)),
        };
        ctx.transaction.add_session(ctx.tenant, &record)?;
        let acting = record.acting();
        ctx.made_in(acting.as_ref()).events().tell(
            EventType::SessionCreated,
            Some((record.id, &record.user_id)),
            || {
                let data = EventData::of_sign_in(&record.client);
                let data = match &record.actor {
                    Some(actor) => {
                        data.with("acted_by", actor.user_id.as_str()).with("reason", actor.reason.as_str())
                    }
                    None => data,
                };
                data.with("evicted", evicted.iter().map(SessionId::to_string).collect::<Vec<_>>())
            },
        )?;
        let generation = record.rotation.generation;
        let refresh_token = ctx.snapshot.refresh_key.mint(record.id, generation, &record.nonce);
        Ok(BulkStep::Done(OpenedSession { record, unsigned, refresh_token, evicted }))
    }

    /// What the device gets once its session is committed.
    pub(super) fn grant_of(&self, opened: Pending<OpenedSession>) -> Pending<Grant> {
        let tenant = self.clone();
        opened.map(move |OpenedSession { record, unsigned, refresh_token, evicted }| Grant {
            expires_in: expires_in(record.access.params, record.access.params.issued_at),
            session: tenant.view(record, None),
            access_token: unsigned.sign(),
            refresh_token,
            evicted,
        })
    }
}

fn invalid(field: &str, problem: &str) -> OpError {
    Refusal::because(Error::validation(field, problem)).into()
}

/// A session that a transaction has added.
pub(super) struct OpenedSession {
    record: SessionRecord,
    unsigned: Unsigned,
    refresh_token: RefreshToken,
    evicted: Vec<SessionId>,
}
