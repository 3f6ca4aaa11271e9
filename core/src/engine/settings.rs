//! The tenant's settings.

use super::bulk_write::BulkStep;
use super::event_log::EventData;
use super::session_ends::Selection;
use super::tenant::Tenant;
use crate::error::{Error, Refusal};
use crate::model::config::{Config, ConfigPatch};
use crate::model::event::EventType;
use crate::model::operation::Operation;
use crate::rules::expiry;

impl Tenant {
    /// The settings in force.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// assert_eq!(tenant.config()?.session_duration.to_string(), "30d");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn config(&self) -> Result<Config, Error> {
        self.observe(Operation::Config, |_| 0, || Ok::<_, Error>(self.latest_snapshot()?.config.clone()))
    }

    /// Changes settings, all or none, and answers with the settings now in force. Before the idle time-out changes, every
    /// session that had ended under the old one is written down as ended.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// let patch: hellojohn::ConfigPatch = r#"{"idle_timeout": "7d", "max_sessions_per_user": 5}"#.parse()?;
    /// assert_eq!(tenant.update_config(&patch)?.max_sessions_per_user, Some(5));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` naming the setting: nothing is changed then.
    pub fn update_config(&self, patch: &ConfigPatch) -> Result<Config, Error> {
        self.observe(Operation::UpdateConfig, |_| 0, || self.change_config(patch))
    }

    fn change_config(&self, patch: &ConfigPatch) -> Result<Config, Error> {
        let patch = patch.clone();
        self.bulk_write_alone(move |_, ctx| {
            let old = &ctx.snapshot.config;
            let new = patch.apply(old).map_err(Refusal::because)?;
            if new == *old {
                ctx.transaction.outlast_leases(None); // another call may have made them so just now
                return Ok(BulkStep::Done(new));
            }
            if expiry::idle_timeout_alters_ends(old.idle_timeout, new.idle_timeout)
                && let BulkStep::Finish(oldest) = ctx.end_many(&Selection::ENDED_BY_CLOCK)?
            {
                return Ok(BulkStep::Finish(oldest));
            }
            // Tokens that the active key signed under the old settings may outlive those of the new ones.
            let horizon = expiry::token_horizon(ctx.now, old, ctx.snapshot.token_horizon);
            ctx.transaction.set_config(ctx.tenant, &new, horizon)?;
            if new.revocation_list && !old.revocation_list {
                ctx.revocations_under(&new).begin()?;
            }
            // Told also by the change that turns events on, and by the one that turns them off.
            let told_under = if new.event_retention.is_some() { &new } else { old };
            ctx.events_under(told_under).tell(EventType::ConfigUpdated, None, || {
                EventData::default().with("changed", new.changed_since(old))
            })?;
            Ok(BulkStep::Done(new))
        })
    }
}
