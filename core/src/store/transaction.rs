//! The half of the store's contract that a job sees: what it can read and change inside a transaction. The other half,
//! which runs the jobs, is [`Store`](super::Store). `docs/STORE-CONTRACT.md` tells the same as prose.
//!
//! A method that meets data which the engine cannot have written (an impossible value, a missing row that must be there)
//! fails with `storage_corrupt`. Every other failure of a method is one of the storage codes.

use std::ops::ControlFlow;

use super::records::{
    BulkEndRecord, ClockMark, KeyRecord, LeaseRecord, RecordParts, ScanFilter, SealRecord, SessionRecord,
    SessionScope, SignInFailures, TenantNo, TenantRecord, TenantVersion,
};
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::key_wrapping::SALT_BYTES;
use crate::model::bulk_end::BulkEnd;
use crate::model::config::Config;
use crate::model::event::{Event, EventHash, EventSeq};
use crate::model::id::{SessionId, TenantId, UserId};
use crate::model::imported::{CredentialHash, ImportKey};
use crate::model::revocation::{Revocation, RevocationSeq};
use crate::model::session::{BulkNo, End, SessionLifetime};
use crate::model::sign_in_limit::FailedSignIn;
use crate::token::failure_key::FailureKey;
use crate::token::keyring::KeyNo;

/// Reads the record of the session that a scan is at. Valid during the visitor's call only.
pub(crate) type ReadRecord<'a> = dyn Fn() -> Result<SessionRecord, Failure> + 'a;
/// Called for each session of a scan; `Break` ends the scan, an error fails it.
pub(crate) type Visitor<'a> =
    dyn FnMut(&SessionLifetime, &ReadRecord<'_>) -> Result<ControlFlow<()>, Failure> + 'a;

/// Called for each session of a scan that reads lifetimes only, in the same way.
pub(crate) type LifetimeVisitor<'a> = dyn FnMut(SessionLifetime) -> Result<ControlFlow<()>, Failure> + 'a;

/// What a job can read.
///
/// All reads of one transaction see one state of the database. Inside a read transaction it is a snapshot: no commit
/// that happens later shows in it. Inside a write transaction it is the newest committed state with the transaction's
/// own changes on top, and no other writer can change it before the transaction ends.
pub(crate) trait ReadTransaction {
    /// The time that the database's own clock showed: in a read from before its snapshot, in a write from after the lock
    /// was taken. `None` for a store without a clock of its own; the machine's clock counts then.
    fn database_time(&self) -> Option<Timestamp>;

    /// The clock mark. It exists from the creation of the database on.
    fn clock_mark(&self) -> Result<ClockMark, Failure>;

    /// The number of the tenant with this id, nothing if there is none.
    fn tenant_no(&self, id: &TenantId) -> Result<Option<TenantNo>, Failure>;

    /// The numbers of all tenants, in ascending order.
    fn tenant_numbers(&self) -> Result<Vec<TenantNo>, Failure>;

    /// The tenant's version and the clock mark, read together because every operation starts with them. Fails with
    /// `storage_corrupt` for a tenant that is not there: tenants are never deleted.
    fn tenant_version(&self, tenant: TenantNo) -> Result<TenantVersion, Failure>;

    /// The tenant's id, and when it was made. Fails as [`tenant_version`](Self::tenant_version) does.
    fn tenant_id(&self, tenant: TenantNo) -> Result<(TenantId, Timestamp), Failure>;

    /// The tenant's record. Fails as [`tenant_version`](Self::tenant_version) does.
    fn tenant(&self, tenant: TenantNo) -> Result<TenantRecord, Failure>;

    /// All keys of the tenant, by ascending number: oldest first.
    fn keys(&self, tenant: TenantNo) -> Result<Vec<KeyRecord>, Failure>;

    /// The session with this id, ended or not; nothing if this tenant has none.
    fn session(&self, tenant: TenantNo, id: SessionId) -> Result<Option<SessionRecord>, Failure>;

    /// The imported sessions, ended or not, that have the credential or the external id of one of these keys. In any order; one
    /// that two keys name may come twice.
    fn imported_sessions(&self, tenant: TenantNo, keys: &[ImportKey]) -> Result<Vec<SessionRecord>, Failure>;

    /// The tenant's bulk ends that were not deleted, by ascending number.
    fn bulk_ends(&self, tenant: TenantNo) -> Result<Vec<BulkEndRecord>, Failure>;

    /// Calls the visitor for each of the user's sessions whose end is not written down and whose id is not below `from`
    /// (for every such session without it), by descending id: newest first. The clock or a bulk end may have ended some of
    /// them; a rule decides that, not the store. Sessions with an end cost nothing.
    fn scan_open_newest_first(
        &self,
        tenant: TenantNo,
        user: &UserId,
        from: Option<SessionId>,
        visit: &mut LifetimeVisitor<'_>,
    ) -> Result<(), Failure>;

    /// Calls the visitor for each session whose id is below `before` (for every session without it) by descending id:
    /// newest first. With [`ScanFilter::Open`] a store leaves out sessions whose end is written down where a key leads
    /// past them, and shows them where none does: a store never looks at rows that the visitor cannot count. A visitor
    /// that filters by lifetime should not cost more than the lifetimes: the store reads the rest of a record only when
    /// the visitor asks for it, and no more of it than `parts` says.
    fn scan_newest_first(
        &self,
        tenant: TenantNo,
        scope: SessionScope<'_>,
        filter: ScanFilter,
        parts: RecordParts,
        before: Option<SessionId>,
        visit: &mut Visitor<'_>,
    ) -> Result<(), Failure>;

    /// Up to `limit` sessions of the scope whose id is above `after` (from the first without it), ended ones too, by
    /// strictly ascending id: oldest first. Callers go on from the last id, so a store that finds a damaged order fails
    /// with `storage_corrupt` instead of answering.
    fn scan_oldest_first(
        &self,
        tenant: TenantNo,
        scope: SessionScope<'_>,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<SessionLifetime>, Failure>;

    /// The failed sign-ins under this key, oldest first; empty if none are kept.
    fn sign_in_failures(&self, tenant: TenantNo, key: &FailureKey) -> Result<Vec<FailedSignIn>, Failure>;

    /// Up to `limit` keys of failed sign-ins above these bytes (from the first for none), by strictly ascending bytes: a
    /// key is above every beginning of it.
    fn scan_sign_in_failures(
        &self,
        tenant: TenantNo,
        after: &[u8],
        limit: usize,
    ) -> Result<Vec<SignInFailures>, Failure>;

    /// Up to `limit` events of the tenant with a number above `after`, by ascending number.
    fn events(&self, tenant: TenantNo, after: EventSeq, limit: usize) -> Result<Vec<Event>, Failure>;

    /// The number of the tenant's newest event, also of one that was deleted; 0 before the first.
    fn newest_event(&self, tenant: TenantNo) -> Result<EventSeq, Failure>;

    /// Up to `limit` seals of the tenant over events above `after`, by ascending number.
    fn seals(&self, tenant: TenantNo, after: EventSeq, limit: usize) -> Result<Vec<SealRecord>, Failure>;

    /// The seal that goes furthest.
    fn newest_seal(&self, tenant: TenantNo) -> Result<Option<SealRecord>, Failure>;

    /// The lease of this name.
    fn lease(&self, tenant: TenantNo, name: &str) -> Result<Option<LeaseRecord>, Failure>;

    /// All leases of the tenant, by ascending bytes of their names.
    fn leases(&self, tenant: TenantNo) -> Result<Vec<LeaseRecord>, Failure>;

    /// How many leases the tenant has.
    fn lease_count(&self, tenant: TenantNo) -> Result<u64, Failure>;

    /// Up to `limit` entries of the tenant's revocation list with a number above `after`, by ascending number.
    fn revocations(
        &self,
        tenant: TenantNo,
        after: RevocationSeq,
        limit: usize,
    ) -> Result<Vec<Revocation>, Failure>;

    /// The number of the newest entry of the tenant's revocation list; 0 before the first.
    fn newest_revocation(&self, tenant: TenantNo) -> Result<RevocationSeq, Failure>;

    /// How long a machine may remember an answer that this transaction confirms, in ms, as the database allows it; 0 for a store
    /// whose answers are not remembered by time.
    fn allowed_lease_ms(&self) -> i64 {
        0
    }

    /// About how many bytes the database occupies. A hint for statistics: it need not count what is not checkpointed yet,
    /// and a store that cannot tell answers 0.
    fn database_bytes(&self) -> Result<u64, Failure>;
}

/// What a job can change.
///
/// The store runs one write transaction at a time for each tenant (a store may take the whole database as the unit), from
/// before the job's first read until after the commit, across all threads and processes. Rules rely on it: the cap counts
/// sessions and then adds one, a rotation compares a generation and then raises it.
///
/// A job reads its own changes. All changes of a transaction are committed together or not at all, the clock mark among
/// them. A change of a row that is not there fails with `storage_corrupt`, because a change that hits nothing would be a
/// lost write.
pub(crate) trait WriteTransaction: ReadTransaction {
    /// Whether the present job has changed anything so far. Changes of other jobs in the same transaction do not count.
    fn has_changed(&self) -> bool;

    /// Has the job's caller wait, after the commit, until no machine gives an answer from memory that does not know of what is
    /// committed by then. A store does so by itself for every change that ends sessions or alters what is told of
    /// them, also by settings and keys. A job asks for it that has found ended what it was to end, this session or, for `None`, any number:
    /// the call that ended it may still be waiting. From the return of the call on, this store remembers no answer about them.
    fn outlast_leases(&self, _found: Option<SessionId>) {}

    /// Moves the clock mark on within its epoch. The caller has compared it with the present mark.
    fn raise_clock_mark(&self, highest: Timestamp) -> Result<(), Failure>;

    /// Replaces the clock mark, also by a lower one, and begins the mark's epoch. Invalidates every
    /// [`CommitVersion`](super::records::CommitVersion).
    fn reset_clock_mark(&self, mark: ClockMark) -> Result<(), Failure>;

    /// Adds a tenant. Fails with `storage_corrupt` if the id is taken: the caller has looked in the same
    /// transaction.
    fn add_tenant(&self, id: &TenantId, record: &TenantRecord, now: Timestamp) -> Result<TenantNo, Failure>;

    /// Replaces the tenant's settings and token horizon, and changes its version.
    fn set_config(&self, tenant: TenantNo, config: &Config, token_horizon: Timestamp) -> Result<(), Failure>;

    /// Replaces the tenant's salt and wrapped refresh key, and changes its version.
    fn set_secret(
        &self,
        tenant: TenantNo,
        salt: &[u8; SALT_BYTES],
        refresh_key: &[u8],
    ) -> Result<(), Failure>;

    /// Adds a key. The caller changes another row of the tenant in the same transaction, which changes the version.
    fn add_key(&self, tenant: TenantNo, key: &KeyRecord) -> Result<(), Failure>;

    /// Replaces the state, the drain time and the seed of the key with this number, and changes the tenant's version.
    fn set_key(&self, tenant: TenantNo, key: &KeyRecord) -> Result<(), Failure>;

    /// Deletes a retired key, which no snapshot of the tenant holds: the version stays.
    fn delete_key(&self, tenant: TenantNo, no: KeyNo) -> Result<(), Failure>;

    /// Keeps these failed sign-ins instead of those that are kept under the key. Without any the key is deleted, which must
    /// be there then.
    fn set_sign_in_failures(&self, tenant: TenantNo, failures: &SignInFailures) -> Result<(), Failure>;

    /// Adds a session. Its device type is kept as
    /// [`effective_device_type`](crate::model::client::ClientInfo::effective_device_type) gives it.
    fn add_session(&self, tenant: TenantNo, record: &SessionRecord) -> Result<(), Failure>;

    /// A rotation: replaces the time of the last activity, the bulk end that has judged the session, the rotation, the newest
    /// access token and the device last seen. Leaves every other field as it is.
    fn rotate_session(&self, tenant: TenantNo, record: &SessionRecord) -> Result<(), Failure>;

    /// Counts one more replay of the session's former refresh token.
    fn count_replay(&self, tenant: TenantNo, id: SessionId) -> Result<(), Failure>;

    /// Replaces organisation, role, second factor and claims with the serial of their change, the bulk end that has judged
    /// the session, and the newest access token, which carries them. Leaves every other field as it is, the e-mail address
    /// too.
    fn change_identity(&self, tenant: TenantNo, record: &SessionRecord) -> Result<(), Failure>;

    /// Keeps this credential of an imported session instead of the one that it has.
    fn set_credential(
        &self,
        tenant: TenantNo,
        id: SessionId,
        credential: CredentialHash,
    ) -> Result<(), Failure>;

    /// Writes the session's end down. One that a bulk end brought (`by` is not 0) is counted in that bulk end. Fails with
    /// `storage_corrupt` for a session that has an end, because an end is final, and for a bulk end that is not there.
    fn end_session(&self, tenant: TenantNo, id: SessionId, end: End, by: BulkNo) -> Result<(), Failure>;

    /// Deletes the session.
    fn delete_session(&self, tenant: TenantNo, id: SessionId) -> Result<(), Failure>;

    /// Adds a bulk end that has stamped nothing yet, and changes the tenant's version. Fails with `storage_corrupt` if its
    /// number is taken.
    fn add_bulk_end(&self, tenant: TenantNo, bulk_end: &BulkEnd) -> Result<(), Failure>;

    /// Adds a bulk end as it stands in another database, and changes the tenant's version.
    fn put_bulk_end(&self, tenant: TenantNo, record: &BulkEndRecord) -> Result<(), Failure>;

    /// Notes that the bulk end has stamped every session that it concerns, and changes the tenant's version. Fails with
    /// `storage_corrupt` for one that is done.
    fn finish_bulk_end(&self, tenant: TenantNo, no: BulkNo) -> Result<(), Failure>;

    /// Adds an event under the next number: `seq` and `hash` of the argument are not looked at. A job can read it, and learn
    /// its number, only after the commit.
    fn add_event(&self, tenant: TenantNo, event: &Event) -> Result<(), Failure>;

    /// Adds an event as it stands in another database, its number and its hash included.
    fn put_event(&self, tenant: TenantNo, event: &Event) -> Result<(), Failure>;

    /// Keeps the hash of an event that has none.
    fn hash_event(&self, tenant: TenantNo, seq: EventSeq, hash: EventHash) -> Result<(), Failure>;

    /// Deletes an event. The engine deletes the oldest first, and none that is not sealed.
    fn delete_event(&self, tenant: TenantNo, seq: EventSeq) -> Result<(), Failure>;

    /// Adds a seal.
    fn add_seal(&self, tenant: TenantNo, seal: &SealRecord) -> Result<(), Failure>;

    /// Deletes a seal. The engine never deletes the newest: where every event is deleted, it knows the next number.
    fn delete_seal(&self, tenant: TenantNo, seq: EventSeq) -> Result<(), Failure>;

    /// Adds an entry to the revocation list, under its own number.
    fn add_revocation(&self, tenant: TenantNo, entry: &Revocation) -> Result<(), Failure>;

    /// Deletes an entry of the revocation list. The engine never deletes the newest, whose number it goes on from.
    fn delete_revocation(&self, tenant: TenantNo, seq: RevocationSeq) -> Result<(), Failure>;

    /// Keeps this lease instead of the one of its name.
    fn set_lease(&self, tenant: TenantNo, lease: &LeaseRecord) -> Result<(), Failure>;

    /// Deletes a lease.
    fn delete_lease(&self, tenant: TenantNo, name: &str) -> Result<(), Failure>;

    /// Deletes a bulk end that is done. Fails with `storage_corrupt` for one that is not.
    fn delete_bulk_end(&self, tenant: TenantNo, no: BulkNo) -> Result<(), Failure>;
}

/// A job inside a read transaction.
pub(crate) type ReadJob<'a> = dyn FnMut(&dyn ReadTransaction) -> Result<(), Failure> + 'a;
/// A job inside a write transaction of its own, which commits unless the job fails.
pub(crate) type WriteJob<'a> = dyn FnMut(&dyn WriteTransaction) -> Result<(), Failure> + 'a;
/// A job inside a write transaction that it may share with other jobs. It sees their changes before they are committed,
/// so it must keep nothing of what it read but its own answer. It runs again, from the start, if the transaction was lost.
pub(crate) type QueuedJob = dyn FnMut(&dyn WriteTransaction) -> Result<(), Failure> + Send;
