//! Listing the ends of sessions whose access tokens may still be alive, in the transaction of the end (SPEC 22).

use super::transaction::WriteContext;
use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::error::Failure;
use crate::model::bulk_end::BulkEnd;
use crate::model::config::Config;
use crate::model::revocation::Revocation;
use crate::model::session::{End, EndReason, SessionLifetime};
use crate::rules::expiry;
use crate::store::{KeyRecord, TenantNo, TenantRecord, WriteTransaction};

/// How long after its `exp` a verifier may accept a token: an entry matters as much longer than the tokens that it is about.
pub(super) const LEEWAY_MAX: Duration = Duration::SECONDS_60;

/// How many entries a clock that goes back is compared with.
const LATER_ROWS: usize = 1_000;

/// The access tokens of a tenant that may be alive.
#[derive(Clone, Copy)]
struct LiveTokens {
    /// When the last one expires that was issued under earlier settings or by a retiring key.
    earlier: Timestamp,
    /// When the last one of all expires.
    all: Timestamp,
}

impl LiveTokens {
    /// Those of a tenant with these settings, this horizon, and retiring keys that are drained then.
    fn at(now: Timestamp, config: &Config, horizon: Timestamp, drained_at: Timestamp) -> Self {
        let earlier = horizon.max(drained_at);
        LiveTokens { earlier, all: expiry::token_horizon(now, config, earlier) }
    }
}

/// Writes the revocation list of one tenant inside a write transaction.
pub(super) struct RevocationLog<'a> {
    transaction: &'a dyn WriteTransaction,
    tenant: TenantNo,
    pub now: Timestamp,
    /// Nothing unless the tenant's settings ask for the list.
    tokens: Option<LiveTokens>,
}

impl<'a> RevocationLog<'a> {
    /// That of a tenant as the transaction finds it.
    pub(super) fn of_tenant(
        transaction: &'a dyn WriteTransaction,
        tenant: TenantNo,
        now: Timestamp,
        record: &TenantRecord,
        keys: &[KeyRecord],
    ) -> Self {
        let tokens = record.config.revocation_list.then(|| {
            let drained_at = keys.iter().filter_map(|key| key.drained_at).max().unwrap_or_default();
            LiveTokens::at(now, &record.config, record.token_horizon, drained_at)
        });
        RevocationLog { transaction, tenant, now, tokens }
    }

    /// Lists the end of this session, unless no access token of it is alive. A session that has reached its end has none.
    pub(super) fn list(&self, session: &SessionLifetime, end: End) -> Result<(), Failure> {
        let Some(tokens) = self.tokens else { return Ok(()) };
        let until = session.access_expires_at.max(tokens.earlier).min(session.times.expires_at);
        if end.reason == EndReason::Expired || until.after(LEEWAY_MAX) <= self.now {
            return Ok(());
        }
        self.add(Revocation { session: Some(session.id), ..Revocation::numbered(0, until) })
    }

    /// Lists what a bulk end has decided about all sessions of its scope. What a filter has chosen, a verifier cannot tell from
    /// a token: those sessions are listed one by one as they are stamped, and until then the bulk end is told as pending.
    pub(super) fn list_many(&self, bulk_end: &BulkEnd) -> Result<(), Failure> {
        let Some(tokens) = self.tokens else { return Ok(()) };
        if bulk_end.filter.is_some() || bulk_end.reason.is_none() {
            return Ok(());
        }
        self.add(Revocation {
            at: Some(bulk_end.at),
            user_id: bulk_end.user_id.clone(),
            spared: bulk_end.spared,
            newest: bulk_end.newest,
            spares_actors: bulk_end.spares_actors(),
            ..Revocation::numbered(0, tokens.all)
        })
    }

    /// Begins the list: it knows nothing of sessions that ended before, and of no token that was issued by now.
    pub(super) fn begin(&self) -> Result<(), Failure> {
        let Some(tokens) = self.tokens else { return Ok(()) };
        self.add(Revocation { at: Some(self.now), is_start: true, ..Revocation::numbered(0, tokens.all) })
    }

    /// Begins the list anew if it tells of sessions that signed in by a later time than this, to which the clock goes back:
    /// sessions of later sign-ins would seem to be among them.
    pub(super) fn begin_anew_after(&self, clock: Timestamp) -> Result<(), Failure> {
        if self.tokens.is_none() {
            return Ok(());
        }
        let after = Revocation::first_seq_at(clock);
        let later = self.transaction.revocations(self.tenant, after, LATER_ROWS)?;
        let is_misleading = later.len() >= LATER_ROWS || later.iter().any(|entry| entry.at >= Some(clock));
        if is_misleading { self.begin() } else { Ok(()) }
    }

    /// The one place through which every entry is written.
    fn add(&self, entry: Revocation) -> Result<(), Failure> {
        let newest = self.transaction.newest_revocation(self.tenant)?;
        let seq = Revocation::next_seq(newest, self.now);
        self.transaction.add_revocation(self.tenant, &Revocation { seq, ..entry })
    }
}

impl WriteContext<'_> {
    /// What writes the revocation list of the tenant.
    pub(super) fn revocations(&self) -> RevocationLog<'_> {
        self.revocations_under(&self.snapshot.config)
    }

    /// The same under other settings than those in force.
    pub(super) fn revocations_under(&self, config: &Config) -> RevocationLog<'_> {
        let snapshot = &self.snapshot;
        RevocationLog {
            transaction: self.transaction,
            tenant: self.tenant,
            now: self.now,
            tokens: config.revocation_list.then(|| {
                let drained_at = snapshot.ring.drained_at();
                LiveTokens::at(self.now, &snapshot.config, snapshot.token_horizon, drained_at)
            }),
        }
    }
}
