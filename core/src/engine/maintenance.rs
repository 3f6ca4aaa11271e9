//! Housekeeping: writing down ends, deleting old records, counting. Never needed for a right answer.

use std::sync::atomic::Ordering;

use serde::Serialize;

use super::tenant::WriteContext;
use super::{Engine, Tenant};
use crate::clock::{Stopwatch, Timestamp};
use crate::duration::Duration;
use crate::error::{Error, Failure};
use crate::model::id::SessionId;
use crate::model::session::Status;
use crate::rules::expiry;
use crate::store::Durability;
use crate::store::{ClockMark, SessionLifetime, SessionScope};

/// How many sessions are looked at in one go, without the write lock.
const BATCH: usize = 200;

/// How many of them one transaction changes: few enough not to be in the way of a refresh, which waits for it.
const MOST_CHANGES: usize = 4;

/// What a purge deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PurgeBefore {
    /// Records of sessions that ended longer ago than this.
    OlderThan(Duration),
    /// Records of sessions that ended before this moment.
    Time(Timestamp),
}

/// The sessions of a tenant by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SessionCounts {
    /// Those that live.
    pub active: u64,
    /// Those that reached their end.
    pub expired: u64,
    /// Those that were ended before.
    pub revoked: u64,
}

/// What there is of a tenant. As JSON: the names below, times in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Its sessions by status.
    pub sessions: SessionCounts,
    /// Sign-ins of the last 24 hours.
    pub created_last_24h: u64,
    /// The size of the whole database in bytes, without the write-ahead log.
    pub database_bytes: u64,
    /// The earliest end by the clock that no sweep has written down yet.
    pub oldest_unswept_at: Option<Timestamp>,
}

impl Tenant {
    /// Writes down the ends of sessions that the clock has ended, in small transactions; how many. It changes no answer.
    /// Cut short, also by a power loss, it loses nothing: the next sweep goes on with what is left. It does not wait for
    /// the disk.
    ///
    /// # Errors
    /// None of its own.
    pub fn sweep(&self) -> Result<u64, Error> {
        self.in_batches(
            Durability::Normal,
            |life, now, idle| life.times.end.is_none() && life.times.end_at(now, idle).is_some(),
            |w, life| w.stamp_due_end(life.id, &life.times).map(drop),
        )
    }

    /// Deletes the records of sessions that ended before then, in small transactions; how many. Afterwards they are
    /// unknown.
    ///
    /// # Errors
    /// None of its own.
    pub fn purge(&self, before: PurgeBefore) -> Result<u64, Error> {
        self.in_batches(
            Durability::Full,
            move |life, now, idle| {
                let cut = match before {
                    PurgeBefore::OlderThan(age) => now.before(age),
                    PurgeBefore::Time(moment) => moment,
                };
                life.times.end_at(now, idle).is_some_and(|end| end.at < cut)
            },
            |w, life| w.store.delete_session(w.tenant, life.id),
        )
    }

    /// Applies `change` to all sessions that `concerned` picks, a batch a transaction, found without the write lock.
    fn in_batches(
        &self,
        durability: Durability,
        concerned: impl Fn(&SessionLifetime, Timestamp, Option<Duration>) -> bool + Copy + Send + 'static,
        change: impl Fn(&WriteContext<'_>, &SessionLifetime) -> Result<(), Failure> + Copy + Send + 'static,
    ) -> Result<u64, Error> {
        let mut count = 0;
        let mut after = None;
        loop {
            let (candidates, last, news) = self.read(|r| {
                let idle = r.current.config.idle_timeout;
                let lives = r.store.scan_oldest_first(r.tenant, after, BATCH)?;
                let last = lives.last().map(|life| life.id);
                let picked: Vec<&SessionLifetime> =
                    lives.iter().filter(|life| concerned(life, r.now, idle)).collect();
                let news = picked.iter().any(|life| !concerned(life, r.mark.highest, idle));
                let news = news.then_some(ClockMark { highest: r.now, ..r.mark });
                Ok(Ok((picked.iter().map(|life| life.id).collect::<Vec<SessionId>>(), last, news)))
            })?;
            if let Some(mark) = news {
                self.persist_clock_mark(mark)?;
            }
            for candidates in candidates.chunks(MOST_CHANGES).map(<[_]>::to_vec) {
                let changing = self.begin_as(durability, move |_, w| {
                    let mut changed = 0;
                    for &id in &candidates {
                        // Again, now that nobody can refresh it in between.
                        let Some(row) = w.store.session(w.tenant, id)? else { continue };
                        let life = SessionLifetime { id, times: row.life };
                        if concerned(&life, w.now, w.current.config.idle_timeout) {
                            change(w, &life)?;
                            changed += 1;
                        }
                    }
                    Ok(Ok(changed))
                });
                let work = Stopwatch::start();
                count += changing.wait()?;
                // Half of the time belongs to others: of the write lock, of the disk, of a small machine's processors.
                std::thread::sleep(work.elapsed());
            }
            match last {
                Some(last) => after = Some(last),
                None => return Ok(count),
            }
        }
    }

    /// Counts the tenant's sessions, looking at each.
    ///
    /// # Errors
    /// None of its own.
    pub fn stats(&self) -> Result<Stats, Error> {
        self.read(|r| {
            let day_ago = r.now.before(Duration::DAY_1);
            let mut stats = Stats { database_bytes: r.store.database_bytes()?, ..Stats::default() };
            let mut after = None;
            loop {
                let lives = r.store.scan_oldest_first(r.tenant, after, BATCH)?;
                let Some(last) = lives.last() else { break };
                after = Some(last.id);
                for life in &lives {
                    let end = r.effective_end(&life.times);
                    match end.map_or(Status::Active, |end| end.status()) {
                        Status::Active => stats.sessions.active += 1,
                        Status::Expired => stats.sessions.expired += 1,
                        Status::Revoked => stats.sessions.revoked += 1,
                    }
                    if life.times.created_at > day_ago {
                        stats.created_last_24h += 1;
                    }
                    if let (Some(end), None) = (end, life.times.end) {
                        let oldest = stats.oldest_unswept_at.get_or_insert(end.at);
                        *oldest = end.at.min(*oldest);
                    }
                }
            }
            Ok(Ok(stats))
        })
    }
}

impl Engine {
    /// Lets time go back to the clock after a false jump forward: from now on "now" is the clock's again, in every
    /// process. What the false time had ended stays ended: every such session is written down first.
    ///
    /// # Errors
    /// `engine_closed`, `forked`, `storage_…`.
    pub fn lower_clock_mark(&self) -> Result<(), Error> {
        let core = &self.core;
        core.usable()?;
        let mut lowered = None;
        core.store.write_exclusive(&mut |store| {
            let clock = core.clock_time()?;
            let mark = store.clock_mark()?;
            let now = core.now(clock, mark);
            for tenant in store.tenant_numbers()? {
                let row = store.tenant(tenant)?;
                for life in store.open_sessions(tenant, SessionScope::Tenant)? {
                    if let Some(end) = life.times.end_at(now, row.config.idle_timeout) {
                        store.end_session(tenant, life.id, end)?;
                    }
                }
                if now > clock {
                    // Tokens of the false time outlive those that the key signs from now on.
                    let horizon = expiry::token_horizon(now, &row.config, row.token_horizon);
                    store.set_config(tenant, &row.config, horizon)?;
                }
            }
            let mark = ClockMark { highest: clock.max(Timestamp::default()), epoch: mark.epoch + 1 };
            lowered = Some((clock, mark));
            store.reset_clock_mark(mark)
        })?;
        if let Some((clock, mark)) = lowered {
            // What does not ask the database must not go on in the false time.
            core.now(clock, mark);
        }
        core.changes.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}
