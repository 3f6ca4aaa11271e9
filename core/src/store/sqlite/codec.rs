//! Rows to records and back: the columns of each table, once.

use rusqlite::Row;

use super::columns::{RowReader, columns};
use super::error::map_value_error;
use super::queried_row::QueriedRow;
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::json;
use crate::model::claims::Claims;
use crate::model::config::{self, Config};
use crate::model::event::{Event, EventHash};
use crate::model::factor::Factors;
use crate::model::id::{EventId, KeyId, SessionId};
use crate::model::imported::CredentialHash;
use crate::model::revocation::Revocation;
use crate::model::session::{BulkNo, End, SessionLifetime, SessionTimes};
use crate::model::session_actor::SessionActor;
use crate::model::sign_in_limit::FailedSignIn;
use crate::store::records::{
    BulkEndRecord, ClockMark, KeyRecord, LeaseRecord, SealRecord, SessionRecord, SignInFailures, TenantNo,
    TenantRecord,
};

columns! {
    /// A column of `sessions`; the tenant's number comes before them.
    SessionColumn of "sessions", session_columns!, |record: SessionRecord, cell|
    // Selected without the others where only the lifetime matters. Read by `lifetime`.
    lifetime {
        session_ulid: record.id.to_bytes();
        created_at_ms: record.times.created_at;
        last_active_at_ms: record.times.last_active_at;
        expires_at_ms: record.times.expires_at;
        ended_at_ms: record.times.end.map(|end| end.at);
        end_reason: record.times.end.map(|end| end.reason);
        judged_by: record.times.judged_by;
        user_id: record.user_id;
        access_expires_at_ms: record.access.params.expires_at;
        acted_by: record.actor; // read by `session`
    }
    // What callers are shown, and filters ask for.
    shown {
        device_type: record.client.effective_device_type() => client.device_type = cell.text().map(Some);
        user_agent: record.client.user_agent => client.user_agent = cell.optional_text();
        ip_address: record.client.ip_address => client.ip_address = cell.optional_text();
        country: record.client.country => client.country = cell.optional_text();
        device_fingerprint: record.client.device_fingerprint => client.device_fingerprint = cell.optional_text();
        last_ip_address: record.last_seen.ip_address => last_seen.ip_address = cell.optional_text();
        last_user_agent: record.last_seen.user_agent => last_seen.user_agent = cell.optional_text();
        mfa_verified: record.identity.mfa_verified => identity.mfa_verified = cell.value();
        org_id: record.identity.org_id => identity.org_id = cell.optional_text();
        role: record.identity.role => identity.role = cell.optional_text();
        email: record.identity.email => identity.email = cell.optional_text();
        claims: record.identity.claims => identity.claims = cell.optional_parsed(Claims::from_stored).map(Option::unwrap_or_default);
        factors: record.factors => factors = cell.optional_parsed(stored_factors).map(Option::unwrap_or_default);
    }
    // What tokens are made of, and what an import is known by.
    hidden {
        generation: record.rotation.generation => rotation.generation = cell.unsigned();
        replays: record.rotation.replays => rotation.replays = cell.unsigned();
        nonce: record.nonce => nonce = cell.value();
        access_serial: record.access.params.serial => access.params.serial = cell.unsigned();
        access_issued_at_ms: record.access.params.issued_at => access.params.issued_at = cell.time();
        access_key_no: record.access.key_no => access.key_no = cell.value();
        identity_serial: record.identity_serial => identity_serial = cell.unsigned();
        credential_sha256: record.credential => credential = cell.value::<Option<[u8; 32]>>().map(|hash| hash.map(CredentialHash));
        external_id: record.external_id => external_id = cell.optional_text();
    }
}

columns! {
    /// A column of `tenants` that holds a setting.
    ConfigColumn of "tenants", config_columns!, |config: Config, cell|
    settings {
        session_duration: config.session_duration => session_duration = cell.text();
        access_token_ttl: config.access_token_ttl => access_token_ttl = cell.text();
        idle_timeout: config.idle_timeout => idle_timeout = cell.optional_text();
        max_sessions_per_user: config.max_sessions_per_user => max_sessions_per_user = cell.optional_unsigned();
        refresh_reuse_window: config.refresh_reuse_window => refresh_reuse_window = cell.parsed(config::parse_window);
        event_retention: config.event_retention => event_retention = cell.optional_text();
        record_retention: config.record_retention => record_retention = cell.optional_text();
        revocation_list: config.revocation_list => revocation_list = cell.value();
        max_actor_duration: config.max_actor_duration => max_actor_duration = cell.text();
    }
}

columns! {
    /// A column of `signing_keys`; the tenant's number comes before them.
    KeyColumn of "signing_keys", key_columns!, |key: KeyRecord, cell|
    key {
        key_no: key.no => no = cell.value();
        kid: key.id.to_bytes(); // read by `key`, to name the row
        state: key.state => state = cell.text();
        created_at_ms: key.created_at => created_at = cell.time();
        drained_at_ms: key.drained_at => drained_at = cell.optional_time();
        wrapped_seed: key.wrapped_seed => wrapped_seed = cell.value();
    }
}

columns! {
    /// A column of `bulk_ends`; the tenant's number comes before them.
    BulkEndColumn of "bulk_ends", bulk_end_columns!, |record: BulkEndRecord, cell|
    bulk_end {
        bulk_no: record.bulk_end.no => bulk_end.no = cell.value();
        user_id: record.bulk_end.user_id => bulk_end.user_id = cell.optional_text();
        decided_at_ms: record.bulk_end.at => bulk_end.at = cell.time();
        idle_timeout: record.bulk_end.idle_timeout => bulk_end.idle_timeout = cell.optional_text();
        reason: record.bulk_end.reason => bulk_end.reason = cell.optional_text();
        spared_ulid: record.bulk_end.spared.map(SessionId::to_bytes) => bulk_end.spared = cell.optional_session();
        newest_ulid: record.bulk_end.newest.map(SessionId::to_bytes) => bulk_end.newest = cell.optional_session();
        filter: record.bulk_end.filter => bulk_end.filter = cell.optional_text();
        era: record.bulk_end.epoch => bulk_end.epoch = cell.value();
        actor: record.bulk_end.actor => bulk_end.actor = cell.optional_text();
        replaced_by_ulid: record.bulk_end.replaced_by.map(SessionId::to_bytes) => bulk_end.replaced_by = cell.optional_session();
        ended: record.ended => ended = cell.unsigned();
        done: record.is_done => is_done = cell.value();
    }
}

columns! {
    /// A column of `events`; the tenant's number comes before them.
    EventColumn of "events", event_columns!, |event: Event, cell|
    // Numbered by the store, hashed by a seal.
    given {
        seq: event.seq => seq = cell.unsigned();
        hash: event.hash => hash = cell.value::<Option<[u8; 32]>>().map(|hash| hash.map(EventHash));
    }
    told {
        event_ulid: event.id.to_bytes(); // read by `event`
        event_type: event.r#type => r#type = cell.text();
        at_ms: event.at => at = cell.time();
        session_ulid: event.session_id.map(SessionId::to_bytes) => session_id = cell.optional_session();
        user_id: event.user_id => user_id = cell.optional_text();
        actor: event.actor => actor = cell.optional_text();
        data: event.data => data = cell.parsed(|text| json::parse_object(text.as_bytes()).ok_or(()));
    }
}

columns! {
    /// A column of `event_seals`; the tenant's number comes before them.
    SealColumn of "event_seals", seal_columns!, |seal: SealRecord, cell|
    seal {
        seq: seal.seq => seq = cell.unsigned();
        hash: seal.hash => hash = cell.value().map(EventHash);
        sealed_at_ms: seal.sealed_at => sealed_at = cell.time();
        kid: seal.kid.to_bytes() => kid = cell.value().map(KeyId::from_bytes);
        signature: seal.signature => signature = cell.value();
    }
}

columns! {
    /// A column of `leases`; the tenant's number comes before them.
    LeaseColumn of "leases", lease_columns!, |lease: LeaseRecord, cell|
    lease {
        name: lease.name => name = cell.value();
        holder: lease.holder => holder = cell.value();
        until_ms: lease.until => until = cell.time();
        position: lease.position => position = cell.unsigned();
    }
}

columns! {
    /// A column of `revocations`; the tenant's number comes before them.
    RevocationColumn of "revocations", revocation_columns!, |entry: Revocation, cell|
    revocation {
        seq: entry.seq; // read by `revocation`, to name the row
        until_ms: entry.until => until = cell.time();
        session_ulid: entry.session.map(SessionId::to_bytes) => session = cell.optional_session();
        at_ms: entry.at => at = cell.optional_time();
        user_id: entry.user_id => user_id = cell.optional_text();
        spared_ulid: entry.spared.map(SessionId::to_bytes) => spared = cell.optional_session();
        newest_ulid: entry.newest.map(SessionId::to_bytes) => newest = cell.optional_session();
        spares_actors: entry.spares_actors => spares_actors = cell.value();
        is_start: entry.is_start => is_start = cell.value();
    }
}

fn stored_actor(text: &str) -> Result<SessionActor, ()> {
    SessionActor::from_stored(text).ok_or(())
}

fn stored_factors(text: &str) -> Result<Factors, ()> {
    Factors::from_stored(text).ok_or(())
}

/// Reads a row that was selected with `session_columns!(lifetime)` or more.
pub(super) fn lifetime(row: &Row<'_>) -> Result<SessionLifetime, Failure> {
    lifetime_in(row.into())
}

/// [`lifetime`] of a row of a query that often runs.
pub(super) fn lifetime_in(row: QueriedRow<'_>) -> Result<SessionLifetime, Failure> {
    let id: [u8; 16] = row.get(SessionColumn::session_ulid as usize)?;
    let id = SessionId::from_bytes(id);
    let row = RowReader { row, id };
    let end = match row.cell(SessionColumn::ended_at_ms).optional_time()? {
        None => None,
        Some(at) => {
            let reason = row.cell(SessionColumn::end_reason).text()?;
            Some(End { at, reason })
        }
    };
    let times = SessionTimes {
        created_at: row.cell(SessionColumn::created_at_ms).time()?,
        last_active_at: row.cell(SessionColumn::last_active_at_ms).time()?,
        expires_at: row.cell(SessionColumn::expires_at_ms).time()?,
        end,
        judged_by: row.cell(SessionColumn::judged_by).value()?,
    };
    Ok(SessionLifetime {
        id,
        user_id: row.cell(SessionColumn::user_id).text()?,
        times,
        access_expires_at: row.cell(SessionColumn::access_expires_at_ms).time()?,
        is_acted: row.cell(SessionColumn::acted_by).is_some()?,
    })
}

/// Reads a row that was selected with `session_columns!(all)`.
pub(super) fn session(row: &Row<'_>) -> Result<SessionRecord, Failure> {
    session_in(row.into())
}

/// [`session`] of a row of a query that often runs.
pub(super) fn session_in(row: QueriedRow<'_>) -> Result<SessionRecord, Failure> {
    session_after(lifetime_in(row)?, row)
}

/// [`session`] of a row whose lifetime was read.
pub(super) fn session_after(
    lifetime: SessionLifetime,
    row: QueriedRow<'_>,
) -> Result<SessionRecord, Failure> {
    record_after(lifetime, row, SessionColumn::read_into)
}

/// Reads a row that was selected with `session_columns!(lifetime)` and `session_columns!(shown)`, and whose lifetime was read.
pub(super) fn shown_after(lifetime: SessionLifetime, row: QueriedRow<'_>) -> Result<SessionRecord, Failure> {
    record_after(lifetime, row, SessionColumn::shown)
}

fn record_after(
    lifetime: SessionLifetime,
    row: QueriedRow<'_>,
    read: impl FnOnce(&mut SessionRecord, &RowReader<'_, SessionId>) -> Result<(), Failure>,
) -> Result<SessionRecord, Failure> {
    let mut record = SessionRecord::blank(lifetime);
    let row = RowReader { row, id: record.id };
    read(&mut record, &row)?;
    record.actor = row.cell(SessionColumn::acted_by).optional_parsed(stored_actor)?;
    Ok(record)
}

/// Reads a row that was selected with `config_columns!(all)` first, then the columns that it names.
pub(super) fn tenant(row: &Row<'_>, no: TenantNo) -> Result<TenantRecord, Failure> {
    let mut config = Config::default();
    ConfigColumn::read_into(&mut config, &RowReader { row: row.into(), id: no })?;
    Ok(TenantRecord {
        config,
        salt: row.get("salt").map_err(map_value_error)?,
        wrapped_refresh_key: row.get("wrapped_refresh_key").map_err(map_value_error)?,
        token_horizon: row.get("token_horizon_at_ms").map(Timestamp::from_millis).map_err(map_value_error)?,
    })
}

/// Reads a row that was selected with `key_columns!(all)`.
pub(super) fn key(row: &Row<'_>) -> Result<KeyRecord, Failure> {
    let id = KeyId::from_bytes(row.get(KeyColumn::kid as usize).map_err(map_value_error)?);
    let mut record = KeyRecord::blank(id);
    KeyColumn::read_into(&mut record, &RowReader { row: row.into(), id })?;
    Ok(record)
}

/// Reads a row that was selected with `bulk_end_columns!(all)`.
pub(super) fn bulk_end(row: &Row<'_>) -> Result<BulkEndRecord, Failure> {
    let no: BulkNo = row.get(BulkEndColumn::bulk_no as usize).map_err(map_value_error)?;
    let mut record = BulkEndRecord::blank(no);
    BulkEndColumn::read_into(&mut record, &RowReader { row: row.into(), id: no })?;
    Ok(record)
}

impl EventColumn {
    /// The columns of an event that is added, in the order of `event_columns!(told)`.
    pub(super) const TOLD: &'static [EventColumn] = EventColumn::ALL.split_at(2).1;
}

/// Reads a row that was selected with `event_columns!(all)`.
pub(super) fn event(row: &Row<'_>) -> Result<Event, Failure> {
    let id = EventId::from_bytes(row.get(EventColumn::event_ulid as usize).map_err(map_value_error)?);
    let mut event = Event::blank(id);
    EventColumn::read_into(&mut event, &RowReader { row: row.into(), id })?;
    Ok(event)
}

/// Reads a row that was selected with `seal_columns!(all)`.
pub(super) fn seal(row: &Row<'_>) -> Result<SealRecord, Failure> {
    let mut seal = SealRecord::blank();
    let seq: i64 = row.get(SealColumn::seq as usize).map_err(map_value_error)?;
    SealColumn::read_into(&mut seal, &RowReader { row: row.into(), id: seq })?;
    Ok(seal)
}

/// Reads a row that was selected with `lease_columns!(all)`.
pub(super) fn lease(row: &Row<'_>) -> Result<LeaseRecord, Failure> {
    let mut lease = LeaseRecord::blank();
    LeaseColumn::read_into(&mut lease, &RowReader { row: row.into(), id: "a lease" })?;
    Ok(lease)
}

/// Reads a row that was selected with `revocation_columns!(all)`.
pub(super) fn revocation(row: &Row<'_>) -> Result<Revocation, Failure> {
    let seq: i64 = row.get(RevocationColumn::seq as usize).map_err(map_value_error)?;
    let corrupt = |_| Failure::corrupt("revocations.seq holds an impossible value");
    let mut entry = Revocation::numbered(seq.try_into().map_err(corrupt)?, Timestamp::default());
    RevocationColumn::read_into(&mut entry, &RowReader { row: row.into(), id: seq })?;
    Ok(entry)
}

/// Reads `failure_key, failures`.
pub(super) fn sign_in_failures(row: &Row<'_>) -> Result<SignInFailures, Failure> {
    let bytes: Vec<u8> = row.get(1).map_err(map_value_error)?;
    let corrupt = || Failure::corrupt("sign_in_failures.failures holds an impossible value");
    Ok(SignInFailures {
        key: row.get(0).map_err(map_value_error)?,
        failures: FailedSignIn::decode(&bytes).ok_or_else(corrupt)?,
    })
}

/// Reads `highest_at_ms, era` from this column on.
pub(super) fn clock_mark(row: &Row<'_>, first: usize) -> Result<ClockMark, Failure> {
    Ok(ClockMark {
        highest: row.get(first).map(Timestamp::from_millis).map_err(map_value_error)?,
        epoch: row.get(first + 1).map_err(map_value_error)?,
    })
}
