//! Lowering the clock mark after the machine's clock had jumped ahead.

use std::sync::atomic::Ordering;

use super::builder::Engine;
use super::event_log::EventLog;
use super::revocation_log::RevocationLog;
use super::session_ends::{Selection, SessionEnds};
use super::tenant_snapshot::bulk_ends_of;
use crate::clock::Timestamp;
use crate::error::{Error, Failure};
use crate::model::operation::Operation;
use crate::random::{self, Random};
use crate::rules::expiry;
use crate::store::{ClockMark, SessionScope};

impl Engine {
    /// Lets time go back to the clock after a false jump forward: from now on "now" is the clock's again, in every
    /// process. The machine's clock is taken to be right: this also ends `clock_jump`. What the false time had ended stays
    /// ended: that is written down with it, as one act for each tenant.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// engine.lower_clock_mark()?;
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `engine_closed`, `forked`, `storage_…`.
    pub fn lower_clock_mark(&self) -> Result<(), Error> {
        self.inner.observe(Operation::LowerClockMark, None, |()| 0, || self.trust_clock())
    }

    fn trust_clock(&self) -> Result<(), Error> {
        let inner = &self.inner;
        inner.require_open()?;
        inner.clock.trust();
        let mut lowered = None;
        inner.store.write_exclusive(&mut |transaction| {
            let clock = inner.transaction_time(transaction)?;
            let mark = transaction.clock_mark()?;
            let now = inner.now(clock, mark);
            let mut direct_max = inner.direct_ends_max;
            // Where time does not go back, every end by the clock stays one.
            let tenants = if now > clock { transaction.tenant_numbers()? } else { Vec::new() };
            for tenant in tenants {
                let record = transaction.tenant(tenant)?;
                let keys = transaction.keys(tenant)?;
                let revocations = RevocationLog::of_tenant(transaction, tenant, now, &record, &keys);
                revocations.begin_anew_after(clock)?;
                let ends = SessionEnds {
                    transaction,
                    tenant,
                    now,
                    events: EventLog {
                        transaction,
                        tenant,
                        now,
                        ids: &inner.ids,
                        random: &*inner.random,
                        actor: None,
                        is_on: record.config.event_retention.is_some(),
                    },
                    revocations,
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
            let mark = ClockMark {
                highest: clock.max(Timestamp::default()),
                epoch: next_epoch(mark.epoch, clock, &*inner.random)?,
            };
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

/// A later epoch of the clock mark. It grows with the time, so that it comes back in no past that a restored backup takes
/// the database back to; its last bits are random, for clocks that stand still.
fn next_epoch(epoch: i64, clock: Timestamp, random: &dyn Random) -> Result<i64, Failure> {
    let [first, second] = *random::draw_bytes::<2>(random)?;
    let of_time = clock.max(Timestamp::default()).as_millis().saturating_mul(1 << 14);
    Ok((of_time | i64::from(u16::from_le_bytes([first, second]) >> 2)).max(epoch.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicI64;

    use super::*;
    use crate::clock::{MachineTime, Reading, TimeSource};
    use crate::duration::Duration;
    use crate::engine::CreateSession;
    use crate::engine::inner::{EngineInner, EngineSettings};
    use crate::error::ErrorCode;
    use crate::random::OsRandom;
    use crate::store::{self, Database, SqliteDatabase, StoreOptions};

    /// An engine in memory on a machine whose wall clock the test sets.
    fn engine_with_wall_clock(wall: &Arc<AtomicI64>) -> Engine {
        let options = StoreOptions::default();
        let store = store::open(Database::Sqlite(SqliteDatabase::Memory), options).unwrap();
        let wall = Arc::clone(wall);
        let read = move || Reading { wall: wall.load(Ordering::SeqCst), elapsed: 0 };
        let clock = TimeSource::Machine(MachineTime::reading(Duration::HOUR_1, Box::new(read)));
        let random = Box::new(OsRandom);
        let inner = EngineInner::new(store, clock, random, EngineSettings::without_limits());
        Engine { inner: Arc::new(inner) }
    }

    #[test]
    fn a_clock_that_jumps_refuses_every_call_and_raises_no_mark() {
        const START: i64 = 1_767_225_600_000;
        const JUMP: i64 = 3 * 3_600_000;
        let wall = Arc::new(AtomicI64::new(START));
        let engine = engine_with_wall_clock(&wall);
        let tenant = engine.tenant(&"tnt".parse().unwrap(), &"sk_a".parse().unwrap()).unwrap();
        let create = || tenant.create(CreateSession::new("u".parse().unwrap()));
        let grant = create().unwrap();
        let token = grant.access_token.expose();

        wall.fetch_add(JUMP, Ordering::SeqCst);
        assert_eq!(create().unwrap_err().code(), ErrorCode::ClockJump);
        // Neither valid nor expired: by the false time the token is dead.
        assert_eq!(tenant.verify_access_token(token).unwrap_err().error.code(), ErrorCode::ClockJump);
        assert_eq!(
            tenant.verify_locally(token, &Default::default()).unwrap_err().code(),
            ErrorCode::ClockJump
        );
        assert_eq!(tenant.stats().unwrap_err().code(), ErrorCode::ClockJump);

        wall.store(START + 1, Ordering::SeqCst);
        assert_eq!(create().unwrap().session.created_at, Timestamp::from_millis(START + 1));
        tenant.verify_access_token(token).unwrap();

        // The clock was wrong before, say: the operator accepts what it shows now.
        wall.fetch_add(JUMP, Ordering::SeqCst);
        engine.lower_clock_mark().unwrap();
        assert_eq!(create().unwrap().session.created_at, Timestamp::from_millis(START + 1 + JUMP));
        assert_eq!(tenant.stats().unwrap().clock_ahead_ms, 0);
    }
}
