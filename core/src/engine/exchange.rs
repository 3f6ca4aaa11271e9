//! The exchange of a credential of a session for the next tokens: of a refresh token, and of the credential that an imported
//! session has instead of its first one. One atomic step (SPEC 3, steps 2 to 6).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::answers::Grant;
use super::event_log::EventData;
use super::pending::Pending;
use super::refusals::{ended_session, refresh_token_ahead, refresh_token_reused};
use super::session_ends::Ending;
use super::session_view::expires_in;
use super::tenant::Tenant;
use super::transaction::WriteContext;
use crate::clock::Timestamp;
use crate::error::{Error, Failure, OpError};
use crate::model::client::UserAgent;
use crate::model::config::Config;
use crate::model::event::EventType;
use crate::model::ip_address::IpAddress;
use crate::rules::expiry;
use crate::rules::rotation::{Decision, Rotation, decide};
use crate::schema::{self, request_record};
use crate::secret::RefreshToken;
use crate::store::{IssuedAccessToken, LastSeen, SessionRecord};
use crate::token::issuer::{AccessTokenParams, Unsigned};
use crate::token::keyring::KeyNo;

request_record! {
    /// Where a refresh comes from, as far as the host knows.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// use hellojohn::RefreshRequest;
    ///
    /// let seen = RefreshRequest::default().ip_address(Some("203.0.113.42".parse()?));
    /// let grant = tenant.refresh(grant.refresh_token.expose(), seen.clone())?;
    /// assert_eq!(grant.session.last_ip_address, seen.ip_address);
    ///
    /// let json = serde_json::json!({"ip_address": "203.0.113.42"});
    /// assert_eq!(RefreshRequest::from_json(json.as_object().unwrap().clone())?, seen);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
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

/// What a credential was exchanged for. The access token is signed after the commit.
pub(super) struct Exchanged {
    record: SessionRecord,
    unsigned: Unsigned,
    refresh_token: RefreshToken,
    now: Timestamp,
    /// Whether this exchange made the tokens; otherwise they are those of the exchange before.
    pub has_rotated: bool,
}

impl Exchanged {
    /// Tells of the exchange.
    pub(super) fn tell(
        &self,
        ctx: &WriteContext<'_>,
        event_type: EventType,
        ip_address: Option<IpAddress>,
    ) -> Result<(), Failure> {
        let session = Some((self.record.id, &self.record.user_id));
        let acting = self.record.acting();
        ctx.made_in(acting.as_ref()).events().tell(event_type, session, || {
            EventData::default()
                .with("generation", self.record.rotation.generation)
                .with("ip_address", ip_address.map(|address| address.to_string()))
        })
    }
}

impl Tenant {
    /// What the client gets once the exchange is committed.
    pub(super) fn grant_of_exchange(&self, exchanged: Pending<Exchanged>) -> Pending<Grant> {
        let tenant = self.clone();
        exchanged.map(move |Exchanged { record, unsigned, refresh_token, now, has_rotated: _ }| Grant {
            expires_in: expires_in(record.access.params, now),
            session: tenant.view(record, None),
            access_token: unsigned.sign(),
            refresh_token,
            evicted: Vec::new(),
        })
    }
}

impl WriteContext<'_> {
    /// Exchanges the genuine credential of this generation: makes the next tokens, or finds those that it was exchanged for, or
    /// refuses.
    pub(super) fn exchange(
        &self,
        tenant: &Tenant,
        record: SessionRecord,
        generation: u32,
        request: &RefreshRequest,
    ) -> Result<Exchanged, OpError> {
        let config = &self.snapshot.config;
        let decision = self.decide(&record, generation)?;
        let (record, key) = match decision {
            Decision::Ended(end) => return Err(ended_session(end).into()),
            Decision::Ahead => return Err(refresh_token_ahead().into()),
            Decision::Reused => {
                self.end_reused(&record, generation)?;
                return Err(refresh_token_reused().into());
            }
            Decision::Replay => match self.snapshot.ring.by_no(record.access.key_no) {
                Some(signed_by) => (record, Arc::clone(signed_by)),
                // Its key was retired, so the token is dead and the active key signs another one: for no longer than
                // that key signs today, or a rotation would forget the token.
                None => (expire_in_time(record, self.now, config), Arc::clone(self.snapshot.ring.active())),
            },
            Decision::Rotate => {
                let key = Arc::clone(self.snapshot.ring.active());
                let mut rotated = rotate(record, self.now, config, key.no, request)?;
                rotated.times.judged_by = self.snapshot.bulk_ends.newest;
                (rotated, key)
            }
        };
        let unsigned = tenant.prepare_access_token(&record, &key)?;
        let has_rotated = decision == Decision::Rotate;
        if has_rotated {
            self.transaction.rotate_session(self.tenant, &record)?;
        } else {
            self.transaction.count_replay(self.tenant, record.id)?;
        }
        let refresh_token =
            self.snapshot.refresh_key.mint(record.id, record.rotation.generation, &record.nonce);
        Ok(Exchanged { record, unsigned, refresh_token, now: self.now, has_rotated })
    }

    /// Ends an active session because this token of an older generation was presented.
    pub(super) fn end_reused(&self, record: &SessionRecord, presented: u32) -> Result<(), Failure> {
        let reuse = Ending::Reuse {
            presented,
            live: record.rotation.generation,
            live_since: record.times.last_active_at,
        };
        self.ends().end(&record.lifetime(), reuse)
    }

    /// What presenting the genuine token of this generation does; an end that is not written down yet is.
    pub(super) fn decide(&self, record: &SessionRecord, presented: u32) -> Result<Decision, Failure> {
        let end = self.ends().stamp(&record.lifetime())?.map(|found| found.end);
        let (rotated_at, window) = (record.times.last_active_at, self.snapshot.config.refresh_reuse_window);
        Ok(decide(end, record.rotation, rotated_at, presented, self.now, window))
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
