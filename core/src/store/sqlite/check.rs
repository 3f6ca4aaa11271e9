//! Reads a whole database and tells what is wrong with it. Writes nothing.

use std::path::Path;

use rusqlite::{Connection, Row};

use super::error::map_error;
use super::observer::Observer;
use super::{migrate, schema_check};
use crate::error::{ErrorCode, Failure};
use crate::store::check_report::{CheckReport, ProblemKind};
use crate::store::contract::StoreOptions;

/// Checks the database at this path, which must exist.
///
/// # Errors
/// A file that cannot be read is an error, and so is one of a newer release; a file that is wrong is a report.
pub(in crate::store) fn check(path: &Path, options: &StoreOptions) -> Result<CheckReport, Failure> {
    let observer = Observer::open(path, options)?;
    let mut check = Check { connection: observer.connection(), version: 0, report: CheckReport::new() };
    check.run()?;
    if observer.finds_header_read_only() {
        check.report.add(ProblemKind::File, "file", "has a header by which it cannot be written");
    }
    Ok(check.report)
}

/// A check under way. What it does with rows is in `check_rows.rs`.
pub(super) struct Check<'a> {
    pub(super) connection: &'a Connection,
    /// How many migrations the file has had.
    pub(super) version: usize,
    pub(super) report: CheckReport,
}

impl Check<'_> {
    /// Each part goes on after what the part before it found.
    fn run(&mut self) -> Result<(), Failure> {
        let version = match migrate::inspect(self.connection) {
            Ok(Some(version)) => version,
            Ok(None) => {
                self.report.add(
                    ProblemKind::File,
                    "file",
                    "is empty: no engine has made a database of it yet",
                );
                return Ok(());
            }
            Err(failure) if failure.as_error().code() == ErrorCode::StorageCorrupt => {
                self.report.add(ProblemKind::File, "file", failure.as_error().detail());
                return Ok(());
            }
            Err(failure) => return Err(failure),
        };
        self.version = version;
        self.part(ProblemKind::Schema, "schema", |check| {
            let Check { connection, report, .. } = check;
            schema_check::compare(connection, &migrate::MIGRATIONS[..version], |object, difference| {
                report.add(ProblemKind::Schema, object, difference);
                Ok(())
            })
        })?;
        self.part(ProblemKind::Structure, "pages", Self::check_pages)?;
        self.part(ProblemKind::Reference, "references", Self::check_references)?;
        self.part(ProblemKind::Row, "clock_mark", Self::check_clock_mark)?;
        self.part(ProblemKind::Row, "tenants", Self::check_tenants)?;
        self.part(ProblemKind::Row, "sessions", Self::check_sessions)?;
        self.part(ProblemKind::Row, "events", Self::check_events)
    }

    /// Runs a part. What it cannot read for damage is a problem; it fails only where nothing can be told about the file.
    fn part(
        &mut self,
        kind: ProblemKind,
        object: &str,
        work: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match work(self) {
            // `internal` is a statement that SQLite refuses, because a table or a column is not there.
            Err(failure)
                if matches!(failure.as_error().code(), ErrorCode::StorageCorrupt | ErrorCode::Internal) =>
            {
                self.report.add(kind, object, failure.as_error().detail());
                Ok(())
            }
            outcome => outcome,
        }
    }

    fn check_pages(&mut self) -> Result<(), Failure> {
        let statement = format!("PRAGMA integrity_check({})", CheckReport::PROBLEMS_MAX);
        self.visit(&statement, |report, row| {
            let found: String = row.get(0)?;
            if found != "ok" {
                report.add(ProblemKind::Structure, "pages", &found);
            }
            Ok(())
        })
    }

    fn check_references(&mut self) -> Result<(), Failure> {
        self.visit("PRAGMA foreign_key_check", |report, row| {
            let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
            report.add(ProblemKind::Reference, &table, &format!("a row refers to a missing row of {parent}"));
            Ok(())
        })
    }

    fn visit(
        &mut self,
        statement: &str,
        mut visit: impl FnMut(&mut CheckReport, &Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), Failure> {
        let map = |error| map_error(self.connection, &error);
        let mut prepared = self.connection.prepare(statement).map_err(map)?;
        let mut rows = prepared.query([]).map_err(map)?;
        while let Some(row) = rows.next().map_err(map)? {
            visit(&mut self.report, row).map_err(map)?;
        }
        Ok(())
    }
}
