//! Reading the events of a tenant (SPEC 10).

use std::sync::atomic::Ordering;

use serde_json::{Map, Value};

use super::observed::count_rows;
use super::session_scan::SCAN_ROWS_MAX;
use super::tenant::Tenant;
use crate::error::Error;
use crate::model::event::{Event, EventSeq, EventType};
use crate::model::id::{EventId, SessionId, UserId};
use crate::model::operation::Operation;
use crate::model::page::Limit;
use crate::object_reader::ObjectReader;
use crate::schema::request_struct;
use crate::store::{CommitVersion, NeededSessions};

request_struct! {
    /// Which events to list. The default is the first page of all.
    ///
    /// ```
    /// use hellojohn::{EventQuery, EventType};
    ///
    /// let query = EventQuery::default().types(vec![EventType::SessionEnded]).user_id(Some("usr_1".parse()?));
    /// assert_eq!(EventQuery::read_types(["session.ended"])?, query.types);
    ///
    /// let json = serde_json::json!({"types": ["session.ended"], "user_id": "usr_1"});
    /// assert_eq!(EventQuery::from_json(json.as_object().unwrap().clone())?, query);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct EventQuery {
        /// Only events with a higher number; 0 for all.
        pub after: u64,
        /// Only events of these types; empty for every type.
        pub types: Vec<EventType>,
        /// Only events about sessions of this user.
        pub user_id: Option<UserId>,
        /// Only events about this session.
        pub session_id: Option<SessionId>,
        /// How many at most; default 20.
        pub limit: Limit,
    }
}

impl EventQuery {
    /// Reads the optional `after`, `types` (an array), `user_id`, `session_id`, `limit`.
    ///
    /// # Errors
    /// `validation_error` naming the field, also for an empty array of types; `session_not_found` for an id that is none.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::request(object);
        let types: Option<Vec<String>> = members.optional("types")?;
        let query = EventQuery {
            after: members.optional("after")?.unwrap_or_default(),
            types: types
                .map(|types| EventQuery::read_types(types.iter().map(String::as_str)))
                .transpose()?
                .unwrap_or_default(),
            user_id: members.optional("user_id")?,
            session_id: members.optional("session_id")?,
            limit: members.optional("limit")?.unwrap_or_default(),
        };
        members.finish()?;
        Ok(query)
    }

    /// Reads a list of types.
    ///
    /// # Errors
    /// `validation_error` for a word that is none and for an empty list, which would otherwise pass for every type.
    pub fn read_types<'a>(types: impl IntoIterator<Item = &'a str>) -> Result<Vec<EventType>, Error> {
        let types: Vec<EventType> = types.into_iter().map(str::parse).collect::<Result<_, _>>()?;
        if types.is_empty() {
            return Err(Error::validation("types", "must not be empty"));
        }
        Ok(types)
    }

    fn admits(&self, event: &Event) -> bool {
        (self.types.is_empty() || self.types.contains(&event.r#type))
            && self.user_id.as_ref().is_none_or(|user| event.user_id.as_ref() == Some(user))
            && self.session_id.is_none_or(|session| event.session_id == Some(session))
    }
}

/// One page of events.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
/// let page = tenant.events(&Default::default())?;
/// assert_eq!((page.data.len(), page.next_after, page.has_more), (1, 1, false));
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EventPage {
    /// The events, oldest first.
    pub data: Vec<Event>,
    /// `after` of the page that follows: the number of the last event that was looked at, whether it matched or not.
    pub next_after: u64,
    /// Whether there were more events to look at; a page may be short or even empty before them.
    pub has_more: bool,
    /// From before the page was read.
    commit_version: Option<CommitVersion>,
    /// The last event that was looked at.
    last: Option<(EventSeq, EventId)>,
}

impl EventPage {
    /// What the store's content was before the page was read, as a text.
    #[doc(hidden)]
    pub fn mark(&self) -> String {
        self.commit_version.map_or_else(String::new, CommitVersion::to_text)
    }
}

impl Tenant {
    /// Lists a page of events, oldest first. Events are recorded while the setting `event_retention` is set. One call looks
    /// at no more than 1,000 events: where few match, a page may be short or even empty and have more after it.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// use hellojohn::{CreateSession, EventQuery};
    ///
    /// tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
    /// tenant.create(CreateSession::new("usr_1".parse()?))?;
    /// let mut query = EventQuery::default();
    /// let types: Vec<&str> = loop {
    ///     let page = tenant.events(&query)?;
    ///     if !page.has_more {
    ///         break page.data.iter().map(|event| event.r#type.as_str()).collect();
    ///     }
    ///     query.after = page.next_after;
    /// };
    /// assert_eq!(types, ["config.updated", "session.created"]);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn events(&self, query: &EventQuery) -> Result<EventPage, Error> {
        self.observe(Operation::Events, |page: &EventPage| count_rows(&page.data), || self.read_events(query))
    }

    /// A page of events that is not told of by itself.
    pub(super) fn read_events(&self, query: &EventQuery) -> Result<EventPage, Error> {
        loop {
            let page = self.look_at_events(query)?;
            if self.will_keep(&page)? {
                return Ok(page);
            }
        }
    }

    /// Whether no failover takes back what the page has looked at: a server may show an event before its standby has it, and an event
    /// that comes after the failover would get the number of one that a reader has seen. Takes a write where the page goes beyond
    /// those before.
    fn will_keep(&self, page: &EventPage) -> Result<bool, Error> {
        let Some((seq, id)) = page.last else { return Ok(true) };
        if !self.reads_over_network() || seq <= self.state.kept_events.load(Ordering::Acquire) {
            return Ok(true);
        }
        let is_there = self.write(move |_, ctx| {
            let found = ctx.transaction.events(ctx.tenant, seq - 1, 1)?;
            Ok(found.first().is_some_and(|event| event.id == id))
        })?;
        if is_there {
            self.state.kept_events.fetch_max(seq, Ordering::AcqRel);
        }
        Ok(is_there)
    }

    fn look_at_events(&self, query: &EventQuery) -> Result<EventPage, Error> {
        let limit = query.limit.get();
        // Without a filter every row that is read is shown.
        let has_filter = !query.types.is_empty() || query.user_id.is_some() || query.session_id.is_some();
        let rows = if has_filter { SCAN_ROWS_MAX } else { limit };
        self.read_about(NeededSessions::Scanned, |ctx| {
            let mut found = ctx.transaction.events(ctx.tenant, query.after, rows + 1)?;
            let mut has_more = found.len() > rows;
            found.truncate(rows);
            let last = found.last().map(|event| (event.seq, event.id));
            let mut next_after = found.last().map_or(query.after, |event| event.seq);
            let mut data: Vec<Event> = found.into_iter().filter(|event| query.admits(event)).collect();
            if data.len() > limit {
                data.truncate(limit);
                has_more = true;
                next_after = data.last().map_or(query.after, |event| event.seq);
            }
            Ok(EventPage { data, next_after, has_more, commit_version: ctx.commit_version(), last })
        })
    }

    /// Whether there may be events that this page has not looked at. False is certain and takes no read of the database:
    /// a reader that follows the events asks this a few times a second, and lists again when it is true.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
    /// let page = tenant.events(&Default::default())?;
    /// tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// assert!(tenant.may_have_events_after(&page)?);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `engine_closed`, `forked`, `storage_io`.
    pub fn may_have_events_after(&self, page: &EventPage) -> Result<bool, Error> {
        Ok(page.has_more || self.has_committed_since(page.commit_version)?)
    }

    /// The same for the mark of a page that had no more.
    #[doc(hidden)]
    pub fn may_have_events_since(&self, mark: &str) -> Result<bool, Error> {
        self.has_committed_since(CommitVersion::from_text(mark))
    }

    fn has_committed_since(&self, version: Option<CommitVersion>) -> Result<bool, Error> {
        self.inner.require_open()?;
        self.inner.store.confirm_files(self.inner.clock_time()?)?;
        let now = self.inner.store.commit_version();
        Ok(now.is_none() || now != version)
    }
}
