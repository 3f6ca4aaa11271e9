//! The tenant's settings.

use super::Tenant;
use crate::error::{Error, Refusal};
use crate::model::config::{Config, ConfigPatch};
use crate::rules::expiry;
use crate::store::SessionScope;

impl Tenant {
    /// The settings in force.
    ///
    /// # Errors
    /// None of its own.
    pub fn config(&self) -> Result<Config, Error> {
        Ok(self.latest()?.config.clone())
    }

    /// Changes settings, all or none, and answers with those in force now. Before the idle time-out changes, every
    /// session that had ended under the old one is written down as ended.
    ///
    /// # Errors
    /// `validation_error` naming the setting: nothing is changed then.
    pub fn update_config(&self, patch: &ConfigPatch) -> Result<Config, Error> {
        self.write_settings(|w| {
            let old = &w.current.config;
            let new = match patch.apply(old) {
                Ok(new) => new,
                Err(error) => return Ok(Err(Refusal::because(error))),
            };
            if new == *old {
                return Ok(Ok(new));
            }
            if expiry::idle_timeout_alters_ends(old.idle_timeout, new.idle_timeout) {
                for life in w.store.open_sessions(w.tenant, SessionScope::Tenant)? {
                    w.stamp_due_end(life.id, &life.times)?;
                }
            }
            // The tokens that the active key signed under the old settings may outlive those of the new ones.
            let horizon = expiry::token_horizon(w.now, old, w.current.token_horizon);
            w.store.set_config(w.tenant, &new, horizon)?;
            Ok(Ok(new))
        })
    }
}
