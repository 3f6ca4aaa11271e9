//! Attempts at transactions that came to nothing, and which of them are worth another one.

use super::connection::Deadline;
use super::error::WireError;
use crate::error::Failure;

/// Why an attempt at a transaction did not commit, or a read did not answer.
pub(super) enum Attempt {
    /// The job failed, and everything was rolled back.
    Job(Failure),
    Wire(WireError),
    /// The commit with this number happened or did not.
    Unknown(i64, WireError),
}

impl From<WireError> for Attempt {
    fn from(error: WireError) -> Self {
        Attempt::Wire(error)
    }
}

impl From<Failure> for Attempt {
    fn from(failure: Failure) -> Self {
        Attempt::Job(failure)
    }
}

/// Whether there is a point, and time, for another attempt after this error.
pub(super) fn is_worth_another(error: &WireError, deadline: &Deadline) -> bool {
    is_transient(error) && !deadline.remaining().is_zero()
}

/// Whether the same transaction may succeed when it is run again.
fn is_transient(error: &WireError) -> bool {
    match error {
        WireError::Lost(_) | WireError::UnknownOutcome(_) => true,
        WireError::Refused(cause) => {
            cause.is_elsewhere() || (cause.is_conflict() && cause.sqlstate.as_deref() != Some("55P03"))
        }
        WireError::NoConnection | WireError::Closed | WireError::Failed(_) => false,
    }
}
