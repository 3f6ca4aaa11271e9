//! What a job can change: one function per statement.

use rusqlite::named_params;

use super::change_tracker::Change;
use super::codec::{
    BulkEndColumn, ConfigColumn, EventColumn, KeyColumn, LeaseColumn, RevocationColumn, SealColumn,
    SessionColumn, bulk_end_columns, config_columns, event_columns, key_columns, lease_columns,
    revocation_columns, seal_columns, session_columns,
};
use super::columns::assignments;
use super::error::map_value_error;
use super::read_tx::newest_event;
use super::transaction::Tx;
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
use crate::store::subject::UserTag;
use crate::store::transaction::WriteTransaction;
use crate::token::keyring::KeyNo;

/// An UPDATE of some columns of one session.
struct SessionUpdate {
    statement: &'static str,
    columns: &'static [SessionColumn],
}

macro_rules! session_update {
    ($($column:ident)+) => {
        SessionUpdate {
            statement: concat!(
                "UPDATE sessions SET ",
                assignments!($($column)+),
                " WHERE tenant_no = :tenant_no AND session_ulid = :session_ulid"
            ),
            columns: &[$(SessionColumn::$column),+],
        }
    };
}

const ROTATE_SESSION: SessionUpdate = session_update! {
    last_active_at_ms
    judged_by
    generation
    replays
    access_serial
    access_issued_at_ms
    access_expires_at_ms
    access_key_no
    last_ip_address
    last_user_agent
};

const CHANGE_IDENTITY: SessionUpdate = session_update! {
    judged_by
    access_serial
    access_issued_at_ms
    access_expires_at_ms
    access_key_no
    mfa_verified
    org_id
    role
    claims
    identity_serial
    factors
};

/// A version that has not been there before, also not in a past to which a restored backup takes the database back: a number
/// of 63 bits of SQLite's own generator, which the operating system seeds.
macro_rules! new_version {
    () => {
        "random() & 0x7fffffffffffffff"
    };
}

fn change_of(tenant: TenantNo, record: &SessionRecord) -> Change {
    Change::Session { id: record.id, user: UserTag::of(tenant, record.user_id.as_str()) }
}

impl Tx<'_> {
    /// The change of a session that the caller knows by its id. The row says whose list it concerns, before it is changed.
    fn change_of(&self, tenant: TenantNo, id: SessionId) -> Result<Change, Failure> {
        self.query_one(
            "SELECT user_id FROM sessions WHERE tenant_no = :tenant_no AND session_ulid = :session_ulid",
            named_params! {":tenant_no": tenant, ":session_ulid": id.to_bytes()},
            |row| {
                let user = row.get_ref(0).map_err(map_value_error)?.as_str().unwrap_or_default();
                Ok(Change::Session { id, user: UserTag::of(tenant, user) })
            },
        )?
        .ok_or_else(|| Failure::corrupt("a session that is to be changed is missing"))
    }

    fn change_version(&self, tenant: TenantNo) -> Result<(), Failure> {
        self.change(
            Change::Everything,
            concat!("UPDATE tenants SET version = ", new_version!(), " WHERE tenant_no = :tenant_no"),
            named_params! {":tenant_no": tenant},
        )
    }

    fn update_session(
        &self,
        update: &SessionUpdate,
        tenant: TenantNo,
        record: &SessionRecord,
    ) -> Result<(), Failure> {
        self.change_with(change_of(tenant, record), update.statement, |binder| {
            binder
                .columns(update.columns, record)?
                .parameters(named_params! {":tenant_no": tenant, ":session_ulid": record.id.to_bytes()})
        })
    }
}

impl WriteTransaction for Tx<'_> {
    fn has_changed(&self) -> bool {
        self.job_has_changed()
    }

    fn raise_clock_mark(&self, highest: Timestamp) -> Result<(), Failure> {
        self.change(
            Change::ClockMark(highest),
            "UPDATE clock_mark SET highest_at_ms = :highest_at_ms",
            named_params! {":highest_at_ms": highest.as_millis()},
        )
    }

    fn reset_clock_mark(&self, mark: ClockMark) -> Result<(), Failure> {
        self.change(
            Change::Everything,
            "UPDATE clock_mark
             SET
                 highest_at_ms = :highest_at_ms,
                 era = :era",
            named_params! {":highest_at_ms": mark.highest.as_millis(), ":era": mark.epoch},
        )
    }

    fn add_tenant(&self, id: &TenantId, record: &TenantRecord, now: Timestamp) -> Result<TenantNo, Failure> {
        self.change_with(
            Change::Everything,
            concat!(
                "INSERT INTO tenants (
                     tenant_id,
                     version,
                     created_at_ms,
                     salt,
                     wrapped_refresh_key,
                     token_horizon_at_ms,
                     ",
                config_columns!(all),
                ")
                 VALUES (:tenant_id, ",
                new_version!(),
                ", :now, :salt, :wrapped_refresh_key, :token_horizon_at_ms, ",
                config_columns!(all parameters),
                ")"
            ),
            |binder| {
                binder
                    .parameters(named_params! {
                        ":tenant_id": id.as_str(),
                        ":now": now.as_millis(),
                        ":salt": record.salt,
                        ":wrapped_refresh_key": record.wrapped_refresh_key,
                        ":token_horizon_at_ms": record.token_horizon.as_millis(),
                    })?
                    .columns(ConfigColumn::ALL, &record.config)
            },
        )?;
        Ok(self.last_insert_rowid())
    }

    fn set_config(&self, tenant: TenantNo, config: &Config, token_horizon: Timestamp) -> Result<(), Failure> {
        self.change_with(
            Change::Everything,
            concat!(
                "UPDATE tenants
                 SET
                     version = ",
                new_version!(),
                ",
                     token_horizon_at_ms = :token_horizon_at_ms,
                     ",
                config_columns!(all assignments),
                "
                 WHERE tenant_no = :tenant_no"
            ),
            |binder| {
                binder
                    .parameters(named_params! {":token_horizon_at_ms": token_horizon.as_millis()})?
                    .columns(ConfigColumn::ALL, config)?
                    .parameters(named_params! {":tenant_no": tenant})
            },
        )
    }

    fn set_secret(
        &self,
        tenant: TenantNo,
        salt: &[u8; SALT_BYTES],
        refresh_key: &[u8],
    ) -> Result<(), Failure> {
        self.change(
            Change::Everything,
            concat!(
                "UPDATE tenants
                 SET
                     version = ",
                new_version!(),
                ",
                     salt = :salt,
                     wrapped_refresh_key = :wrapped_refresh_key
                 WHERE tenant_no = :tenant_no"
            ),
            named_params! {":salt": salt, ":wrapped_refresh_key": refresh_key, ":tenant_no": tenant},
        )
    }

    fn add_key(&self, tenant: TenantNo, key: &KeyRecord) -> Result<(), Failure> {
        self.change_with(
            Change::Everything,
            concat!(
                "INSERT INTO signing_keys (tenant_no, ",
                key_columns!(all),
                ") VALUES (:tenant_no, ",
                key_columns!(all parameters),
                ")"
            ),
            |binder| binder.parameters(named_params! {":tenant_no": tenant})?.columns(KeyColumn::ALL, key),
        )
    }

    fn set_key(&self, tenant: TenantNo, key: &KeyRecord) -> Result<(), Failure> {
        self.change(
            Change::Everything,
            "UPDATE signing_keys
             SET
                 state = :state,
                 drained_at_ms = :drained_at_ms,
                 wrapped_seed = :wrapped_seed
             WHERE tenant_no = :tenant_no AND key_no = :key_no",
            named_params! {
                ":state": key.state.as_str(),
                ":drained_at_ms": key.drained_at.map(Timestamp::as_millis),
                ":wrapped_seed": key.wrapped_seed,
                ":tenant_no": tenant,
                ":key_no": key.no,
            },
        )?;
        self.change_version(tenant)
    }

    fn delete_key(&self, tenant: TenantNo, no: KeyNo) -> Result<(), Failure> {
        self.change(
            Change::Uncached,
            "DELETE FROM signing_keys WHERE tenant_no = :tenant_no AND key_no = :key_no AND state = 'retired'",
            named_params! {":tenant_no": tenant, ":key_no": no},
        )
    }

    fn set_sign_in_failures(&self, tenant: TenantNo, failures: &SignInFailures) -> Result<(), Failure> {
        if failures.failures.is_empty() {
            return self.change(
                Change::Uncached,
                "DELETE FROM sign_in_failures WHERE tenant_no = :tenant_no AND failure_key = :failure_key",
                named_params! {":tenant_no": tenant, ":failure_key": failures.key},
            );
        }
        self.change(
            Change::Uncached,
            "INSERT INTO sign_in_failures (tenant_no, failure_key, failures)
             VALUES (:tenant_no, :failure_key, :failures)
             ON CONFLICT (tenant_no, failure_key) DO UPDATE SET failures = excluded.failures",
            named_params! {
                ":tenant_no": tenant,
                ":failure_key": failures.key,
                ":failures": FailedSignIn::encode(&failures.failures),
            },
        )
    }

    fn add_session(&self, tenant: TenantNo, record: &SessionRecord) -> Result<(), Failure> {
        self.change_with(
            change_of(tenant, record),
            concat!(
                "INSERT INTO sessions (tenant_no, ",
                session_columns!(all),
                ") VALUES (:tenant_no, ",
                session_columns!(all parameters),
                ")"
            ),
            |binder| {
                binder.parameters(named_params! {":tenant_no": tenant})?.columns(SessionColumn::ALL, record)
            },
        )
    }

    fn rotate_session(&self, tenant: TenantNo, record: &SessionRecord) -> Result<(), Failure> {
        self.update_session(&ROTATE_SESSION, tenant, record)
    }

    fn count_replay(&self, tenant: TenantNo, id: SessionId) -> Result<(), Failure> {
        self.change(
            self.change_of(tenant, id)?,
            "UPDATE sessions
             SET replays = replays + 1
             WHERE tenant_no = :tenant_no AND session_ulid = :session_ulid",
            named_params! {":tenant_no": tenant, ":session_ulid": id.to_bytes()},
        )
    }

    fn change_identity(&self, tenant: TenantNo, record: &SessionRecord) -> Result<(), Failure> {
        self.update_session(&CHANGE_IDENTITY, tenant, record)
    }

    fn set_credential(
        &self,
        tenant: TenantNo,
        id: SessionId,
        credential: CredentialHash,
    ) -> Result<(), Failure> {
        self.change(
            self.change_of(tenant, id)?,
            "UPDATE sessions
             SET credential_sha256 = :credential_sha256
             WHERE
                 tenant_no = :tenant_no AND session_ulid = :session_ulid AND credential_sha256 IS NOT NULL",
            named_params! {
                ":credential_sha256": credential.0,
                ":tenant_no": tenant,
                ":session_ulid": id.to_bytes(),
            },
        )
    }

    fn end_session(&self, tenant: TenantNo, id: SessionId, end: End, by: BulkNo) -> Result<(), Failure> {
        let change = self.change_of(tenant, id)?;
        if by != 0 {
            self.change(
                change,
                "UPDATE bulk_ends SET ended = ended + 1 WHERE tenant_no = :tenant_no AND bulk_no = :bulk_no",
                named_params! {":tenant_no": tenant, ":bulk_no": by},
            )?;
        }
        self.change(
            change,
            "UPDATE sessions
             SET
                 ended_at_ms = :ended_at_ms,
                 end_reason = :end_reason,
                 judged_by = :judged_by
             WHERE tenant_no = :tenant_no AND session_ulid = :session_ulid AND ended_at_ms IS NULL",
            named_params! {
                ":ended_at_ms": end.at.as_millis(),
                ":end_reason": end.reason.as_str(),
                ":judged_by": by,
                ":tenant_no": tenant,
                ":session_ulid": id.to_bytes(),
            },
        )
    }

    fn delete_session(&self, tenant: TenantNo, id: SessionId) -> Result<(), Failure> {
        self.change(
            self.change_of(tenant, id)?,
            "DELETE FROM sessions WHERE tenant_no = :tenant_no AND session_ulid = :session_ulid",
            named_params! {":tenant_no": tenant, ":session_ulid": id.to_bytes()},
        )
    }

    fn add_bulk_end(&self, tenant: TenantNo, bulk_end: &BulkEnd) -> Result<(), Failure> {
        self.put_bulk_end(tenant, &BulkEndRecord::new(bulk_end.clone()))
    }

    fn put_bulk_end(&self, tenant: TenantNo, record: &BulkEndRecord) -> Result<(), Failure> {
        self.change_with(
            Change::Everything,
            concat!(
                "INSERT INTO bulk_ends (tenant_no, ",
                bulk_end_columns!(all),
                ") VALUES (:tenant_no, ",
                bulk_end_columns!(all parameters),
                ")"
            ),
            |binder| {
                binder.parameters(named_params! {":tenant_no": tenant})?.columns(BulkEndColumn::ALL, record)
            },
        )?;
        self.change_version(tenant)
    }

    fn finish_bulk_end(&self, tenant: TenantNo, no: BulkNo) -> Result<(), Failure> {
        self.change(
            Change::Everything,
            "UPDATE bulk_ends SET done = 1 WHERE tenant_no = :tenant_no AND bulk_no = :bulk_no AND done = 0",
            named_params! {":tenant_no": tenant, ":bulk_no": no},
        )?;
        self.change_version(tenant)
    }

    fn add_event(&self, tenant: TenantNo, event: &Event) -> Result<(), Failure> {
        self.change_with(
            Change::Uncached,
            concat!(
                "INSERT INTO events (tenant_no, seq, ",
                event_columns!(told),
                ") VALUES (:tenant_no, ",
                newest_event!(),
                " + 1, ",
                event_columns!(told parameters),
                ")"
            ),
            |binder| {
                binder.parameters(named_params! {":tenant_no": tenant})?.columns(EventColumn::TOLD, event)
            },
        )
    }

    fn put_event(&self, tenant: TenantNo, event: &Event) -> Result<(), Failure> {
        self.change_with(
            Change::Uncached,
            concat!(
                "INSERT INTO events (tenant_no, ",
                event_columns!(all),
                ") VALUES (:tenant_no, ",
                event_columns!(all parameters),
                ")"
            ),
            |binder| {
                binder.parameters(named_params! {":tenant_no": tenant})?.columns(EventColumn::ALL, event)
            },
        )
    }

    fn hash_event(&self, tenant: TenantNo, seq: EventSeq, hash: EventHash) -> Result<(), Failure> {
        self.change(
            Change::Uncached,
            "UPDATE events SET hash = :hash WHERE tenant_no = :tenant_no AND seq = :seq AND hash IS NULL",
            named_params! {":hash": hash.0, ":tenant_no": tenant, ":seq": seq as i64},
        )
    }

    fn delete_event(&self, tenant: TenantNo, seq: EventSeq) -> Result<(), Failure> {
        self.change(
            Change::Uncached,
            "DELETE FROM events WHERE tenant_no = :tenant_no AND seq = :seq",
            named_params! {":tenant_no": tenant, ":seq": seq as i64},
        )
    }

    fn add_seal(&self, tenant: TenantNo, seal: &SealRecord) -> Result<(), Failure> {
        self.change_with(
            Change::Uncached,
            concat!(
                "INSERT INTO event_seals (tenant_no, ",
                seal_columns!(all),
                ") VALUES (:tenant_no, ",
                seal_columns!(all parameters),
                ")"
            ),
            |binder| binder.parameters(named_params! {":tenant_no": tenant})?.columns(SealColumn::ALL, seal),
        )
    }

    fn delete_seal(&self, tenant: TenantNo, seq: EventSeq) -> Result<(), Failure> {
        self.change(
            Change::Uncached,
            "DELETE FROM event_seals WHERE tenant_no = :tenant_no AND seq = :seq",
            named_params! {":tenant_no": tenant, ":seq": seq as i64},
        )
    }

    fn set_lease(&self, tenant: TenantNo, lease: &LeaseRecord) -> Result<(), Failure> {
        self.change_with(
            Change::Uncached,
            concat!(
                "INSERT INTO leases (tenant_no, ",
                lease_columns!(all),
                ") VALUES (:tenant_no, ",
                lease_columns!(all parameters),
                ")
                 ON CONFLICT (tenant_no, name) DO UPDATE SET
                     holder = excluded.holder,
                     until_ms = excluded.until_ms,
                     position = excluded.position"
            ),
            |binder| {
                binder.parameters(named_params! {":tenant_no": tenant})?.columns(LeaseColumn::ALL, lease)
            },
        )
    }

    fn delete_lease(&self, tenant: TenantNo, name: &str) -> Result<(), Failure> {
        self.change(
            Change::Uncached,
            "DELETE FROM leases WHERE tenant_no = :tenant_no AND name = :name",
            named_params! {":tenant_no": tenant, ":name": name},
        )
    }

    fn add_revocation(&self, tenant: TenantNo, entry: &Revocation) -> Result<(), Failure> {
        self.change_with(
            Change::Uncached,
            concat!(
                "INSERT INTO revocations (tenant_no, ",
                revocation_columns!(all),
                ") VALUES (:tenant_no, ",
                revocation_columns!(all parameters),
                ")"
            ),
            |binder| {
                binder.parameters(named_params! {":tenant_no": tenant})?.columns(RevocationColumn::ALL, entry)
            },
        )
    }

    fn delete_revocation(&self, tenant: TenantNo, seq: RevocationSeq) -> Result<(), Failure> {
        self.change(
            Change::Uncached,
            "DELETE FROM revocations WHERE tenant_no = :tenant_no AND seq = :seq",
            named_params! {":tenant_no": tenant, ":seq": seq as i64},
        )
    }

    fn delete_bulk_end(&self, tenant: TenantNo, no: BulkNo) -> Result<(), Failure> {
        self.change(
            Change::Everything,
            "DELETE FROM bulk_ends WHERE tenant_no = :tenant_no AND bulk_no = :bulk_no AND done = 1",
            named_params! {":tenant_no": tenant, ":bulk_no": no},
        )
    }
}
