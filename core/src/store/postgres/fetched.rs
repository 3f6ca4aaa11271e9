//! What a trip has brought, from which a job is answered without another one.

use std::collections::HashMap;
use std::sync::Arc;

use super::value::{Row, Value};
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::model::event::EventSeq;
use crate::model::id::{SessionId, UserId};
use crate::model::revocation::RevocationSeq;
use crate::model::session::SessionLifetime;
use crate::model::sign_in_limit::FailedSignIn;
use crate::store::needs::NeededPage;
use crate::store::records::{ClockMark, ScanFilter, SessionRecord, SessionScope, TenantNo};
use crate::token::failure_key::FailureKey;

/// How many of a user's open sessions are fetched beforehand.
pub(super) const OPEN_FETCHED: i64 = 64;

/// What is known of the database without asking again.
#[derive(Debug, Clone)]
pub(super) struct Fetched {
    pub mark: ClockMark,
    /// The database's own time.
    pub time: Timestamp,
    /// In a read: how long an answer may be remembered.
    pub allowed_lease_ms: i64,
    /// In a write: how long a call waits that ends a session.
    pub lease_wait_ms: i64,
    pub versions: HashMap<TenantNo, i64>,
    /// Absent where the database was not asked, nothing inside where it has no such session.
    pub sessions: HashMap<(TenantNo, SessionId), Option<SessionRecord>>,
    /// The newest open sessions of users, newest first, at most [`OPEN_FETCHED`].
    pub open: HashMap<(TenantNo, UserId), Vec<SessionLifetime>>,
    /// The first rows of a list.
    pub page: Option<Arc<FetchedPage>>,
    /// The numbers of tenants' newest events.
    pub newest_events: HashMap<TenantNo, EventSeq>,
    /// The numbers of tenants' newest revocations.
    pub newest_revocations: HashMap<TenantNo, RevocationSeq>,
    /// Failed sign-ins: a sign-in asks for them more than once.
    pub failures: HashMap<(TenantNo, FailureKey), Vec<FailedSignIn>>,
}

/// The first rows of a list, whole sessions, newest first: as many as were needed, or all that there are.
#[derive(Debug)]
pub(super) struct FetchedPage {
    pub tenant: TenantNo,
    pub needed: Arc<NeededPage>,
    pub rows: Vec<Row>,
}

impl FetchedPage {
    pub(super) fn is_of(&self, tenant: TenantNo, needed: &NeededPage) -> bool {
        self.tenant == tenant && *self.needed == *needed
    }

    /// Whether a scan begins with these rows.
    pub(super) fn begins(
        &self,
        tenant: TenantNo,
        scope: SessionScope<'_>,
        filter: ScanFilter,
        before: Option<SessionId>,
    ) -> bool {
        let NeededPage { user, filter: of_filter, before: of_before, rows: _ } = &*self.needed;
        self.tenant == tenant && user.as_ref() == scope.user() && *of_filter == filter && *of_before == before
    }
}

impl Fetched {
    pub(super) fn new(mark: ClockMark, time: Timestamp) -> Self {
        Fetched {
            mark,
            time,
            allowed_lease_ms: 0,
            lease_wait_ms: 0,
            versions: HashMap::new(),
            sessions: HashMap::new(),
            open: HashMap::new(),
            page: None,
            newest_events: HashMap::new(),
            newest_revocations: HashMap::new(),
            failures: HashMap::new(),
        }
    }
}

/// A tenant's number and version, in the second column and the third.
pub(super) fn read_versions(heads: &[Row], fetched: &mut Fetched) -> Result<(), Failure> {
    for row in heads {
        if let (Some(tenant), Some(version)) = (row.get(1)?, row.get(2)?) {
            fetched.versions.insert(tenant, version);
        }
    }
    Ok(())
}

/// Pairs of a tenant and a session as two arrays.
pub(super) fn pairs(pairs: impl IntoIterator<Item = (TenantNo, Option<SessionId>)>) -> Vec<Value> {
    let id = |id: Option<SessionId>| id.map(|id| id.to_bytes().to_vec());
    let (tenants, ids): (Vec<TenantNo>, Vec<Option<Vec<u8>>>) =
        pairs.into_iter().map(|(tenant, session)| (tenant, id(session))).unzip();
    vec![tenants.into(), ids.into()]
}

/// The database's time, in the first column.
pub(super) fn time_of(heads: &[Row]) -> Result<Timestamp, Failure> {
    let row = heads.first().ok_or_else(|| Failure::corrupt("the clock mark is missing"))?;
    Ok(Timestamp::from_millis(row.get(0)?))
}
