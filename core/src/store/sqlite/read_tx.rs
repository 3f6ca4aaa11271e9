//! What a job can read: one function per statement.

use std::ops::ControlFlow;

use rusqlite::named_params;

use super::codec::{
    self, bulk_end_columns, config_columns, event_columns, key_columns, lease_columns, revocation_columns,
    seal_columns, session_columns,
};
use super::columns::Parameters;
use super::error::map_value_error;
use super::queried_row::QueriedRow;
use super::transaction::Tx;
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::model::event::{Event, EventSeq};
use crate::model::id::{SessionId, TenantId, UserId};
use crate::model::imported::ImportKey;
use crate::model::revocation::{Revocation, RevocationSeq};
use crate::model::session::SessionLifetime;
use crate::model::sign_in_limit::FailedSignIn;
use crate::store::records::{
    BulkEndRecord, ClockMark, KeyRecord, LeaseRecord, RecordParts, ScanFilter, SealRecord, SessionRecord,
    SessionScope, SignInFailures, TenantNo, TenantRecord, TenantVersion,
};
use crate::store::transaction::{LifetimeVisitor, ReadTransaction, Visitor};
use crate::token::failure_key::FailureKey;

fn missing(what: &str) -> Failure {
    Failure::corrupt(format!("{what} is missing"))
}

/// Rows of a damaged file need not be in order, and a caller that goes on from the last one would go on for ever.
fn require_order(rows: &str, is_ordered: bool) -> Result<(), Failure> {
    if is_ordered { Ok(()) } else { Err(Failure::corrupt(format!("{rows} are out of order"))) }
}

/// As SQL holds it: no number that it cannot hold was given out.
fn sql_number(seq: EventSeq) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// The number of the tenant's newest event: the newest seal knows it where the events are deleted.
macro_rules! newest_event {
    () => {
        "coalesce(
             (SELECT max(seq) FROM events WHERE tenant_no = :tenant_no),
             (SELECT max(seq) FROM event_seals WHERE tenant_no = :tenant_no),
             0
         )"
    };
}
pub(super) use newest_event;

/// The statement of a scan from the newest session that reads these columns.
macro_rules! newest_first {
    ([$($columns:tt)+], $scope:expr, $filter:expr) => {
        match ($scope, $filter) {
            // No key tells a tenant's open sessions from its ended ones.
            (SessionScope::Tenant, _) => concat!(
                "SELECT ",
                $($columns)+,
                " FROM sessions
                 WHERE tenant_no = :tenant_no AND session_ulid < :before
                 ORDER BY session_ulid DESC"
            ),
            (SessionScope::User(_), ScanFilter::Open) => concat!(
                "SELECT ",
                $($columns)+,
                " FROM sessions INDEXED BY sessions_of_user
                 WHERE tenant_no = :tenant_no AND user_id = :user_id AND ended = 0 AND session_ulid < :before
                 ORDER BY session_ulid DESC"
            ),
            // The user's open and ended sessions are two runs of the index; SQLite merges them as it goes.
            (SessionScope::User(_), ScanFilter::All) => concat!(
                "SELECT ",
                $($columns)+,
                " FROM sessions INDEXED BY sessions_of_user
                 WHERE tenant_no = :tenant_no AND user_id = :user_id AND ended = 0 AND session_ulid < :before
                 UNION ALL
                 SELECT ",
                $($columns)+,
                " FROM sessions INDEXED BY sessions_of_user
                 WHERE tenant_no = :tenant_no AND user_id = :user_id AND ended = 1 AND session_ulid < :before
                 ORDER BY session_ulid DESC"
            ),
        }
    };
}

/// Above every ULID, for a scan from the newest session.
const NEWEST: [u8; 17] = [0xff; 17];
/// Below every ULID, for a scan from the oldest session.
const OLDEST: [u8; 0] = [];

impl ReadTransaction for Tx<'_> {
    fn database_time(&self) -> Option<Timestamp> {
        None // all processes on a file are on one machine
    }

    fn clock_mark(&self) -> Result<ClockMark, Failure> {
        self.query_one("SELECT highest_at_ms, era FROM clock_mark", &[], |row| codec::clock_mark(row, 0))?
            .ok_or_else(|| missing("the clock mark"))
    }

    fn tenant_no(&self, id: &TenantId) -> Result<Option<TenantNo>, Failure> {
        self.query_one(
            "SELECT tenant_no FROM tenants WHERE tenant_id = :tenant_id",
            named_params! {":tenant_id": id.as_str()},
            |row| row.get(0).map_err(map_value_error),
        )
    }

    fn tenant_numbers(&self) -> Result<Vec<TenantNo>, Failure> {
        self.query_all("SELECT tenant_no FROM tenants ORDER BY tenant_no", &[], |row| {
            row.get(0).map_err(map_value_error)
        })
    }

    fn tenant_version(&self, tenant: TenantNo) -> Result<TenantVersion, Failure> {
        self.query_one(
            "SELECT version, highest_at_ms, era FROM tenants, clock_mark WHERE tenant_no = :tenant_no",
            named_params! {":tenant_no": tenant},
            |row| {
                let version = row.get(0).map_err(map_value_error)?;
                Ok(TenantVersion { version, mark: codec::clock_mark(row, 1)? })
            },
        )?
        .ok_or_else(|| missing("the tenant"))
    }

    fn tenant_id(&self, tenant: TenantNo) -> Result<(TenantId, Timestamp), Failure> {
        self.query_one(
            "SELECT tenant_id, created_at_ms FROM tenants WHERE tenant_no = :tenant_no",
            named_params! {":tenant_no": tenant},
            |row| {
                let id: String = row.get(0).map_err(map_value_error)?;
                let id = id.parse().map_err(|_| Failure::corrupt("a tenant has an impossible id"))?;
                Ok((id, Timestamp::from_millis(row.get(1).map_err(map_value_error)?)))
            },
        )?
        .ok_or_else(|| missing("the tenant"))
    }

    fn tenant(&self, tenant: TenantNo) -> Result<TenantRecord, Failure> {
        self.query_one(
            concat!(
                "SELECT ",
                config_columns!(all),
                ",
                     salt,
                     wrapped_refresh_key,
                     token_horizon_at_ms
                 FROM tenants
                 WHERE tenant_no = :tenant_no"
            ),
            named_params! {":tenant_no": tenant},
            |row| codec::tenant(row, tenant),
        )?
        .ok_or_else(|| missing("the tenant"))
    }

    fn keys(&self, tenant: TenantNo) -> Result<Vec<KeyRecord>, Failure> {
        self.query_all(
            concat!(
                "SELECT ",
                key_columns!(all),
                " FROM signing_keys WHERE tenant_no = :tenant_no ORDER BY key_no"
            ),
            named_params! {":tenant_no": tenant},
            codec::key,
        )
    }

    fn session(&self, tenant: TenantNo, id: SessionId) -> Result<Option<SessionRecord>, Failure> {
        let mut found = None;
        self.query_often(
            concat!(
                "SELECT ",
                session_columns!(all),
                " FROM sessions WHERE tenant_no = :tenant_no AND session_ulid = :session_ulid"
            ),
            named_params! {":tenant_no": tenant, ":session_ulid": id.to_bytes()},
            |row| {
                found = Some(codec::session_in(row)?);
                Ok(ControlFlow::Break(()))
            },
        )?;
        match found {
            // SQLite trusts the order of its pages: where they are damaged, a search can end at a neighbour.
            Some(found) if found.id != id => {
                Err(Failure::corrupt(format!("another session stands in the place of {id}")))
            }
            found => Ok(found),
        }
    }

    fn imported_sessions(&self, tenant: TenantNo, keys: &[ImportKey]) -> Result<Vec<SessionRecord>, Failure> {
        let mut found = Vec::new();
        for key in keys {
            found.extend(self.query_one(
                concat!(
                    "SELECT ",
                    session_columns!(all),
                    " FROM sessions INDEXED BY sessions_of_credential
                     WHERE tenant_no = :tenant_no AND credential_sha256 = :credential_sha256"
                ),
                named_params! {":tenant_no": tenant, ":credential_sha256": key.credential.0},
                codec::session,
            )?);
            let Some(external_id) = &key.external_id else { continue };
            found.extend(self.query_one(
                concat!(
                    "SELECT ",
                    session_columns!(all),
                    " FROM sessions INDEXED BY sessions_of_external_id
                     WHERE tenant_no = :tenant_no AND external_id = :external_id"
                ),
                named_params! {":tenant_no": tenant, ":external_id": external_id.as_str()},
                codec::session,
            )?);
        }
        Ok(found)
    }

    fn bulk_ends(&self, tenant: TenantNo) -> Result<Vec<BulkEndRecord>, Failure> {
        self.query_all(
            concat!(
                "SELECT ",
                bulk_end_columns!(all),
                " FROM bulk_ends WHERE tenant_no = :tenant_no ORDER BY bulk_no"
            ),
            named_params! {":tenant_no": tenant},
            codec::bulk_end,
        )
    }

    fn scan_open_newest_first(
        &self,
        tenant: TenantNo,
        user: &UserId,
        from: Option<SessionId>,
        visit: &mut LifetimeVisitor<'_>,
    ) -> Result<(), Failure> {
        let from = from.map(SessionId::to_bytes);
        let from = from.as_ref().map_or(OLDEST.as_slice(), |bytes| bytes.as_slice());
        self.query_each(
            concat!(
                "SELECT ",
                session_columns!(lifetime),
                " FROM sessions INDEXED BY sessions_of_user
                 WHERE tenant_no = :tenant_no AND user_id = :user_id AND ended = 0 AND session_ulid >= :from
                 ORDER BY session_ulid DESC"
            ),
            named_params! {":tenant_no": tenant, ":user_id": user.as_str(), ":from": from},
            |row| visit(codec::lifetime(row)?),
        )
    }

    fn scan_newest_first(
        &self,
        tenant: TenantNo,
        scope: SessionScope<'_>,
        filter: ScanFilter,
        parts: RecordParts,
        before: Option<SessionId>,
        visit: &mut Visitor<'_>,
    ) -> Result<(), Failure> {
        let mut previous = before;
        let mut visit_row = |row: QueriedRow<'_>| {
            let lifetime = codec::lifetime_in(row)?;
            require_order(
                "sessions",
                previous.replace(lifetime.id).is_none_or(|previous| lifetime.id < previous),
            )?;
            visit(&lifetime, &|| match parts {
                RecordParts::All => codec::session_after(lifetime.clone(), row),
                RecordParts::Shown => codec::shown_after(lifetime.clone(), row),
            })
        };
        let before = before.map(SessionId::to_bytes);
        let before = before.as_ref().map_or(NEWEST.as_slice(), |bytes| bytes.as_slice());
        let parameters: Parameters<'_> = match scope {
            SessionScope::Tenant => named_params! {":tenant_no": tenant, ":before": before},
            SessionScope::User(user) => {
                named_params! {":tenant_no": tenant, ":user_id": user.as_str(), ":before": before}
            }
        };
        let statement: &'static str = match parts {
            RecordParts::All => newest_first!([session_columns!(all)], scope, filter),
            RecordParts::Shown => {
                newest_first!([session_columns!(lifetime), ", ", session_columns!(shown)], scope, filter)
            }
        };
        self.query_often(statement, parameters, &mut visit_row)
    }

    fn scan_oldest_first(
        &self,
        tenant: TenantNo,
        scope: SessionScope<'_>,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<SessionLifetime>, Failure> {
        let after = after.map(SessionId::to_bytes);
        let bytes = after.as_ref().map_or(OLDEST.as_slice(), |bytes| bytes.as_slice());
        let lifetimes = match scope {
            SessionScope::Tenant => self.query_all(
                concat!(
                    "SELECT ",
                    session_columns!(lifetime),
                    " FROM sessions
                     WHERE tenant_no = :tenant_no AND session_ulid > :after
                     ORDER BY session_ulid
                     LIMIT :limit"
                ),
                named_params! {":tenant_no": tenant, ":after": bytes, ":limit": limit as i64},
                codec::lifetime,
            )?,
            // Two runs of the index, merged as in `scan_newest_first`.
            SessionScope::User(user) => self.query_all(
                concat!(
                    "SELECT ",
                    session_columns!(lifetime),
                    " FROM sessions INDEXED BY sessions_of_user
                     WHERE tenant_no = :tenant_no AND user_id = :user_id AND ended = 0 AND session_ulid > :after
                     UNION ALL
                     SELECT ",
                    session_columns!(lifetime),
                    " FROM sessions INDEXED BY sessions_of_user
                     WHERE tenant_no = :tenant_no AND user_id = :user_id AND ended = 1 AND session_ulid > :after
                     ORDER BY session_ulid
                     LIMIT :limit"
                ),
                named_params! {
                    ":tenant_no": tenant,
                    ":user_id": user.as_str(),
                    ":after": bytes,
                    ":limit": limit as i64,
                },
                codec::lifetime,
            )?,
        };
        let mut previous = after.map(SessionId::from_bytes);
        for lifetime in &lifetimes {
            require_order(
                "sessions",
                previous.replace(lifetime.id).is_none_or(|previous| previous < lifetime.id),
            )?;
        }
        Ok(lifetimes)
    }

    fn sign_in_failures(&self, tenant: TenantNo, key: &FailureKey) -> Result<Vec<FailedSignIn>, Failure> {
        let found = self.query_one(
            "SELECT failure_key, failures FROM sign_in_failures
             WHERE tenant_no = :tenant_no AND failure_key = :failure_key",
            named_params! {":tenant_no": tenant, ":failure_key": key},
            codec::sign_in_failures,
        )?;
        Ok(found.map_or_else(Vec::new, |found| found.failures))
    }

    fn scan_sign_in_failures(
        &self,
        tenant: TenantNo,
        after: &[u8],
        limit: usize,
    ) -> Result<Vec<SignInFailures>, Failure> {
        let found = self.query_all(
            "SELECT failure_key, failures FROM sign_in_failures
             WHERE tenant_no = :tenant_no AND failure_key > :after
             ORDER BY failure_key
             LIMIT :limit",
            named_params! {":tenant_no": tenant, ":after": after, ":limit": limit as i64},
            codec::sign_in_failures,
        )?;
        let mut previous = after;
        for failures in &found {
            require_order("sign_in_failures", previous < failures.key.as_slice())?;
            previous = &failures.key;
        }
        Ok(found)
    }

    fn events(&self, tenant: TenantNo, after: EventSeq, limit: usize) -> Result<Vec<Event>, Failure> {
        let found = self.query_all(
            concat!(
                "SELECT ",
                event_columns!(all),
                " FROM events WHERE tenant_no = :tenant_no AND seq > :after ORDER BY seq LIMIT :limit"
            ),
            named_params! {":tenant_no": tenant, ":after": sql_number(after), ":limit": limit as i64},
            codec::event,
        )?;
        let mut previous = after;
        for event in &found {
            require_order("events", std::mem::replace(&mut previous, event.seq) < event.seq)?;
        }
        Ok(found)
    }

    fn newest_event(&self, tenant: TenantNo) -> Result<EventSeq, Failure> {
        self.query_one(concat!("SELECT ", newest_event!()), named_params! {":tenant_no": tenant}, |row| {
            row.get::<_, i64>(0).map_err(map_value_error)
        })?
        .and_then(|seq| EventSeq::try_from(seq).ok())
        .ok_or_else(|| missing("the number of the newest event"))
    }

    fn seals(&self, tenant: TenantNo, after: EventSeq, limit: usize) -> Result<Vec<SealRecord>, Failure> {
        self.query_all(
            concat!(
                "SELECT ",
                seal_columns!(all),
                " FROM event_seals WHERE tenant_no = :tenant_no AND seq > :after ORDER BY seq LIMIT :limit"
            ),
            named_params! {":tenant_no": tenant, ":after": sql_number(after), ":limit": limit as i64},
            codec::seal,
        )
    }

    fn newest_seal(&self, tenant: TenantNo) -> Result<Option<SealRecord>, Failure> {
        self.query_one(
            concat!(
                "SELECT ",
                seal_columns!(all),
                " FROM event_seals WHERE tenant_no = :tenant_no ORDER BY seq DESC LIMIT 1"
            ),
            named_params! {":tenant_no": tenant},
            codec::seal,
        )
    }

    fn lease(&self, tenant: TenantNo, name: &str) -> Result<Option<LeaseRecord>, Failure> {
        self.query_one(
            concat!(
                "SELECT ",
                lease_columns!(all),
                " FROM leases WHERE tenant_no = :tenant_no AND name = :name"
            ),
            named_params! {":tenant_no": tenant, ":name": name},
            codec::lease,
        )
    }

    fn leases(&self, tenant: TenantNo) -> Result<Vec<LeaseRecord>, Failure> {
        self.query_all(
            concat!(
                "SELECT ",
                lease_columns!(all),
                " FROM leases WHERE tenant_no = :tenant_no ORDER BY name"
            ),
            named_params! {":tenant_no": tenant},
            codec::lease,
        )
    }

    fn lease_count(&self, tenant: TenantNo) -> Result<u64, Failure> {
        self.query_one(
            "SELECT count(*) FROM leases WHERE tenant_no = :tenant_no",
            named_params! {":tenant_no": tenant},
            |row| row.get::<_, i64>(0).map_err(map_value_error),
        )?
        .and_then(|count| u64::try_from(count).ok())
        .ok_or_else(|| missing("the count of leases"))
    }

    fn revocations(
        &self,
        tenant: TenantNo,
        after: RevocationSeq,
        limit: usize,
    ) -> Result<Vec<Revocation>, Failure> {
        let found = self.query_all(
            concat!(
                "SELECT ",
                revocation_columns!(all),
                " FROM revocations WHERE tenant_no = :tenant_no AND seq > :after ORDER BY seq LIMIT :limit"
            ),
            named_params! {":tenant_no": tenant, ":after": sql_number(after), ":limit": limit as i64},
            codec::revocation,
        )?;
        let mut previous = after;
        for entry in &found {
            require_order("revocations", std::mem::replace(&mut previous, entry.seq) < entry.seq)?;
        }
        Ok(found)
    }

    fn newest_revocation(&self, tenant: TenantNo) -> Result<RevocationSeq, Failure> {
        let newest = self.query_one(
            "SELECT seq FROM revocations WHERE tenant_no = :tenant_no ORDER BY seq DESC LIMIT 1",
            named_params! {":tenant_no": tenant},
            |row| row.get::<_, i64>(0).map_err(map_value_error),
        )?;
        let corrupt = |_| Failure::corrupt("revocations.seq holds an impossible value");
        RevocationSeq::try_from(newest.unwrap_or(0)).map_err(corrupt)
    }

    fn database_bytes(&self) -> Result<u64, Failure> {
        self.query_one(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
            &[],
            |row| row.get::<_, i64>(0).map_err(map_value_error),
        )?
        .and_then(|bytes| u64::try_from(bytes).ok())
        .ok_or_else(|| missing("the page count"))
    }
}
