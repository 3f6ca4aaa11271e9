//! The half of the store's contract that runs jobs: transactions, group commit, change tracking, closing. What a job can
//! do inside a transaction is in [`transaction`](super::transaction). `docs/STORE-CONTRACT.md` tells the same as prose.

use std::sync::Arc;
use std::time::Duration;

use super::durability::Durability;
use super::file_access::FileAccess;
use super::group_commit::QueuedWrite;
use super::needs::Needs;
use super::queued_read::QueuedRead;
use super::records::CommitVersion;
#[cfg(test)]
use super::records::TenantNo;
use super::subject::Subject;
#[cfg(test)]
use super::subject::UserTag;
use super::transaction::{QueuedJob, ReadJob, WriteJob};
use super::verify_lease::{LeaseStart, VerifyLease};
use super::verify_mode::VerifyMode;
use super::wait_policy::WaitPolicy;
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::model::id::SessionId;

/// How a store behaves, whichever it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreOptions {
    pub durability: Durability,
    /// How long a call waits for other writers, of this process and of others, before it fails with `storage_busy`. A
    /// hint: a store may take longer where the system below it gives no limit.
    pub busy_timeout: Duration,
    /// Who may open the files that a store of files creates.
    pub file_access: FileAccess,
    /// Whether a file is opened where other machines may have it open, too.
    pub allow_network_file_system: bool,
    /// Whether opening fails with `storage_io` where a server holds no tables yet, instead of making them.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "whether a file is there, its folder says")
    )]
    pub must_exist: bool,
    /// How verifications are answered; absent for what the database's URL says, or the default.
    pub verify: Option<VerifyMode>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions {
            durability: Durability::default(),
            busy_timeout: Duration::from_secs(5),
            file_access: FileAccess::default(),
            allow_network_file_system: false,
            must_exist: false,
            verify: None,
        }
    }
}

#[cfg(test)]
impl StoreOptions {
    /// Options that wait for no disk.
    pub(super) fn relaxed(busy_timeout: Duration) -> Self {
        StoreOptions { durability: Durability::Normal, busy_timeout, ..StoreOptions::default() }
    }
}

/// A database of sessions, shared by threads and processes.
///
/// # Writers
/// One write transaction at a time runs for each tenant, over all threads and all processes that share the database; a
/// store may serialise the whole database instead. The lock is taken before a job reads and is held until its commit
/// returned, so what a job read is still true when its changes are committed.
///
/// # Panics
/// Jobs run foreign code (a host's clock). A panic in a job rolls back what that job changed and reaches the caller of
/// [`write_exclusive`](Self::write_exclusive) and [`read`](Self::read) as a panic, the caller of [`wait`](Self::wait) as
/// an `internal` failure. It never affects other jobs, and the store stays usable.
pub(crate) trait Store: Send + Sync {
    /// Runs the job in a read transaction: every read sees the same snapshot. The snapshot holds at least every commit
    /// that was acknowledged before this call. A job that fails has no effect on the store. The job may run more than once:
    /// its last run counts.
    ///
    /// With [`WaitPolicy::NonBlocking`] the call fails with `storage_busy` where it would wait for a lock, a sync of the
    /// disk or a network; a store whose every read is such a wait always fails so.
    fn read(&self, wait_policy: WaitPolicy, needs: &Needs, job: &mut ReadJob<'_>) -> Result<(), Failure>;

    /// Whether every read waits for a network: the reads of one moment are worth queueing together.
    fn is_over_network(&self) -> bool {
        false
    }

    /// Queues a read for the next round trip, which all reads that are queued by then share. Returns at once; the trip is made
    /// by the first caller that waits. `None` where a read takes no trip that others could share: the caller reads.
    fn enqueue_read(&self, _needs: &Needs) -> Option<QueuedRead> {
        None
    }

    /// [`read`](Self::read) for a read that was queued for these needs: its snapshot is of some instant since then.
    fn read_queued(&self, _queued: QueuedRead, needs: &Needs, job: &mut ReadJob<'_>) -> Result<(), Failure> {
        self.read(WaitPolicy::Block, needs, job)
    }

    /// Runs the job in a write transaction of its own and commits what it changed: when this returns, every read that
    /// begins sees the changes and, with full durability, the disk holds them. A failure of the job or of the commit rolls
    /// all of it back.
    fn write_exclusive(&self, job: &mut WriteJob<'_>) -> Result<(), Failure>;

    /// Queues a job for a transaction that it may share with other jobs of the same durability. Returns at once: the job
    /// runs while a caller [waits](Self::wait) for this job or for another one. A job that no caller waits for may run all
    /// the same, unless it is [cancelled](Self::cancel).
    ///
    /// Each job is isolated as by a savepoint: a job that fails or panics leaves no change behind and takes none away
    /// from the others. If the transaction is lost as a whole, each job runs again in a transaction of its own, so that
    /// every caller gets the outcome of its own job.
    ///
    /// The changes are on disk when [`wait`](Self::wait) returns if both this durability and the database's are full.
    fn enqueue(&self, job: Box<QueuedJob>, durability: Durability, needs: Needs) -> Arc<QueuedWrite>;

    /// Waits for the outcome of a queued job, at most the busy time-out from the time at which it was queued, unless the
    /// job is being run. On success its changes are committed as those of [`write_exclusive`](Self::write_exclusive) are.
    /// After `storage_busy` the job never runs. Where other machines remember answers, a job that
    /// [outlasts them](super::transaction::WriteTransaction::outlast_leases) is waited for until no lease is left that could not know of it.
    fn wait(&self, write: &Arc<QueuedWrite>) -> Result<(), Failure>;

    /// Takes a job that has not begun out of the queue; it never runs. No call waits for this job after this one.
    fn cancel(&self, write: &Arc<QueuedWrite>);

    /// Whether writes wait for the one that is being run: long work asks, to give way. A hint: a store may know of the writes
    /// of its own process only.
    fn has_waiting_writes(&self) -> bool;

    /// How many bytes the store's log occupies beside the database. A hint for statistics: 0 for a store without one.
    fn log_bytes(&self) -> Result<u64, Failure>;

    /// The version of the content that is committed now. A snapshot that begins after this call is of this version or of
    /// a later one. Answered without reading the database; `None` where the store cannot tell, for now or ever: change
    /// tracking is optional, and callers then read.
    fn commit_version(&self) -> Option<CommitVersion>;

    /// The highest time that other processes are known to have put into the clock mark, if the subject, its tenant's settings and
    /// keys, and the epoch of the clock mark are certainly what they were at `since`, for commits of every process. `None` where
    /// the store cannot tell. A mark that was only raised counts as no change: a cached answer is judged by the caller's own
    /// time, or by this one if that is later.
    fn clock_mark_if_unchanged(&self, subject: Subject, since: CommitVersion) -> Option<Timestamp>;

    /// Whether [`clock_mark_if_unchanged`](Self::clock_mark_if_unchanged) has an answer about a session.
    #[cfg(test)]
    fn is_unchanged_since(&self, session: SessionId, since: CommitVersion) -> bool {
        self.clock_mark_if_unchanged(Subject::Session(session), since).is_some()
    }

    /// The same about the sessions of a user.
    #[cfg(test)]
    fn is_list_unchanged_since(&self, tenant: TenantNo, user: &str, since: CommitVersion) -> bool {
        let user = UserTag::of(tenant, user);
        self.clock_mark_if_unchanged(Subject::SessionsOf(user), since).is_some()
    }

    /// What a verification begins with whose answer may be given again; `None` where every verification reads, or goes by
    /// [`commit_version`](Self::commit_version). Asked before the read.
    fn begin_lease(&self) -> Option<LeaseStart> {
        None
    }

    /// The latest time that the database's clock can show by now, if the answer about this session may be given again: its lease
    /// runs, and no commit of this store has changed the session, its tenant's settings or keys since its start. From the return
    /// of such a commit on, it answers `None`.
    fn check_lease(&self, _session: SessionId, _lease: &VerifyLease) -> Option<Timestamp> {
        None
    }

    /// Takes what was deleted or replaced out of every file of the store, where the store keeps a log beside its tables.
    /// Whether that is done: while other callers hold the log, it is not, and a later call tries again. Holds up writers no
    /// longer than it takes to write what is in the log, and never waits for a long read.
    fn erase_deleted(&self) -> Result<bool, Failure>;

    /// Fails with `engine_closed` after [`close`](Self::close), and with `storage_io` once the store has noticed that the
    /// database which it has open is no longer the one that others find.
    fn check_open(&self) -> Result<(), Failure>;

    /// Fails with `storage_io` if the database that the store has open is no longer the one that others find: a file that was
    /// replaced. A store looks before each commit by itself; for reads and cached answers it looks here, when its last
    /// look is a second old by this clock.
    fn confirm_files(&self, clock: Timestamp) -> Result<(), Failure>;

    /// Waits for the transaction that is being run and releases every file and connection. Later calls, and queued jobs
    /// that have not begun, fail with `engine_closed`. Closing twice does nothing.
    fn close(&self);
}
