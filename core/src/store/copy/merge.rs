//! Makes one tenant of the target equal to that of the source.

use std::cmp::Ordering;

use super::parts::{Teller, TenantCopy, refused};
use super::rows::{PAGE_ROWS, Row, Rows};
use crate::error::Failure;
use crate::model::id::TenantId;
use crate::store::contract::Store;
use crate::store::records::{SessionRecord, SignInFailures, TenantNo};
use crate::store::transaction::WriteTransaction;
use crate::token::keyring::KeyState;

/// What has to be done to a row of the target.
enum RowChange {
    Add(Row),
    Replace { old: Row, new: Row },
    Delete(Row),
}

/// Answers how many rows were written.
pub(super) fn merge_tenant(
    source: &dyn Store,
    target: &dyn Store,
    id: &TenantId,
    tenant: &TenantCopy,
    found: Option<&TenantCopy>,
    teller: &mut Teller<'_>,
) -> Result<u64, Failure> {
    let no = match found {
        Some(found) if found.created_at != tenant.created_at => {
            return Err(refused(&format!("holds another tenant of the id {id}")));
        }
        Some(found) => found.no,
        None => add_tenant(target, id, tenant)?,
    };
    let mut theirs = Rows::new(source, tenant.no);
    let mut ours = if found.is_some() { Rows::new(target, no) } else { Rows::none(target) };
    let (mut changes, mut changed, mut seen) = (Vec::new(), 0, 0);
    loop {
        let order = match (theirs.peek()?, ours.peek()?) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(source), Some(target)) => source.key().cmp(&target.key()),
        };
        match order {
            Ordering::Less => changes.extend(theirs.next().map(RowChange::Add)),
            Ordering::Greater => changes.extend(ours.next().map(RowChange::Delete)),
            Ordering::Equal => {
                if let (Some(new), Some(old)) = (theirs.next(), ours.next())
                    && new != old
                {
                    require_older(&old, &new)?;
                    changes.push(RowChange::Replace { old, new });
                }
            }
        }
        seen += usize::from(order != Ordering::Greater);
        if seen >= PAGE_ROWS {
            teller.add(std::mem::take(&mut seen));
        }
        if changes.len() >= PAGE_ROWS {
            changed += apply(target, no, &mut changes)?;
        }
    }
    teller.add(seen);
    changed += apply(target, no, &mut changes)?;
    // Also tells engines that are open, which there should not be, of changed keys.
    if found.is_none_or(|found| found.record != tenant.record) || changed > 0 {
        target.write_exclusive(&mut |transaction| {
            let record = &tenant.record;
            transaction.set_config(no, &record.config, record.token_horizon)?;
            transaction.set_secret(no, &record.salt, &record.wrapped_refresh_key)
        })?;
    }
    Ok(changed)
}

fn add_tenant(target: &dyn Store, id: &TenantId, tenant: &TenantCopy) -> Result<TenantNo, Failure> {
    let mut no = 0;
    target.write_exclusive(&mut |transaction| {
        no = transaction.add_tenant(id, &tenant.record, tenant.created_at)?;
        Ok(())
    })?;
    Ok(no)
}

/// A row of the target that has come further than the source's would sign its user out, or bring an ended session back.
fn require_older(old: &Row, new: &Row) -> Result<(), Failure> {
    let (Row::Session(old), Row::Session(new)) = (old, new) else { return Ok(()) };
    let is_ahead = |old: &SessionRecord, new: &SessionRecord| {
        old.rotation.generation > new.rotation.generation
            || (old.times.end.is_some() && old.times.end != new.times.end)
    };
    if is_ahead(old, new) {
        return Err(refused("holds sessions that are newer than the database's"));
    }
    Ok(())
}

/// Commits the changes.
fn apply(target: &dyn Store, tenant: TenantNo, changes: &mut Vec<RowChange>) -> Result<u64, Failure> {
    if changes.is_empty() {
        return Ok(0);
    }
    target.write_exclusive(&mut |transaction| {
        changes.iter().try_for_each(|change| match change {
            RowChange::Add(row) => add(transaction, tenant, row),
            RowChange::Delete(row) => delete(transaction, tenant, row),
            RowChange::Replace { old, new } => match (old, new) {
                (Row::Key(old), Row::Key(new)) if (old.id, old.created_at) == (new.id, new.created_at) => {
                    transaction.set_key(tenant, new)
                }
                (Row::Failures(_), Row::Failures(new)) => transaction.set_sign_in_failures(tenant, new),
                (Row::Lease(_), Row::Lease(new)) => transaction.set_lease(tenant, new),
                (old, new) => {
                    delete(transaction, tenant, old)?;
                    add(transaction, tenant, new)
                }
            },
        })
    })?;
    let written = changes.len() as u64;
    changes.clear();
    Ok(written)
}

fn add(transaction: &dyn WriteTransaction, tenant: TenantNo, row: &Row) -> Result<(), Failure> {
    match row {
        Row::Key(key) => transaction.add_key(tenant, key),
        Row::BulkEnd(record) => transaction.put_bulk_end(tenant, record),
        Row::Session(session) => transaction.add_session(tenant, session),
        Row::Failures(failures) => transaction.set_sign_in_failures(tenant, failures),
        Row::Event(event) => transaction.put_event(tenant, event),
        Row::Seal(seal) => transaction.add_seal(tenant, seal),
        Row::Lease(lease) => transaction.set_lease(tenant, lease),
        Row::Revocation(entry) => transaction.add_revocation(tenant, entry),
    }
}

fn delete(transaction: &dyn WriteTransaction, tenant: TenantNo, row: &Row) -> Result<(), Failure> {
    match row {
        // The database keeps the newest of its retired keys only.
        Row::Key(key) if key.state == KeyState::Retired => transaction.delete_key(tenant, key.no),
        Row::Key(_) => Err(refused("holds signing keys that the database does not have")),
        Row::BulkEnd(record) => {
            if !record.is_done {
                transaction.finish_bulk_end(tenant, record.bulk_end.no)?;
            }
            transaction.delete_bulk_end(tenant, record.bulk_end.no)
        }
        Row::Session(session) => transaction.delete_session(tenant, session.id),
        Row::Failures(failures) => {
            let none = SignInFailures { key: failures.key, failures: Vec::new() };
            transaction.set_sign_in_failures(tenant, &none)
        }
        Row::Event(event) => transaction.delete_event(tenant, event.seq),
        Row::Seal(seal) => transaction.delete_seal(tenant, seal.seq),
        Row::Lease(lease) => transaction.delete_lease(tenant, &lease.name),
        Row::Revocation(entry) => transaction.delete_revocation(tenant, entry.seq),
    }
}
