//! Which events a command asks for, and what it shows of each.

use clap::Args;
use serde_json::Value;

use crate::answer::text;
use crate::api::Api;
use crate::failure::CommandFailure;

/// Which events.
#[derive(Debug, Args)]
pub(crate) struct EventFilter {
    /// Only events of these types, such as session.ended,key.rotated
    #[arg(long, value_name = "TYPES")]
    types: Option<String>,
    /// Only events about sessions of this user
    #[arg(long, value_name = "ID")]
    user_id: Option<String>,
    /// Only events about this session
    #[arg(long, value_name = "ID")]
    session_id: Option<String>,
}

impl EventFilter {
    /// A page of REST's list of events.
    pub fn read_page(&self, api: &Api, after: u64, limit: usize) -> Result<Value, CommandFailure> {
        let (after, limit) = (after.to_string(), limit.to_string());
        let mut query = vec![("after", after.as_str()), ("limit", &limit)];
        let filter = [("types", &self.types), ("user_id", &self.user_id), ("session_id", &self.session_id)];
        query.extend(filter.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))));
        api.get("/v1/events", &query)
    }
}

/// What a line about an event shows.
pub(crate) fn event_fields(event: &Value) -> Vec<String> {
    let fields = ["seq", "at", "type", "user_id", "session_id", "actor"].map(|name| text(&event[name]));
    let data = event["data"].as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let data: Vec<String> = data.map(|(name, value)| format!("{name}={}", text(value))).collect();
    fields.into_iter().chain([data.join(" ")]).collect()
}
