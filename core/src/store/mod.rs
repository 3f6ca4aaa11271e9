//! The store's surface: whole questions and transitions, never rows or driver types. Rules live above it, SQL below it,
//! so that a second store can stand beside SQLite without touching a rule.

mod queue;
pub(crate) mod sqlite;

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::client::{ClientInfo, IpAddress, UserAgent};
use crate::clock::Timestamp;
use crate::config::Config;
use crate::error::Failure;
use crate::id::{KeyId, SessionId, TenantId, UserId};
use crate::identity::Identity;
use crate::rules::refresh::Rotation;
use crate::secret::SALT_BYTES;
use crate::session::{End, Lifetime};
use crate::token::issuer::Ticket;
use crate::token::keyring::{KeyNo, KeyState};
use crate::token::refresh::Nonce;

pub(crate) use self::queue::Place;
use self::sqlite::Durability;

/// A tenant's number within its database.
pub(crate) type TenantNo = i64;

/// The highest time that this database has seen. Lowering it starts a new era, which tells other processes to forget
/// what they remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockMark {
    pub highest: Timestamp,
    pub era: i64,
}

/// What every operation reads first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub mark: ClockMark,
    /// Grows with each change of the tenant's settings, keys or secret.
    pub version: i64,
}

/// A tenant's own row.
pub(crate) struct TenantRow {
    pub config: Config,
    pub salt: [u8; SALT_BYTES],
    pub wrapped_refresh_key: Vec<u8>,
    /// By when every access token of the active key is dead that was issued under settings before the present ones.
    pub token_horizon: Timestamp,
}

/// A signing key's row.
pub(crate) struct KeyRow {
    pub no: KeyNo,
    pub id: KeyId,
    pub state: KeyState,
    pub created_at: Timestamp,
    /// Set while retiring.
    pub drained_at: Option<Timestamp>,
    /// Gone once retired.
    pub wrapped_seed: Option<Vec<u8>>,
}

/// The newest access token of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IssuedToken {
    pub ticket: Ticket,
    pub key_no: KeyNo,
}

/// The device as last seen, where it differs from the sign-in's.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LastSeen {
    pub ip_address: Option<IpAddress>,
    pub user_agent: Option<UserAgent>,
}

/// A session's row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SessionRow {
    pub id: SessionId,
    pub user_id: UserId,
    pub life: Lifetime,
    pub rotation: Rotation,
    pub nonce: Nonce,
    pub access: IssuedToken,
    pub client: ClientInfo,
    pub last_seen: LastSeen,
    pub identity: Identity,
}

/// A session reduced to what decides its status.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    pub id: SessionId,
    pub times: Lifetime,
}

/// Whose sessions a question is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose<'a> {
    Tenant,
    User(&'a UserId),
}

/// Reads the row that a walk stands at.
pub(crate) type ReadRow<'a> = dyn Fn() -> Result<SessionRow, Failure> + 'a;
/// Whom a walk shows each session.
pub(crate) type Visitor<'a> = dyn FnMut(Life, &ReadRow<'_>) -> Result<ControlFlow<()>, Failure> + 'a;

/// What can be asked inside a transaction.
pub(crate) trait Questions {
    fn clock_mark(&self) -> Result<ClockMark, Failure>;
    fn tenant_no(&self, id: &TenantId) -> Result<Option<TenantNo>, Failure>;
    fn tenant_numbers(&self) -> Result<Vec<TenantNo>, Failure>;
    fn head(&self, tenant: TenantNo) -> Result<Head, Failure>;
    fn tenant(&self, tenant: TenantNo) -> Result<TenantRow, Failure>;
    /// All keys, oldest first.
    fn keys(&self, tenant: TenantNo) -> Result<Vec<KeyRow>, Failure>;
    fn session(&self, tenant: TenantNo, id: SessionId) -> Result<Option<SessionRow>, Failure>;
    /// Every session whose end is not written down, oldest first.
    fn unended(&self, tenant: TenantNo, whose: Whose<'_>) -> Result<Vec<Life>, Failure>;
    /// Sessions older than `before` (all, without it), newest first, until the visitor breaks; the rest of a row is read
    /// only for a visitor who asks for it.
    fn walk_back(
        &self,
        tenant: TenantNo,
        whose: Whose<'_>,
        before: Option<SessionId>,
        visit: &mut Visitor<'_>,
    ) -> Result<(), Failure>;
    /// Up to `most` sessions newer than `after`, oldest first.
    fn walk_forward(
        &self,
        tenant: TenantNo,
        after: Option<SessionId>,
        most: usize,
    ) -> Result<Vec<Life>, Failure>;
    /// The size of the database in bytes, the part that is not checkpointed yet left out.
    fn database_bytes(&self) -> Result<u64, Failure>;
}

/// What can be changed inside a writing transaction.
pub(crate) trait Transitions: Questions {
    /// Whether anything was changed so far.
    fn has_changed(&self) -> bool;
    /// Moves the mark on within its era.
    fn raise_clock_mark(&self, highest: Timestamp) -> Result<(), Failure>;
    /// Begins a new era.
    fn reset_clock_mark(&self, mark: ClockMark) -> Result<(), Failure>;
    fn add_tenant(&self, id: &TenantId, row: &TenantRow, now: Timestamp) -> Result<TenantNo, Failure>;
    fn set_config(&self, tenant: TenantNo, config: &Config, token_horizon: Timestamp) -> Result<(), Failure>;
    fn set_secret(
        &self,
        tenant: TenantNo,
        salt: &[u8; SALT_BYTES],
        refresh_key: &[u8],
    ) -> Result<(), Failure>;
    fn add_key(&self, tenant: TenantNo, key: &KeyRow) -> Result<(), Failure>;
    fn set_key(&self, tenant: TenantNo, key: &KeyRow) -> Result<(), Failure>;
    fn add_session(&self, tenant: TenantNo, row: &SessionRow) -> Result<(), Failure>;
    /// A rotation: writes the lifetime, rotation, access token and last-seen parts of the row.
    fn rotate_session(&self, tenant: TenantNo, row: &SessionRow) -> Result<(), Failure>;
    fn count_replay(&self, tenant: TenantNo, id: SessionId) -> Result<(), Failure>;
    /// A change of identity with its fresh access token.
    fn change_identity(&self, tenant: TenantNo, row: &SessionRow) -> Result<(), Failure>;
    /// Writes an end down; never over an earlier one.
    fn end_session(&self, tenant: TenantNo, id: SessionId, end: End) -> Result<(), Failure>;
    fn delete_session(&self, tenant: TenantNo, id: SessionId) -> Result<(), Failure>;
}

/// A job inside a reading transaction.
pub(crate) type ReadJob<'a> = dyn FnMut(&dyn Questions) -> Result<(), Failure> + 'a;
/// A job inside a writing transaction of its own; it commits unless the job fails.
pub(crate) type WriteJob<'a> = dyn FnMut(&dyn Transitions) -> Result<(), Failure> + 'a;
/// A job inside a writing transaction that it may share with others. It sees what those before it changed and did not
/// commit yet: it may keep nothing of that but its own answer. It is run anew if the transaction was lost.
pub(crate) type SharedJob = dyn FnMut(&dyn Transitions) -> Result<(), Failure> + Send;

/// A moment between the commits to a database, for asking later whether something has changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    era: u64,
    commit: u64,
}

/// Whether a caller can wait: for locks, for a sync of the disk, for a long walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    Waits,
    /// Rather fails with `storage_busy`.
    Hurries,
}

/// A database of sessions, shared by threads and processes.
pub(crate) trait Store: Send + Sync {
    /// Runs the job on one snapshot.
    fn read(&self, patience: Patience, job: &mut ReadJob<'_>) -> Result<(), Failure>;

    /// Runs the job alone and commits what it changed: when this returns, every reader sees it and, with full
    /// durability, the disk holds it.
    fn write_alone(&self, job: &mut WriteJob<'_>) -> Result<(), Failure>;

    /// Queues a job whose changes are committed, all or none, by the time that [`wait`](Self::wait) returns, and are on
    /// disk by then if both this and the database's durability are full. One that nobody waits for may be run all the
    /// same, unless it is [forgotten](Self::forget).
    fn enqueue(&self, job: Box<SharedJob>, durability: Durability) -> Arc<Place>;

    /// The outcome of a queued job: as [`write_alone`](Self::write_alone).
    fn wait(&self, place: &Arc<Place>) -> Result<(), Failure>;

    /// Takes a job that has not begun out of the queue.
    fn forget(&self, place: &Arc<Place>);

    /// The present moment, where the store can tell without reading. A snapshot that is begun after this is of this
    /// moment or a later one.
    fn moment(&self) -> Option<Moment>;

    /// Whether the session, its tenant's settings and keys, and the era of the clock are certainly what they were.
    fn unchanged(&self, session: SessionId, since: Moment) -> bool;

    /// Fails with `engine_closed` after [`close`](Self::close).
    fn check_open(&self) -> Result<(), Failure>;

    /// Releases the files.
    fn close(&self);
}
