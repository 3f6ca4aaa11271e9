//! Housekeeping: writing down ends, deleting old records, counting. No answer ever depends on it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::event_log::EventData;
use super::pace::Pace;
use super::tenant::Tenant;
use super::tenant_snapshot::TenantSnapshot;
use super::transaction::{ReadContext, WriteContext};
use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::error::{Error, Failure};
use crate::model::event::EventType;
use crate::model::id::SessionId;
use crate::model::operation::Operation;
use crate::model::session::{BulkNo, SessionLifetime};
use crate::object_reader::ObjectReader;
use crate::rules::status::{Cause, FoundEnd};
use crate::store::{ClockMark, Durability, NeededSessions, SessionScope};

/// How many sessions one read transaction looks at: 1 to 2 ms. A longer one would keep the write-ahead log from being emptied.
const SCAN_ROWS: usize = 1_000;

/// What a purge deletes.
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// use hellojohn::{PurgeBefore, Timestamp};
///
/// assert_eq!(tenant.purge(PurgeBefore::OlderThan("90d".parse()?))?, 0);
/// assert_eq!(tenant.purge(PurgeBefore::Time(Timestamp::from_millis(1_705_314_600_000)))?, 0);
///
/// let json = serde_json::json!({"older_than": "90d"});
/// assert_eq!(PurgeBefore::from_json(json.as_object().unwrap().clone())?, PurgeBefore::OlderThan("90d".parse()?));
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PurgeBefore {
    /// Records of sessions that ended longer ago than this.
    OlderThan(Duration),
    /// Records of sessions that ended before this time.
    Time(Timestamp),
}

impl PurgeBefore {
    /// Reads `older_than` (a duration) or `before` (milliseconds since the epoch).
    ///
    /// # Errors
    /// `validation_error` unless exactly one of them is given.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, Error> {
        let mut members = ObjectReader::request(object);
        let older_than = members.optional("older_than")?;
        let before = members.optional("before")?;
        members.finish()?;
        match (older_than, before) {
            (Some(age), None) => Ok(PurgeBefore::OlderThan(age)),
            (None, Some(moment)) => Ok(PurgeBefore::Time(moment)),
            _ => Err(Error::validation("older_than", "exactly one of older_than and before is required")),
        }
    }

    /// Sessions that ended before this time are deleted.
    fn cutoff(self, now: Timestamp) -> Timestamp {
        match self {
            PurgeBefore::OlderThan(age) => now.before(age),
            PurgeBefore::Time(time) => time,
        }
    }
}

/// The sessions that long work looks at: so many pages of them, from after one on.
struct Walk<'a> {
    scope: SessionScope<'a>,
    after: Option<SessionId>,
    pages: usize,
}

impl Tenant {
    /// Writes down the ends of sessions that the clock has ended, in small transactions; how many. It changes no answer.
    /// Cut short, also by a power loss, it loses nothing: the next sweep goes on with what is left. It does not wait for
    /// the disk. It takes half of the time that it could take and gives way to every other write: none waits for it
    /// longer than some 10 ms.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// assert_eq!(tenant.sweep()?, 0); // the clock has ended nothing
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn sweep(&self) -> Result<u64, Error> {
        self.observe(Operation::Sweep, u64::clone, || self.stamp_all())
    }

    fn stamp_all(&self) -> Result<u64, Error> {
        self.sweep_sign_in_failures()?;
        let stamped = self.settle(SessionScope::Tenant)?;
        self.delete_dead_revocations(usize::MAX)?;
        self.inner.erase_what_is_owed();
        Ok(stamped)
    }

    /// Writes down every end in the scope that is not, and finishes the bulk ends that concern no session beyond it. How
    /// many ends by the clock that were.
    pub(super) fn settle(&self, scope: SessionScope<'_>) -> Result<u64, Error> {
        // From before the walk: it stamps all sessions of these.
        let pending: Vec<BulkNo> = self.latest_snapshot()?.bulk_ends.pending_within(scope.user());
        let (stamped, _) = self.stamp_in(scope, None, usize::MAX)?;
        self.finish_bulk_ends(&pending)?;
        Ok(stamped)
    }

    /// Writes down the ends among the sessions after this one, so many pages of them; how many the clock had ended, and where
    /// to go on.
    pub(super) fn stamp_some(
        &self,
        after: Option<SessionId>,
        pages: usize,
    ) -> Result<(u64, Option<SessionId>), Error> {
        self.stamp_in(SessionScope::Tenant, after, pages)
    }

    fn stamp_in(
        &self,
        scope: SessionScope<'_>,
        after: Option<SessionId>,
        pages: usize,
    ) -> Result<(u64, Option<SessionId>), Error> {
        // A power loss that took an end back would take back what a reader may have seen: its event, its place in the list.
        let config = self.latest_snapshot()?.config.clone();
        let is_told = config.event_retention.is_some() || config.revocation_list;
        let walk = Walk { scope, after, pages };
        self.change_in_steps(
            walk,
            if is_told { Durability::Full } else { Durability::Normal },
            |found, _, _| found.cause != Cause::Written,
            |ctx, session| {
                let found = ctx.ends().stamp(session)?;
                Ok(found.is_some_and(|found| found.cause == Cause::Clock))
            },
        )
    }

    /// Notes of these bulk ends that they have stamped every session.
    pub(super) fn finish_bulk_ends(&self, stamped: &[BulkNo]) -> Result<(), Error> {
        if stamped.is_empty() {
            return Ok(());
        }
        self.write_settings(|ctx| {
            for bulk_end in &ctx.snapshot.bulk_ends.pending {
                if stamped.contains(&bulk_end.no) {
                    ctx.transaction.finish_bulk_end(ctx.tenant, bulk_end.no)?;
                }
            }
            Ok(())
        })
    }

    /// Deletes the records of sessions that ended before then, in small transactions; how many. Afterwards their ids are
    /// unknown, and what the records held is in no file of the database any more, or no longer after the next purge or
    /// sweep if a long read holds the log. Gives way to other writes as [`sweep`](Self::sweep) does.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// use hellojohn::PurgeBefore;
    ///
    /// let purged = tenant.purge(PurgeBefore::OlderThan("90d".parse()?))?;
    /// # assert_eq!(purged, 0);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn purge(&self, before: PurgeBefore) -> Result<u64, Error> {
        self.observe(Operation::Purge, u64::clone, || self.purge_all(before))
    }

    fn purge_all(&self, before: PurgeBefore) -> Result<u64, Error> {
        if !self.latest_snapshot()?.bulk_ends.pending.is_empty() {
            self.settle(SessionScope::Tenant)?;
        }
        let purge = || self.purge_in(None, usize::MAX, before);
        let purged = purge().and_then(|n| Ok(if self.is_durable_by_now()? { n } else { n + purge()? }));
        match purged {
            Ok(0) => self.inner.erase_what_is_owed(),
            // Also when it was cut short.
            _ => self.inner.erase_deleted(),
        }
        purged
    }

    /// Deletes the records of sessions that ended longer ago than this, so many pages of them after this one; how many.
    pub(super) fn purge_some(
        &self,
        age: Duration,
        after: Option<SessionId>,
        pages: usize,
    ) -> Result<u64, Error> {
        self.purge_in(after, pages, PurgeBefore::OlderThan(age))
    }

    fn purge_in(&self, after: Option<SessionId>, pages: usize, before: PurgeBefore) -> Result<u64, Error> {
        let purged = self.change_in_steps(
            Walk { scope: SessionScope::Tenant, after, pages },
            Durability::Full,
            move |found, now, is_counted| found.end.at < before.cutoff(now) && !is_counted,
            |ctx, session| {
                let events = ctx.events();
                if events.is_on || ctx.snapshot.config.revocation_list {
                    // An end that is not written down yet is told and listed before the record goes.
                    ctx.ends().stamp(session)?;
                }
                ctx.transaction.delete_session(ctx.tenant, session.id)?;
                let session = Some((session.id, &session.user_id));
                events.tell(EventType::SessionPurged, session, EventData::default)?;
                Ok(true)
            },
        );
        purged.map(|(purged, _)| purged)
    }

    /// Applies `change` to all ended sessions of the scope that `is_due` picks by their end, now, and whether a bulk end that
    /// is still pending counts them; how many times that answered true, and where to go on after a walk that ends before its
    /// scope does. Reads without the write lock find them, page by page; then small transactions check them again and change
    /// them.
    fn change_in_steps(
        &self,
        walk: Walk<'_>,
        durability: Durability,
        is_due: impl Fn(FoundEnd, Timestamp, bool) -> bool + Copy + Send + 'static,
        change: impl Fn(&WriteContext<'_>, &SessionLifetime) -> Result<bool, Failure> + Copy + Send + 'static,
    ) -> Result<(u64, Option<SessionId>), Error> {
        let Walk { scope, mut after, mut pages } = walk;
        let is_due = move |snapshot: &TenantSnapshot, found: Option<FoundEnd>, now: Timestamp| {
            let pending = &snapshot.bulk_ends.pending;
            found.is_some_and(|found| is_due(found, now, pending.iter().any(|it| it.no == found.by)))
        };
        let mut count = 0;
        let mut pace = Pace::default();
        loop {
            let (due, last, unpersisted) = self.read_about(NeededSessions::Scanned, |ctx| {
                let (sessions, last) = ctx.scan_step(scope, after)?;
                let (mut due, mut is_news) = (Vec::new(), false);
                for session in &sessions {
                    if is_due(&ctx.snapshot, ctx.find_end_at(session, ctx.now)?, ctx.now) {
                        let (mark, found) = (ctx.mark.highest, ctx.find_end_at(session, ctx.mark.highest)?);
                        is_news |= !is_due(&ctx.snapshot, found, mark);
                        due.push(session.id);
                    }
                }
                let unpersisted = is_news.then_some(ClockMark { highest: ctx.now, ..ctx.mark });
                Ok((due, last, unpersisted))
            })?;
            if let Some(mark) = unpersisted {
                self.persist_clock_mark(mark)?;
            }
            let mut due = due.as_slice();
            while !due.is_empty() {
                let ids: Arc<[SessionId]> = due.iter().copied().take(pace.rows()).collect();
                let needed = NeededSessions::Many(Arc::clone(&ids));
                let step = self.work_step(&mut pace, durability, needed, move |tenant, ctx, step| {
                    for &id in ids.iter() {
                        if !step.takes_row(tenant) {
                            break;
                        }
                        // Checked again under the write lock: a refresh may have come in between.
                        let Some(record) = ctx.transaction.session(ctx.tenant, id)? else { continue };
                        let session = record.lifetime();
                        if is_due(&ctx.snapshot, ctx.ends().find(&session)?, ctx.now) {
                            step.changed += u64::from(change(ctx, &session)?);
                        }
                    }
                    Ok(())
                })?;
                count += step.changed;
                due = due.get(step.rows..).unwrap_or_default();
            }
            pages -= 1;
            if last.is_none() || pages == 0 {
                return Ok((count, last));
            }
            after = last;
        }
    }
}

impl ReadContext<'_> {
    /// The next sessions of a walk in steps, oldest first, and where to go on, if there may be more.
    pub(super) fn scan_step(
        &self,
        scope: SessionScope<'_>,
        after: Option<SessionId>,
    ) -> Result<(Vec<SessionLifetime>, Option<SessionId>), Failure> {
        let rows = self.snapshot.rows_of_a_step(SCAN_ROWS);
        let sessions = self.transaction.scan_oldest_first(self.tenant, scope, after, rows)?;
        let last = sessions.last().filter(|_| sessions.len() == rows).map(|session| session.id);
        Ok((sessions, last))
    }
}
