//! `hj_check_report`: what a check of a database found.

use std::ffi::c_char;

use hellojohn_core::CheckReport;

use crate::abi::{get, hj_str};
use crate::error::hj_error;
use crate::guard::call;
use crate::status::hj_status;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// What a check of a database found. The getters answer NULL, 0 or false for a NULL report and past the end.
pub struct hj_check_report {
    texts: Texts,
    problems: Vec<Problem>,
    found: u64,
    is_ok: bool,
    tenants: u64,
    sessions: u64,
    signing_keys: u64,
}

struct Problem {
    kind: TextOffset,
    object: TextOffset,
    detail: TextOffset,
}

impl hj_check_report {
    fn new(report: &CheckReport) -> Self {
        let mut texts = Texts::default();
        let problems = report
            .problems
            .iter()
            .map(|problem| Problem {
                kind: texts.add(&problem.kind),
                object: texts.add(&problem.object),
                detail: texts.add(&problem.detail),
            })
            .collect();
        hj_check_report {
            texts,
            problems,
            found: report.problem_count,
            is_ok: report.ok,
            tenants: report.counts.tenants,
            sessions: report.counts.sessions,
            signing_keys: report.counts.signing_keys,
        }
    }

    fn text(&self, index: usize, read: impl FnOnce(&Problem) -> TextOffset) -> *const c_char {
        self.texts.c_str(self.problems.get(index).map_or(TextOffset::ABSENT, read))
    }
}

/// Reads the whole database in the file at this path, of every tenant, and tells what is wrong with it: SQLite's integrity
/// and foreign key checks, the schema against this library's, every row against the types of its values. Needs no secret
/// key and no engine, and writes nothing. Other threads and processes may use the database meanwhile. Rows are read in short
/// transactions; the integrity check is one read of the whole database, during which the log cannot be emptied and grows.
/// A million sessions take some ten seconds, two thirds of them for that one read.
///
/// A file that is damaged or foreign is a report, not an error. Fails with HJ_ERR_STORAGE_IO for a file that is not there or
/// cannot be read, HJ_ERR_STORAGE_BUSY for one that another process has locked for 5 seconds, HJ_ERR_STORAGE_TOO_NEW,
/// HJ_ERR_VALIDATION_ERROR (also for ":memory:"), HJ_ERR_FORKED.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_check_database(
    database: hj_str,
    report: *mut *mut hj_check_report,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([report], error, || {
        let report = report.require("report")?;
        // SAFETY: the caller keeps "Strings".
        let path = unsafe { database.require_text("database") }?;
        report.give(hj_check_report::new(&hellojohn_core::check_database(path)?));
        Ok(())
    })
}

/// Whether nothing is wrong.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_check_report_is_ok(report: *const hj_check_report) -> bool {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.is_ok) }
}

/// How many problems the report lists: the first 100.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_check_report_count(report: *const hj_check_report) -> usize {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.problems.len()) }
}

/// How many problems were found, those that are not listed included. SQLite's integrity check stops at its hundredth.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_check_report_problem_count(report: *const hj_check_report) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.found) }
}

/// The kind of a problem: "file" (no database, empty, or another application's), "structure" (damaged pages, or a row that
/// breaks a rule of its table), "reference" (a row refers to one that is not there), "schema" (an object that is foreign,
/// changed or missing), "row" (a row cannot be read, or holds a value that the engine cannot have written).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_check_report_kind(report: *const hj_check_report, index: usize) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.text(index, |problem| problem.kind)) }
}

/// What a problem is about: the file, a table, another object of the schema, or a row, named by its table and id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_check_report_object(
    report: *const hj_check_report,
    index: usize,
) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.text(index, |problem| problem.object)) }
}

/// One English line for a developer, without tokens, addresses or values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_check_report_detail(
    report: *const hj_check_report,
    index: usize,
) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.text(index, |problem| problem.detail)) }
}

/// How many tenants were read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_check_report_tenants(report: *const hj_check_report) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.tenants) }
}

/// How many sessions were read, ended ones included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_check_report_sessions(report: *const hj_check_report) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.sessions) }
}

/// How many signing keys were read, retired ones included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_check_report_signing_keys(report: *const hj_check_report) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.signing_keys) }
}

/// Frees the report; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_check_report_free(report: *mut hj_check_report) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(report) }
}
