//! What a remembered answer is about, as far as the store tracks what commits change.

use sha2::{Digest as _, Sha256};

use super::records::TenantNo;
use crate::model::id::SessionId;

/// What an answer depends on beside its tenant's settings and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// One session.
    Session(SessionId),
    /// Which sessions a user has, and each of them.
    SessionsOf(UserTag),
}

/// Stands for a user of a tenant where changes are tracked. Users may share one: then a change of one counts for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UserTag(u16);

impl UserTag {
    /// The same in every process and release that shares the file in which they tell each other of their commits
    /// (`docs/DATABASE-FILE.md`).
    pub(crate) fn of(tenant: TenantNo, user: &str) -> Self {
        let [high, low, ..]: [u8; 32] =
            Sha256::new().chain_update(tenant.to_le_bytes()).chain_update(user).finalize().into();
        UserTag(u16::from_be_bytes([high, low]))
    }

    pub(crate) fn to_bits(self) -> u16 {
        self.0
    }
}
