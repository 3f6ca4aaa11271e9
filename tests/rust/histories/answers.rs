//! What calls answer, as Rust and REST have in common.

use hellojohn::{
    Cursor, EndReason, Event, EventType, Grant, KeyId, KeyInfo, KeyState, Page, RevokePlan, RevokePreview,
    Session, SessionId, Stats, UpdatedSession,
};
use serde_json::Value;

use crate::rest_text::millis;

use super::view::Shown;

/// Tokens that were handed out.
#[derive(Debug)]
pub(super) struct Granted {
    pub id: SessionId,
    pub access_token: String,
    /// None where an update keeps it.
    pub refresh_token: Option<String>,
    pub expires_in: u64,
    /// REST does not tell them.
    pub evicted: Option<Vec<SessionId>>,
    /// A refresh over REST does not show it.
    pub session: Option<Shown>,
    /// The `Max-Age` of the cookies of both tokens, in seconds, where they travel in cookies.
    pub cookie_ages: Option<[i64; 2]>,
}

impl From<Grant> for Granted {
    fn from(grant: Grant) -> Self {
        Granted {
            id: grant.session.id,
            access_token: grant.access_token.expose().to_owned(),
            refresh_token: Some(grant.refresh_token.expose().to_owned()),
            expires_in: grant.expires_in,
            evicted: Some(grant.evicted),
            session: Some(Shown::from(&grant.session)),
            cookie_ages: None,
        }
    }
}

impl From<UpdatedSession> for Granted {
    fn from(updated: UpdatedSession) -> Self {
        Granted {
            id: updated.session.id,
            access_token: updated.access_token.expose().to_owned(),
            refresh_token: None,
            expires_in: updated.expires_in,
            evicted: None,
            session: Some(Shown::from(&updated.session)),
            cookie_ages: None,
        }
    }
}

/// A page of a list.
#[derive(Debug)]
pub(super) struct Listed {
    pub sessions: Vec<Shown>,
    pub next_cursor: Option<Cursor>,
}

impl From<Page<Session>> for Listed {
    fn from(page: Page<Session>) -> Self {
        Listed { sessions: page.data.iter().map(Shown::from).collect(), next_cursor: page.next_cursor }
    }
}

/// The sessions that a filter would end.
#[derive(Debug)]
pub(super) struct Previewed {
    pub count: u64,
    pub sample: Vec<SessionId>,
    pub plan: RevokePlan,
}

impl From<RevokePreview> for Previewed {
    fn from(preview: RevokePreview) -> Self {
        let sample = preview.sample.iter().map(|session| session.id).collect();
        Previewed { count: preview.count, sample, plan: preview.plan }
    }
}

/// A moment of an answer, in ms.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShownTime {
    at: i64,
    /// In whole seconds, as REST writes times.
    is_whole: bool,
}

impl ShownTime {
    pub(super) fn of_json(text: &str) -> Self {
        ShownTime { at: millis(text), is_whole: true }
    }

    pub(super) fn is(self, at: i64) -> bool {
        self.at == if self.is_whole { at.div_euclid(1_000) * 1_000 } else { at }
    }
}

impl From<hellojohn::Timestamp> for ShownTime {
    fn from(at: hellojohn::Timestamp) -> Self {
        ShownTime { at: at.as_millis(), is_whole: false }
    }
}

/// The numbers of a tenant, without the sizes, which depend on where the database lives.
#[derive(Debug)]
pub(super) struct Numbers {
    /// Active, expired and revoked ones.
    pub sessions: [u64; 3],
    pub created_last_24h: u64,
    pub oldest_unswept_at: Option<ShownTime>,
    /// At the end of the last period, where periods are told.
    pub active_now: Option<u64>,
}

impl From<Stats> for Numbers {
    fn from(stats: Stats) -> Self {
        let counts = stats.sessions;
        Numbers {
            sessions: [counts.active, counts.expired, counts.revoked],
            created_last_24h: stats.created_last_24h,
            oldest_unswept_at: stats.oldest_unswept_at.map(ShownTime::from),
            active_now: None,
        }
    }
}

impl Numbers {
    pub(super) fn of_json(stats: &Value) -> Self {
        let counts = &stats["sessions"];
        Numbers {
            sessions: ["active", "expired", "revoked"].map(|name| counts[name].as_u64().expect("a count")),
            created_last_24h: stats["created_last_24h"].as_u64().expect("a count"),
            oldest_unswept_at: stats["oldest_unswept_at"].as_str().map(ShownTime::of_json),
            active_now: None,
        }
    }
}

/// An event of the log.
#[derive(Debug)]
pub(super) struct Told {
    pub seq: u64,
    pub kind: EventType,
    pub at: ShownTime,
    pub session: Option<SessionId>,
    /// Of a session that has ended.
    pub end_reason: Option<EndReason>,
}

impl From<&Event> for Told {
    fn from(event: &Event) -> Self {
        let end_reason = event.data.get("end_reason").and_then(Value::as_str);
        Told {
            seq: event.seq,
            kind: event.r#type,
            at: event.at.into(),
            session: event.session_id,
            end_reason: end_reason.map(|reason| reason.parse().expect("a reason")),
        }
    }
}

impl Told {
    pub(super) fn of_json(event: &Value) -> Self {
        Told {
            seq: event["seq"].as_u64().expect("a number"),
            kind: event["type"].as_str().expect("a type").parse().expect("a type"),
            at: ShownTime::of_json(event["at"].as_str().expect("a time")),
            session: event["session_id"].as_str().map(|id| id.parse().expect("an id")),
            end_reason: event["data"]["end_reason"].as_str().map(|reason| reason.parse().expect("a reason")),
        }
    }
}

/// A key of a list of them.
pub(super) type ListedKey = (KeyId, KeyState);

pub(super) fn listed_keys(keys: &[KeyInfo]) -> Vec<ListedKey> {
    keys.iter().map(|key| (key.kid, key.state)).collect()
}
