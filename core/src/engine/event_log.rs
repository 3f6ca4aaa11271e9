//! Telling events: each is written here, in the transaction of the change that it tells of (SPEC 10).

use serde_json::{Map, Value};

use super::transaction::WriteContext;
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::model::client::ClientInfo;
use crate::model::config::Config;
use crate::model::event::{Event, EventType};
use crate::model::id::{Actor, IdMint, SessionId, UserId};
use crate::random::Random;
use crate::store::{TenantNo, WriteTransaction};

/// Writes the events of one tenant inside a write transaction.
pub(super) struct EventLog<'a> {
    pub transaction: &'a dyn WriteTransaction,
    pub tenant: TenantNo,
    pub now: Timestamp,
    pub ids: &'a IdMint,
    pub random: &'a dyn Random,
    /// Who makes the change.
    pub actor: Option<&'a Actor>,
    /// Whether the tenant's settings ask for events.
    pub is_on: bool,
}

/// The members of an event's `data`.
#[derive(Default)]
pub(super) struct EventData(Map<String, Value>);

impl EventData {
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Where a user has signed in.
    pub(super) fn of_sign_in(client: &ClientInfo) -> Self {
        EventData::default()
            .with("device_type", client.effective_device_type().as_str())
            .with("country", client.country.as_ref().map(|country| country.as_str()))
            .with("ip_address", client.ip_address.map(|address| address.to_string()))
    }
}

impl EventLog<'_> {
    /// Tells of a change that this call makes now. `data` is not asked for where events are off.
    pub(super) fn tell(
        &self,
        event_type: EventType,
        session: Option<(SessionId, &UserId)>,
        data: impl FnOnce() -> EventData,
    ) -> Result<(), Failure> {
        self.tell_of(event_type, self.now, self.actor, session, data)
    }

    /// Tells of a change with its own time and actor. The one place through which every event is written.
    pub(super) fn tell_of(
        &self,
        event_type: EventType,
        at: Timestamp,
        actor: Option<&Actor>,
        session: Option<(SessionId, &UserId)>,
        data: impl FnOnce() -> EventData,
    ) -> Result<(), Failure> {
        if !self.is_on {
            return Ok(());
        }
        let event = Event {
            seq: 0,
            id: self.ids.event(self.now, self.random)?,
            r#type: event_type,
            at,
            session_id: session.map(|(id, _)| id),
            user_id: session.map(|(_, user)| user.clone()),
            actor: actor.cloned(),
            data: data().0,
            hash: None,
        };
        self.transaction.add_event(self.tenant, &event)
    }
}

impl<'a> WriteContext<'a> {
    /// What writes the events of the tenant.
    pub(super) fn events(&self) -> EventLog<'_> {
        self.events_under(&self.snapshot.config)
    }

    /// The same under other settings than those in force.
    pub(super) fn events_under(&self, config: &Config) -> EventLog<'_> {
        EventLog {
            transaction: self.transaction,
            tenant: self.tenant,
            now: self.now,
            ids: &self.inner.ids,
            random: &*self.inner.random,
            actor: self.actor,
            is_on: config.event_retention.is_some(),
        }
    }
}
