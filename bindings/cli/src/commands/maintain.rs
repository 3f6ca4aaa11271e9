//! `maintain`: what hosts do from time to time, done now.

use clap::Subcommand;
use hellojohn::{Duration, MaintenanceReport, PurgeBefore, lower_lease};
use serde_json::json;

use crate::answer::{Answer, count};
use crate::context::Context;
use crate::failure::CommandFailure;

#[derive(Debug, Subcommand)]
pub(crate) enum MaintainCommand {
    /// Do everything that keeps the tenant's data in order, in rounds until nothing is left
    Run,
    /// Write down the ends of sessions that ended by the clock
    Sweep,
    /// Delete the records of sessions that ended long ago
    Purge {
        /// How long ago they ended, such as 90d
        #[arg(long, value_name = "DURATION")]
        older_than: String,
    },
    /// Go back to the machine's clock after it was wrong: what the false time has ended stays ended
    LowerClockMark,
    /// Shorten the time for which hosts on a PostgreSQL database remember verifications, and wait until the longer leases have ended
    ///
    /// Open the hosts anew with the shorter lease before, or without one.
    LowerLease {
        /// In milliseconds, 0 to 5000; 0 for not at all
        #[arg(value_name = "MS", value_parser = clap::value_parser!(u64).range(0..=5_000))]
        longest: u64,
    },
}

impl MaintainCommand {
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        match self {
            MaintainCommand::Run => {
                let tenant = context.open_tenant()?;
                let mut total = MaintenanceReport::default();
                loop {
                    let round = tenant.maintain()?;
                    total.stamped += round.stamped;
                    total.purged += round.purged;
                    total.sealed_events += round.sealed_events;
                    total.deleted_events += round.deleted_events;
                    total.retired_keys += round.retired_keys;
                    if !round.has_more {
                        return Ok(Answer::details(serde_json::to_value(total).unwrap_or_default()));
                    }
                }
            }
            MaintainCommand::Sweep => {
                let stamped = context.open_tenant()?.sweep()?;
                let people = format!("Wrote down the ends of {}.", count(stamped, "session"));
                Ok(Answer::new(json!({ "stamped": stamped }), people))
            }
            MaintainCommand::Purge { older_than } => {
                let age: Duration = older_than.parse()?;
                let purged = context.open_tenant()?.purge(PurgeBefore::OlderThan(age))?;
                let people = format!("Deleted the records of {}.", count(purged, "session"));
                Ok(Answer::new(json!({ "purged": purged }), people))
            }
            MaintainCommand::LowerLease { longest } => {
                let longest = std::time::Duration::from_millis(*longest);
                let wait = lower_lease(&context.options.database, longest)?.as_millis();
                let people = format!("Calls that end a session wait {wait} ms from now on.");
                Ok(Answer::new(json!({ "wait_ms": u64::try_from(wait).unwrap_or(u64::MAX) }), people))
            }
            MaintainCommand::LowerClockMark => {
                context.open_engine()?.lower_clock_mark()?;
                Ok(Answer::new(json!({}), "The database goes by the machine's clock again."))
            }
        }
    }
}
