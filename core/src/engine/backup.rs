//! A backup beside working engines (SPEC 14).

use std::ffi::OsStr;

use super::check::require_file;
use crate::error::Error;
use crate::store::copy_progress::CopyProgress;
use crate::store::{self, StoreOptions};

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
