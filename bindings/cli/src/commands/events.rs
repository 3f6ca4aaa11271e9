//! `events`: what happened.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::sessions::PAGE_MAX;
use crate::answer::{Answer, table, text};
use crate::api::Api;
use crate::context::Context;
use crate::failure::CommandFailure;

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// List events, oldest first. They are recorded while the setting event_retention is set
    List(ListArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only events after the one with this number
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// Only events of these types, such as session.ended,key.rotated
    #[arg(long, value_name = "TYPES")]
    types: Option<String>,
    /// Only events about sessions of this user
    #[arg(long, value_name = "ID")]
    user_id: Option<String>,
    /// Only events about this session
    #[arg(long, value_name = "ID")]
    session_id: Option<String>,
    /// How many at most, 1 to 10000
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
}

impl EventsCommand {
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        let EventsCommand::List(arguments) = self;
        arguments.list(&context.api()?)
    }
}

impl ListArguments {
    /// Asks for pages until there are enough events: a page may be short, or even empty, before the last.
    fn list(&self, api: &Api) -> Result<Answer, CommandFailure> {
        let mut data = Vec::new();
        let (mut after, mut has_more) = (self.after, true);
        let limit = usize::from(self.limit);
        while has_more && data.len() < limit {
            let (page_limit, from) = ((limit - data.len()).min(PAGE_MAX).to_string(), after.to_string());
            let mut query = vec![("after", from.as_str()), ("limit", &page_limit)];
            let filter =
                [("types", &self.types), ("user_id", &self.user_id), ("session_id", &self.session_id)];
            query.extend(filter.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))));
            let mut page = api.get("/v1/events", &query)?;
            data.extend(page["data"].as_array_mut().map(std::mem::take).unwrap_or_default());
            has_more = page["pagination"]["has_more"] == true;
            after = page["pagination"]["next_after"].as_u64().unwrap_or(after);
        }
        let mut people = match data.is_empty() {
            true => "No events. They are recorded while the setting event_retention is set.".to_owned(),
            false => event_table(&data),
        };
        if has_more {
            people.push_str(&format!("\n\nThere are more: add --after {after}"));
        }
        let pagination = json!({ "limit": limit, "has_more": has_more, "next_after": after });
        Ok(Answer::new(json!({ "data": data, "pagination": pagination }), people))
    }
}

fn event_table(events: &[Value]) -> String {
    let row = |event: &Value| {
        let fields = ["seq", "at", "type", "user_id", "session_id", "actor"].map(|name| text(&event[name]));
        let data = event["data"].as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        let data: Vec<String> = data.map(|(name, value)| format!("{name}={}", text(value))).collect();
        fields.into_iter().chain([data.join(" ")]).collect()
    };
    table(&["SEQ", "TIME", "TYPE", "USER", "SESSION", "ACTOR", "DATA"], events.iter().map(row))
}
