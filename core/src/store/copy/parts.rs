//! What the steps of a copy share.

use crate::clock::Timestamp;
use crate::error::{ErrorCode, Failure};
use crate::store::contract::Store;
use crate::store::copy_report::{CopyPhase, CopyStep};
use crate::store::needs::{NeededSessions, Needs};
use crate::store::records::{TenantNo, TenantRecord};
use crate::store::transaction::ReadTransaction;
use crate::store::wait_policy::WaitPolicy;

/// A tenant as it stands in one of the databases.
#[derive(Clone, PartialEq)]
pub(super) struct TenantCopy {
    pub no: TenantNo,
    pub created_at: Timestamp,
    pub record: TenantRecord,
}

/// Tells the caller how far the work has come.
pub(super) struct Teller<'a> {
    pub tell: &'a mut dyn FnMut(CopyStep),
    pub step: CopyStep,
}

impl Teller<'_> {
    pub(super) fn begin(&mut self, phase: CopyPhase, total_rows: u64) {
        self.step = CopyStep { phase, rows: 0, total_rows };
        (self.tell)(self.step);
    }

    pub(super) fn add(&mut self, rows: usize) {
        self.step.rows += rows as u64;
        (self.tell)(self.step);
    }
}

/// A target that may not be overwritten.
pub(super) fn refused(problem: &str) -> Failure {
    Failure::new(ErrorCode::ValidationError, format!("to: {problem}"))
}

/// Reads in a transaction of its own, what `tenant` has if one is named.
pub(super) fn read(
    store: &dyn Store,
    tenant: Option<TenantNo>,
    job: &mut dyn FnMut(&dyn ReadTransaction) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let needs = Needs { tenant, sessions: NeededSessions::Scanned };
    store.read(WaitPolicy::Block, &needs, job)
}
