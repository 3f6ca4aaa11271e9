//! The revocation list: what verifiers away from the engine ask for (SPEC 22).

use std::cell::Cell;
use std::sync::Arc;

use super::observed::count_rows;
use super::pace::Pace;
use super::refusals::revocation_list_off;
use super::revocation_log::LEEWAY_MAX;
use super::tenant::Tenant;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::model::operation::Operation;
use crate::model::revocation::{Revocation, RevocationSeq};
use crate::schema::public_record;
use crate::store::{Durability, NeededSessions};
use crate::token::revocation_list::{self, ListHead};

/// How many entries one call looks at.
const PAGE_ROWS: usize = 1_000;

public_record! {
    /// A page of the revocation list of a tenant. Pass `list` on to verifiers: it is signed, the other fields are not.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.update_config(&r#"{"revocation_list": true}"#.parse()?)?;
    /// let page = tenant.revocations(0)?;
    /// assert_eq!((page.list.split('.').count(), page.since, page.has_more), (3, 0, false));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct RevocationList {
        /// The signed list: a JWS whose `typ` is `hellojohn-revocations+jwt`, under the tenant's active key.
        pub list: Box<str>,
        /// It tells what was added after this number; 0 for a list from its beginning.
        pub since: u64,
        /// The number to ask with for what was added later.
        pub seq: u64,
        /// Whether there is more now: ask again at once.
        pub has_more: bool,
    }
}

/// Whether no verifier asks for this entry any more.
fn is_dead(entry: &Revocation, now: Timestamp) -> bool {
    entry.until.after(LEEWAY_MAX) <= now
}

impl Tenant {
    /// The sessions that ended while access tokens of them may still be alive, as a signed list for verifiers that do not ask the
    /// engine: what was added after the number `since`, or the list from its beginning for 0 and for a number that is not known.
    /// One call looks at no more than 1,000 entries. Needs the setting `revocation_list`.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// tenant.update_config(&r#"{"revocation_list": true}"#.parse()?)?;
    /// let grant = tenant.create(hellojohn::CreateSession::new("usr_1".parse()?))?;
    /// let first = tenant.revocations(0)?;
    /// tenant.revoke(grant.session.id)?;
    /// let next = tenant.revocations(first.seq)?;
    /// assert!(next.seq > first.seq && !next.has_more);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` while `revocation_list` is false.
    pub fn revocations(&self, since: u64) -> Result<RevocationList, Error> {
        let rows = Cell::new(0);
        self.observe(Operation::Revocations, |_| rows.get(), || self.read_revocations(since, &rows))
    }

    fn read_revocations(&self, since: u64, rows: &Cell<u64>) -> Result<RevocationList, Error> {
        self.read_about(NeededSessions::Scanned, |ctx| {
            if !ctx.snapshot.config.revocation_list {
                return Err(revocation_list_off().into());
            }
            // A number from the future of a database that was taken back to an earlier state.
            let newest = ctx.transaction.newest_revocation(ctx.tenant)?;
            let since = if since > newest { 0 } else { since };
            let mut entries = ctx.transaction.revocations(ctx.tenant, since, PAGE_ROWS + 1)?;
            let has_more = entries.len() > PAGE_ROWS;
            entries.truncate(PAGE_ROWS);
            rows.set(count_rows(&entries));
            let seq = entries.last().map_or(since, |entry| entry.seq);
            entries.retain(|entry| !is_dead(entry, ctx.now));
            let head = ListHead {
                issuer: &self.inner.issuer,
                tenant_id: self.id(),
                now: ctx.now,
                since,
                seq,
                has_more,
            };
            let pending = ctx.snapshot.bulk_ends.pending.iter();
            let pending = pending.filter(|bulk_end| bulk_end.filter.is_some() && bulk_end.reason.is_some());
            let list = revocation_list::sign(&head, &entries, pending, ctx.snapshot.ring.active());
            Ok(RevocationList { list, since, seq, has_more })
        })
    }

    /// Deletes the entries that no verifier asks for any more, among so many pages of the oldest ones, in small transactions; how
    /// many. The newest entry stays.
    pub(super) fn delete_dead_revocations(&self, pages: usize) -> Result<u64, Error> {
        let (mut deleted, mut after) = (0, 0);
        let mut pace = Pace::default();
        for _ in 0..pages {
            let (dead, last) = self.read_about(NeededSessions::Scanned, |ctx| {
                let newest = ctx.transaction.newest_revocation(ctx.tenant)?;
                let entries = ctx.transaction.revocations(ctx.tenant, after, PAGE_ROWS)?;
                let last = entries.last().map(|entry| entry.seq).filter(|_| entries.len() == PAGE_ROWS);
                let dead = entries.iter().filter(|entry| entry.seq != newest && is_dead(entry, ctx.now));
                Ok((dead.map(|entry| entry.seq).collect::<Vec<RevocationSeq>>(), last))
            })?;
            let mut dead = dead.as_slice();
            while !dead.is_empty() {
                let chosen: Arc<[RevocationSeq]> = dead.iter().copied().take(pace.rows()).collect();
                let needed = NeededSessions::None;
                let step =
                    self.work_step(&mut pace, Durability::Normal, needed, move |tenant, ctx, step| {
                        for &seq in chosen.iter() {
                            if !step.takes_row(tenant) {
                                break;
                            }
                            // Another process may have deleted it meanwhile.
                            let found = ctx.transaction.revocations(ctx.tenant, seq - 1, 1)?;
                            if found.first().is_some_and(|entry| entry.seq == seq) {
                                ctx.transaction.delete_revocation(ctx.tenant, seq)?;
                                step.changed += 1;
                            }
                        }
                        Ok(())
                    })?;
                deleted += step.changed;
                dead = dead.get(step.rows..).unwrap_or_default();
            }
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        Ok(deleted)
    }
}
