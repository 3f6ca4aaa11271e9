//! A tenant's settings, unwrapped keys and bulk ends as of one version of the database.

use super::refusals::wrong_secret_key;
use crate::clock::Timestamp;
use crate::error::{Failure, OpError};
use crate::key_wrapping::{WrappingKey, refresh_key_purpose, signing_key_purpose};
use crate::model::bulk_end::BulkEnds;
use crate::model::config::Config;
use crate::model::id::TenantId;
use crate::model::session::SessionLifetime;
use crate::model::session_filter::SessionFilter;
use crate::rules::status::{FoundEnd, find_end};
use crate::secret::SecretBytes;
use crate::store::{BulkEndRecord, KeyRecord, TenantRecord};
use crate::token::keyring::{KeyRing, RingKey};
use crate::token::refresh_token::RefreshKey;

pub(super) struct TenantSnapshot {
    pub version: i64,
    pub config: Config,
    pub token_horizon: Timestamp,
    pub ring: KeyRing,
    pub refresh_key: RefreshKey,
    pub bulk_ends: BulkEnds,
}

/// The bulk ends as the status function takes them.
pub(super) fn bulk_ends_of(records: Vec<BulkEndRecord>) -> BulkEnds {
    let newest = records.last().map_or(0, |record| record.bulk_end.no);
    let pending = records.into_iter().filter(|record| !record.is_done).map(|record| record.bulk_end);
    BulkEnds { pending: pending.collect(), newest }
}

impl TenantSnapshot {
    /// How many sessions a step looks at that takes up to `rows` where lifetimes are enough: fewer while a status may take a
    /// look at the whole record, which is some six times as long.
    pub(super) fn rows_of_a_step(&self, rows: usize) -> usize {
        if self.bulk_ends.has_filter() { rows / 8 } else { rows }
    }

    /// The status function; see [`find_end`] for `admits`.
    pub(super) fn find_end(
        &self,
        session: &SessionLifetime,
        now: Timestamp,
        admits: &mut dyn FnMut(&SessionFilter) -> Result<bool, Failure>,
    ) -> Result<Option<FoundEnd>, Failure> {
        find_end(session, now, self.config.idle_timeout, &self.bulk_ends.pending, admits)
    }

    /// Unwraps the keys of a tenant. Refuses with `invalid_api_key` if the wrapping key is not this tenant's.
    pub(super) fn unlock(
        version: i64,
        record: TenantRecord,
        keys: &[KeyRecord],
        bulk_ends: BulkEnds,
        tenant: &TenantId,
        wrapping: &WrappingKey,
    ) -> Result<Self, OpError> {
        let refresh_key = wrapping
            .unwrap(&record.wrapped_refresh_key, &refresh_key_purpose(tenant))
            .ok_or_else(wrong_secret_key)?;
        let mut ring = Vec::with_capacity(keys.len());
        for key in keys {
            if let Some(seed) = unwrap_seed(key, tenant, wrapping)? {
                ring.push(RingKey::new(key.no, key.id, key.state, key.drained_at.unwrap_or_default(), &seed));
            }
        }
        Ok(TenantSnapshot {
            version,
            config: record.config,
            token_horizon: record.token_horizon,
            ring: KeyRing::new(ring)
                .ok_or_else(|| Failure::corrupt("the tenant has no active signing key"))?,
            refresh_key: RefreshKey::new(&refresh_key),
            bulk_ends,
        })
    }
}

/// The seed of a key, `None` for a retired one.
pub(super) fn unwrap_seed(
    key: &KeyRecord,
    tenant: &TenantId,
    wrapping: &WrappingKey,
) -> Result<Option<SecretBytes>, Failure> {
    let Some(wrapped) = &key.wrapped_seed else { return Ok(None) };
    match wrapping.unwrap(wrapped, &signing_key_purpose(tenant, key.id)) {
        Some(seed) => Ok(Some(seed)),
        None => Err(Failure::corrupt(format!("signing_keys.wrapped_seed of {} does not open", key.id))),
    }
}
