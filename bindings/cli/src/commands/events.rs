//! `events`: what happened.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use hellojohn::{Jwks, verify_event_log_file};
use serde_json::{Value, json};

use super::event_query::{EventFilter, event_fields};
use super::follow::FollowArguments;
use super::sessions::PAGE_MAX;
use crate::answer::{Answer, count, details, table};
use crate::api::Api;
use crate::context::Context;
use crate::exit_code::{DONE, REFUSED};
use crate::failure::CommandFailure;

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// List events, oldest first. They are recorded while the setting event_retention is set
    List(ListArguments),
    /// Show events as they happen, a line for each, until Ctrl-C
    Follow(FollowArguments),
    /// Chain and sign the events that are not sealed yet, so that no later change of them goes unseen
    Seal,
    /// Seal the events and write them into a new file, a log that proves itself
    Export {
        /// The file to make; never one that is there
        to: PathBuf,
        /// Only events after the one with this number
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        after: u64,
    },
    /// Check an exported log: name the first event that was changed, removed, inserted or moved. Needs no database
    Verify {
        /// The log
        log: PathBuf,
        /// The public keys of the time of the export, as `hellojohn jwks` printed them
        #[arg(long, value_name = "FILE")]
        jwks: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only events after the one with this number
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    #[command(flatten)]
    filter: EventFilter,
    /// How many at most, 1 to 10000
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
}

impl EventsCommand {
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        match self {
            EventsCommand::List(arguments) => arguments.list(&context.api()?),
            EventsCommand::Follow(arguments) => arguments.run(context),
            EventsCommand::Seal => {
                let report = context.open_tenant()?.seal_events()?;
                let people =
                    format!("Sealed {}, through number {}.", count(report.sealed, "event"), report.through);
                Ok(Answer::new(serde_json::to_value(report).unwrap_or_default(), people))
            }
            EventsCommand::Export { to, after } => {
                let events = context.open_tenant()?.export_events_to(*after, to)?;
                let to = to.display().to_string();
                let people = format!("Wrote {} into {to}.", count(events, "event"));
                Ok(Answer::new(json!({ "to": to, "events": events }), people))
            }
            EventsCommand::Verify { log, jwks } => verify(log, jwks),
        }
    }
}

/// The public keys that `hellojohn jwks` printed into this file.
pub(super) fn read_keys(path: &Path) -> Result<Jwks, CommandFailure> {
    let unreadable =
        |cause| CommandFailure::io(format!("the keys in {} cannot be read", path.display()), &cause);
    Ok(std::fs::read_to_string(path).map_err(unreadable)?.parse()?)
}

fn verify(log: &Path, jwks: &Path) -> Result<Answer, CommandFailure> {
    let report = verify_event_log_file(log, &read_keys(jwks)?)?;
    let answer = serde_json::to_value(&report).unwrap_or_default();
    let people = match &report.detail {
        None => format!("The log is as it was exported: {}.", count(report.events, "event")),
        Some(detail) => format!("The log is not as it was exported: {detail}.\n\n{}", details(&answer)),
    };
    let exit_code = if report.ok { DONE } else { REFUSED };
    Ok(Answer { exit_code, ..Answer::new(answer, people) })
}

impl ListArguments {
    /// Asks for pages until there are enough events: a page may be short, or even empty, before the last.
    fn list(&self, api: &Api) -> Result<Answer, CommandFailure> {
        let mut data = Vec::new();
        let (mut after, mut has_more) = (self.after, true);
        let limit = usize::from(self.limit);
        while has_more && data.len() < limit {
            let mut page = self.filter.read_page(api, after, (limit - data.len()).min(PAGE_MAX))?;
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
    table(&["SEQ", "TIME", "TYPE", "USER", "SESSION", "ACTOR", "DATA"], events.iter().map(event_fields))
}
