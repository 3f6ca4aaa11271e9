//! What a check of a database finds.

use serde::Serialize;

use crate::schema::public_record;
use crate::word_enum::word_enum;

word_enum! {
    /// What kind of problem a check has found.
    pub enum ProblemKind as "kind" {
        /// The file as a whole: it is no database, empty, or another application's.
        File = "file",
        /// The pages of the file: SQLite's integrity check found damage, or a rule of a table that a row breaks.
        Structure = "structure",
        /// A row refers to a row of another table that is not there.
        Reference = "reference",
        /// A table, index, view or trigger is not as this library makes it, is foreign to it, or is missing.
        Schema = "schema",
        /// A row cannot be read, or holds a value that the engine cannot have written.
        Row = "row",
    }
}

public_record! {
    /// One problem that a check has found.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, copy) = (folder.path().join("sessions.db"), folder.path().join("copy.db"));
    /// std::fs::write(&path, "no database").unwrap();
    /// let problem = hellojohn::check_database(&path)?.problems.remove(0);
    /// assert_eq!(problem.kind.as_str(), "file");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CheckProblem {
        /// Its kind.
        pub kind: ProblemKind,
        /// What it is about: the file, a table, another object of the schema, or a row, named by its table and id.
        pub object: Box<str>,
        /// One English line for a developer, without tokens, addresses or values.
        pub detail: Box<str>,
    }
}

public_record! {
    /// How many rows a check has read, over all tenants.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (path, copy) = (folder.path().join("sessions.db"), folder.path().join("copy.db"));
    /// # let engine = hellojohn::Engine::open(&path)?;
    /// # engine.close()?;
    /// let counts = hellojohn::check_database(&path)?.counts;
    /// assert_eq!((counts.tenants, counts.sessions), (0, 0));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct CheckCounts {
        /// Tenants.
        pub tenants: u64,
        /// Sessions, ended ones included.
        pub sessions: u64,
        /// Signing keys, retired ones included.
        pub signing_keys: u64,
    }
}

/// What a check of a database found. As JSON: the names below and `ok`.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let (path, copy) = (folder.path().join("sessions.db"), folder.path().join("copy.db"));
/// # let engine = hellojohn::Engine::open(&path)?;
/// # engine.close()?;
/// use hellojohn::CheckReport;
///
/// let report: CheckReport = hellojohn::check_database(&path)?;
/// assert!(report.ok && report.problems.len() <= CheckReport::PROBLEMS_MAX);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckReport {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// The first problems, at most [`PROBLEMS_MAX`](Self::PROBLEMS_MAX).
    pub problems: Vec<CheckProblem>,
    /// How many problems were found, those that are not listed included. SQLite's integrity check stops at its hundredth.
    pub problem_count: u64,
    /// How many rows were read.
    pub counts: CheckCounts,
}

impl CheckReport {
    /// How many problems a report lists.
    pub const PROBLEMS_MAX: usize = 100;

    /// How long a text of a problem may be, in characters: names in a foreign file have no bound.
    const TEXT_MAX: usize = 300;

    /// A report that has found nothing yet.
    pub(super) fn new() -> Self {
        CheckReport { ok: true, problems: Vec::new(), problem_count: 0, counts: CheckCounts::default() }
    }

    pub(super) fn add(&mut self, kind: ProblemKind, object: &str, detail: &str) {
        self.ok = false;
        self.problem_count += 1;
        if self.problems.len() < Self::PROBLEMS_MAX {
            let line = |text: &str| -> Box<str> {
                let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
                printable.take(Self::TEXT_MAX).collect::<String>().into()
            };
            self.problems.push(CheckProblem { kind, object: line(object), detail: line(detail) });
        }
    }
}
