//! What an import is asked and what it answers.

use serde::Serialize;
use serde_json::{Map, Value};

use super::event_log::EventData;
use crate::error::Error;
use crate::schema::{self, public_record, request_record};

request_record! {
    /// How to import.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// let lines = "{\"user_id\": \"usr_1\", \"credential\": \"x9tK2vLq8ZsW4yBn\"}\nno JSON\n";
    /// use hellojohn::ImportRequest;
    ///
    /// let rehearsal = ImportRequest::default().dry_run(true);
    /// assert_eq!(tenant.import(lines.as_bytes(), &rehearsal, |_| {})?.imported, 1);
    ///
    /// let json = serde_json::json!({"dry_run": true});
    /// assert_eq!(ImportRequest::from_json(json.as_object().unwrap().clone())?, rehearsal);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct ImportRequest {
        /// Report what an import would do, and change nothing.
        pub dry_run: bool,
        /// Fail at the first bad row, after the rows before it are imported. By default a bad row is reported and skipped.
        pub stop_at_bad_row: bool,
    }
}

impl ImportRequest {
    /// Reads the JSON form: the names above, each optional; null counts as absent.
    ///
    /// # Errors
    /// `validation_error` naming the field.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        schema::read_request(object)
    }
}

public_record! {
    /// A row that was not imported because it is bad.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// let lines = "{\"user_id\": \"usr_1\", \"credential\": \"x9tK2vLq8ZsW4yBn\"}\nno JSON\n";
    /// let report = tenant.import(lines.as_bytes(), &Default::default(), |_| {})?;
    /// assert_eq!(report.problems[0].line, 2);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ImportProblem {
        /// Its line in the source, counted from 1.
        pub line: u64,
        /// One English line for a developer, without credentials and addresses.
        pub detail: Box<str>,
    }
}

/// What an import has done, or would do. As JSON: the names below.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// let lines = "{\"user_id\": \"usr_1\", \"credential\": \"x9tK2vLq8ZsW4yBn\"}\nno JSON\n";
/// use hellojohn::ImportReport;
///
/// let report: ImportReport = tenant.import(lines.as_bytes(), &Default::default(), |_| {})?;
/// assert_eq!((report.rows, report.imported, report.bad_rows), (2, 1, 1));
/// assert!(report.problems.len() <= ImportReport::PROBLEMS_MAX);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ImportReport {
    /// How many rows were read; the numbers below add up to it.
    pub rows: u64,
    /// How many sessions were added.
    pub imported: u64,
    /// How many rows are of sessions that were imported before, in this call or an earlier one.
    pub already_imported: u64,
    /// How many had reached the end that the old system gave them.
    pub expired: u64,
    /// How many the tenant's `session_duration` or `idle_timeout` would have ended by now.
    pub over_limits: u64,
    /// How many rows are bad.
    pub bad_rows: u64,
    /// The first bad rows, at most [`PROBLEMS_MAX`](Self::PROBLEMS_MAX).
    pub problems: Vec<ImportProblem>,
}

impl ImportReport {
    /// How many bad rows a report lists.
    pub const PROBLEMS_MAX: usize = 100;

    pub(super) fn add_problem(&mut self, line: u64, error: &Error) {
        self.bad_rows += 1;
        if self.problems.len() < Self::PROBLEMS_MAX {
            self.problems.push(ImportProblem { line, detail: error.detail().into() });
        }
    }

    pub(super) fn added(&self) -> u64 {
        self.imported
    }

    /// What the event of the import tells.
    pub(super) fn event_data(&self) -> EventData {
        EventData::default()
            .with("rows", self.rows)
            .with("imported", self.imported)
            .with("already_imported", self.already_imported)
            .with("expired", self.expired)
            .with("over_limits", self.over_limits)
            .with("bad_rows", self.bad_rows)
    }
}
