//! Refresh: one atomic step with six outcomes (SPEC 3).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::answers::Grant;
use super::event_log::EventData;
use super::pending_write::Pending;
use super::refusals::{
    ended_session, invalid_refresh_token, missing_refresh_token, refresh_token_ahead, refresh_token_reused,
};
use super::session_ends::Ending;
use super::session_view::expires_in;
use super::tenant::Tenant;
use super::transaction::WriteContext;
use crate::clock::Timestamp;
use crate::error::{Error, Failure, OpError};
use crate::model::client::UserAgent;
use crate::model::config::Config;
use crate::model::event::{EventDetail, EventType};
use crate::model::ip_address::IpAddress;
use crate::model::operation::Operation;
use crate::rules::expiry;
use crate::rules::rotation::{Decision, Rotation, decide};
use crate::schema::{self, request_record};
use crate::store::{IssuedAccessToken, LastSeen, NeededSessions, SessionRecord};
use crate::token::issuer::AccessTokenParams;
use crate::token::keyring::KeyNo;
use crate::token::refresh_token::PresentedToken;

request_record! {
    /// Where a refresh comes from, as far as the host knows.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct RefreshRequest {
        /// The address that the refresh came from, recorded as last seen.
        pub ip_address: Option<IpAddress>,
        /// The `User-Agent` header that the refresh came with, recorded as last seen.
        pub user_agent: Option<UserAgent>,
    }
}

impl RefreshRequest {
    /// Reads a refresh in its JSON form: the names above, each optional; null counts as absent.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        schema::read_request(object)
    }
}

impl Tenant {
    /// Exchanges the session's live refresh token for its successor and a fresh access token, and moves
    /// `last_active_at`. The former token answers with the same successor for `refresh_reuse_window` (at most 100 times),
    /// so that parallel tabs and lost answers converge; later it ends the session.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// use hellojohn::RefreshRequest;
    ///
    /// let next = tenant.refresh(grant.refresh_token.expose(), RefreshRequest::default())?;
    /// assert_ne!(next.refresh_token, grant.refresh_token);
    /// assert_eq!(next.session.id, grant.session.id);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `missing_token`, `refresh_token_invalid` (no effect at all), `session_expired`, `session_revoked`,
    /// `refresh_token_reused` (the session has been ended), `refresh_token_ahead`.
    pub fn refresh(&self, refresh_token: &str, request: RefreshRequest) -> Result<Grant, Error> {
        self.begin_refresh(refresh_token, request).wait()
    }

    /// Begins [`refresh`](Self::refresh) without waiting for it; see [`Pending`].
    pub fn begin_refresh(&self, refresh_token: &str, request: RefreshRequest) -> Pending<Grant> {
        self.observe_pending(Operation::Refresh, Grant::rows, || self.queue_refresh(refresh_token, request))
    }

    fn queue_refresh(&self, refresh_token: &str, request: RefreshRequest) -> Pending<Grant> {
        if refresh_token.is_empty() {
            return Pending::ready(Err(missing_refresh_token().into()));
        }
        let Some(presented) = PresentedToken::parse(refresh_token) else {
            return Pending::ready(Err(invalid_refresh_token().into()));
        };
        let issued = self.begin_write_about(NeededSessions::One(presented.session), move |tenant, ctx| {
            let record = ctx.session_of(&presented)?;
            let config = &ctx.snapshot.config;
            let decision = ctx.decide(&record, &presented)?;
            let (record, key) = match decision {
                Decision::Ended(end) => return Err(ended_session(end).into()),
                Decision::Ahead => return Err(refresh_token_ahead().into()),
                Decision::Reused => {
                    ctx.end_reused(&record, &presented)?;
                    return Err(refresh_token_reused().into());
                }
                Decision::Replay => match ctx.snapshot.ring.by_no(record.access.key_no) {
                    Some(signed_by) => (record, Arc::clone(signed_by)),
                    // Its key was retired, so the token is dead and the active key signs another one: for no longer than
                    // that key signs today, or a rotation would forget the token.
                    None => (expire_in_time(record, ctx.now, config), Arc::clone(ctx.snapshot.ring.active())),
                },
                Decision::Rotate => {
                    let key = Arc::clone(ctx.snapshot.ring.active());
                    let mut rotated = rotate(record, ctx.now, config, key.no, &request)?;
                    rotated.times.judged_by = ctx.snapshot.bulk_ends.newest;
                    (rotated, key)
                }
            };
            let unsigned = tenant.prepare_access_token(&record, &key)?;
            if decision == Decision::Replay {
                ctx.transaction.count_replay(ctx.tenant, record.id)?;
            } else {
                ctx.transaction.rotate_session(ctx.tenant, &record)?;
                if ctx.inner.event_detail == EventDetail::All {
                    let session = Some((record.id, &record.user_id));
                    ctx.events().tell(EventType::SessionRefreshed, session, || {
                        EventData::default()
                            .with("generation", record.rotation.generation)
                            .with("ip_address", request.ip_address.map(|address| address.to_string()))
                    })?;
                }
            }
            let generation = record.rotation.generation;
            let refresh_token = ctx.snapshot.refresh_key.mint(record.id, generation, &record.nonce);
            Ok((record, unsigned, refresh_token, ctx.now))
        });
        let tenant = self.clone();
        issued.map(move |(record, unsigned, refresh_token, now)| Grant {
            expires_in: expires_in(record.access.params, now),
            session: tenant.view(record, None),
            access_token: unsigned.sign(),
            refresh_token,
            evicted: Vec::new(),
        })
    }
}

impl WriteContext<'_> {
    /// The session of a refresh token whose tag this tenant's key made.
    pub(super) fn session_of(&self, presented: &PresentedToken) -> Result<SessionRecord, OpError> {
        let record = self.transaction.session(self.tenant, presented.session)?;
        let genuine = record.filter(|record| self.snapshot.refresh_key.verify(presented, &record.nonce));
        Ok(genuine.ok_or_else(invalid_refresh_token)?)
    }

    /// Ends an active session because this token of an older generation was presented.
    pub(super) fn end_reused(
        &self,
        record: &SessionRecord,
        presented: &PresentedToken,
    ) -> Result<(), Failure> {
        let reuse = Ending::Reuse {
            presented: presented.generation,
            live: record.rotation.generation,
            live_since: record.times.last_active_at,
        };
        self.ends().end(&record.lifetime(), reuse)
    }

    /// What presenting this genuine token does; an end that is not written down yet is.
    pub(super) fn decide(
        &self,
        record: &SessionRecord,
        presented: &PresentedToken,
    ) -> Result<Decision, Failure> {
        let end = self.ends().stamp(&record.lifetime())?.map(|found| found.end);
        let (rotated_at, window) = (record.times.last_active_at, self.snapshot.config.refresh_reuse_window);
        Ok(decide(end, record.rotation, rotated_at, presented.generation, self.now, window))
    }
}

/// The record after a rotation.
fn rotate(
    mut record: SessionRecord,
    now: Timestamp,
    config: &Config,
    key_no: KeyNo,
    request: &RefreshRequest,
) -> Result<SessionRecord, Failure> {
    let exhausted = || Failure::internal("the session has no generation left");
    let generation = record.rotation.generation.checked_add(1).ok_or_else(exhausted)?;
    record.rotation = Rotation { generation, replays: 0 };
    record.times.last_active_at = now;
    record.access = IssuedAccessToken {
        params: AccessTokenParams {
            serial: record.access.params.serial.checked_add(1).ok_or_else(exhausted)?,
            issued_at: now,
            expires_at: expiry::access_token_end(now, config, record.times.expires_at),
        },
        key_no,
    };
    let (seen, sign_in) = (record.last_seen, &record.client);
    record.last_seen = LastSeen {
        ip_address: last_seen(request.ip_address, seen.ip_address, sign_in.ip_address),
        user_agent: last_seen(request.user_agent.clone(), seen.user_agent, sign_in.user_agent.clone()),
    };
    Ok(record)
}

/// The record of a session whose newest access token expires no later than one that is issued at `now`.
fn expire_in_time(mut record: SessionRecord, now: Timestamp, config: &Config) -> SessionRecord {
    let latest = expiry::access_token_end(now, config, record.times.expires_at);
    record.access.params.expires_at = record.access.params.expires_at.min(latest);
    record
}

/// What to keep as last seen: nothing while it is the same as at the sign-in.
fn last_seen<T: PartialEq>(now: Option<T>, before: Option<T>, at_sign_in: Option<T>) -> Option<T> {
    match now {
        None => before,
        now if now == at_sign_in => None,
        now => now,
    }
}
