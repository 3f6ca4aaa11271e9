//! What a copy of a database into another one has come to.

use serde::Serialize;

use crate::schema::public_record;
use crate::word_enum::word_enum;

word_enum! {
    /// What a copy of a database is at.
    pub enum CopyPhase as "phase" {
        /// The rows of the source are counted and read for the first time.
        Count = "count",
        /// Rows are compared, and written where they differ.
        Copy = "copy",
        /// Both databases are read again and compared.
        Verify = "verify",
    }
}

/// How far a copy of a database has come. A phase may come again if the source was changed meanwhile.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let (path, copy) = (folder.path().join("sessions.db"), folder.path().join("copy.db"));
/// # let engine = hellojohn::Engine::open(&path)?;
/// # engine.close()?;
/// hellojohn::copy_database(&path, &copy, |step| {
///     println!("{}: {} of {} rows", step.phase, step.rows, step.total_rows);
/// })?;
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CopyStep {
    /// What it is at.
    pub phase: CopyPhase,
    /// How many rows the phase has dealt with.
    pub rows: u64,
    /// How many it has to deal with, about; 0 while that is being counted.
    pub total_rows: u64,
}

public_record! {
    /// What a copy of a database into another one has come to.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, copy) = (folder.path().join("sessions.db"), folder.path().join("copy.db"));
    /// # let engine = hellojohn::Engine::open(&path)?;
    /// # engine.close()?;
    /// let report = hellojohn::copy_database(&path, &copy, |_| {})?;
    /// assert_eq!((report.tenants, report.sessions), (0, 0));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CopyReport {
        /// How many tenants both databases hold.
        pub tenants: u64,
        /// How many sessions, ended ones included.
        pub sessions: u64,
        /// How many signing keys, retired ones included.
        pub signing_keys: u64,
        /// How many events.
        pub events: u64,
        /// How many rows this call has added, replaced or deleted; 0 if there was nothing left to do.
        pub changed_rows: u64,
        /// SHA-256 over every value of every row, in hexadecimal digits, which was the same for both databases. Releases may
        /// differ in it.
        pub checksum: Box<str>,
    }
}
