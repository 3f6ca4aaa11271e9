//! What comes of a call on a disk that may fail.

use hellojohn::{Error, ErrorCode, VerifyError};

use super::look::Look;
use super::model::Model;

/// What a call does to the model that the store says to have happened after all. False where it cannot have happened.
pub(super) type Effect = Box<dyn Fn(&mut Model, &Look) -> bool>;

/// The error of an answer.
pub(super) trait AsError {
    fn as_error(&self) -> &Error;
}

impl AsError for Error {
    fn as_error(&self) -> &Error {
        self
    }
}

impl AsError for VerifyError {
    fn as_error(&self) -> &Error {
        &self.error
    }
}

pub(super) fn is_storage_error(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::StorageIo | ErrorCode::StorageFull | ErrorCode::StorageBusy)
}
