//! What a store keeps and hands back: whole values, never rows or driver types.

use crate::clock::Timestamp;
use crate::key_wrapping::SALT_BYTES;
use crate::model::bulk_end::BulkEnd;
use crate::model::client::{ClientInfo, UserAgent};
use crate::model::config::Config;
use crate::model::event::{EventHash, EventSeq};
use crate::model::factor::Factors;
use crate::model::id::{Actor, KeyId, SessionId, UserId};
use crate::model::identity::Identity;
use crate::model::imported::{CredentialHash, ExternalId};
use crate::model::ip_address::IpAddress;
use crate::model::session::{SessionLifetime, SessionTimes};
use crate::model::session_actor::SessionActor;
use crate::model::sign_in_limit::FailedSignIn;
use crate::rules::rotation::Rotation;
use crate::token::failure_key::FailureKey;
use crate::token::issuer::AccessTokenParams;
use crate::token::keyring::{KeyNo, KeyState};
use crate::token::refresh_token::Nonce;

/// A tenant's number within its database.
pub(crate) type TenantNo = i64;

/// The highest time that the database has seen. Lowering it starts a new epoch, which tells other processes to discard
/// the time that they remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockMark {
    pub highest: Timestamp,
    pub epoch: i64,
}

/// What every operation reads first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TenantVersion {
    pub mark: ClockMark,
    /// A number that stands for the tenant's settings, keys, secret and bulk ends, another one after each change. It never
    /// comes back for other ones, as a counter would after a backup was restored.
    pub version: i64,
}

/// A tenant: its settings and what its secret key opens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TenantRecord {
    pub config: Config,
    pub salt: [u8; SALT_BYTES],
    pub wrapped_refresh_key: Vec<u8>,
    /// The time at which the last access token that the active key signed under earlier settings expires.
    pub token_horizon: Timestamp,
}

/// A signing key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyRecord {
    pub no: KeyNo,
    pub id: KeyId,
    pub state: KeyState,
    pub created_at: Timestamp,
    /// Set while retiring.
    pub drained_at: Option<Timestamp>,
    /// Absent once retired.
    pub wrapped_seed: Option<Vec<u8>>,
}

/// The newest access token of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IssuedAccessToken {
    pub params: AccessTokenParams,
    pub key_no: KeyNo,
}

/// The device as last seen, where it differs from the device of the sign-in.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LastSeen {
    pub ip_address: Option<IpAddress>,
    pub user_agent: Option<UserAgent>,
}

/// Everything that is kept of a session.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SessionRecord {
    pub id: SessionId,
    pub user_id: UserId,
    pub times: SessionTimes,
    pub rotation: Rotation,
    pub nonce: Nonce,
    pub access: IssuedAccessToken,
    pub client: ClientInfo,
    pub last_seen: LastSeen,
    pub identity: Identity,
    /// The serial of the access token that the last change of `identity` issued, 0 before the first change. Tokens with a
    /// lower one are outdated.
    pub identity_serial: u32,
    pub factors: Factors,
    /// Of a session that was imported: the credential that stands for its first refresh token.
    pub credential: Option<CredentialHash>,
    /// Of a session that was imported: its name where it came from.
    pub external_id: Option<ExternalId>,
    pub actor: Option<SessionActor>,
}

impl SessionRecord {
    /// When the user authenticated last.
    pub(crate) fn auth_time(&self) -> Timestamp {
        self.factors.newest_at().unwrap_or(self.times.created_at)
    }

    /// Who makes the changes that the session makes by itself, if a person acts in it.
    pub(crate) fn acting(&self) -> Option<Actor> {
        self.actor.as_ref().and_then(SessionActor::to_event_actor)
    }

    /// What decides the session's status.
    pub(crate) fn lifetime(&self) -> SessionLifetime {
        SessionLifetime {
            id: self.id,
            user_id: self.user_id.clone(),
            times: self.times,
            access_expires_at: self.access.params.expires_at,
            is_acted: self.actor.is_some(),
        }
    }
}

/// A bulk end and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BulkEndRecord {
    pub bulk_end: BulkEnd,
    /// How many sessions it has ended and stamped.
    pub ended: u64,
    /// Whether every session that it concerns is stamped.
    pub is_done: bool,
}

impl BulkEndRecord {
    /// One that has stamped nothing yet.
    pub(crate) fn new(bulk_end: BulkEnd) -> Self {
        BulkEndRecord { bulk_end, ended: 0, is_done: false }
    }
}

/// A seal over the events up to one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealRecord {
    /// The last event that it vouches for.
    pub seq: EventSeq,
    /// That event's hash.
    pub hash: EventHash,
    pub sealed_at: Timestamp,
    /// The key that signed it.
    pub kid: KeyId,
    pub signature: [u8; 64],
}

/// Names a process among those that share a piece of work: drawn by chance.
pub(crate) type LeaseHolder = [u8; 16];

/// A piece of work that one process does at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeaseRecord {
    pub name: String,
    pub holder: LeaseHolder,
    /// Until when the holder may do the work.
    pub until: Timestamp,
    /// The last event that the work is done with; 0 for work that is about no events.
    pub position: EventSeq,
}

/// The sessions that a question is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SessionScope<'a> {
    /// Every session of the tenant.
    Tenant,
    /// Every session of this user of the tenant.
    User(&'a UserId),
}

impl<'a> SessionScope<'a> {
    /// The sessions of this user, or of every user.
    pub(crate) fn of(user: Option<&'a UserId>) -> Self {
        user.map_or(SessionScope::Tenant, SessionScope::User)
    }

    /// Whose sessions; `None` for every user's.
    pub(crate) fn user(self) -> Option<&'a UserId> {
        match self {
            SessionScope::Tenant => None,
            SessionScope::User(user) => Some(user),
        }
    }
}

/// The failed sign-ins that are counted under one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignInFailures {
    pub key: FailureKey,
    /// Oldest first.
    pub failures: Vec<FailedSignIn>,
}

/// The sessions that a scan is interested in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScanFilter {
    /// All of them.
    All,
    /// Those whose end is not written down.
    Open,
}

/// How much of a session's record a scan reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordParts {
    /// All of it.
    All,
    /// What callers are shown and filters ask for. A store may leave blank what tokens are made of (rotation, nonce, access token,
    /// serial of the identity) and what an import is known by.
    Shown,
}

/// A version of the database's content, as far as this store can tell without reading. Only the store that gave it out
/// can compare it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommitVersion {
    /// Stands for the commits whose changes the store does not know, and those that concern every session.
    pub(super) epoch: u64,
    /// Counts the commits whose changes it knows.
    pub(super) commit: u64,
}

impl CommitVersion {
    pub(crate) fn to_text(self) -> String {
        format!("{}.{}", self.epoch, self.commit)
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let (epoch, commit) = text.split_once('.')?;
        Some(CommitVersion { epoch: epoch.parse().ok()?, commit: commit.parse().ok()? })
    }
}
