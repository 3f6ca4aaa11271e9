//! A database from a backup (SPEC 14).

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::check::require_file;
use super::event_log::EventData;
use super::event_log_check::read_event_log;
use super::replayed_log::{ReplayReport, ReplayedLog};
use super::restored_tenant::RestoredTenant;
use crate::error::{Error, ErrorCode, Failure};
use crate::model::bulk_end::BulkEnd;
use crate::model::event::EventType;
use crate::model::session::EndReason;
use crate::store::{self, Database, SqliteDatabase, Store, StoreOptions};
use crate::token::jwks::Jwks;
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

/// The word for a restore whose sessions get the ends of a log.
const REPLAY: &str = "replay_events";

/// Makes the database in the file `to` from a backup, in place of what is there. No engine may have `to` open; an engine that
/// is opened afterwards finds the backup's sessions, settings and keys.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let (path, copy) = (folder.path().join("sessions.db"), folder.path().join("copy.db"));
/// # let engine = hellojohn::Engine::open(&path)?;
/// hellojohn::backup_database(&path, &copy, |_| {})?;
/// # engine.close()?;
/// // Later, while no engine has the database open:
/// hellojohn::restore_database(&copy, &path, hellojohn::RestorePolicy::EndAll)?;
/// # Ok::<(), hellojohn::Error>(())
/// ```
///
/// # Errors
/// `storage_corrupt` if [`check_database`](crate::check_database) finds anything in the backup, and if what is at `to` is damaged (move it away
/// first); `storage_busy` while an engine has `to` open; otherwise as [`backup_database`](crate::backup_database). `to` is as it was then.
pub fn restore_database(
    backup: impl AsRef<OsStr>,
    to: impl AsRef<OsStr>,
    policy: RestorePolicy,
) -> Result<(), Error> {
    restore(backup.as_ref(), to.as_ref(), &|copy| {
        let store = open(copy)?;
        change_tenants(&*store, &|restored| {
            match policy {
                RestorePolicy::EndAll => end_all(restored)?,
                // The revocation list tells no longer of what came after the backup.
                RestorePolicy::Keep => restored.revocations().begin()?,
            }
            tell(restored, policy.as_str(), None)
        })?;
        store.close();
        Ok(())
    })
}

/// [`restore_database`] for a tenant whose events were exported after the backup was made: each session that ended since gets
/// the end that the log tells of, and the others stay signed in. Every session of another tenant ends.
///
/// The log is one of [`Tenant::export_events`](crate::Tenant::export_events), `keys` are the JWK Set of the time of the export. Its
/// events become the tenant's again, with their numbers and seals, so that consumers go on. What ended after the export is not in it.
/// Sessions that began after the backup are lost: their users sign in again, and so do users whose session was refreshed since.
/// Settings and keys are those of the backup; the report tells what to do again. The memory that this takes does not grow with the
/// log.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let (path, copy) = (folder.path().join("sessions.db"), folder.path().join("backup.db"));
/// # let log = folder.path().join("events.jsonl");
/// let engine = hellojohn::Engine::open(&path)?;
/// let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
/// let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
/// hellojohn::backup_database(&path, &copy, |_| {})?;
/// tenant.revoke(grant.session.id)?;
/// tenant.export_events_to(0, &log)?;
/// let keys = tenant.jwks()?;
/// engine.close()?;
/// assert_eq!(hellojohn::restore_database_with_events(&copy, &path, &log, &keys)?.ended, 1);
/// # Ok::<(), hellojohn::Error>(())
/// ```
///
/// # Errors
/// `validation_error` for a log that [`verify_event_log`](crate::verify_event_log) finds anything in, that no given key vouches for to its end,
/// of a tenant that the backup does not have, that does not follow the last event of the backup, or that does not tell of every end
/// because events were off for a time. `storage_io` for a log that cannot be read; otherwise as [`restore_database`]. `to` is as it was then.
pub fn restore_database_with_events(
    backup: impl AsRef<OsStr>,
    to: impl AsRef<OsStr>,
    log: impl AsRef<Path>,
    keys: &Jwks,
) -> Result<ReplayReport, Error> {
    let report = Cell::new(ReplayReport::default());
    restore(backup.as_ref(), to.as_ref(), &|copy| {
        let store = open(copy)?;
        report.set(replay(&*store, log.as_ref(), keys)?);
        store.close();
        Ok(())
    })?;
    Ok(report.get())
}

/// Restores with a change of the copy, which no other process knows of yet.
fn restore(backup: &OsStr, to: &OsStr, change: &dyn Fn(&Path) -> Result<(), Failure>) -> Result<(), Error> {
    let (from, to) = (require_file("backup", backup)?, require_file("to", to)?);
    let report = store::check(&from, &StoreOptions::default())?;
    if let Some(problem) = report.problems.first() {
        let detail = format!(
            "the backup has {} problems, the first: {} {}",
            report.problem_count, problem.object, problem.detail
        );
        return Err(Error::new(ErrorCode::StorageCorrupt, detail));
    }
    Ok(store::restore(&from, &to, &StoreOptions::default(), change)?)
}

fn open(copy: &Path) -> Result<Box<dyn Store>, Failure> {
    store::open(Database::Sqlite(SqliteDatabase::File(copy.to_owned())), StoreOptions::default())
}

/// Tells a tenant's events of the restore.
fn tell(restored: &RestoredTenant<'_>, policy: &str, replayed: Option<&ReplayReport>) -> Result<(), Failure> {
    restored.events().tell(EventType::DatabaseRestored, None, || {
        EventData::default()
            .with("policy", policy)
            .with("ended", replayed.map(|report| report.ended))
            .with("lost_sessions", replayed.map(|report| report.lost_sessions))
    })
}

/// Changes every tenant, in one transaction.
fn change_tenants(
    store: &dyn Store,
    change: &dyn Fn(&RestoredTenant<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    store.write_exclusive(&mut |transaction| {
        for tenant in transaction.tenant_numbers()? {
            change(&RestoredTenant::new(transaction, tenant)?)?;
        }
        Ok(())
    })
}

/// Ends every session of a tenant, at the last time that the backup or the log knows of.
fn end_all(restored: &RestoredTenant<'_>) -> Result<(), Failure> {
    let bulk_end = BulkEnd {
        at: restored.mark.highest,
        idle_timeout: restored.record.config.idle_timeout,
        reason: Some(EndReason::Restored),
        epoch: restored.mark.epoch,
        ..BulkEnd::numbered(restored.bulk_ends()?.newest + 1)
    };
    restored.transaction.add_bulk_end(restored.tenant, &bulk_end)?;
    // Also those that signed in after the backup was made.
    restored.revocations().list_many(&BulkEnd { at: restored.now, ..bulk_end })
}

/// Takes the log up into its tenant, and ends the sessions of every other one.
fn replay(store: &dyn Store, log: &Path, keys: &Jwks) -> Result<ReplayReport, Failure> {
    let unreadable = |error| Failure::new(ErrorCode::StorageIo, format!("the log cannot be read: {error}"));
    let file = BufReader::new(File::open(log).map_err(unreadable)?);
    let mut replayed = ReplayedLog::new(store);
    let checked = read_event_log(file, keys, &mut |entry| replayed.take(entry));
    let checked = checked.map_err(|error| Failure::new(error.code(), error.detail()))?;
    let (tenant, report) = replayed.finish(&checked)?;
    change_tenants(store, &|restored| {
        let is_of_log = restored.tenant == tenant;
        if !is_of_log || report.rest_ended {
            end_all(restored)?;
        }
        match is_of_log {
            true => tell(restored, REPLAY, Some(&report)),
            false => tell(restored, RestorePolicy::EndAll.as_str(), None),
        }
    })?;
    Ok(report)
}
