//! Records to values and rows back to records: the columns of each table, once.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::Map;

use super::value::{Row, Value};
use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::error::Failure;
use crate::json;
use crate::model::claims::Claims;
use crate::model::config::{self, Config};
use crate::model::event::{Event, EventHash};
use crate::model::factor::Factors;
use crate::model::id::{EventId, KeyId, SessionId};
use crate::model::imported::CredentialHash;
use crate::model::ip_address::IpAddress;
use crate::model::revocation::Revocation;
use crate::model::session::{End, SessionLifetime, SessionTimes};
use crate::model::session_actor::SessionActor;
use crate::model::session_filter::SessionFilter;
use crate::model::sign_in_limit::FailedSignIn;
use crate::store::records::{
    BulkEndRecord, ClockMark, KeyRecord, LeaseRecord, SealRecord, SessionRecord, SignInFailures, TenantRecord,
};
use crate::text::AsText;

/// A column: its name and the type of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub name: &'static str,
    pub sql_type: &'static str,
}

impl Column {
    pub(super) const fn new(name: &'static str, sql_type: &'static str) -> Self {
        Column { name, sql_type }
    }
}

/// Declares columns of a table, a line each: name, type, the value that a record gives it, and the field that takes its value
/// when a row is read. A column without a field is read by hand.
macro_rules! columns {
    (
        $(#[$doc:meta])*
        $NAME:ident of $table:literal, $values:ident, $read:ident, |$record:ident: $Record:ty, $cell:ident|
        $($column:ident $sql_type:ident: $bound:expr $(=> $($field:ident).+ = $get:expr)?;)+
    ) => {
        $(#[$doc])*
        pub(super) const $NAME: &[Column] = &[$(Column::new(stringify!($column), stringify!($sql_type)),)+];

        /// The record's values, in the order of the columns.
        pub(super) fn $values($record: &$Record) -> Vec<Value> {
            vec![$($bound.as_value()),+]
        }

        /// Fills the record's fields from a row that was selected with these columns from `first` on.
        fn $read(target: &mut $Record, row: &Row, first: usize, id: impl Display + Copy) -> Result<(), Failure> {
            let mut index = first;
            $({
                $(
                    let $cell = Cell { row, index, table: $table, column: stringify!($column), id };
                    target.$($field).+ = $get?;
                )?
                index += 1;
            })+
            let _ = index;
            Ok(())
        }
    };
}

columns! {
    /// What decides a session's status; the tenant's number comes before them. Selected without the others where only the
    /// lifetime matters. Read by `lifetime`.
    LIFETIME of "sessions", lifetime_values, read_lifetime, |record: SessionLifetime, cell|
    session_ulid bytea: record.id.to_bytes();
    created_at_ms bigint: record.times.created_at => times.created_at = cell.time();
    last_active_at_ms bigint: record.times.last_active_at => times.last_active_at = cell.time();
    expires_at_ms bigint: record.times.expires_at => times.expires_at = cell.time();
    ended_at_ms bigint: record.times.end.map(|end| end.at);
    end_reason text: record.times.end.map(|end| end.reason);
    judged_by bigint: record.times.judged_by => times.judged_by = cell.number();
    user_id text: record.user_id => user_id = cell.text();
    access_expires_at_ms bigint: record.access_expires_at => access_expires_at = cell.time();
    is_acted boolean: record.is_acted => is_acted = cell.flag();
}

columns! {
    /// The other columns of `sessions`.
    OTHERS of "sessions", other_values, read_others, |record: SessionRecord, cell|
    generation bigint: record.rotation.generation => rotation.generation = cell.unsigned();
    replays bigint: record.rotation.replays => rotation.replays = cell.unsigned();
    nonce bytea: record.nonce => nonce = cell.bytes_of();
    access_serial bigint: record.access.params.serial => access.params.serial = cell.unsigned();
    access_issued_at_ms bigint: record.access.params.issued_at => access.params.issued_at = cell.time();
    access_key_no bigint: record.access.key_no => access.key_no = cell.number();
    device_type text: record.client.effective_device_type() => client.device_type = cell.text().map(Some);
    user_agent text: record.client.user_agent => client.user_agent = cell.optional_text();
    ip_address text: record.client.ip_address => client.ip_address = cell.optional_text();
    country text: record.client.country => client.country = cell.optional_text();
    device_fingerprint text: record.client.device_fingerprint => client.device_fingerprint = cell.optional_text();
    last_ip_address text: record.last_seen.ip_address => last_seen.ip_address = cell.optional_text();
    last_user_agent text: record.last_seen.user_agent => last_seen.user_agent = cell.optional_text();
    mfa_verified boolean: record.identity.mfa_verified => identity.mfa_verified = cell.flag();
    org_id text: record.identity.org_id => identity.org_id = cell.optional_text();
    role text: record.identity.role => identity.role = cell.optional_text();
    email text: record.identity.email => identity.email = cell.optional_text();
    claims text: record.identity.claims => identity.claims = cell.optional_parsed(Claims::from_stored).map(Option::unwrap_or_default);
    identity_serial bigint: record.identity_serial => identity_serial = cell.unsigned();
    acted_by text: record.actor => actor = cell.optional_parsed(|text| SessionActor::from_stored(text).ok_or(()));
    factors text: record.factors => factors = cell.optional_parsed(|text| Factors::from_stored(text).ok_or(())).map(Option::unwrap_or_default);
    credential_sha256 bytea: record.credential => credential = cell.optional_bytes_of().map(|hash| hash.map(CredentialHash));
    external_id text: record.external_id => external_id = cell.optional_text();
}

columns! {
    /// The columns of `tenants` that hold settings.
    SETTINGS of "tenants", setting_values, read_settings, |config: Config, cell|
    session_duration text: config.session_duration => session_duration = cell.text();
    access_token_ttl text: config.access_token_ttl => access_token_ttl = cell.text();
    idle_timeout text: config.idle_timeout => idle_timeout = cell.optional_text();
    max_sessions_per_user bigint: config.max_sessions_per_user => max_sessions_per_user = cell.optional_unsigned();
    refresh_reuse_window text: config.refresh_reuse_window => refresh_reuse_window = cell.parsed(config::parse_window);
    event_retention text: config.event_retention => event_retention = cell.optional_text();
    record_retention text: config.record_retention => record_retention = cell.optional_text();
    revocation_list boolean: config.revocation_list => revocation_list = cell.flag();
    max_actor_duration text: config.max_actor_duration => max_actor_duration = cell.text();
}

columns! {
    /// The columns of `signing_keys`; the tenant's number comes before them.
    KEY of "signing_keys", key_values, read_key, |key: KeyRecord, cell|
    key_no bigint: key.no => no = cell.number();
    kid bytea: key.id.to_bytes(); // read by `key`, to name the row
    state text: key.state => state = cell.text();
    created_at_ms bigint: key.created_at => created_at = cell.time();
    drained_at_ms bigint: key.drained_at => drained_at = cell.optional_time();
    wrapped_seed bytea: key.wrapped_seed => wrapped_seed = cell.optional_bytes();
}

columns! {
    /// The columns of `bulk_ends`; the tenant's number comes before them.
    BULK_END of "bulk_ends", bulk_end_values, read_bulk_end, |record: BulkEndRecord, cell|
    bulk_no bigint: record.bulk_end.no => bulk_end.no = cell.number();
    user_id text: record.bulk_end.user_id => bulk_end.user_id = cell.optional_text();
    decided_at_ms bigint: record.bulk_end.at => bulk_end.at = cell.time();
    idle_timeout text: record.bulk_end.idle_timeout => bulk_end.idle_timeout = cell.optional_text();
    reason text: record.bulk_end.reason => bulk_end.reason = cell.optional_text();
    spared_ulid bytea: record.bulk_end.spared.map(SessionId::to_bytes) => bulk_end.spared = cell.optional_session();
    newest_ulid bytea: record.bulk_end.newest.map(SessionId::to_bytes) => bulk_end.newest = cell.optional_session();
    filter text: record.bulk_end.filter => bulk_end.filter = cell.optional_text();
    era bigint: record.bulk_end.epoch => bulk_end.epoch = cell.number();
    actor text: record.bulk_end.actor => bulk_end.actor = cell.optional_text();
    replaced_by_ulid bytea: record.bulk_end.replaced_by.map(SessionId::to_bytes) => bulk_end.replaced_by = cell.optional_session();
    ended bigint: record.ended => ended = cell.unsigned();
    done boolean: record.is_done => is_done = cell.flag();
}

columns! {
    /// The columns of `events`; the tenant's number comes before them.
    EVENT of "events", event_values, read_event, |event: Event, cell|
    seq bigint: event.seq => seq = cell.unsigned();
    hash bytea: event.hash => hash = cell.optional_bytes_of().map(|hash| hash.map(EventHash));
    event_ulid bytea: event.id.to_bytes(); // read by `event`
    event_type text: event.r#type => r#type = cell.text();
    at_ms bigint: event.at => at = cell.time();
    session_ulid bytea: event.session_id.map(SessionId::to_bytes) => session_id = cell.optional_session();
    user_id text: event.user_id => user_id = cell.optional_text();
    actor text: event.actor => actor = cell.optional_text();
    data text: event.data => data = cell.parsed(|text| json::parse_object(text.as_bytes()).ok_or(()));
}

columns! {
    /// The columns of `event_seals`; the tenant's number comes before them.
    SEAL of "event_seals", seal_values, read_seal, |seal: SealRecord, cell|
    seq bigint: seal.seq => seq = cell.unsigned();
    hash bytea: seal.hash => hash = cell.bytes_of().map(EventHash);
    sealed_at_ms bigint: seal.sealed_at => sealed_at = cell.time();
    kid bytea: seal.kid.to_bytes() => kid = cell.bytes_of().map(KeyId::from_bytes);
    signature bytea: seal.signature => signature = cell.bytes_of();
}

columns! {
    /// The columns of `leases`; the tenant's number comes before them.
    LEASE of "leases", lease_values, read_lease, |lease: LeaseRecord, cell|
    name text: lease.name => name = cell.text();
    holder bytea: lease.holder => holder = cell.bytes_of();
    until_ms bigint: lease.until => until = cell.time();
    position bigint: lease.position => position = cell.unsigned();
}

columns! {
    /// The columns of `revocations`; the tenant's number comes before them.
    REVOCATION of "revocations", revocation_values, read_revocation, |entry: Revocation, cell|
    seq bigint: entry.seq => seq = cell.unsigned();
    until_ms bigint: entry.until => until = cell.time();
    session_ulid bytea: entry.session.map(SessionId::to_bytes) => session = cell.optional_session();
    at_ms bigint: entry.at => at = cell.optional_time();
    user_id text: entry.user_id => user_id = cell.optional_text();
    spared_ulid bytea: entry.spared.map(SessionId::to_bytes) => spared = cell.optional_session();
    newest_ulid bytea: entry.newest.map(SessionId::to_bytes) => newest = cell.optional_session();
    spares_actors boolean: entry.spares_actors => spares_actors = cell.flag();
    is_start boolean: entry.is_start => is_start = cell.flag();
}

/// The values of a session, in the order of [`LIFETIME`] and [`OTHERS`].
pub(super) fn session_values(record: &SessionRecord) -> Vec<Value> {
    let mut values = lifetime_values(&record.lifetime());
    values.extend(other_values(record));
    values
}

/// The session's values of these columns, in their order.
pub(super) fn named_session_values(record: &SessionRecord, names: &[&str]) -> Vec<Value> {
    let mut values = session_values(record);
    let position = |name: &&str| LIFETIME.iter().chain(OTHERS).position(|column| column.name == *name);
    names
        .iter()
        .filter_map(position)
        .map(|index| std::mem::replace(&mut values[index], Value::Flag(None)))
        .collect()
}

/// Reads a row that was selected with [`LIFETIME`] from `first` on.
pub(super) fn lifetime(row: &Row, first: usize) -> Result<SessionLifetime, Failure> {
    let id = SessionId::from_bytes(
        Cell { row, index: first, table: "sessions", column: "session_ulid", id: "a session" }.bytes_of()?,
    );
    let cell = |offset: usize| Cell {
        row,
        index: first + offset,
        table: "sessions",
        column: LIFETIME[offset].name,
        id,
    };
    let end = match cell(4).optional_time()? {
        None => None,
        Some(at) => Some(End { at, reason: cell(5).text()? }),
    };
    let never = Timestamp::default();
    let times =
        SessionTimes { created_at: never, last_active_at: never, expires_at: never, end, judged_by: 0 };
    let user_id = cell(7).text()?;
    let mut lifetime = SessionLifetime { id, user_id, times, access_expires_at: never, is_acted: false };
    read_lifetime(&mut lifetime, row, first, id)?;
    Ok(lifetime)
}

/// Reads a row that was selected with [`LIFETIME`] and [`OTHERS`] from `first` on.
pub(super) fn session(row: &Row, first: usize) -> Result<SessionRecord, Failure> {
    let mut record = SessionRecord::blank(lifetime(row, first)?);
    let id = record.id;
    read_others(&mut record, row, first + LIFETIME.len(), id)?;
    Ok(record)
}

/// Reads a row of [`SETTINGS`], salt, wrapped refresh key and token horizon.
pub(super) fn tenant(row: &Row, no: i64) -> Result<TenantRecord, Failure> {
    let mut config = Config::default();
    read_settings(&mut config, row, 0, no)?;
    let first = SETTINGS.len();
    let cell = |offset, column| Cell { row, index: first + offset, table: "tenants", column, id: no };
    Ok(TenantRecord {
        config,
        salt: cell(0, "salt").bytes_of()?,
        wrapped_refresh_key: row.get(first + 1)?,
        token_horizon: cell(2, "token_horizon_at_ms").time()?,
    })
}

/// Reads a row of [`KEY`].
pub(super) fn key(row: &Row) -> Result<KeyRecord, Failure> {
    let id = KeyId::from_bytes(
        Cell { row, index: 1, table: "signing_keys", column: "kid", id: "a key" }.bytes_of()?,
    );
    let mut record = KeyRecord::blank(id);
    read_key(&mut record, row, 0, id)?;
    Ok(record)
}

/// Reads a row of [`BULK_END`].
pub(super) fn bulk_end(row: &Row) -> Result<BulkEndRecord, Failure> {
    let no = row.get(0)?;
    let mut record = BulkEndRecord::blank(no);
    read_bulk_end(&mut record, row, 0, no)?;
    Ok(record)
}

/// Reads a row of [`EVENT`].
pub(super) fn event(row: &Row) -> Result<Event, Failure> {
    let id = Cell { row, index: 2, table: "events", column: "event_ulid", id: "an event" }.bytes_of()?;
    let id = EventId::from_bytes(id);
    let mut event = Event::blank(id);
    read_event(&mut event, row, 0, id)?;
    Ok(event)
}

/// Reads a row of [`SEAL`].
pub(super) fn seal(row: &Row) -> Result<SealRecord, Failure> {
    let mut seal = SealRecord::blank();
    read_seal(&mut seal, row, 0, "a seal")?;
    Ok(seal)
}

/// Reads a row of [`LEASE`].
pub(super) fn lease(row: &Row) -> Result<LeaseRecord, Failure> {
    let mut lease = LeaseRecord::blank();
    read_lease(&mut lease, row, 0, "a lease")?;
    Ok(lease)
}

/// Reads a row of [`REVOCATION`].
pub(super) fn revocation(row: &Row) -> Result<Revocation, Failure> {
    let mut entry = Revocation::numbered(0, Timestamp::default());
    read_revocation(&mut entry, row, 0, "a revocation")?;
    Ok(entry)
}

/// Reads `failure_key, failures`.
pub(super) fn sign_in_failures(row: &Row) -> Result<SignInFailures, Failure> {
    let cell = |index, column| Cell { row, index, table: "sign_in_failures", column, id: "a key" };
    let failures = FailedSignIn::decode(row.get(1)?).ok_or_else(|| cell(1, "failures").corrupt_column())?;
    Ok(SignInFailures { key: cell(0, "failure_key").bytes_of()?, failures })
}

/// Reads `highest_at_ms, era` from this column on.
pub(super) fn clock_mark(row: &Row, first: usize) -> Result<ClockMark, Failure> {
    Ok(ClockMark { highest: Timestamp::from_millis(row.get(first)?), epoch: row.get(first + 1)? })
}

/// One value of a row. What our own tables cannot hold is damage, named by table, column and id.
struct Cell<'row, Id> {
    row: &'row Row,
    index: usize,
    table: &'static str,
    column: &'static str,
    id: Id,
}

impl<Id: Display + Copy> Cell<'_, Id> {
    fn corrupt_column(&self) -> Failure {
        let Cell { table, column, id, .. } = self;
        Failure::corrupt(format!("{table}.{column} of {id} holds an impossible value"))
    }

    fn number(&self) -> Result<i64, Failure> {
        self.row.get(self.index)
    }

    fn flag(&self) -> Result<bool, Failure> {
        self.row.get(self.index)
    }

    fn time(&self) -> Result<Timestamp, Failure> {
        self.number().map(Timestamp::from_millis)
    }

    fn optional_time(&self) -> Result<Option<Timestamp>, Failure> {
        Ok(self.row.get::<Option<i64>>(self.index)?.map(Timestamp::from_millis))
    }

    /// A number that SQL keeps with a sign and Rust without.
    fn unsigned<T: TryFrom<i64>>(&self) -> Result<T, Failure> {
        T::try_from(self.number()?).map_err(|_| self.corrupt_column())
    }

    fn optional_unsigned<T: TryFrom<i64>>(&self) -> Result<Option<T>, Failure> {
        let number: Option<i64> = self.row.get(self.index)?;
        number.map(T::try_from).transpose().map_err(|_| self.corrupt_column())
    }

    /// As many bytes as the type holds.
    fn bytes_of<const N: usize>(&self) -> Result<[u8; N], Failure> {
        let bytes: &[u8] = self.row.get(self.index)?;
        bytes.try_into().map_err(|_| self.corrupt_column())
    }

    fn optional_bytes_of<const N: usize>(&self) -> Result<Option<[u8; N]>, Failure> {
        let bytes: Option<&[u8]> = self.row.get(self.index)?;
        bytes.map(TryInto::try_into).transpose().map_err(|_| self.corrupt_column())
    }

    fn optional_bytes(&self) -> Result<Option<Vec<u8>>, Failure> {
        self.row.get(self.index)
    }

    fn optional_session(&self) -> Result<Option<SessionId>, Failure> {
        Ok(self.optional_bytes_of()?.map(SessionId::from_bytes))
    }

    /// Text that `parse` takes, or NULL.
    fn optional_parsed<T, E>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<Option<T>, Failure> {
        let text: Option<&str> = self.row.get(self.index)?;
        text.map(parse).transpose().map_err(|_| self.corrupt_column())
    }

    fn parsed<T, E>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Failure> {
        self.optional_parsed(parse)?.ok_or_else(|| self.corrupt_column())
    }

    fn optional_text<T: FromStr>(&self) -> Result<Option<T>, Failure> {
        self.optional_parsed(str::parse)
    }

    fn text<T: FromStr>(&self) -> Result<T, Failure> {
        self.parsed(str::parse)
    }
}

/// How the model's values are kept in SQL.
pub(super) trait AsValue {
    fn as_value(&self) -> Value;
    /// The NULL of the same type.
    fn null() -> Value;
}

impl<T: AsText> AsValue for T {
    fn as_value(&self) -> Value {
        Value::Text(Some(self.as_text().to_owned()))
    }

    fn null() -> Value {
        Value::Text(None)
    }
}

impl<T: AsValue> AsValue for Option<T> {
    fn as_value(&self) -> Value {
        self.as_ref().map_or_else(T::null, T::as_value)
    }

    fn null() -> Value {
        T::null()
    }
}

macro_rules! as_value {
    ($($Type:ty),+ => $variant:ident(|$value:ident| $sql:expr)) => {
        $(impl AsValue for $Type {
            fn as_value(&self) -> Value {
                let $value = self;
                Value::$variant(Some($sql))
            }

            fn null() -> Value {
                Value::$variant(None)
            }
        })+
    };
}

as_value! { bool => Flag(|flag| *flag) }
as_value! { i64 => Integer(|number| *number) }
as_value! { u32 => Integer(|number| i64::from(*number)) }
as_value! { u64 => Integer(|number| *number as i64) } // the model bounds every such number to what SQL holds
as_value! { [u8; 16], [u8; 64], Vec<u8> => Bytes(|bytes| bytes.to_vec()) }
as_value! { EventHash, CredentialHash => Bytes(|hash| hash.0.to_vec()) }
as_value! { String => Text(|text| text.clone()) }
as_value! { Map<String, serde_json::Value> => Text(|object| json::to_canonical(object)) }
as_value! { Timestamp => Integer(|time| time.as_millis()) }
as_value! { Duration, IpAddress => Text(|value| value.to_string()) }
as_value! { SessionFilter => Text(|filter| filter.to_json()) }

impl AsValue for Factors {
    fn as_value(&self) -> Value {
        Value::Text(self.to_stored())
    }

    fn null() -> Value {
        Value::Text(None)
    }
}

impl AsValue for SessionActor {
    fn as_value(&self) -> Value {
        Value::Text(self.to_stored())
    }

    fn null() -> Value {
        Value::Text(None)
    }
}

impl AsValue for Claims {
    fn as_value(&self) -> Value {
        Value::Text((!self.as_object().is_empty()).then(|| self.to_string()))
    }

    fn null() -> Value {
        Value::Text(None)
    }
}
