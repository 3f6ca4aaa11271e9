//! `events follow`: events as they happen.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::event_query::{EventFilter, event_fields};
use super::sessions::PAGE_MAX;
use super::stop_signal::StopSignal;
use crate::answer::Answer;
use crate::api::Api;
use crate::context::Context;
use crate::failure::CommandFailure;

/// How long it waits before it looks for more.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(crate) struct FollowArguments {
    /// Begin after the event with this number, 0 for the oldest that is kept; without it, with what happens from now on
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    #[command(flatten)]
    filter: EventFilter,
}

impl FollowArguments {
    /// Writes a line for each event until SIGINT or SIGTERM, or until the reader has enough.
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        let api = context.api()?;
        let broken = |cause| CommandFailure::io("events cannot be followed", &cause);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(broken)?;
        let mut after = match self.after {
            Some(after) => after,
            None => find_newest(&api)?,
        };
        runtime.block_on(async {
            let mut stop = StopSignal::new().map_err(broken)?;
            loop {
                let has_more = match self.write_page(&api, &mut after, context) {
                    Ok(has_more) => has_more?,
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(Answer::nothing()),
                    Err(error) => return Err(CommandFailure::io("the events cannot be written", &error)),
                };
                let pause = if has_more { Duration::ZERO } else { PAUSE };
                tokio::select! {
                    () = stop.wait() => return Ok(Answer::nothing()),
                    () = tokio::time::sleep(pause) => {}
                }
            }
        })
    }

    /// Writes the events after this one; whether there are more.
    fn write_page(
        &self,
        api: &Api,
        after: &mut u64,
        context: &mut Context<'_>,
    ) -> io::Result<Result<bool, CommandFailure>> {
        let page = match self.filter.read_page(api, *after, PAGE_MAX) {
            Ok(page) => page,
            Err(failure) => return Ok(Err(failure)),
        };
        let output = &mut context.streams.output;
        for event in page["data"].as_array().into_iter().flatten() {
            match context.options.json {
                true => writeln!(output, "{event}")?,
                false => writeln!(output, "{}", event_fields(event).join("  ").trim_end())?,
            }
        }
        output.flush()?;
        *after = page["pagination"]["next_after"].as_u64().unwrap_or(*after);
        Ok(Ok(page["pagination"]["has_more"] == true))
    }
}

/// The number of the newest event, or 0, by halving: the log may be long.
fn find_newest(api: &Api) -> Result<u64, CommandFailure> {
    let has_after = |seq: u64| -> Result<bool, CommandFailure> {
        let page = api.get("/v1/events", &[("after", &seq.to_string()), ("limit", "1")])?;
        Ok(page["data"].as_array().is_some_and(|data: &Vec<Value>| !data.is_empty()))
    };
    // An event comes after `low` or `low` is 0; none comes after `high`.
    let (mut low, mut high) = (0, 1);
    while has_after(high)? {
        (low, high) = (high, high.saturating_mul(2));
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if has_after(middle)? { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}
