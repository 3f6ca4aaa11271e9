//! Lowering the clock mark after the machine's clock had jumped ahead.

use std::sync::atomic::Ordering;

use super::builder::Engine;
use super::session_ends::{Selection, SessionEnds};
use super::tenant_snapshot::bulk_ends_of;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::rules::expiry;
use crate::store::{ClockMark, SessionScope};

impl Engine {
    /// Lets time go back to the clock after a false jump forward: from now on "now" is the clock's again, in every
    /// process. What the false time had ended stays ended: that is written down with it, as one act for each tenant.
    ///
    /// # Errors
    /// `engine_closed`, `forked`, `storage_…`.
    pub fn lower_clock_mark(&self) -> Result<(), Error> {
        let inner = &self.inner;
        inner.require_open()?;
        let mut lowered = None;
        inner.store.write_exclusive(&mut |transaction| {
            let clock = inner.clock_time()?;
            let mark = transaction.clock_mark()?;
            let now = inner.now(clock, mark);
            let mut direct_max = inner.direct_ends_max;
            // Where time does not go back, every end by the clock stays one.
            let tenants = if now > clock { transaction.tenant_numbers()? } else { Vec::new() };
            for tenant in tenants {
                let record = transaction.tenant(tenant)?;
                let ends = SessionEnds {
                    transaction,
                    tenant,
                    now,
                    idle_timeout: record.config.idle_timeout,
                    bulk_ends: &bulk_ends_of(transaction.bulk_ends(tenant)?),
                    epoch: mark.epoch,
                    direct_max,
                };
                match ends.few_sessions(SessionScope::Tenant)? {
                    Some(sessions) => {
                        direct_max -= sessions.len();
                        for session in &sessions {
                            ends.stamp(session)?;
                        }
                    }
                    None => drop(ends.add_bulk_end(&Selection::ENDED_BY_CLOCK)?),
                }
                // Tokens of the false time outlive those that the key signs from now on.
                let horizon = expiry::token_horizon(now, &record.config, record.token_horizon);
                transaction.set_config(tenant, &record.config, horizon)?;
            }
            let mark = ClockMark { highest: clock.max(Timestamp::default()), epoch: mark.epoch + 1 };
            lowered = Some((clock, mark));
            transaction.reset_clock_mark(mark)
        })?;
        if let Some((clock, mark)) = lowered {
            // Calls that do not read the database must not go on in the false time.
            inner.now(clock, mark);
        }
        inner.settings_changes.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}
