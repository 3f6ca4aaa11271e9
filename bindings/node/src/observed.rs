//! What the engine tells of the operations of one call: kept on the thread that works for the call, so that JavaScript gets it with
//! the answer, in the asynchronous context of its caller.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hellojohn::{Observer, OperationReport};
use serde_json::{Value, json};

/// Operations of one call that are told at most; no call comes near it.
const REPORTS_MAX: usize = 1_000;

/// Instead of the number of a call that was answered at once.
pub(crate) const ANSWERED_INLINE: u32 = 0;

/// What the engine told of the calls of one environment, until JavaScript takes it.
#[derive(Default)]
pub(crate) struct KeptReports(Mutex<Option<HashMap<u32, String>>>);

impl KeptReports {
    fn kept(&self) -> MutexGuard<'_, Option<HashMap<u32, String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether JavaScript wants to know what is told of the call that is made now.
    pub(crate) fn are_wanted(&self) -> bool {
        self.kept().is_some()
    }

    /// Forgets what JavaScript did not take; whether it wants to know from now on.
    pub(crate) fn set_wanted(&self, are_wanted: bool) {
        *self.kept() = are_wanted.then(HashMap::new);
    }

    /// Keeps what was told of a call, before the call is completed.
    pub(crate) fn keep(&self, call: u32, reports: Option<String>) {
        if let (Some(reports), Some(kept)) = (reports, &mut *self.kept()) {
            kept.insert(call, reports);
        }
    }

    /// What was told of a call, once.
    pub(crate) fn take(&self, call: u32) -> Option<String> {
        self.kept().as_mut()?.remove(&call)
    }
}

thread_local! {
    /// The reports of the call that this thread works for, if JavaScript wants them.
    static REPORTS: RefCell<Option<Vec<Value>>> = const { RefCell::new(None) };
}

/// The observer of every engine of the addon.
pub(crate) struct CallObserver;

impl Observer for CallObserver {
    fn is_enabled(&self) -> bool {
        REPORTS.with_borrow(Option::is_some)
    }

    fn observe(&self, report: &OperationReport<'_>) {
        REPORTS.with_borrow_mut(|reports| {
            if let Some(reports) = reports
                && reports.len() < REPORTS_MAX
            {
                reports.push(json!([
                    report.operation.as_str(),
                    report.tenant_id.map(|id| id.as_str()),
                    report.error.map(|code| code.as_str()),
                    u64::try_from(report.duration.as_nanos()).unwrap_or(u64::MAX),
                    report.rows,
                    report.is_from_cache,
                ]));
            }
        });
    }
}

/// Runs `body`, which must not panic; its answer, and as JSON what the engine told of it if JavaScript wants to know.
pub(crate) fn collect_reports<T>(are_wanted: bool, body: impl FnOnce() -> T) -> (T, Option<String>) {
    if !are_wanted {
        return (body(), None);
    }
    REPORTS.set(Some(Vec::new()));
    let answer = body();
    let reports = REPORTS.take().filter(|reports| !reports.is_empty());
    (answer, reports.map(|reports| Value::Array(reports).to_string()))
}
