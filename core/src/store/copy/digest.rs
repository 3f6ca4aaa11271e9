//! What a database holds, as counts and a digest by which two databases are compared.

use std::fmt::{Debug, Write as _};

use sha2::{Digest as _, Sha256};

use super::rows::Row;
use crate::clock::Timestamp;
use crate::model::id::TenantId;
use crate::store::copy_report::CopyReport;
use crate::store::records::{ClockMark, TenantRecord};

/// Every value of every row counts, those of fields that are added later too: records print all of their fields.
#[derive(Default, Clone)]
pub(super) struct Digest {
    hash: Sha256,
    text: String,
    tenants: u64,
    sessions: u64,
    signing_keys: u64,
    events: u64,
    other_rows: u64,
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        let counts = |digest: &Digest| {
            [digest.tenants, digest.sessions, digest.signing_keys, digest.events, digest.other_rows]
        };
        counts(self) == counts(other) && self.hash.clone().finalize() == other.hash.clone().finalize()
    }
}

impl Digest {
    pub(super) fn add_mark(&mut self, mark: ClockMark) {
        self.add(&mark);
    }

    pub(super) fn add_tenant(&mut self, id: &TenantId, created_at: Timestamp, record: &TenantRecord) {
        self.tenants += 1;
        self.add(&(id, created_at, record));
    }

    pub(super) fn add_row(&mut self, row: &Row) {
        let count = match row {
            Row::Session(_) => &mut self.sessions,
            Row::Key(_) => &mut self.signing_keys,
            Row::Event(_) => &mut self.events,
            Row::BulkEnd(_) | Row::Failures(_) | Row::Seal(_) | Row::Lease(_) | Row::Revocation(_) => {
                &mut self.other_rows
            }
        };
        *count += 1;
        self.add(row);
    }

    /// How many rows there are beside the tenants.
    pub(super) fn rows(&self) -> u64 {
        self.sessions + self.signing_keys + self.events + self.other_rows
    }

    pub(super) fn into_report(self, changed_rows: u64) -> CopyReport {
        let mut checksum = String::with_capacity(64);
        for byte in self.hash.finalize() {
            let _ = write!(checksum, "{byte:02x}"); // into memory
        }
        CopyReport {
            tenants: self.tenants,
            sessions: self.sessions,
            signing_keys: self.signing_keys,
            events: self.events,
            changed_rows,
            checksum: checksum.into(),
        }
    }

    fn add(&mut self, value: &dyn Debug) {
        self.text.clear();
        let _ = write!(self.text, "{value:?}"); // into memory
        self.hash.update((self.text.len() as u64).to_be_bytes());
        self.hash.update(self.text.as_bytes());
    }
}
