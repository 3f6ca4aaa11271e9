//! Counting the sessions of a tenant: now, and over time.

use super::counts::{SeriesSpan, Stats, StatsPeriod, StatsSeries};
use super::tenant::Tenant;
use super::transaction::ReadContext;
use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::error::{Error, Failure};
use crate::model::operation::Operation;
use crate::model::session::{End, EndReason, SessionLifetime, Status};
use crate::rules::status::{Cause, FoundEnd};
use crate::store::{NeededSessions, SessionScope};

impl Tenant {
    /// Counts the tenant's sessions by looking at each, 1,000 in one read transaction: the counts of a large tenant are of
    /// slightly different instants. Each session is counted once, as it was when it was looked at; one that came, ended or
    /// went meanwhile may or may not show.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// assert_eq!(tenant.stats()?.sessions.active, 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn stats(&self) -> Result<Stats, Error> {
        self.observe(Operation::Stats, Stats::rows, || self.survey(|_, _, _| ()))
    }

    /// The same, and how many sessions began, ended and were active in each hour of the last 24 or each day of the last 30, from
    /// the same walk. All periods are of the instant at which the call began. The numbers come from the sessions' records: a
    /// session whose record was purged is in none of them.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let series = tenant.stats_series(hellojohn::SeriesSpan::Hours24)?;
    /// assert_eq!(series.periods.len(), 24);
    /// assert_eq!(series.periods[23].created, 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn stats_series(&self, span: SeriesSpan) -> Result<StatsSeries, Error> {
        let rows = |series: &StatsSeries| series.stats.rows();
        self.observe(Operation::StatsSeries, rows, || self.survey_series(span))
    }

    fn survey_series(&self, span: SeriesSpan) -> Result<StatsSeries, Error> {
        let mut periods: Option<Periods> = None;
        let stats = self.survey(|now, session, end| {
            periods.get_or_insert_with(|| Periods::until(now, span)).count(session, end);
        })?;
        let periods = match periods {
            Some(periods) => periods,
            None => Periods::until(self.read(|ctx| Ok(ctx.now))?, span),
        };
        Ok(StatsSeries { stats, periods: periods.finish() })
    }

    /// Looks at every session once. `visit` gets the engine's now, the session and its end.
    fn survey(
        &self,
        mut visit: impl FnMut(Timestamp, &SessionLifetime, Option<End>),
    ) -> Result<Stats, Error> {
        let mut stats = Stats::default();
        let mut after = None;
        loop {
            let (counted, looked_at, now, last) = self.read_about(NeededSessions::Scanned, |ctx| {
                let (sessions, last) = ctx.scan_step(SessionScope::Tenant, after)?;
                let clock = self.inner.estimated_time()?.as_millis();
                let (newest, seal) = match last {
                    None => {
                        (ctx.transaction.newest_event(ctx.tenant)?, ctx.transaction.newest_seal(ctx.tenant)?)
                    }
                    Some(_) => (0, None),
                };
                let mut counted = Stats {
                    database_bytes: ctx.transaction.database_bytes()?,
                    clock_ahead_ms: u64::try_from(ctx.mark.highest.as_millis() - clock).unwrap_or(0),
                    newest_event: newest,
                    newest_sealed_event: seal.map_or(0, |seal| seal.seq),
                    ..stats
                };
                let mut looked_at = Vec::with_capacity(sessions.len());
                for session in sessions {
                    let end = count_session(&mut counted, ctx, &session)?;
                    looked_at.push((session, end));
                }
                Ok((counted, looked_at, ctx.now, last))
            })?;
            stats = counted;
            for (session, end) in &looked_at {
                visit(now, session, *end);
            }
            match last {
                Some(last) => after = Some(last),
                None => return Ok(Stats { log_bytes: self.inner.store.log_bytes()?, ..stats }),
            }
        }
    }
}

impl Stats {
    /// How many sessions were counted.
    fn rows(&self) -> u64 {
        self.sessions.active + self.sessions.expired + self.sessions.revoked
    }
}

fn count_session(
    stats: &mut Stats,
    ctx: &ReadContext<'_>,
    session: &SessionLifetime,
) -> Result<Option<End>, Failure> {
    let found = ctx.find_end(session)?;
    match found.map_or(Status::Active, |found| found.end.status()) {
        Status::Active => stats.sessions.active += 1,
        Status::Expired => stats.sessions.expired += 1,
        Status::Revoked => stats.sessions.revoked += 1,
    }
    if session.times.created_at > ctx.now.before(Duration::DAY_1) {
        stats.created_last_24h += 1;
    }
    if let Some(FoundEnd { end, cause: Cause::Clock, .. }) = found {
        let oldest = stats.oldest_unswept_at.get_or_insert(end.at);
        *oldest = end.at.min(*oldest);
    }
    Ok(found.map(|found| found.end))
}

/// Periods of one length, one after the other; an instant at which one ends belongs to it.
struct Periods {
    begins_at: i64,
    length: i64,
    periods: Vec<StatsPeriod>,
    /// By how many more sessions are active at the end of each period than at that of the one before.
    gained: Vec<i64>,
}

impl Periods {
    fn until(now: Timestamp, span: SeriesSpan) -> Self {
        let (count, length) = match span {
            SeriesSpan::Hours24 => (24, 3_600_000),
            SeriesSpan::Days30 => (30, 86_400_000),
        };
        let begins_at = now.as_millis() - count * length;
        let at = |index: i64| Timestamp::from_millis(begins_at + index * length);
        let period =
            |index| StatsPeriod { begins_at: at(index), ends_at: at(index + 1), ..Default::default() };
        let periods: Vec<StatsPeriod> = (0..count).map(period).collect();
        let gained = vec![0; periods.len()];
        Periods { begins_at, length, periods, gained }
    }

    /// The number of the period that an instant is in: below 0 before them, at least their count after them.
    fn index_of(&self, at: Timestamp) -> i64 {
        (at.as_millis() - self.begins_at - 1).div_euclid(self.length)
    }

    fn count(&mut self, session: &SessionLifetime, end: Option<End>) {
        let created = self.index_of(session.times.created_at);
        if let Some(period) = usize::try_from(created).ok().and_then(|index| self.periods.get_mut(index)) {
            period.created += 1;
        }
        self.gain(created, 1);
        let Some(end) = end else { return };
        let ended = self.index_of(end.at).max(created);
        self.gain(ended, -1);
        if let Some(period) = usize::try_from(ended).ok().and_then(|index| self.periods.get_mut(index)) {
            period.ended += 1;
            *match end.reason {
                EndReason::SignOut => &mut period.ended_sign_out,
                EndReason::Revoked => &mut period.ended_revoked,
                EndReason::RevokeAll => &mut period.ended_revoke_all,
                EndReason::RevokeTenant => &mut period.ended_revoke_tenant,
                EndReason::MaxSessions => &mut period.ended_max_sessions,
                EndReason::IdleTimeout => &mut period.ended_idle_timeout,
                EndReason::RefreshTokenReuse => &mut period.ended_refresh_token_reuse,
                EndReason::Restored => &mut period.ended_restored,
                EndReason::Expired => &mut period.ended_expired,
            } += 1;
        }
    }

    /// What was so before the first period counts for the first; what is so after the last counts for none.
    fn gain(&mut self, index: i64, by: i64) {
        if let Some(gained) = usize::try_from(index.max(0)).ok().and_then(|index| self.gained.get_mut(index))
        {
            *gained += by;
        }
    }

    fn finish(self) -> Vec<StatsPeriod> {
        let mut active = 0;
        let at_end = self.gained.into_iter().map(|gained| {
            active += gained;
            u64::try_from(active).unwrap_or(0)
        });
        self.periods
            .into_iter()
            .zip(at_end)
            .map(|(period, active)| StatsPeriod { active, ..period })
            .collect()
    }
}
