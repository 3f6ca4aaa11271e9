//! Sign-in: a new session, and who has to leave for it.

use super::Tenant;
use super::pending_write::Pending;
use super::tenant::WriteContext;
use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::error::{Error, Failure};
use crate::model::client::ClientInfo;
use crate::model::id::{SessionId, UserId};
use crate::model::identity::Identity;
use crate::model::session::{End, EndReason, Session, SessionTimes};
use crate::random;
use crate::rules::rotation::Rotation;
use crate::rules::{expiry, session_cap};
use crate::secret::{AccessToken, RefreshToken};
use crate::store::{IssuedAccessToken, LastSeen, SessionRecord, SessionScope};
use crate::token::issuer::AccessTokenParams;

/// A sign-in.
///
/// ```
/// use hellojohn::{ClientInfo, CreateSession};
///
/// let request = CreateSession {
///     client: ClientInfo { ip_address: Some("203.0.113.42".parse()?), ..ClientInfo::default() },
///     duration: Some("24h".parse()?), // "remember me" was not ticked
///     ..CreateSession::new("usr_01HABCDEF123456".parse()?)
/// };
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CreateSession {
    /// Who signs in. The host has checked the credentials.
    pub user_id: UserId,
    /// From which device.
    pub client: ClientInfo,
    /// What access tokens carry.
    pub identity: Identity,
    /// How long this session lasts, instead of the tenant's `session_duration`.
    pub duration: Option<Duration>,
}

impl CreateSession {
    /// A sign-in of this user with nothing else known.
    pub fn new(user_id: UserId) -> Self {
        CreateSession {
            user_id,
            client: ClientInfo::default(),
            identity: Identity::default(),
            duration: None,
        }
    }
}

/// What a device gets when it signs in or refreshes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Grant {
    /// The session.
    pub session: Session,
    /// The access token.
    pub access_token: AccessToken,
    /// The one refresh token of the session that is live now.
    pub refresh_token: RefreshToken,
    /// What is left of the access token's life, in seconds (RFC 6749, section 5.1).
    pub expires_in: u64,
    /// The sessions that this sign-in pushed out under the cap, oldest first; empty after a refresh.
    pub evicted: Vec<SessionId>,
}

/// The lifetime that a ticket's token has left.
pub(super) fn expires_in(ticket: AccessTokenParams, now: Timestamp) -> u64 {
    u64::try_from(ticket.expires_at.as_secs() - now.as_secs()).unwrap_or(0)
}

impl Tenant {
    /// Signs a user in on a device: a new session with its first tokens. In the same transaction the user's oldest
    /// sessions above `max_sessions_per_user` are revoked (reason `max_sessions`); the new one never is.
    ///
    /// # Errors
    /// `validation_error` if the claims would make an access token of more than 8 KB.
    pub fn create(&self, request: CreateSession) -> Result<Grant, Error> {
        self.begin_create(request).wait()
    }

    /// Asks for [`create`](Self::create).
    pub fn begin_create(&self, mut request: CreateSession) -> Pending<Grant> {
        request.client.device_type = Some(request.client.effective_device_type()); // here, where nobody waits for it
        let issued = self.begin(move |tenant, w| {
            let CreateSession { user_id, client, identity, duration } = request.clone();
            let config = &w.current.config;
            let life = SessionTimes {
                created_at: w.now,
                last_active_at: w.now,
                expires_at: expiry::session_end(w.now, config, duration),
                end: None,
            };
            let ticket = AccessTokenParams {
                serial: 1,
                issued_at: w.now,
                expires_at: expiry::access_token_end(w.now, config, life.expires_at),
            };
            let key = w.current.ring.active();
            let row = SessionRecord {
                id: tenant.core.ids.session(w.now, tenant.random())?,
                user_id,
                life,
                rotation: Rotation { generation: 1, replays: 0 },
                nonce: *random::bytes(tenant.random())?,
                access: IssuedAccessToken { ticket, key_no: key.no },
                client,
                last_seen: LastSeen::default(),
                identity,
            };
            let draft = match tenant.prepare_access_token(&row, ticket, key) {
                Ok(draft) => draft,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let evicted = match config.max_sessions_per_user {
                Some(cap) => make_room(w, &row.user_id, cap)?,
                None => Vec::new(),
            };
            w.store.add_session(w.tenant, &row)?;
            let refresh_token = w.current.refresh_key.mint(row.id, row.rotation.generation, &row.nonce);
            Ok(Ok((row, draft, refresh_token, evicted)))
        });
        let tenant = self.clone();
        issued.map(move |(row, draft, refresh_token, evicted)| Grant {
            expires_in: expires_in(row.access.ticket, row.access.ticket.issued_at),
            session: tenant.view(row, None),
            access_token: draft.sign(),
            refresh_token,
            evicted,
        })
    }
}

fn make_room(w: &WriteContext<'_>, user: &UserId, cap: u64) -> Result<Vec<SessionId>, Failure> {
    let mut active = Vec::new();
    for life in w.store.open_sessions(w.tenant, SessionScope::User(user))? {
        if w.stamp_due_end(life.id, &life.times)?.is_none() {
            active.push((life.times.created_at, life.id));
        }
    }
    let victims = session_cap::victims(active, cap);
    for id in &victims {
        w.store.end_session(w.tenant, *id, End { at: w.now, reason: EndReason::MaxSessions })?;
    }
    Ok(victims)
}
