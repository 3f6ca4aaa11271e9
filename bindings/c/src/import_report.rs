//! `hj_import_report`: what an import has done.

use std::ffi::c_char;

use hellojohn_core::ImportReport;

use crate::abi::get;
use crate::texts::{TextOffset, Texts};
use crate::unwind;

/// What an import has done, or would do in a dry run. The getters answer NULL or 0 for a NULL report and past the end.
pub struct hj_import_report {
    texts: Texts,
    problems: Vec<Problem>,
    report: ImportReport,
}

struct Problem {
    line: u64,
    detail: TextOffset,
}

impl hj_import_report {
    pub(crate) fn new(report: &ImportReport) -> Self {
        let mut texts = Texts::default();
        let problems = report
            .problems
            .iter()
            .map(|problem| Problem { line: problem.line, detail: texts.add(&problem.detail) })
            .collect();
        hj_import_report { texts, problems, report: report.clone() }
    }
}

/// How many rows were read; the other counts add up to it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_import_report_rows(report: *const hj_import_report) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.report.rows) }
}

/// How many sessions were added, or would be in a dry run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_import_report_imported(report: *const hj_import_report) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.report.imported) }
}

/// How many rows are of sessions that were imported before, in this call or an earlier one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_import_report_already_imported(report: *const hj_import_report) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.report.already_imported) }
}

/// How many had reached the end that the old system gave them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_import_report_expired(report: *const hj_import_report) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.report.expired) }
}

/// How many session_duration or idle_timeout would have ended by now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_import_report_over_limits(report: *const hj_import_report) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.report.over_limits) }
}

/// How many rows are bad, those that are not listed included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_import_report_bad_rows(report: *const hj_import_report) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.report.bad_rows) }
}

/// How many bad rows the report lists: the first 100.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_import_report_count(report: *const hj_import_report) -> usize {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.problems.len()) }
}

/// The line of a bad row in the source, counted from 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_import_report_line(report: *const hj_import_report, index: usize) -> u64 {
    // SAFETY: the caller keeps "Objects".
    unsafe { get(report, |report| report.problems.get(index).map_or(0, |problem| problem.line)) }
}

/// What is wrong with a bad row: one English line for a developer, without credentials and addresses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_import_report_detail(
    report: *const hj_import_report,
    index: usize,
) -> *const c_char {
    // SAFETY: the caller keeps "Objects".
    unsafe {
        get(report, |report| {
            let detail = report.problems.get(index).map_or(TextOffset::ABSENT, |problem| problem.detail);
            report.texts.c_str(detail)
        })
    }
}

/// Frees the report; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_import_report_free(report: *mut hj_import_report) {
    // SAFETY: the caller keeps "Objects".
    unsafe { unwind::free(report) }
}
