//! What a job can read: one function per question.

use std::ops::ControlFlow;

use super::codec;
use super::fetched::OPEN_FETCHED;
use super::statements::Statements;
use super::transaction::Tx;
use super::value::{Row, Statement, Value};
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

/// How many rows the first trip of a scan brings; each further one brings twice as many, up to the last number.
const FIRST_PAGE: i64 = 64;
const LAST_PAGE: i64 = 1_024;

/// Above every ULID, for a scan from the newest session.
const NEWEST: [u8; 17] = [0xff; 17];

/// Reads the newest whole sessions below this id, of the user or of the tenant.
pub(super) fn newest_first(
    statements: &Statements,
    tenant: TenantNo,
    user: Option<&UserId>,
    filter: ScanFilter,
    before: Option<SessionId>,
    limit: i64,
) -> Statement {
    let (before, limit) = (below(before), limit.into());
    let Some(user) = user else {
        // No key tells a tenant's open sessions from its ended ones.
        return Statement::new(&statements.newest_of_tenant, vec![tenant.into(), before, limit]);
    };
    let sql = match filter {
        ScanFilter::Open => &statements.newest_open_of_user,
        ScanFilter::All => &statements.newest_of_user,
    };
    Statement::new(sql, vec![tenant.into(), user.as_str().into(), before, limit])
}

fn below(before: Option<SessionId>) -> Value {
    before.map_or_else(|| NEWEST.as_slice().into(), |id| id.to_bytes().as_slice().into())
}

fn missing(what: &str) -> Failure {
    Failure::corrupt(format!("{what} is missing"))
}

/// A scan goes on from the last row, so that rows out of order would make it go on for ever.
fn require_order(is_ordered: bool) -> Result<(), Failure> {
    if is_ordered { Ok(()) } else { Err(Failure::corrupt("rows are out of order")) }
}

/// As SQL holds it: no number that it cannot hold was given out.
fn sql_number(seq: EventSeq) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn sql_limit(limit: usize) -> Value {
    i64::try_from(limit).unwrap_or(i64::MAX).into()
}

fn above(after: Option<SessionId>) -> Value {
    after.map_or_else(|| Vec::<u8>::new().into(), |id| id.to_bytes().as_slice().into())
}

impl Tx<'_, '_> {
    /// Visits rows from the newest on, page by page. `page` reads those below an id, as many as the number says; `id_of` reads
    /// a row's id and whatever else the visitor needs.
    fn scan<T>(
        &self,
        before: Option<SessionId>,
        page: impl Fn(Option<SessionId>, i64) -> Result<Vec<Row>, Failure>,
        read: impl Fn(&Row) -> Result<(SessionId, T), Failure>,
        mut visit: impl FnMut(T, &Row) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        let (mut before, mut limit) = (before, FIRST_PAGE);
        loop {
            let rows = page(before, limit)?;
            for row in &rows {
                let (id, value) = read(row)?;
                require_order(before.replace(id).is_none_or(|previous| id < previous))?;
                if visit(value, row)?.is_break() {
                    return Ok(());
                }
            }
            if (rows.len() as i64) < limit {
                return Ok(());
            }
            limit = (limit * 2).min(LAST_PAGE);
        }
    }
}

impl ReadTransaction for Tx<'_, '_> {
    fn database_time(&self) -> Option<Timestamp> {
        Some(self.fetched.borrow().time)
    }

    fn clock_mark(&self) -> Result<ClockMark, Failure> {
        Ok(self.fetched.borrow().mark)
    }

    fn tenant_no(&self, id: &TenantId) -> Result<Option<TenantNo>, Failure> {
        let rows = self.query(&self.statements.tenant_no, vec![id.as_str().into()])?;
        rows.first().map(|row| row.get(0)).transpose()
    }

    fn tenant_numbers(&self) -> Result<Vec<TenantNo>, Failure> {
        self.query(&self.statements.tenant_numbers, Vec::new())?.iter().map(|row| row.get(0)).collect()
    }

    fn tenant_version(&self, tenant: TenantNo) -> Result<TenantVersion, Failure> {
        let mark = self.fetched.borrow().mark;
        if let Some(version) = self.fetched.borrow().versions.get(&tenant) {
            return Ok(TenantVersion { version: *version, mark });
        }
        let rows = self.query(&self.statements.heads, vec![vec![tenant].into()])?;
        let version: Option<i64> = rows.first().ok_or_else(|| missing("the tenant"))?.get(2)?;
        let version = version.ok_or_else(|| missing("the tenant"))?;
        self.fetched.borrow_mut().versions.insert(tenant, version);
        Ok(TenantVersion { version, mark })
    }

    fn tenant_id(&self, tenant: TenantNo) -> Result<(TenantId, Timestamp), Failure> {
        let rows = self.query(&self.statements.tenant_id, vec![tenant.into()])?;
        let row = rows.first().ok_or_else(|| missing("the tenant"))?;
        let id: TenantId =
            row.get::<&str>(0)?.parse().map_err(|_| Failure::corrupt("a tenant has an impossible id"))?;
        Ok((id, Timestamp::from_millis(row.get(1)?)))
    }

    fn tenant(&self, tenant: TenantNo) -> Result<TenantRecord, Failure> {
        let rows = self.query(&self.statements.tenant, vec![tenant.into()])?;
        codec::tenant(rows.first().ok_or_else(|| missing("the tenant"))?, tenant)
    }

    fn keys(&self, tenant: TenantNo) -> Result<Vec<KeyRecord>, Failure> {
        self.query(&self.statements.keys, vec![tenant.into()])?.iter().map(codec::key).collect()
    }

    fn session(&self, tenant: TenantNo, id: SessionId) -> Result<Option<SessionRecord>, Failure> {
        self.find_session(tenant, id)
    }

    fn imported_sessions(&self, tenant: TenantNo, keys: &[ImportKey]) -> Result<Vec<SessionRecord>, Failure> {
        let credentials = keys.iter().map(|key| Some(key.credential.0.to_vec())).collect();
        let external_ids = keys.iter().filter_map(|key| key.external_id.as_ref());
        let external_ids = external_ids.map(|id| Some(id.as_str().to_owned())).collect();
        let values = vec![tenant.into(), Value::ByteStrings(credentials), Value::Texts(external_ids)];
        let rows = self.query(&self.statements.imported_sessions, values)?;
        rows.iter().map(|row| codec::session(row, 0)).collect()
    }

    fn bulk_ends(&self, tenant: TenantNo) -> Result<Vec<BulkEndRecord>, Failure> {
        self.query(&self.statements.bulk_ends, vec![tenant.into()])?.iter().map(codec::bulk_end).collect()
    }

    fn scan_open_newest_first(
        &self,
        tenant: TenantNo,
        user: &UserId,
        from: Option<SessionId>,
        visit: &mut LifetimeVisitor<'_>,
    ) -> Result<(), Failure> {
        let mut before = None;
        let fetched = self.fetched.borrow().open.get(&(tenant, user.clone())).cloned();
        if let Some(sessions) = fetched {
            let is_all = (sessions.len() as i64) < OPEN_FETCHED;
            before = sessions.last().map(|session| session.id);
            for session in sessions {
                if from.is_some_and(|from| session.id < from) || visit(session)?.is_break() {
                    return Ok(());
                }
            }
            if is_all {
                return Ok(());
            }
        }
        self.scan(
            before,
            |before, limit| {
                let values =
                    vec![tenant.into(), user.as_str().into(), below(before), above(from), limit.into()];
                self.query(&self.statements.open_of_user, values)
            },
            |row| codec::lifetime(row, 0).map(|lifetime| (lifetime.id, lifetime)),
            |lifetime, _| visit(lifetime),
        )
    }

    fn scan_newest_first(
        &self,
        tenant: TenantNo,
        scope: SessionScope<'_>,
        filter: ScanFilter,
        _parts: RecordParts,
        before: Option<SessionId>,
        visit: &mut Visitor<'_>,
    ) -> Result<(), Failure> {
        let mut before = before;
        let fetched = self.fetched.borrow().page.clone();
        if let Some(page) = fetched.filter(|page| page.begins(tenant, scope, filter, before)) {
            for row in &page.rows {
                let lifetime = codec::lifetime(row, 0)?;
                require_order(before.replace(lifetime.id).is_none_or(|previous| lifetime.id < previous))?;
                if visit(&lifetime, &|| codec::session(row, 0))?.is_break() {
                    return Ok(());
                }
            }
            if page.rows.len() < page.needed.rows {
                return Ok(());
            }
        }
        self.scan(
            before,
            |before, limit| {
                self.run(newest_first(self.statements, tenant, scope.user(), filter, before, limit))
            },
            |row| codec::lifetime(row, 0).map(|lifetime| (lifetime.id, lifetime)),
            |lifetime, row| visit(&lifetime, &|| codec::session(row, 0)),
        )
    }

    fn scan_oldest_first(
        &self,
        tenant: TenantNo,
        scope: SessionScope<'_>,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<SessionLifetime>, Failure> {
        let limit = sql_limit(limit);
        let rows = match scope {
            SessionScope::Tenant => {
                let values = vec![tenant.into(), above(after), limit];
                self.query(&self.statements.oldest_of_tenant, values)?
            }
            SessionScope::User(user) => {
                let values = vec![tenant.into(), user.as_str().into(), above(after), limit];
                self.query(&self.statements.oldest_of_user, values)?
            }
        };
        let lifetimes: Vec<SessionLifetime> =
            rows.iter().map(|row| codec::lifetime(row, 0)).collect::<Result<_, _>>()?;
        let mut previous = after;
        for lifetime in &lifetimes {
            require_order(previous.replace(lifetime.id).is_none_or(|previous| previous < lifetime.id))?;
        }
        Ok(lifetimes)
    }

    fn sign_in_failures(&self, tenant: TenantNo, key: &FailureKey) -> Result<Vec<FailedSignIn>, Failure> {
        if let Some(known) = self.fetched.borrow().failures.get(&(tenant, *key)) {
            return Ok(known.clone());
        }
        let rows = self.query(&self.statements.failures, vec![tenant.into(), key.as_slice().into()])?;
        let kept = rows.first().map(codec::sign_in_failures).transpose()?;
        let failures = kept.map_or_else(Vec::new, |kept| kept.failures);
        self.fetched.borrow_mut().failures.insert((tenant, *key), failures.clone());
        Ok(failures)
    }

    fn scan_sign_in_failures(
        &self,
        tenant: TenantNo,
        after: &[u8],
        limit: usize,
    ) -> Result<Vec<SignInFailures>, Failure> {
        let limit = sql_limit(limit);
        let rows = self.query(&self.statements.scan_failures, vec![tenant.into(), after.into(), limit])?;
        let found: Vec<SignInFailures> =
            rows.iter().map(codec::sign_in_failures).collect::<Result<_, _>>()?;
        let mut previous = after;
        for failures in &found {
            require_order(previous < failures.key.as_slice())?;
            previous = &failures.key;
        }
        Ok(found)
    }

    fn events(&self, tenant: TenantNo, after: EventSeq, limit: usize) -> Result<Vec<Event>, Failure> {
        let values = vec![tenant.into(), sql_number(after).into(), sql_limit(limit)];
        let rows = self.query(&self.statements.events, values)?;
        let found: Vec<Event> = rows.iter().map(codec::event).collect::<Result<_, _>>()?;
        let mut previous = after;
        for event in &found {
            require_order(std::mem::replace(&mut previous, event.seq) < event.seq)?;
        }
        Ok(found)
    }

    fn newest_event(&self, tenant: TenantNo) -> Result<EventSeq, Failure> {
        self.find_newest_event(tenant)
    }

    fn seals(&self, tenant: TenantNo, after: EventSeq, limit: usize) -> Result<Vec<SealRecord>, Failure> {
        let values = vec![tenant.into(), sql_number(after).into(), sql_limit(limit)];
        self.query(&self.statements.seals, values)?.iter().map(codec::seal).collect()
    }

    fn newest_seal(&self, tenant: TenantNo) -> Result<Option<SealRecord>, Failure> {
        let rows = self.query(&self.statements.newest_seal, vec![tenant.into()])?;
        rows.first().map(codec::seal).transpose()
    }

    fn lease(&self, tenant: TenantNo, name: &str) -> Result<Option<LeaseRecord>, Failure> {
        let rows = self.query(&self.statements.lease, vec![tenant.into(), name.into()])?;
        rows.first().map(codec::lease).transpose()
    }

    fn leases(&self, tenant: TenantNo) -> Result<Vec<LeaseRecord>, Failure> {
        self.query(&self.statements.leases, vec![tenant.into()])?.iter().map(codec::lease).collect()
    }

    fn lease_count(&self, tenant: TenantNo) -> Result<u64, Failure> {
        let rows = self.query(&self.statements.lease_count, vec![tenant.into()])?;
        let count: i64 = rows.first().ok_or_else(|| missing("the count of leases"))?.get(0)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn revocations(
        &self,
        tenant: TenantNo,
        after: RevocationSeq,
        limit: usize,
    ) -> Result<Vec<Revocation>, Failure> {
        let values = vec![tenant.into(), sql_number(after).into(), sql_limit(limit)];
        let rows = self.query(&self.statements.revocations, values)?;
        let found: Vec<Revocation> = rows.iter().map(codec::revocation).collect::<Result<_, _>>()?;
        let mut previous = after;
        for entry in &found {
            require_order(std::mem::replace(&mut previous, entry.seq) < entry.seq)?;
        }
        Ok(found)
    }

    fn newest_revocation(&self, tenant: TenantNo) -> Result<RevocationSeq, Failure> {
        self.find_newest_revocation(tenant)
    }

    fn allowed_lease_ms(&self) -> i64 {
        self.fetched.borrow().allowed_lease_ms
    }

    fn database_bytes(&self) -> Result<u64, Failure> {
        let rows = self.query(&self.statements.database_bytes, vec![self.schema.into()])?;
        let bytes: i64 = rows.first().ok_or_else(|| missing("the size"))?.get(0)?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }
}
