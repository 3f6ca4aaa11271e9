//! One bounded round of everything that keeps a tenant's data in order (SPEC 11).

use super::answers::MaintenanceReport;
use super::tenant::Tenant;
use crate::duration::Duration;
use crate::error::Error;
use crate::model::operation::Operation;
use crate::store::LeaseHolder;

/// How many pages of sessions a round looks at, and how many events it seals and deletes.
const SESSION_PAGES: usize = 20;
const EVENTS: u64 = 5_000;

/// How many pages of the revocation list a round looks at.
const REVOCATION_PAGES: usize = 5;

/// What processes that share the rounds call them.
const LEASE: &str = "maintenance";

impl Tenant {
    /// Does one bounded round of maintenance: writes down the ends of sessions that the clock has ended, deletes the records
    /// of sessions that ended longer ago than `record_retention`, seals events, deletes those that were sealed longer ago
    /// than `event_retention`, takes out of the revocation list what no live token is about, and retires signing keys whose last
    /// token has expired. A round looks at 20,000 sessions at
    /// most, and the next one goes on where it ended: while `has_more` is true, there is work left.
    ///
    /// It works in small transactions that give way to other writes, as [`sweep`](Self::sweep) does, and never changes an
    /// answer about a session that is kept. Call it every few minutes, from one process or from many.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// while tenant.maintain()?.has_more {}
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn maintain(&self) -> Result<MaintenanceReport, Error> {
        let rows = |report: &MaintenanceReport| {
            let MaintenanceReport { stamped, purged, sealed_events, deleted_events, retired_keys, .. } =
                *report;
            stamped + purged + sealed_events + deleted_events + retired_keys
        };
        self.observe(Operation::Maintain, rows, || self.do_round())
    }

    fn do_round(&self) -> Result<MaintenanceReport, Error> {
        let mut report = MaintenanceReport::default();
        self.sweep_sign_in_failures()?;
        let (after, mut pending) = self.state.maintenance_walk.lock().clone();
        if after.is_none() {
            pending = self.latest_snapshot()?.bulk_ends.pending_within(None);
        }
        let (stamped, next) = self.stamp_some(after, SESSION_PAGES)?;
        report.stamped = stamped;
        if next.is_none() {
            self.finish_bulk_ends(&pending)?;
        }
        if let Some(age) = self.latest_snapshot()?.config.record_retention {
            report.purged = self.purge_some(age, after, SESSION_PAGES)?;
        }
        *self.state.maintenance_walk.lock() = (next, pending);
        self.delete_dead_revocations(REVOCATION_PAGES)?;
        let (seals, has_more_to_seal) = self.seal_at_most(EVENTS)?;
        let (deleted, has_more_to_delete) = self.delete_old_events(EVENTS)?;
        report.sealed_events = seals.sealed;
        report.deleted_events = deleted;
        report.retired_keys = self.retire_drained_keys()?;
        report.has_more = next.is_some() || has_more_to_seal || has_more_to_delete;
        if report.purged + report.deleted_events + report.retired_keys > 0 {
            self.inner.erase_deleted();
        } else {
            self.inner.erase_what_is_owed();
        }
        Ok(report)
    }

    /// [`maintain`](Self::maintain), unless another process has done so within this period.
    #[doc(hidden)]
    pub fn maintain_in_turn(
        &self,
        holder: LeaseHolder,
        period: Duration,
    ) -> Result<Option<MaintenanceReport>, Error> {
        match self.claim(LEASE, holder, period)? {
            Some(_) => self.maintain().map(Some),
            None => Ok(None),
        }
    }
}
