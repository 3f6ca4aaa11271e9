//! What is kept of failed sign-ins (SPEC 23): under which keys, how an attempt is counted and taken back, what is forgotten.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::refusals::too_many_sign_ins;
use super::tenant::Tenant;
use super::transaction::WriteContext;
use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::error::{Error, Failure, OpError};
use crate::model::id::UserId;
use crate::model::ip_address::IpAddress;
use crate::model::sign_in_limit::{FailedSignIn, SignInLimit};
use crate::rules::expiry::seconds_until;
use crate::rules::sign_in_limit::{counts, failures_that_count, limited_until, take_back};
use crate::store::{
    Durability, NeededSessions, ReadTransaction, RecordParts, ScanFilter, SessionScope, SignInFailures,
    TenantNo, WriteTransaction,
};
use crate::token::failure_key::{FailureKey, network_of};
use crate::token::refresh_token::RefreshKey;

/// How many keys that begin alike are kept. With 12 bits in common there are 4,096 such groups, so at most 65,536 keys are
/// kept for a tenant, whatever clients send. Beyond that the limiter forgets the failures that are longest ago: a flood
/// makes it weaker, but locks no account out.
const GROUP_MAX: usize = 16;

/// How many of a user's sessions tell from where the user has signed in.
const FAMILIAR_SESSIONS: usize = 100;

/// How many keys one step of the sweep looks at.
const SWEEP_BATCH: usize = 200;

/// What was counted for an attempt; times in milliseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Reservation {
    keys: FailureKeys,
    failed_at_ms: i64,
    failed_tag: u16,
    /// The time until which the account is at its limit, so that only a familiar address may sign in to it.
    account_limited_until_ms: Option<i64>,
}

/// Where a failure of one sign-in is counted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FailureKeys {
    account: FailureKey,
    /// Absent where the address of the client is not known.
    at_address: Option<AddressKeys>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct AddressKeys {
    network: Vec<u8>,
    address: FailureKey,
    account_at_address: FailureKey,
}

impl Reservation {
    /// Counts a sign-in as failed, unless that is over a limit.
    pub(super) fn make(
        ctx: &WriteContext<'_>,
        keys: FailureKeys,
        failure: FailedSignIn,
        limit: &SignInLimit,
    ) -> Result<Self, OpError> {
        let account_limited_until = keys.check(ctx.transaction, ctx.tenant, ctx.now, limit)?;
        for key in keys.each() {
            // An account at its limit counts on at the address only: so the limit ends, while the attack goes on.
            if account_limited_until.is_none() || key != keys.account {
                count_failure(ctx, key, failure, limit.window)?;
            }
        }
        Ok(Reservation {
            keys,
            failed_at_ms: failure.at.as_millis(),
            failed_tag: failure.tag,
            account_limited_until_ms: account_limited_until.map(Timestamp::as_millis),
        })
    }

    fn failure(&self) -> FailedSignIn {
        FailedSignIn { at: Timestamp::from_millis(self.failed_at_ms), tag: self.failed_tag }
    }

    pub(super) fn account_limited_until(&self) -> Option<Timestamp> {
        self.account_limited_until_ms.map(Timestamp::from_millis)
    }

    /// Takes back this failure alone.
    pub(super) fn cancel(&self, ctx: &WriteContext<'_>) -> Result<(), Failure> {
        for key in self.keys.each() {
            let mut failures = ctx.transaction.sign_in_failures(ctx.tenant, &key)?;
            if take_back(&mut failures, self.failure()) {
                ctx.transaction.set_sign_in_failures(ctx.tenant, &SignInFailures { key, failures })?;
            }
        }
        Ok(())
    }

    /// Takes back what a right sign-in takes back: the failures of this account from this address (all of the account where
    /// no address is known), and of the address this one.
    pub(super) fn forgive(&self, ctx: &WriteContext<'_>) -> Result<(), Failure> {
        let (transaction, tenant, keys) = (ctx.transaction, ctx.tenant, &self.keys);
        let set = |key, failures| transaction.set_sign_in_failures(tenant, &SignInFailures { key, failures });
        let mut of_account = transaction.sign_in_failures(tenant, &keys.account)?;
        let before = of_account.len();
        match &keys.at_address {
            None => of_account.clear(),
            Some(AddressKeys { address, account_at_address, .. }) => {
                let here = transaction.sign_in_failures(tenant, account_at_address)?;
                for failure in &here {
                    take_back(&mut of_account, *failure);
                }
                if !here.is_empty() {
                    set(*account_at_address, Vec::new())?;
                }
                let mut of_address = transaction.sign_in_failures(tenant, address)?;
                if take_back(&mut of_address, self.failure()) {
                    set(*address, of_address)?;
                }
            }
        }
        if of_account.len() < before { set(keys.account, of_account) } else { Ok(()) }
    }

    /// Whether one of the user's newest sessions, ended ones included, was opened or last seen at this client's address.
    pub(super) fn is_familiar(&self, ctx: &WriteContext<'_>, user: &UserId) -> Result<bool, Failure> {
        let Some(AddressKeys { network, .. }) = &self.keys.at_address else { return Ok(false) };
        let (mut found, mut seen) = (false, 0);
        ctx.transaction.scan_newest_first(
            ctx.tenant,
            SessionScope::User(user),
            ScanFilter::All,
            RecordParts::Shown,
            None,
            &mut |_, read_record| {
                let record = read_record()?;
                let mut addresses =
                    [record.client.ip_address, record.last_seen.ip_address].into_iter().flatten();
                found = addresses.any(|address| network_of(address) == *network);
                seen += 1;
                Ok(if found || seen == FAMILIAR_SESSIONS {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                })
            },
        )?;
        Ok(found)
    }
}

impl FailureKeys {
    pub(super) fn new(refresh_key: &RefreshKey, account: &str, address: Option<IpAddress>) -> Self {
        FailureKeys {
            account: refresh_key.account_failure_key(account),
            at_address: address.map(|from| AddressKeys {
                network: network_of(from),
                address: refresh_key.address_failure_key(from),
                account_at_address: refresh_key.account_at_address_failure_key(account, from),
            }),
        }
    }

    /// Refuses a sign-in that is over a limit; otherwise says until when the account is at its own.
    ///
    /// A client must not be able to lock another person out by failing in that person's name. So an account at its limit
    /// refuses at once only clients from which it has failed that often, and those without an address. The credentials of
    /// others are still checked, and count only at an address from which the user has signed in before.
    pub(super) fn check(
        &self,
        transaction: &dyn ReadTransaction,
        tenant: TenantNo,
        now: Timestamp,
        limit: &SignInLimit,
    ) -> Result<Option<Timestamp>, OpError> {
        let limited = |key: &FailureKey, count| {
            let counted = failures_that_count(transaction.sign_in_failures(tenant, key)?, now, limit.window);
            Ok::<_, Failure>(limited_until(&counted, count, limit.window))
        };
        let account = limited(&self.account, limit.account)?;
        let refused_until = match &self.at_address {
            None => account,
            Some(keys) => {
                let here = limited(&keys.account_at_address, limit.account)?;
                here.max(limited(&keys.address, limit.address)?)
            }
        };
        match refused_until {
            Some(until) => Err(too_many_sign_ins(seconds_until(until, now)).into()),
            None => Ok(account),
        }
    }

    /// All of them.
    fn each(&self) -> impl Iterator<Item = FailureKey> + use<> {
        let of_address = self.at_address.as_ref().map(|keys| [keys.address, keys.account_at_address]);
        std::iter::once(self.account).chain(of_address.into_iter().flatten())
    }
}

impl Tenant {
    /// Deletes the failures that no longer count, in small transactions.
    pub(super) fn sweep_sign_in_failures(&self) -> Result<(), Error> {
        let window = self.inner.sign_in_limit.unwrap_or_default().window;
        let mut after = Vec::new();
        loop {
            let (kept, now) = self.read_about(NeededSessions::Scanned, |ctx| {
                Ok((ctx.transaction.scan_sign_in_failures(ctx.tenant, &after, SWEEP_BATCH)?, ctx.now))
            })?;
            let Some(last) = kept.last() else { return Ok(()) };
            after = last.key.to_vec();
            let due: Vec<FailureKey> =
                kept.iter().filter(|kept| !still_counts(kept, now, window)).map(|kept| kept.key).collect();
            if due.is_empty() {
                continue;
            }
            // A power loss may undo it: the next sweep does it again.
            self.begin_write_as(Durability::Normal, NeededSessions::None, move |_, ctx| {
                for key in &due {
                    let failures = ctx.transaction.sign_in_failures(ctx.tenant, key)?;
                    let found = SignInFailures { key: *key, failures };
                    if !found.failures.is_empty() && !still_counts(&found, now, window) {
                        forget(ctx.transaction, ctx.tenant, *key)?;
                    }
                }
                Ok(())
            })
            .wait()?;
        }
    }
}

/// Adds a failure. A new key makes room in its group.
fn count_failure(
    ctx: &WriteContext<'_>,
    key: FailureKey,
    failure: FailedSignIn,
    window: Duration,
) -> Result<(), Failure> {
    let kept = ctx.transaction.sign_in_failures(ctx.tenant, &key)?;
    if kept.is_empty() {
        make_room(ctx, &key, window)?;
    }
    let mut failures = failures_that_count(kept, ctx.now, window);
    failures.push(failure);
    ctx.transaction.set_sign_in_failures(ctx.tenant, &SignInFailures { key, failures })
}

/// Deletes what no longer counts among the keys that begin like this one and, if the group is full, the key whose newest
/// failure is longest ago.
fn make_room(ctx: &WriteContext<'_>, key: &FailureKey, window: Duration) -> Result<(), Failure> {
    let prefix = [key[0], key[1] & 0xf0];
    let is_in_group = |other: &FailureKey| [other[0], other[1] & 0xf0] == prefix;
    let mut group = ctx.transaction.scan_sign_in_failures(ctx.tenant, &prefix, GROUP_MAX)?;
    group.retain(|kept| is_in_group(&kept.key));
    let (mut counting, forgotten): (Vec<_>, Vec<_>) =
        group.into_iter().partition(|kept| still_counts(kept, ctx.now, window));
    for kept in forgotten {
        forget(ctx.transaction, ctx.tenant, kept.key)?;
    }
    counting.sort_by_key(|kept| kept.failures.last().map(|newest| newest.at));
    match counting.first() {
        Some(oldest) if counting.len() >= GROUP_MAX => forget(ctx.transaction, ctx.tenant, oldest.key),
        _ => Ok(()),
    }
}

/// Whether the newest failure still counts.
fn still_counts(kept: &SignInFailures, now: Timestamp, window: Duration) -> bool {
    kept.failures.last().is_some_and(|newest| counts(*newest, now, window))
}

fn forget(transaction: &dyn WriteTransaction, tenant: TenantNo, key: FailureKey) -> Result<(), Failure> {
    transaction.set_sign_in_failures(tenant, &SignInFailures { key, failures: Vec::new() })
}

#[cfg(test)]
mod tests;
