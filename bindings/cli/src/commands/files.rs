//! `backup`, `restore` and `check`: a database as a whole, for which no secret key is needed.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use hellojohn::{
    CopyProgress, Error, ReplayReport, RestorePolicy, backup_database, check_database, restore_database,
    restore_database_with_events,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::events::read_keys;
use crate::answer::{Answer, count, table, text};
use crate::context::Context;
use crate::exit_code::REFUSED;
use crate::failure::CommandFailure;

/// The policy that a log belongs to.
const REPLAY: &str = "replay_events";

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
    /// them as they were then; replay_events ends those of which a log tells, and every session of another tenant
    #[arg(long, value_name = "POLICY")]
    policy: String,
    /// For replay_events: the log that `hellojohn events export` wrote after the backup
    #[arg(long, value_name = "FILE", requires = "jwks")]
    events: Option<PathBuf>,
    /// For replay_events: the public keys of the time of the export, as `hellojohn jwks` printed them
    #[arg(long, value_name = "FILE", requires = "events")]
    jwks: Option<PathBuf>,
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
        let database = &context.options.database;
        let to = database.to_string_lossy();
        match (&self.events, &self.jwks) {
            (Some(log), Some(keys)) if self.policy == REPLAY => {
                let report = restore_database_with_events(&self.backup, database, log, &read_keys(keys)?)?;
                let mut answer = serde_json::to_value(report).unwrap_or_default();
                answer["to"] = to.as_ref().into();
                answer["policy"] = REPLAY.into();
                return Ok(Answer::new(answer, format!("Restored {to}. {}", describe_replay(&report))));
            }
            (None, None) if self.policy == REPLAY => {
                return Err(Error::validation("events", "is required by replay_events").into());
            }
            (None, None) => {}
            _ => return Err(Error::validation("events", "belongs to the policy replay_events").into()),
        }
        let policy: RestorePolicy = self.policy.parse()?;
        restore_database(&self.backup, database, policy)?;
        let sessions = match policy {
            RestorePolicy::Keep => "Sessions are as they were when the backup was made",
            _ => "Every session is over: users sign in again",
        };
        Ok(Answer::new(json!({ "to": to, "policy": policy.as_str() }), format!("Restored {to}. {sessions}.")))
    }
}

/// What has become of a log, and what the operator has to do again.
fn describe_replay(report: &ReplayReport) -> String {
    let mut told = format!(
        "The log has ended {}. Lost, because they began after the backup: {}.",
        count(report.ended, "session"),
        count(report.lost_sessions, "session")
    );
    if report.rest_ended {
        told.push_str(
            "\nEvery other session is over too: the refresh key was replaced after the backup was made.",
        );
    }
    let undone = [
        (report.undone_secret_keys, "change of the secret key", "changes of the secret key"),
        (u64::from(report.rest_ended), "replacement of the refresh key", ""),
        (report.revived_keys, "retirement of a signing key", "retirements of signing keys"),
        (report.undone_settings, "change of settings", "changes of settings"),
        (report.undone_updates, "change of a session", "changes of sessions"),
    ];
    for (times, one, many) in undone.into_iter().filter(|(times, ..)| *times > 0) {
        let what = if times == 1 { one } else { many };
        let _ = write!(told, "\nUndone by the restore, to be done again: {times} {what}.");
    }
    told
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
