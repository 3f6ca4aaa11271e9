//! What counting the sessions of a tenant answers with.

use crate::clock::Timestamp;
use crate::schema::public_record;
use crate::word_enum::word_enum;

public_record! {
    /// The sessions of a tenant by status.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// assert_eq!(tenant.stats()?.sessions.active, 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct SessionCounts {
        /// Sessions that are active.
        pub active: u64,
        /// Sessions that reached their end.
        pub expired: u64,
        /// Sessions that were ended before it.
        pub revoked: u64,
    }
}

public_record! {
    /// Counts over one tenant. As JSON: the names below, times as RFC 3339 in whole
    /// seconds, absent values null.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let stats = tenant.stats()?;
    /// assert!(stats.created_last_24h == 1 && stats.database_bytes > 0);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct Stats {
        /// Its sessions by status.
        pub sessions: SessionCounts,
        /// Sign-ins of the last 24 hours.
        pub created_last_24h: u64,
        /// The size of the whole database in bytes, without the write-ahead log.
        pub database_bytes: u64,
        /// The size of the write-ahead log in bytes. Up to some 100 MB are normal: the log is reused from its beginning, not
        /// cut. Far more means that a reader of another program holds on to an old state.
        pub log_bytes: u64,
        /// The earliest end by the clock that no sweep has written down yet.
        pub oldest_unswept_at: Option<Timestamp>,
        /// By how many milliseconds the highest time that the database has seen is ahead of the clock; 0 if it is not. The
        /// database keeps to that time: see `lower_clock_mark`.
        pub clock_ahead_ms: u64,
        /// The number of the newest event, also of one that was deleted; 0 before the first.
        pub newest_event: u64,
        /// The number of the newest event that is sealed; 0 before the first seal.
        pub newest_sealed_event: u64,
    }
}

word_enum! {
    /// Over which time numbers are given.
    pub enum SeriesSpan as "series" {
        /// The last 24 hours, in hours.
        Hours24 = "24h",
        /// The last 30 days, in days of 24 hours.
        Days30 = "30d",
    }
}

public_record! {
    /// What happened in an hour or a day. As JSON: the names below, times as RFC 3339 in whole
    /// seconds, absent values null.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let series = tenant.stats_series("24h".parse()?)?;
    /// assert_eq!(series.periods.last().expect("24 hours").created, 1);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct StatsPeriod {
        /// When it begins; this instant itself belongs to the period before.
        pub begins_at: Timestamp,
        /// When it ends; the last period ends at the engine's now.
        pub ends_at: Timestamp,
        /// Sign-ins.
        pub created: u64,
        /// Sessions that were active at its end.
        pub active: u64,
        /// Sessions that ended.
        pub ended: u64,
        /// Of these: the device signed out.
        pub ended_sign_out: u64,
        /// Of these: ended by request, one session or those of a filter.
        pub ended_revoked: u64,
        /// Of these: all sessions of the user were ended.
        pub ended_revoke_all: u64,
        /// Of these: all sessions of the tenant were ended.
        pub ended_revoke_tenant: u64,
        /// Of these: replaced by a newer sign-in under the cap.
        pub ended_max_sessions: u64,
        /// Of these: idle for too long.
        pub ended_idle_timeout: u64,
        /// Of these: an old refresh token was presented.
        pub ended_refresh_token_reuse: u64,
        /// Of these: ended by the restore of a backup.
        pub ended_restored: u64,
        /// Of these: reached their end.
        pub ended_expired: u64,
    }
}

/// Counts over one tenant, now and over time.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// let series = tenant.stats_series("30d".parse()?)?;
/// assert_eq!((series.stats.sessions.active, series.periods.len()), (0, 30));
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StatsSeries {
    /// Now.
    pub stats: Stats,
    /// The periods, oldest first: 24 hours or 30 days.
    pub periods: Vec<StatsPeriod>,
}
