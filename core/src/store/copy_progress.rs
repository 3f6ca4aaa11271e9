//! How far a copy of a database has come.

use serde::Serialize;

/// How far a copy of a database has come.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let (path, copy) = (folder.path().join("sessions.db"), folder.path().join("copy.db"));
/// # let engine = hellojohn::Engine::open(&path)?;
/// # engine.close()?;
/// hellojohn::backup_database(&path, &copy, |progress| {
///     println!("{} of {} bytes", progress.copied_bytes, progress.total_bytes);
/// })?;
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CopyProgress {
    /// How many bytes are copied.
    pub copied_bytes: u64,
    /// How many there are.
    pub total_bytes: u64,
}
