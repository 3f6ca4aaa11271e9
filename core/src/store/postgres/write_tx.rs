//! What a job can change: one function per change.

use sha2::{Digest as _, Sha256};

use super::change::{Change, IDENTITY, ROTATED};
use super::changes::RowKey;
use super::codec::{self, AsValue};
use super::transaction::Tx;
use super::value::Value;
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::key_wrapping::SALT_BYTES;
use crate::model::bulk_end::BulkEnd;
use crate::model::config::Config;
use crate::model::event::{Event, EventHash, EventSeq};
use crate::model::id::{SessionId, TenantId};
use crate::model::imported::CredentialHash;
use crate::model::revocation::{Revocation, RevocationSeq};
use crate::model::session::{BulkNo, End};
use crate::model::sign_in_limit::FailedSignIn;
use crate::store::records::{
    BulkEndRecord, ClockMark, KeyRecord, LeaseRecord, SealRecord, SessionRecord, SignInFailures, TenantNo,
    TenantRecord,
};
use crate::store::transaction::WriteTransaction;
use crate::token::keyring::KeyNo;

/// How long the number of a tenant is. JavaScript's numbers hold it.
const TENANT_NO_BITS: u32 = 53;

/// The number of a new tenant: as good as random, so that databases can be put together, and the same where a call makes the tenant
/// again because a failover took it back. Another host may have opened it meanwhile.
fn tenant_number(id: &TenantId, record: &TenantRecord) -> TenantNo {
    let digest = Sha256::new_with_prefix(record.salt).chain_update(id.as_str()).finalize();
    let first = digest.first_chunk().copied().unwrap_or_default();
    (u64::from_be_bytes(first) >> (64 - TENANT_NO_BITS)) as TenantNo
}

/// The values of a row, which begins with its tenant.
fn row_of(tenant: TenantNo, values: Vec<Value>) -> Vec<Value> {
    [vec![tenant.into()], values].concat()
}

impl Tx<'_, '_> {
    fn set_version(&self, tenant: TenantNo) -> Result<(), Failure> {
        let version = self.new_version(tenant)?;
        self.change(Change::SetVersion, RowKey::Tenant(tenant), vec![tenant.into(), version.into()])
    }

    fn change_session(
        &self,
        change: Change,
        tenant: TenantNo,
        id: SessionId,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<(), Failure> {
        let key = [tenant.into(), id.to_bytes().as_slice().into()];
        let values = key.into_iter().chain(values).collect();
        self.change(change, RowKey::Session(tenant, id.to_bytes()), values)
    }

    /// Replaces these columns of the session.
    fn update_session(
        &self,
        change: Change,
        columns: &[&str],
        tenant: TenantNo,
        record: &SessionRecord,
    ) -> Result<(), Failure> {
        let values = codec::named_session_values(record, columns);
        self.change_session(change, tenant, record.id, values)
    }
}

impl WriteTransaction for Tx<'_, '_> {
    fn has_changed(&self) -> bool {
        self.job_has_changed()
    }

    fn outlast_leases(&self, found: Option<SessionId>) {
        self.note_lease_wait();
        self.touch(found);
    }

    fn raise_clock_mark(&self, highest: Timestamp) -> Result<(), Failure> {
        let epoch = self.fetched.borrow().mark.epoch;
        self.set_mark(ClockMark { highest, epoch })
    }

    fn reset_clock_mark(&self, mark: ClockMark) -> Result<(), Failure> {
        self.touch(None);
        self.set_mark(mark)
    }

    fn add_tenant(&self, id: &TenantId, record: &TenantRecord, now: Timestamp) -> Result<TenantNo, Failure> {
        let no = tenant_number(id, record);
        let mut values: Vec<Value> = vec![
            no.into(),
            id.as_str().into(),
            self.new_version(no)?.into(),
            now.as_value(),
            record.salt.as_value(),
            record.wrapped_refresh_key.as_value(),
            record.token_horizon.as_value(),
        ];
        values.extend(codec::setting_values(&record.config));
        self.change(Change::AddTenant, RowKey::Tenant(no), values)?;
        Ok(no)
    }

    fn set_config(&self, tenant: TenantNo, config: &Config, token_horizon: Timestamp) -> Result<(), Failure> {
        let mut values = vec![tenant.into(), self.new_version(tenant)?.into(), token_horizon.as_value()];
        values.extend(codec::setting_values(config));
        self.change(Change::SetConfig, RowKey::Tenant(tenant), values)
    }

    fn set_secret(
        &self,
        tenant: TenantNo,
        salt: &[u8; SALT_BYTES],
        refresh_key: &[u8],
    ) -> Result<(), Failure> {
        let values =
            vec![tenant.into(), self.new_version(tenant)?.into(), salt.as_value(), refresh_key.into()];
        self.change(Change::SetSecret, RowKey::Tenant(tenant), values)
    }

    fn add_key(&self, tenant: TenantNo, key: &KeyRecord) -> Result<(), Failure> {
        let values = row_of(tenant, codec::key_values(key));
        self.change(Change::AddKey, RowKey::Key(tenant, key.no), values)
    }

    fn set_key(&self, tenant: TenantNo, key: &KeyRecord) -> Result<(), Failure> {
        let values = vec![
            tenant.into(),
            key.no.into(),
            key.state.as_value(),
            key.drained_at.as_value(),
            key.wrapped_seed.as_value(),
        ];
        self.change(Change::SetKey, RowKey::Key(tenant, key.no), values)?;
        self.set_version(tenant)
    }

    fn delete_key(&self, tenant: TenantNo, no: KeyNo) -> Result<(), Failure> {
        self.change(Change::DeleteKey, RowKey::Key(tenant, no), vec![tenant.into(), no.into()])
    }

    fn set_sign_in_failures(&self, tenant: TenantNo, failures: &SignInFailures) -> Result<(), Failure> {
        let row = RowKey::Failures(tenant, failures.key);
        self.know_failures(tenant, failures.key, failures.failures.clone());
        let mut values = vec![tenant.into(), failures.key.as_value()];
        if failures.failures.is_empty() {
            return self.change(Change::DeleteFailures, row, values);
        }
        values.push(FailedSignIn::encode(&failures.failures).into());
        self.change(Change::SetFailures, row, values)
    }

    fn add_session(&self, tenant: TenantNo, record: &SessionRecord) -> Result<(), Failure> {
        self.forget_open(tenant, &record.user_id);
        let values = row_of(tenant, codec::session_values(record));
        self.change(Change::AddSession, RowKey::Session(tenant, record.id.to_bytes()), values)
    }

    fn rotate_session(&self, tenant: TenantNo, record: &SessionRecord) -> Result<(), Failure> {
        self.update_session(Change::RotateSession, ROTATED, tenant, record)
    }

    fn count_replay(&self, tenant: TenantNo, id: SessionId) -> Result<(), Failure> {
        self.change_session(Change::CountReplay, tenant, id, [1.into()])
    }

    fn change_identity(&self, tenant: TenantNo, record: &SessionRecord) -> Result<(), Failure> {
        self.update_session(Change::ChangeIdentity, IDENTITY, tenant, record)
    }

    fn set_credential(
        &self,
        tenant: TenantNo,
        id: SessionId,
        credential: CredentialHash,
    ) -> Result<(), Failure> {
        self.change_session(Change::SetCredential, tenant, id, [credential.as_value()])
    }

    fn end_session(&self, tenant: TenantNo, id: SessionId, end: End, by: BulkNo) -> Result<(), Failure> {
        // What the clock ends, every machine ends by itself; what a bulk end ends was waited for by its own call.
        if by == 0 && !end.reason.is_by_clock() {
            self.note_lease_wait();
        }
        if by != 0 {
            let values = vec![tenant.into(), by.into(), 1.into()];
            self.change(Change::CountEnded, RowKey::BulkEnd(tenant, by), values)?;
        }
        let values = [end.at.as_value(), end.reason.as_value(), by.into()];
        self.change_session(Change::EndSession, tenant, id, values)
    }

    fn delete_session(&self, tenant: TenantNo, id: SessionId) -> Result<(), Failure> {
        self.change_session(Change::DeleteSession, tenant, id, [])
    }

    fn add_event(&self, tenant: TenantNo, event: &Event) -> Result<(), Failure> {
        let event = Event { seq: self.next_event(tenant)?, hash: None, ..event.clone() };
        let values = row_of(tenant, codec::event_values(&event));
        self.change(Change::AddEvent, RowKey::Event(tenant, event.seq), values)
    }

    fn put_event(&self, tenant: TenantNo, event: &Event) -> Result<(), Failure> {
        let values = row_of(tenant, codec::event_values(event));
        self.change(Change::AddEvent, RowKey::Event(tenant, event.seq), values)?;
        self.fetched.borrow_mut().newest_events.remove(&tenant);
        Ok(())
    }

    fn hash_event(&self, tenant: TenantNo, seq: EventSeq, hash: EventHash) -> Result<(), Failure> {
        let values = vec![tenant.into(), seq.as_value(), hash.as_value()];
        self.change(Change::HashEvent, RowKey::Event(tenant, seq), values)
    }

    fn delete_event(&self, tenant: TenantNo, seq: EventSeq) -> Result<(), Failure> {
        self.change(Change::DeleteEvent, RowKey::Event(tenant, seq), vec![tenant.into(), seq.as_value()])
    }

    fn add_seal(&self, tenant: TenantNo, seal: &SealRecord) -> Result<(), Failure> {
        let values = row_of(tenant, codec::seal_values(seal));
        self.change(Change::AddSeal, RowKey::Seal(tenant, seal.seq), values)
    }

    fn delete_seal(&self, tenant: TenantNo, seq: EventSeq) -> Result<(), Failure> {
        self.change(Change::DeleteSeal, RowKey::Seal(tenant, seq), vec![tenant.into(), seq.as_value()])
    }

    fn add_revocation(&self, tenant: TenantNo, entry: &Revocation) -> Result<(), Failure> {
        let newest = self.find_newest_revocation(tenant)?.max(entry.seq);
        let values = row_of(tenant, codec::revocation_values(entry));
        self.change(Change::AddRevocation, RowKey::Revocation(tenant, entry.seq), values)?;
        self.fetched.borrow_mut().newest_revocations.insert(tenant, newest);
        Ok(())
    }

    fn delete_revocation(&self, tenant: TenantNo, seq: RevocationSeq) -> Result<(), Failure> {
        let row = RowKey::Revocation(tenant, seq);
        self.change(Change::DeleteRevocation, row, vec![tenant.into(), seq.as_value()])
    }

    fn set_lease(&self, tenant: TenantNo, lease: &LeaseRecord) -> Result<(), Failure> {
        let values = row_of(tenant, codec::lease_values(lease));
        self.change(Change::SetLease, RowKey::Lease(tenant, lease.name.clone()), values)
    }

    fn delete_lease(&self, tenant: TenantNo, name: &str) -> Result<(), Failure> {
        let row = RowKey::Lease(tenant, name.to_owned());
        self.change(Change::DeleteLease, row, vec![tenant.into(), name.into()])
    }

    fn add_bulk_end(&self, tenant: TenantNo, bulk_end: &BulkEnd) -> Result<(), Failure> {
        self.put_bulk_end(tenant, &BulkEndRecord::new(bulk_end.clone()))
    }

    fn put_bulk_end(&self, tenant: TenantNo, record: &BulkEndRecord) -> Result<(), Failure> {
        let values = row_of(tenant, codec::bulk_end_values(record));
        self.change(Change::AddBulkEnd, RowKey::BulkEnd(tenant, record.bulk_end.no), values)?;
        self.set_version(tenant)
    }

    fn finish_bulk_end(&self, tenant: TenantNo, no: BulkNo) -> Result<(), Failure> {
        let values = vec![tenant.into(), no.into(), true.into()];
        self.change(Change::FinishBulkEnd, RowKey::BulkEnd(tenant, no), values)?;
        self.set_version(tenant)
    }

    fn delete_bulk_end(&self, tenant: TenantNo, no: BulkNo) -> Result<(), Failure> {
        self.change(Change::DeleteBulkEnd, RowKey::BulkEnd(tenant, no), vec![tenant.into(), no.into()])
    }
}
