//! The observer for hosts that log and trace with the crate `tracing`.

use tracing::Level;

use super::observer::{Observer, OperationReport};

/// Tells of each operation as an event of the crate [`tracing`](https://docs.rs/tracing), in the span that is entered where the
/// operation was called (target `hellojohn::operation`): at the level `ERROR` when it failed (the errors with a status of 5xx), else
/// at `DEBUG`. The fields are `operation`, `tenant_id`, `outcome` (`ok` or the error's code), `duration_us`, `rows` and
/// `is_from_cache`. An operation costs nothing more while no subscriber is interested in that target.
///
/// ```
/// use hellojohn::{Engine, TracingObserver};
///
/// let engine = Engine::builder().observer(TracingObserver).open(":memory:")?;
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct TracingObserver;

const TARGET: &str = "hellojohn::operation";

impl Observer for TracingObserver {
    fn is_enabled(&self) -> bool {
        // A subscriber that wants less than this wants nothing.
        tracing::enabled!(target: TARGET, Level::ERROR)
    }

    fn observe(&self, report: &OperationReport<'_>) {
        macro_rules! tell {
            ($level:expr) => {
                tracing::event!(
                    target: TARGET,
                    $level,
                    operation = report.operation.as_str(),
                    tenant_id = report.tenant_id.map(|id| id.as_str()),
                    outcome = report.outcome(),
                    duration_us = u64::try_from(report.duration.as_micros()).unwrap_or(u64::MAX),
                    rows = report.rows,
                    is_from_cache = report.is_from_cache,
                )
            };
        }
        if report.error.is_some_and(|code| code.http_status() >= 500) {
            tell!(Level::ERROR);
        } else {
            tell!(Level::DEBUG);
        }
    }
}
