//! The store's surface: whole questions and transitions, never rows or driver types. Rules live above it, SQL below it,
//! so that a second store can stand beside SQLite without touching a rule.

mod database;
pub(crate) mod durability;
mod group_commit;
mod sqlite;
mod wait_policy;

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::error::Failure;
use crate::key_wrapping::SALT_BYTES;
use crate::model::client::{ClientInfo, IpAddress, UserAgent};
use crate::model::config::Config;
use crate::model::id::{KeyId, SessionId, TenantId, UserId};
use crate::model::identity::Identity;
use crate::model::session::{End, SessionTimes};
use crate::rules::rotation::Rotation;
use crate::token::issuer::AccessTokenParams;
use crate::token::keyring::{KeyNo, KeyState};
use crate::token::refresh_token::Nonce;

pub(crate) use self::database::Database;
pub(crate) use self::durability::Durability;
pub(crate) use self::group_commit::QueuedWrite;
pub(crate) use self::wait_policy::{WaitPolicy, would_block};

/// A tenant's number within its database.
pub(crate) type TenantNo = i64;

/// The highest time that this database has seen. Lowering it starts a new epoch, which tells other processes to forget
/// what they remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockMark {
    pub highest: Timestamp,
    pub epoch: i64,
}

/// What every operation reads first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TenantVersion {
    pub mark: ClockMark,
    /// Grows with each change of the tenant's settings, keys or secret.
    pub version: i64,
}

/// A tenant's own row.
pub(crate) struct TenantRecord {
    pub config: Config,
    pub salt: [u8; SALT_BYTES],
    pub wrapped_refresh_key: Vec<u8>,
    /// By when every access token of the active key is dead that was issued under settings before the present ones.
    pub token_horizon: Timestamp,
}

/// A signing key's row.
pub(crate) struct KeyRecord {
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
pub(crate) struct IssuedAccessToken {
    pub ticket: AccessTokenParams,
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
pub(crate) struct SessionRecord {
    pub id: SessionId,
    pub user_id: UserId,
    pub life: SessionTimes,
    pub rotation: Rotation,
    pub nonce: Nonce,
    pub access: IssuedAccessToken,
    pub client: ClientInfo,
    pub last_seen: LastSeen,
    pub identity: Identity,
}

/// A session reduced to what decides its status.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionLifetime {
    pub id: SessionId,
    pub times: SessionTimes,
}

/// SessionScope sessions a question is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SessionScope<'a> {
    Tenant,
    User(&'a UserId),
}

/// Reads the row that a walk stands at.
pub(crate) type ReadRecord<'a> = dyn Fn() -> Result<SessionRecord, Failure> + 'a;
/// Whom a walk shows each session.
pub(crate) type Visitor<'a> =
    dyn FnMut(SessionLifetime, &ReadRecord<'_>) -> Result<ControlFlow<()>, Failure> + 'a;

/// What can be asked inside a transaction.
pub(crate) trait ReadTransaction {
    fn clock_mark(&self) -> Result<ClockMark, Failure>;
    fn tenant_no(&self, id: &TenantId) -> Result<Option<TenantNo>, Failure>;
    fn tenant_numbers(&self) -> Result<Vec<TenantNo>, Failure>;
    fn tenant_version(&self, tenant: TenantNo) -> Result<TenantVersion, Failure>;
    fn tenant(&self, tenant: TenantNo) -> Result<TenantRecord, Failure>;
    /// All keys, oldest first.
    fn keys(&self, tenant: TenantNo) -> Result<Vec<KeyRecord>, Failure>;
    fn session(&self, tenant: TenantNo, id: SessionId) -> Result<Option<SessionRecord>, Failure>;
    /// Every session whose end is not written down, oldest first.
    fn open_sessions(
        &self,
        tenant: TenantNo,
        whose: SessionScope<'_>,
    ) -> Result<Vec<SessionLifetime>, Failure>;
    /// Sessions older than `before` (all, without it), newest first, until the visitor breaks; the rest of a row is read
    /// only for a visitor who asks for it.
    fn scan_newest_first(
        &self,
        tenant: TenantNo,
        whose: SessionScope<'_>,
        before: Option<SessionId>,
        visit: &mut Visitor<'_>,
    ) -> Result<(), Failure>;
    /// Up to `most` sessions newer than `after`, oldest first.
    fn scan_oldest_first(
        &self,
        tenant: TenantNo,
        after: Option<SessionId>,
        most: usize,
    ) -> Result<Vec<SessionLifetime>, Failure>;
    /// The size of the database in bytes, the part that is not checkpointed yet left out.
    fn database_bytes(&self) -> Result<u64, Failure>;
}

/// What can be changed inside a writing transaction.
pub(crate) trait WriteTransaction: ReadTransaction {
    /// Whether anything was changed so far.
    fn has_changed(&self) -> bool;
    /// Moves the mark on within its epoch.
    fn raise_clock_mark(&self, highest: Timestamp) -> Result<(), Failure>;
    /// Begins a new epoch.
    fn reset_clock_mark(&self, mark: ClockMark) -> Result<(), Failure>;
    fn add_tenant(&self, id: &TenantId, row: &TenantRecord, now: Timestamp) -> Result<TenantNo, Failure>;
    fn set_config(&self, tenant: TenantNo, config: &Config, token_horizon: Timestamp) -> Result<(), Failure>;
    fn set_secret(
        &self,
        tenant: TenantNo,
        salt: &[u8; SALT_BYTES],
        refresh_key: &[u8],
    ) -> Result<(), Failure>;
    fn add_key(&self, tenant: TenantNo, key: &KeyRecord) -> Result<(), Failure>;
    fn set_key(&self, tenant: TenantNo, key: &KeyRecord) -> Result<(), Failure>;
    fn add_session(&self, tenant: TenantNo, row: &SessionRecord) -> Result<(), Failure>;
    /// A rotation: writes the lifetime, rotation, access token and last-seen parts of the row.
    fn rotate_session(&self, tenant: TenantNo, row: &SessionRecord) -> Result<(), Failure>;
    fn count_replay(&self, tenant: TenantNo, id: SessionId) -> Result<(), Failure>;
    /// A change of identity with its fresh access token.
    fn change_identity(&self, tenant: TenantNo, row: &SessionRecord) -> Result<(), Failure>;
    /// Writes an end down; never over an earlier one.
    fn end_session(&self, tenant: TenantNo, id: SessionId, end: End) -> Result<(), Failure>;
    fn delete_session(&self, tenant: TenantNo, id: SessionId) -> Result<(), Failure>;
}

/// A job inside a reading transaction.
pub(crate) type ReadJob<'a> = dyn FnMut(&dyn ReadTransaction) -> Result<(), Failure> + 'a;
/// A job inside a writing transaction of its own; it commits unless the job fails.
pub(crate) type WriteJob<'a> = dyn FnMut(&dyn WriteTransaction) -> Result<(), Failure> + 'a;
/// A job inside a writing transaction that it may share with others. It sees what those before it changed and did not
/// commit yet: it may keep nothing of that but its own answer. It is run anew if the transaction was lost.
pub(crate) type QueuedJob = dyn FnMut(&dyn WriteTransaction) -> Result<(), Failure> + Send;

/// A moment between the commits to a database, for asking later whether something has changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommitVersion {
    epoch: u64,
    commit: u64,
}

/// A database of sessions, shared by threads and processes.
pub(crate) trait Store: Send + Sync {
    /// Runs the job on one snapshot.
    fn read(&self, patience: WaitPolicy, job: &mut ReadJob<'_>) -> Result<(), Failure>;

    /// Runs the job alone and commits what it changed: when this returns, every reader sees it and, with full
    /// durability, the disk holds it.
    fn write_exclusive(&self, job: &mut WriteJob<'_>) -> Result<(), Failure>;

    /// Queues a job whose changes are committed, all or none, by the time that [`wait`](Self::wait) returns, and are on
    /// disk by then if both this and the database's durability are full. One that nobody waits for may be run all the
    /// same, unless it is [forgotten](Self::forget).
    fn enqueue(&self, job: Box<QueuedJob>, durability: Durability) -> Arc<QueuedWrite>;

    /// The outcome of a queued job: as [`write_exclusive`](Self::write_exclusive).
    fn wait(&self, place: &Arc<QueuedWrite>) -> Result<(), Failure>;

    /// Takes a job that has not begun out of the queue.
    fn cancel(&self, place: &Arc<QueuedWrite>);

    /// The present moment, where the store can tell without reading. A snapshot that is begun after this is of this
    /// moment or a later one.
    fn commit_version(&self) -> Option<CommitVersion>;

    /// Whether the session, its tenant's settings and keys, and the epoch of the clock are certainly what they were.
    fn is_unchanged_since(&self, session: SessionId, since: CommitVersion) -> bool;

    /// Fails with `engine_closed` after [`close`](Self::close).
    fn check_open(&self) -> Result<(), Failure>;

    /// Releases the files.
    fn close(&self);
}

/// How a store behaves, whichever it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreOptions {
    pub durability: Durability,
    /// How long a call waits for other writers, of this process and of others.
    pub busy_timeout: std::time::Duration,
}

/// Opens the store that keeps this database, creating the database if it is not there.
pub(crate) fn open(database: Database, options: StoreOptions) -> Result<Box<dyn Store>, Failure> {
    Ok(Box::new(sqlite::SqliteStore::open(database, options)?))
}
