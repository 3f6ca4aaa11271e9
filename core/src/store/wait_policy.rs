//! Whether a call may block.

use crate::error::{ErrorCode, Failure};

/// Whether a call may wait: for a lock, for a sync of the disk, for a long scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitPolicy {
    /// The call waits, at most the busy time-out for other writers.
    Block,
    /// The call fails with `storage_busy` instead of waiting.
    NonBlocking,
}

/// The error for a non-blocking call that would block.
pub(crate) fn would_block() -> Failure {
    Failure::new(ErrorCode::StorageBusy, "the call would have to wait")
}
