//! How far a copy of a database has come.

use serde::Serialize;

/// How far a copy of a database has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CopyProgress {
    /// How many bytes are copied.
    pub copied_bytes: u64,
    /// How many there are.
    pub total_bytes: u64,
}
