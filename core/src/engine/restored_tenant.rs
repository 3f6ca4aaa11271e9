//! A tenant of a database that is restored, and what is written of it (SPEC 14).

use super::event_log::EventLog;
use super::revocation_log::RevocationLog;
use super::session_ends::SessionEnds;
use super::tenant_snapshot::bulk_ends_of;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::error::Failure;
use crate::model::bulk_end::BulkEnds;
use crate::model::id::IdMint;
use crate::random::OsRandom;
use crate::store::{ClockMark, KeyRecord, TenantNo, TenantRecord, WriteTransaction};

/// A tenant of a restored database.
pub(super) struct RestoredTenant<'a> {
    pub transaction: &'a dyn WriteTransaction,
    pub tenant: TenantNo,
    pub record: TenantRecord,
    pub mark: ClockMark,
    pub keys: Vec<KeyRecord>,
    /// Later than all that the backup knows of, and than what was lost.
    pub now: Timestamp,
    ids: IdMint,
}

impl<'a> RestoredTenant<'a> {
    pub(super) fn new(transaction: &'a dyn WriteTransaction, tenant: TenantNo) -> Result<Self, Failure> {
        let (mark, record, keys) =
            (transaction.clock_mark()?, transaction.tenant(tenant)?, transaction.keys(tenant)?);
        let now = mark.highest.max(SystemClock.now());
        Ok(RestoredTenant { transaction, tenant, record, mark, keys, now, ids: IdMint::new() })
    }

    /// The list goes on from now: verifiers may know entries that came after the backup.
    pub(super) fn revocations(&self) -> RevocationLog<'_> {
        RevocationLog::of_tenant(self.transaction, self.tenant, self.now, &self.record, &self.keys)
    }

    pub(super) fn events(&self) -> EventLog<'_> {
        EventLog {
            transaction: self.transaction,
            tenant: self.tenant,
            now: self.now,
            ids: &self.ids,
            random: &OsRandom,
            actor: None,
            is_on: self.record.config.event_retention.is_some(),
        }
    }

    pub(super) fn bulk_ends(&self) -> Result<BulkEnds, Failure> {
        Ok(bulk_ends_of(self.transaction.bulk_ends(self.tenant)?))
    }

    /// What writes ends of which an event tells already.
    pub(super) fn told_ends<'b>(&'b self, bulk_ends: &'b BulkEnds) -> SessionEnds<'b> {
        SessionEnds {
            transaction: self.transaction,
            tenant: self.tenant,
            now: self.mark.highest,
            events: EventLog { is_on: false, ..self.events() },
            revocations: self.revocations(),
            idle_timeout: self.record.config.idle_timeout,
            bulk_ends,
            epoch: self.mark.epoch,
            direct_max: 0,
        }
    }
}
