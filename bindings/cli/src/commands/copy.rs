//! `copy`: a whole database into another one, for moving to a server or back.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use hellojohn::{CopyPhase, CopyStep, copy_database};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::answer::{Answer, count};
use crate::context::Context;
use crate::failure::CommandFailure;

#[derive(Debug, Args)]
pub(crate) struct CopyArguments {
    /// The database that users are signed in to: a file or a PostgreSQL URL
    from: OsString,
    /// The database that gets a copy of it; it is made if it is not there
    to: OsString,
}

impl CopyArguments {
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        let target = match context.streams.shows_progress {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) =
            ProgressStyle::with_template("{prefix} {wide_bar} {human_pos} of {human_len} rows, {eta} left")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        let copied = copy_database(&self.from, &self.to, |step: CopyStep| {
            bar.set_prefix(match step.phase {
                CopyPhase::Copy => "copying",
                CopyPhase::Verify => "comparing",
                _ => "counting",
            });
            bar.set_length(step.total_rows.max(step.rows));
            bar.set_position(step.rows);
        });
        bar.finish_and_clear();
        let report = copied?;
        let holds = [
            count(report.tenants, "tenant"),
            count(report.sessions, "session"),
            count(report.signing_keys, "signing key"),
            count(report.events, "event"),
        ];
        let changed = match report.changed_rows {
            0 => "Nothing was left to do".to_owned(),
            rows => format!("Wrote {}", count(rows, "row")),
        };
        let people = format!("{changed}. Both databases hold the same: {}.", holds.join(", "));
        Ok(Answer::new(serde_json::to_value(&report).unwrap_or_default(), people))
    }
}
