//! A session, its status and what decides about it (SPEC 1 and 2).

use serde::de::DeserializeOwned;

use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::error::Error;
use crate::model::client::{Country, DeviceFingerprint, UserAgent};
use crate::model::device_type::DeviceType;
use crate::model::factor::Factors;
use crate::model::id::{SessionId, TenantId, UserId};
use crate::model::identity::Identity;
use crate::model::ip_address::IpAddress;
use crate::model::session_actor::SessionActor;
use crate::schema::public_record;
use crate::word_enum::word_enum;

word_enum! {
    /// The status of a session.
    pub enum Status as "status" {
        /// It can be refreshed and verified.
        Active = "active",
        /// It reached its end.
        Expired = "expired",
        /// It was ended before its end, by a decision or by the idle time-out.
        Revoked = "revoked",
    }
}

word_enum! {
    /// Why a session ended.
    pub enum EndReason as "end_reason" {
        /// Its user signed out on this device.
        SignOut = "sign_out",
        /// It was revoked by its id.
        Revoked = "revoked",
        /// All sessions of its user were revoked.
        RevokeAll = "revoke_all",
        /// All sessions of the tenant were revoked.
        RevokeTenant = "revoke_tenant",
        /// A newer sign-in of its user exceeded the cap.
        MaxSessions = "max_sessions",
        /// It was not refreshed within the idle time-out.
        IdleTimeout = "idle_timeout",
        /// A refresh token of it was used again.
        RefreshTokenReuse = "refresh_token_reuse",
        /// The database was restored from a backup, and all of its sessions were ended.
        Restored = "restored",
        /// It reached its end.
        Expired = "expired",
    }
}

impl EndReason {
    /// Whether no call has brought the end: every machine finds it by itself, as time passes.
    #[cfg_attr(
        not(any(feature = "postgres", test)),
        expect(dead_code, reason = "for a store over a network")
    )]
    pub(crate) fn is_by_clock(self) -> bool {
        matches!(self, EndReason::IdleTimeout | EndReason::Expired)
    }
}

/// The end of a session: when and why. Final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub at: Timestamp,
    pub reason: EndReason,
}

impl End {
    pub(crate) fn status(self) -> Status {
        match self.reason {
            EndReason::Expired => Status::Expired,
            _ => Status::Revoked,
        }
    }
}

/// The number of a bulk end within its tenant, counted from 1 in the order in which they were decided; 0 stands for none.
pub(crate) type BulkNo = i64;

/// The times that decide the status of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionTimes {
    pub created_at: Timestamp,
    pub last_active_at: Timestamp,
    pub expires_at: Timestamp,
    /// The end that is written down; ends by the clock and by a bulk end may not be yet.
    pub end: Option<End>,
    /// Of an open session: the newest bulk end that had been decided when the session signed in, last rotated or was last
    /// updated. Those up to it say nothing about the session. Of an ended one: the bulk end that ended it, 0 if something else did.
    pub judged_by: BulkNo,
}

impl SessionTimes {
    /// The end that is written down, or the one that the clock has brought by `now` under this idle time-out. Whether the
    /// session has ended is for `find_end` (`rules/status.rs`) to say, which knows the bulk ends too.
    pub(crate) fn end_by_clock(&self, now: Timestamp, idle_timeout: Option<Duration>) -> Option<End> {
        if self.end.is_some() {
            return self.end;
        }
        let idle_deadline = idle_timeout.map(|timeout| self.last_active_at.after(timeout));
        match idle_deadline {
            Some(deadline) if deadline < self.expires_at && now > deadline => {
                Some(End { at: deadline, reason: EndReason::IdleTimeout })
            }
            _ if now >= self.expires_at => Some(End { at: self.expires_at, reason: EndReason::Expired }),
            _ => None,
        }
    }

    /// The first time at which the clock has brought an end under this idle time-out; `None` if an end is written down.
    pub(crate) fn ended_from(&self, idle_timeout: Option<Duration>) -> Option<Timestamp> {
        if self.end.is_some() {
            return None;
        }
        let idle_deadline = idle_timeout.map(|timeout| self.last_active_at.after(timeout));
        let past_idle = idle_deadline
            .filter(|deadline| *deadline < self.expires_at)
            .map(|deadline| Timestamp::from_millis(deadline.as_millis().saturating_add(1)));
        Some(past_idle.unwrap_or(self.expires_at))
    }
}

/// A session reduced to what decides its status.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SessionLifetime {
    pub id: SessionId,
    pub user_id: UserId,
    pub times: SessionTimes,
    /// When its newest access token expires.
    pub access_expires_at: Timestamp,
    /// Whether another person acts for the user: no cap knows the session.
    pub is_acted: bool,
}

public_record! {
    /// One authenticated period of one user on one device. As JSON: the names below, times as RFC 3339 in whole
    /// seconds, absent values null.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let session = &grant.session;
    /// assert_eq!((session.user_id.as_str(), session.status.as_str()), ("usr_1", "active"));
    /// let json = serde_json::to_value(session).expect("it is JSON");
    /// assert_eq!(json["revoked_at"], serde_json::Value::Null);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq)]
    pub struct Session {
        /// Its id: `ses_` and a ULID. A name, never a credential.
        pub id: SessionId,
        /// The user who signed in.
        pub user_id: UserId,
        /// The tenant that it belongs to.
        pub tenant_id: TenantId,
        /// Its status.
        pub status: Status,
        /// The `User-Agent` header of the sign-in.
        pub user_agent: Option<UserAgent>,
        /// The address of the sign-in, in canonical form.
        pub ip_address: Option<IpAddress>,
        /// The country of the sign-in as the host gave it: two letters (ISO 3166-1 alpha-2).
        pub country: Option<Country>,
        /// The kind of device, given or derived from the user agent.
        pub device_type: DeviceType,
        /// The host's fingerprint of the device.
        pub device_fingerprint: Option<DeviceFingerprint>,
        /// The sign-in.
        pub created_at: Timestamp,
        /// The sign-in or the last rotation of the refresh token; verifying never moves it.
        pub last_active_at: Timestamp,
        /// The end of the session, and of its refresh token with it; fixed at sign-in.
        #[node = "refreshExpiresAt"]
        pub expires_at: Timestamp,
        /// When its newest access token expires.
        #[node = "expiresAt"]
        pub access_expires_at: Timestamp,
        /// When it was revoked: only if its status is `revoked`.
        pub revoked_at: Option<Timestamp>,
        /// Why it ended.
        pub end_reason: Option<EndReason>,
        /// Organisation, role, step-up, e-mail and own claims, as access tokens carry them; in JSON these stand beside the
        /// other fields.
        #[serde(flatten)]
        pub identity: Identity,
        /// When the user authenticated: the sign-in, or the factor that was passed last. A refresh never moves it.
        pub auth_time: Timestamp,
        /// The methods that the user has passed, each with its last time, the newest last; at most 8.
        pub factors: Factors,
        /// Who acts for the user in this session, if another person does.
        pub actor: Option<SessionActor>,
        /// The address last seen: of the newest refresh that gave one, else of the sign-in.
        pub last_ip_address: Option<IpAddress>,
        /// The user agent last seen: of the newest refresh that gave one, else of the sign-in.
        pub last_user_agent: Option<UserAgent>,
    }
}

impl Session {
    /// The host's own claims as a type of the host's.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Subscription {
    ///     plan: String,
    /// }
    ///
    /// let request = hellojohn::CreateSession::new("usr_1".parse()?).own_claims(&Subscription { plan: "pro".into() })?;
    /// let session = tenant.create(request)?.session;
    /// assert_eq!(session.own_claims::<Subscription>()?.plan, "pro");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Claims::decode`](crate::Claims::decode).
    pub fn own_claims<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.identity.claims.decode()
    }
}

word_enum! {
    /// Which sessions a list shows.
    pub enum StatusFilter as "status" default Active {
        /// Active sessions; the default.
        Active = "active",
        /// Sessions that reached their end.
        Expired = "expired",
        /// Sessions that were ended before it.
        Revoked = "revoked",
        /// All sessions.
        All = "all",
    }
}

impl StatusFilter {
    pub(crate) fn admits(self, status: Status) -> bool {
        match self {
            StatusFilter::All => true,
            StatusFilter::Active => status == Status::Active,
            StatusFilter::Expired => status == Status::Expired,
            StatusFilter::Revoked => status == Status::Revoked,
        }
    }
}

#[cfg(test)]
mod tests;
