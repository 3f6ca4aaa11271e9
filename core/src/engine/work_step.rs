//! The steps of long work: small write transactions that give way to other callers.

use super::pace::Pace;
use super::tenant::Tenant;
use super::transaction::WriteContext;
use crate::clock::Stopwatch;
use crate::error::{Error, Failure};
use crate::store::{Durability, NeededSessions};

/// What one write transaction of long work has done so far.
pub(super) struct WorkStep {
    pub pace: Pace,
    work: Stopwatch,
    /// How many rows it took.
    pub rows: usize,
    /// How many of them it changed, where it does not change them all.
    pub changed: u64,
    /// It ended early because other writes wait.
    has_given_way: bool,
}

impl WorkStep {
    /// Whether this step takes one more row; counts it.
    pub(super) fn takes_row(&mut self, tenant: &Tenant) -> bool {
        let others_wait = tenant.inner.store.has_waiting_writes();
        let takes_row = self.pace.goes_on(self.rows, self.work.elapsed(), others_wait);
        self.has_given_way = !takes_row && others_wait;
        self.rows += usize::from(takes_row);
        takes_row
    }
}

impl Tenant {
    /// Runs one step at this pace, and sets the pace of the next one. Then leaves half of the time to other callers: of the
    /// write lock, of the disk, of a small machine's processors.
    pub(super) fn work_step(
        &self,
        pace: &mut Pace,
        durability: Durability,
        needed: NeededSessions,
        work: impl Fn(&Tenant, &WriteContext<'_>, &mut WorkStep) -> Result<(), Failure> + Send + 'static,
    ) -> Result<WorkStep, Error> {
        let (took, pace_now) = (Stopwatch::start(), *pace);
        let step = self.begin_write_as(durability, needed, move |tenant, ctx| {
            let work_time = Stopwatch::start();
            let mut step =
                WorkStep { pace: pace_now, work: work_time, rows: 0, changed: 0, has_given_way: false };
            work(tenant, ctx, &mut step)?;
            Ok(step)
        });
        let step = step.wait()?;
        *pace = pace_now.after(step.work.elapsed(), step.has_given_way);
        #[expect(
            clippy::disallowed_methods,
            reason = "the caller asked for long work; it gives way to others"
        )]
        std::thread::sleep(took.elapsed());
        Ok(step)
    }
}
