//! The rows of one tenant, in an order that is the same in every store.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::parts::read;
use crate::error::Failure;
use crate::model::event::{Event, EventSeq};
use crate::model::id::SessionId;
use crate::model::revocation::{Revocation, RevocationSeq};
use crate::model::session::BulkNo;
use crate::store::contract::Store;
use crate::store::records::{
    BulkEndRecord, KeyRecord, LeaseRecord, RecordParts, ScanFilter, SealRecord, SessionRecord, SessionScope,
    SignInFailures, TenantNo,
};
use crate::store::transaction::ReadTransaction;
use crate::token::failure_key::FailureKey;
use crate::token::keyring::KeyNo;

/// How many rows are read at a time, and written in a transaction.
pub(super) const PAGE_ROWS: usize = 1_000;

/// A row of any of a tenant's tables.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Row {
    Key(KeyRecord),
    BulkEnd(Box<BulkEndRecord>),
    Session(Box<SessionRecord>),
    Failures(SignInFailures),
    Event(Box<Event>),
    Seal(SealRecord),
    Lease(LeaseRecord),
    Revocation(Revocation),
}

/// Where a row stands among the rows of its tenant: the kinds one after the other, sessions from the newest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RowKey {
    Key(KeyNo),
    BulkEnd(BulkNo),
    Session(Reverse<SessionId>),
    Failures(FailureKey),
    Event(EventSeq),
    Seal(EventSeq),
    Lease(String),
    Revocation(RevocationSeq),
}

impl Row {
    pub(super) fn key(&self) -> RowKey {
        match self {
            Row::Key(key) => RowKey::Key(key.no),
            Row::BulkEnd(record) => RowKey::BulkEnd(record.bulk_end.no),
            Row::Session(session) => RowKey::Session(Reverse(session.id)),
            Row::Failures(failures) => RowKey::Failures(failures.key),
            Row::Event(event) => RowKey::Event(event.seq),
            Row::Seal(seal) => RowKey::Seal(seal.seq),
            Row::Lease(lease) => RowKey::Lease(lease.name.clone()),
            Row::Revocation(entry) => RowKey::Revocation(entry.seq),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Key,
    BulkEnd,
    Session,
    Failures,
    Event,
    Seal,
    Lease,
    Revocation,
}

impl Kind {
    /// In the order of [`RowKey`].
    pub(super) const ALL: [Kind; 8] = [
        Kind::Key,
        Kind::BulkEnd,
        Kind::Session,
        Kind::Failures,
        Kind::Event,
        Kind::Seal,
        Kind::Lease,
        Kind::Revocation,
    ];

    /// The table that holds these rows, in every store.
    #[cfg(test)]
    pub(super) fn table(self) -> &'static str {
        match self {
            Kind::Key => "signing_keys",
            Kind::BulkEnd => "bulk_ends",
            Kind::Session => "sessions",
            Kind::Failures => "sign_in_failures",
            Kind::Event => "events",
            Kind::Seal => "event_seals",
            Kind::Lease => "leases",
            Kind::Revocation => "revocations",
        }
    }

    /// The rows after this one; whether there may be more of them.
    fn read(
        self,
        transaction: &dyn ReadTransaction,
        tenant: TenantNo,
        after: Option<&RowKey>,
    ) -> Result<(Vec<Row>, bool), Failure> {
        let seq = match after {
            Some(RowKey::Event(seq) | RowKey::Seal(seq) | RowKey::Revocation(seq)) => *seq,
            _ => 0,
        };
        let rows: Vec<Row> = match self {
            // A tenant has few of these.
            Kind::Key => return Ok((transaction.keys(tenant)?.into_iter().map(Row::Key).collect(), false)),
            Kind::BulkEnd => {
                let rows = transaction.bulk_ends(tenant)?;
                return Ok((rows.into_iter().map(|record| Row::BulkEnd(Box::new(record))).collect(), false));
            }
            Kind::Lease => {
                return Ok((transaction.leases(tenant)?.into_iter().map(Row::Lease).collect(), false));
            }
            Kind::Session => {
                let before = match after {
                    Some(RowKey::Session(Reverse(id))) => Some(*id),
                    _ => None,
                };
                let mut rows = Vec::with_capacity(PAGE_ROWS);
                transaction.scan_newest_first(
                    tenant,
                    SessionScope::Tenant,
                    ScanFilter::All,
                    RecordParts::All,
                    before,
                    &mut |_, read_record| {
                        rows.push(Row::Session(Box::new(read_record()?)));
                        Ok(match rows.len() < PAGE_ROWS {
                            true => ControlFlow::Continue(()),
                            false => ControlFlow::Break(()),
                        })
                    },
                )?;
                rows
            }
            Kind::Failures => {
                let after: &[u8] = match after {
                    Some(RowKey::Failures(key)) => key,
                    _ => &[],
                };
                let rows = transaction.scan_sign_in_failures(tenant, after, PAGE_ROWS)?;
                rows.into_iter().map(Row::Failures).collect()
            }
            Kind::Event => {
                let rows = transaction.events(tenant, seq, PAGE_ROWS)?;
                rows.into_iter().map(|event| Row::Event(Box::new(event))).collect()
            }
            Kind::Seal => transaction.seals(tenant, seq, PAGE_ROWS)?.into_iter().map(Row::Seal).collect(),
            Kind::Revocation => {
                let rows = transaction.revocations(tenant, seq, PAGE_ROWS)?;
                rows.into_iter().map(Row::Revocation).collect()
            }
        };
        let may_have_more = rows.len() >= PAGE_ROWS;
        Ok((rows, may_have_more))
    }
}

/// Reads the rows of a tenant in pages, each in a transaction of its own, so that no log grows and no snapshot gets old.
pub(super) struct Rows<'a> {
    store: &'a dyn Store,
    tenant: TenantNo,
    kinds: std::slice::Iter<'static, Kind>,
    /// What is being read, and its last row.
    at: Option<(Kind, Option<RowKey>)>,
    unread: VecDeque<Row>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(store: &'a dyn Store, tenant: TenantNo) -> Self {
        let mut kinds = Kind::ALL.iter();
        let at = kinds.next().map(|kind| (*kind, None));
        Rows { store, tenant, kinds, at, unread: VecDeque::new() }
    }

    /// No rows at all: of a tenant that is not there.
    pub(super) fn none(store: &'a dyn Store) -> Self {
        Rows { store, tenant: 0, kinds: [].iter(), at: None, unread: VecDeque::new() }
    }

    /// The next rows; nothing after the last.
    pub(super) fn next_page(&mut self) -> Result<Option<Vec<Row>>, Failure> {
        while let Some((kind, after)) = self.at.take() {
            let (mut rows, mut may_have_more) = (Vec::new(), false);
            read(self.store, Some(self.tenant), &mut |transaction| {
                (rows, may_have_more) = kind.read(transaction, self.tenant, after.as_ref())?;
                Ok(())
            })?;
            self.at = match rows.last() {
                Some(last) if may_have_more => Some((kind, Some(last.key()))),
                _ => self.kinds.next().map(|kind| (*kind, None)),
            };
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }

    /// The next row, which stays the next.
    pub(super) fn peek(&mut self) -> Result<Option<&Row>, Failure> {
        if self.unread.is_empty() {
            let page = self.next_page()?;
            self.unread.extend(page.unwrap_or_default());
        }
        Ok(self.unread.front())
    }

    pub(super) fn next(&mut self) -> Option<Row> {
        self.unread.pop_front()
    }
}
