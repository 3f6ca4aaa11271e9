//! Lowering the clock mark after the machine's clock had jumped ahead.

use std::sync::atomic::Ordering;

use super::builder::Engine;
use super::transaction::stamp_due_end;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::rules::expiry;
use crate::store::{ClockMark, SessionScope};

impl Engine {
    /// Lets time go back to the clock after a false jump forward: from now on "now" is the clock's again, in every
    /// process. What the false time had ended stays ended: every such session is written down first.
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
            for tenant in transaction.tenant_numbers()? {
                let record = transaction.tenant(tenant)?;
                let idle_timeout = record.config.idle_timeout;
                for session in transaction.open_sessions(tenant, SessionScope::Tenant)? {
                    stamp_due_end(transaction, tenant, session.id, &session.times, now, idle_timeout)?;
                }
                if now > clock {
                    // Tokens of the false time outlive those that the key signs from now on.
                    let horizon = expiry::token_horizon(now, &record.config, record.token_horizon);
                    transaction.set_config(tenant, &record.config, horizon)?;
                }
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
