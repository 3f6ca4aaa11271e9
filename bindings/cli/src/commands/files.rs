//! `backup`, `restore` and `check`: a database as a whole, for which no secret key is needed.

use std::path::PathBuf;

use clap::Args;
use hellojohn::{CopyProgress, RestorePolicy, backup_database, check_database, restore_database};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::answer::{Answer, count, table, text};
use crate::context::Context;
use crate::exit_code::REFUSED;
use crate::failure::CommandFailure;

#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    /// The file to make; never one that is there
    to: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    /// The backup
    backup: PathBuf,
    /// What becomes of its sessions: end_all ends them, so that none that was ended after the backup lives again; keep leaves
    /// them as they were then
    #[arg(long, value_name = "POLICY")]
    policy: String,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The file; without it the one of --database
    file: Option<PathBuf>,
}

impl BackupArguments {
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        let target = match context.streams.shows_progress {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {bytes} of {total_bytes}, {eta} left") {
            bar.set_style(style);
        }
        let mut copied = 0;
        let progress = |now: CopyProgress| {
            copied = now.copied_bytes;
            bar.set_length(now.total_bytes);
            bar.set_position(now.copied_bytes);
        };
        let outcome = backup_database(&context.options.database, &self.to, progress);
        bar.finish_and_clear();
        outcome?;
        let to = self.to.display().to_string();
        let people = format!(
            "Copied the database into {to} ({copied} bytes). It holds every tenant's keys: keep it as safe as the database."
        );
        Ok(Answer::new(json!({ "to": to, "bytes": copied }), people))
    }
}

impl RestoreArguments {
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        let policy: RestorePolicy = self.policy.parse()?;
        let database = &context.options.database;
        restore_database(&self.backup, database, policy)?;
        let to = database.to_string_lossy();
        let sessions = match policy {
            RestorePolicy::Keep => "Sessions are as they were when the backup was made",
            _ => "Every session is over: users sign in again",
        };
        Ok(Answer::new(json!({ "to": to, "policy": policy.as_str() }), format!("Restored {to}. {sessions}.")))
    }
}

impl CheckArguments {
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        let file = self.file.as_ref().map_or(context.options.database.as_os_str(), |file| file.as_os_str());
        let report = check_database(file)?;
        let answer = serde_json::to_value(&report).unwrap_or_default();
        let counts = &report.counts;
        let read = format!(
            "{}, {}, {}",
            count(counts.tenants, "tenant"),
            count(counts.sessions, "session"),
            count(counts.signing_keys, "signing key")
        );
        if report.ok {
            return Ok(Answer::new(answer, format!("Nothing is wrong: {read}.")));
        }
        let row = |problem: &Value| ["kind", "object", "detail"].map(|name| text(&problem[name])).to_vec();
        let rows: Vec<_> = answer["problems"].as_array().into_iter().flatten().map(row).collect();
        let people = format!(
            "{} in what holds {read}:\n\n{}",
            count(report.problem_count, "problem"),
            table(&["KIND", "OBJECT", "PROBLEM"], rows)
        );
        Ok(Answer { exit_code: REFUSED, ..Answer::new(answer, people) })
    }
}
