//! What happened to sessions, settings and keys (SPEC 10).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::in_millis::SerializeInMillis;
use crate::model::id::{Actor, EventId, SessionId, UserId};
use crate::schema::{Kind, PublicValue, public_record};
use crate::text::serialize_as_printed;
use crate::word_enum::word_enum;

word_enum! {
    /// What an event tells of.
    pub enum EventType as "types" {
        /// A user signed in.
        SessionCreated = "session.created",
        /// A refresh token was rotated; recorded only by an engine whose option `events` is `all`.
        SessionRefreshed = "session.refreshed",
        /// The credential that an imported session had in its old system was exchanged for its first tokens.
        SessionAdopted = "session.adopted",
        /// What the access tokens of a session carry was changed.
        SessionUpdated = "session.updated",
        /// A session ended, by a decision or by the clock.
        SessionEnded = "session.ended",
        /// The record of an ended session was deleted.
        SessionPurged = "session.purged",
        /// Settings were changed.
        ConfigUpdated = "config.updated",
        /// Another key signs from now on.
        KeyRotated = "key.rotated",
        /// A key was retired: by decision, or because the last token that it signed had expired.
        KeyRetired = "key.retired",
        /// The tenant's secret key was changed.
        SecretKeyChanged = "secret_key.changed",
        /// The key behind refresh tokens was replaced.
        RefreshKeyRotated = "refresh_key.rotated",
        /// Sessions of another system were imported.
        TenantImported = "tenant.imported",
        /// The database was made from a backup.
        DatabaseRestored = "database.restored",
    }
}

word_enum! {
    /// How much an engine records of a tenant whose setting `event_retention` is set.
    pub enum EventDetail as "events" default Changes {
        /// Every change but the rotations of refresh tokens, which are many. The default.
        Changes = "changes",
        /// Every change.
        All = "all",
    }
}

/// The number of an event within its tenant, counted from 1 in the order of the commits.
pub(crate) type EventSeq = u64;

/// The hash of a sealed event: SHA-256 over the hash before it and the event. Prints as base64url.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
/// tenant.seal_events()?;
/// let event = tenant.events(&Default::default())?.data.remove(0);
/// assert_eq!(event.hash.expect("it is sealed").as_bytes().len(), 32);
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventHash(pub(crate) [u8; 32]);

impl EventHash {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for EventHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

serialize_as_printed!(EventHash);

impl SerializeInMillis for EventHash {}

impl PublicValue for EventHash {
    const KIND: Kind = Kind::Text { pattern: Some("^[A-Za-z0-9_-]{43}$"), example: None };
}

public_record! {
    /// Something that happened to a session, the settings or the keys of a tenant. As JSON: the names below, times as RFC 3339 in whole
    /// seconds, absent values null.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
    /// let page = tenant.events(&Default::default())?;
    /// let event = &page.data[0];
    /// assert_eq!((event.seq, event.r#type.as_str()), (1, "config.updated"));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq)]
    pub struct Event {
        /// Its number: the events of a tenant are counted from 1 in the order of their commits, without a gap.
        pub seq: u64,
        /// Its id: `evt_` and a ULID of the time at which it was recorded.
        pub id: EventId,
        /// What it tells of.
        pub r#type: EventType,
        /// When it happened. An end by the clock may have been recorded later than it happened.
        pub at: Timestamp,
        /// The session that it is about.
        pub session_id: Option<SessionId>,
        /// The user of that session.
        pub user_id: Option<UserId>,
        /// Who did it, as the host has named them; absent for what the clock did, and where the host named none.
        pub actor: Option<Actor>,
        /// More about it; `docs/SPEC.md`, section 10, lists the members by type.
        pub data: Map<String, Value>,
        /// The hash that chains it to the event before it; absent until it is sealed.
        pub hash: Option<EventHash>,
    }
}
