//! Copies a whole database into another one, of whichever store: row by row, through the contract alone.
//!
//! One pass makes the target equal to the source: it reads both in the same order and writes what differs, a bounded number of
//! rows in a transaction. So a copy that was cut off is taken up by the next one, and a second one writes nothing. Afterwards
//! both are read anew, and their counts and digests must be equal: see [`run`].

mod digest;
mod merge;
mod parts;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::digest::Digest;
use self::merge::merge_tenant;
use self::parts::{Teller, TenantCopy, read, refused};
use self::rows::Rows;
use super::contract::Store;
use super::copy_report::{CopyPhase, CopyReport, CopyStep};
use super::records::ClockMark;
use crate::error::{ErrorCode, Failure};
use crate::model::id::TenantId;

/// How often the source is read again because it was changed meanwhile, or because the target has lost what was found in it.
const MAX_PASSES: usize = 3;

/// Makes `target` equal to `source`. Answers once two readings of the source, one before and one after, and one of the target
/// are equal.
///
/// # Errors
/// `storage_busy` if the source is still being changed after a few passes; `validation_error` where the target holds tenants or
/// newer sessions that the source does not have.
pub(super) fn run(
    source: &dyn Store,
    target: &dyn Store,
    tell: &mut dyn FnMut(CopyStep),
) -> Result<CopyReport, Failure> {
    let step = CopyStep { phase: CopyPhase::Count, rows: 0, total_rows: 0 };
    let mut teller = Teller { tell, step };
    teller.begin(CopyPhase::Count, 0);
    let mut before = digest_of(source, &mut teller)?;
    let (mut changed_rows, mut is_still) = (0, true);
    for _ in 0..MAX_PASSES {
        teller.begin(CopyPhase::Copy, before.rows());
        changed_rows += copy_once(source, target, &mut teller)?;
        teller.begin(CopyPhase::Verify, 2 * before.rows());
        let copied = digest_of(target, &mut teller)?;
        let after = digest_of(source, &mut teller)?;
        if copied == after {
            return Ok(copied.into_report(changed_rows));
        }
        is_still = before == after;
        before = after;
    }
    if is_still {
        return Err(Failure::corrupt("the copy does not hold what the database holds"));
    }
    let detail = "the database is being changed while it is copied: close its engines and copy again";
    Err(Failure::new(ErrorCode::StorageBusy, detail))
}

/// One pass; answers how many rows it has written.
fn copy_once(source: &dyn Store, target: &dyn Store, teller: &mut Teller<'_>) -> Result<u64, Failure> {
    let mark = mark_of(source)?;
    let known = mark_of(target)?;
    let tenants = tenants_of(source)?;
    let found = tenants_of(target)?;
    if let Some(stranger) = found.keys().find(|id| !tenants.contains_key(*id)) {
        return Err(refused(&format!("holds the tenant {stranger}, which the database does not have")));
    }
    if !found.is_empty() && (known.epoch, known.highest) > (mark.epoch, mark.highest) {
        return Err(refused("was written by an engine since, so that it is newer than the database"));
    }
    let mut changed = 0;
    for (id, tenant) in &tenants {
        changed += merge_tenant(source, target, id, tenant, found.get(id), teller)?;
    }
    // Last: a copy that was cut off is older than its source. And always: what was found copied, by a call that was cut off, may
    // not be durable before this.
    target.write_exclusive(&mut |transaction| {
        if known == mark { Ok(()) } else { transaction.reset_clock_mark(mark) }
    })?;
    Ok(changed)
}

/// Everything that is in the database, as its counts and a digest.
fn digest_of(store: &dyn Store, teller: &mut Teller<'_>) -> Result<Digest, Failure> {
    let mut digest = Digest::default();
    digest.add_mark(mark_of(store)?);
    for (id, tenant) in tenants_of(store)? {
        digest.add_tenant(&id, tenant.created_at, &tenant.record);
        let mut rows = Rows::new(store, tenant.no);
        while let Some(page) = rows.next_page()? {
            teller.add(page.len());
            page.iter().for_each(|row| digest.add_row(row));
        }
    }
    Ok(digest)
}

fn mark_of(store: &dyn Store) -> Result<ClockMark, Failure> {
    let mut mark = None;
    read(store, None, &mut |transaction| {
        mark = Some(transaction.clock_mark()?);
        Ok(())
    })?;
    mark.ok_or_else(|| Failure::internal("a read did not run"))
}

/// By their ids: databases number their tenants each in its own way.
fn tenants_of(store: &dyn Store) -> Result<BTreeMap<TenantId, TenantCopy>, Failure> {
    let mut numbers = Vec::new();
    read(store, None, &mut |transaction| {
        numbers = transaction.tenant_numbers()?;
        Ok(())
    })?;
    let mut tenants = BTreeMap::new();
    // Each in a transaction of its own: there may be many, and a store over a network gives a transaction so much time only.
    for no in numbers {
        read(store, Some(no), &mut |transaction| {
            let (id, created_at) = transaction.tenant_id(no)?;
            tenants.insert(id, TenantCopy { no, created_at, record: transaction.tenant(no)? });
            Ok(())
        })?;
    }
    Ok(tenants)
}
