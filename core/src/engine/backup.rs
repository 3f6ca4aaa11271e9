//! Copies of a whole database, of every tenant: a backup beside working engines, and a database from a backup (SPEC 14).

use std::ffi::OsStr;
use std::path::Path;

use super::check::require_file;
use super::revocation_log::RevocationLog;
use super::tenant_snapshot::bulk_ends_of;
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorCode, Failure};
use crate::model::bulk_end::BulkEnd;
use crate::model::session::EndReason;
use crate::store::copy_progress::CopyProgress;
use crate::store::{
    self, ClockMark, Database, SqliteDatabase, StoreOptions, TenantNo, TenantRecord, WriteTransaction,
};
use crate::word_enum::word_enum;

word_enum! {
    /// What becomes of the sessions of a backup.
    pub enum RestorePolicy as "policy" {
        /// Every session ends (reason `restored`, at the last time that the backup knows of): none that ended after the backup
        /// was made lives again.
        EndAll = "end_all",
        /// Sessions stay as they were when the backup was made: those that have ended since live again.
        Keep = "keep",
    }
}

/// Copies the database in the file `database`, of every tenant and as it is at one instant, into the new file `to`, which is on
/// disk when this returns. Engines of this and other processes go on meanwhile; no secret key is needed. The copy holds what
/// the database holds: keep it as safe as that. New files have the mode 0600, and a file that is there is never replaced.
///
/// The copy is one read of the whole database, during which the log cannot be emptied and grows. Memory does not grow with the
/// file. `progress` is called after each megabyte. A copy that fails leaves no file, one that is killed a file whose name
/// ends with `.partial`.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let (path, copy) = (folder.path().join("sessions.db"), folder.path().join("backup.db"));
/// # hellojohn::Engine::open(&path)?.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// hellojohn::backup_database(&path, &copy, |progress| {
///     println!("{} of {} bytes", progress.copied_bytes, progress.total_bytes);
/// })?;
/// assert!(hellojohn::check_database(&copy)?.ok);
/// # Ok::<(), hellojohn::Error>(())
/// ```
///
/// # Errors
/// `storage_io` where a file is at `to` already, for a database that is not there, and where the copy cannot be written;
/// `storage_full`, `storage_read_only`, `storage_busy`, `storage_corrupt`; `validation_error` for `:memory:` and for a
/// database URL, whose database has tools of its own; `forked`.
pub fn backup_database(
    database: impl AsRef<OsStr>,
    to: impl AsRef<OsStr>,
    mut progress: impl FnMut(CopyProgress),
) -> Result<(), Error> {
    let (from, to) = (require_file("database", database.as_ref())?, require_file("to", to.as_ref())?);
    Ok(store::backup(&from, &to, &StoreOptions::default(), &mut progress)?)
}

/// Makes the database in the file `to` from a backup, in place of what is there. No engine may have `to` open; an engine that
/// is opened afterwards finds the backup's sessions, settings and keys.
///
/// # Errors
/// `storage_corrupt` if [`check_database`](crate::check_database) finds anything in the backup, and if what is at `to` is damaged (move it away
/// first); `storage_busy` while an engine has `to` open; otherwise as [`backup_database`]. `to` is as it was then.
pub fn restore_database(
    backup: impl AsRef<OsStr>,
    to: impl AsRef<OsStr>,
    policy: RestorePolicy,
) -> Result<(), Error> {
    let (from, to) = (require_file("backup", backup.as_ref())?, require_file("to", to.as_ref())?);
    let report = store::check(&from, &StoreOptions::default())?;
    if let Some(problem) = report.problems.first() {
        let detail = format!(
            "the backup has {} problems, the first: {} {}",
            report.problem_count, problem.object, problem.detail
        );
        return Err(Error::new(ErrorCode::StorageCorrupt, detail));
    }
    let options = StoreOptions::default();
    Ok(store::restore(&from, &to, &options, &|copy: &Path| match policy {
        RestorePolicy::EndAll => change(copy, &options, &end_all),
        RestorePolicy::Keep => change(copy, &options, &keep),
    })?)
}

/// Changes every tenant in a file that no other process knows of, in one transaction.
fn change(
    copy: &Path,
    options: &StoreOptions,
    change_tenant: &dyn Fn(&RestoredTenant<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let store = store::open(Database::Sqlite(SqliteDatabase::File(copy.to_owned())), *options)?;
    store.write_exclusive(&mut |transaction| {
        let mark = transaction.clock_mark()?;
        for tenant in transaction.tenant_numbers()? {
            let record = transaction.tenant(tenant)?;
            let keys = transaction.keys(tenant)?;
            // The list goes on from now: verifiers may know entries that came after the backup.
            let now = mark.highest.max(SystemClock.now());
            let revocations = RevocationLog::of_tenant(transaction, tenant, now, &record, &keys);
            change_tenant(&RestoredTenant { transaction, tenant, record, mark, revocations })?;
        }
        Ok(())
    })?;
    store.close();
    Ok(())
}

/// A tenant of a restored database.
struct RestoredTenant<'a> {
    transaction: &'a dyn WriteTransaction,
    tenant: TenantNo,
    record: TenantRecord,
    mark: ClockMark,
    revocations: RevocationLog<'a>,
}

/// Ends every session of a tenant, at the last time that the backup knows of.
fn end_all(restored: &RestoredTenant<'_>) -> Result<(), Failure> {
    let RestoredTenant { transaction, tenant, record, mark, revocations } = restored;
    let newest = bulk_ends_of(transaction.bulk_ends(*tenant)?).newest;
    let bulk_end = BulkEnd {
        at: mark.highest,
        idle_timeout: record.config.idle_timeout,
        reason: Some(EndReason::Restored),
        epoch: mark.epoch,
        ..BulkEnd::numbered(newest + 1)
    };
    transaction.add_bulk_end(*tenant, &bulk_end)?;
    // Also those that signed in after the backup was made.
    revocations.list_many(&BulkEnd { at: revocations.now, ..bulk_end })
}

/// Leaves the sessions of a tenant as they are. The revocation list tells no longer of what came after the backup.
fn keep(restored: &RestoredTenant<'_>) -> Result<(), Failure> {
    restored.revocations.begin()
}
