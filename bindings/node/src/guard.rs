//! The one panic guard: a panic in a task would abort Node with everything that runs in it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hellojohn::{Error, ErrorCode};

/// Runs the body and turns a panic into an `internal` error. Unwind safe because the body shares only the engine, whose
/// locks a panic cannot poison and whose open transaction a panic rolls back.
pub(crate) fn catch_panic<T>(body: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|_| Err(Error::new(ErrorCode::Internal, "the engine panicked; this is a bug")))
}
