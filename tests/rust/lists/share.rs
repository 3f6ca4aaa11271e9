//! Lists have a share of the cache of their own: however many are asked for, the verified tokens of other users stay in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hellojohn::{Engine, EngineBuilder, Observer, Operation, OperationReport, StatusFilter, Tenant};
use hellojohn_tests::fixture::{Database, Process, START, sign_in};

use crate::query;

/// Counts the verifications and the lists that the cache answered.
#[derive(Clone, Default)]
struct FromCache(Arc<[AtomicUsize; 2]>);

impl Observer for FromCache {
    fn observe(&self, report: &OperationReport<'_>) {
        let count = match report.operation {
            Operation::VerifyAccessToken => &self.0[0],
            Operation::List => &self.0[1],
            _ => return,
        };
        count.fetch_add(usize::from(report.is_from_cache), Ordering::Relaxed);
    }
}

impl FromCache {
    /// How many calls of `work` the cache answered: verifications, lists.
    fn during(&self, work: impl FnOnce()) -> (usize, usize) {
        let counts = || [&self.0[0], &self.0[1]].map(|count| count.load(Ordering::Relaxed));
        let before = counts();
        work();
        let after = counts();
        (after[0] - before[0], after[1] - before[1])
    }
}

/// Every first page of a user's list there is: three statuses, each of 1 to `longest` sessions.
fn list_all(tenant: &Tenant, user: &str, longest: i64) {
    for limit in 1..=longest {
        for status in [StatusFilter::Active, StatusFilter::All, StatusFilter::Revoked] {
            tenant.list(&query(user, status, limit)).unwrap();
        }
    }
}

/// Remembers tokens of 60 users, then lists the 40 sessions of one user over and over; how many of the 60 are remembered.
fn remembered_after_a_flood(builder: EngineBuilder) -> usize {
    let database = Database::new();
    let counts = FromCache::default();
    let process = Process::open(database.path(), START, builder.observer(counts.clone()));
    let tenant = process.tenant("tnt");
    let tokens: Vec<_> = (0..60).map(|n| sign_in(&tenant, &format!("u{n}")).access_token).collect();
    (0..40).for_each(|_| drop(sign_in(&tenant, "busy")));
    let verify_all = || {
        for token in &tokens {
            tenant.verify_access_token(token.expose()).unwrap();
        }
    };
    verify_all();
    assert_eq!(counts.during(verify_all).0, tokens.len(), "they do not all fit, lists or not");
    (0..3).for_each(|_| list_all(&tenant, "busy", 40));
    counts.during(verify_all).0
}

#[test]
fn a_flood_of_lists_displaces_no_verified_token_in_bytes_or_in_number() {
    // Some 4 KB a token, so that 60 take most of what tokens are sure of; the pages of one round take 3 MB.
    assert_eq!(remembered_after_a_flood(Engine::builder().token_cache_bytes(768 << 10)), 60);
    assert_eq!(remembered_after_a_flood(Engine::builder().token_cache_capacity(180)), 60);
}

#[test]
fn a_flood_of_tokens_displaces_no_list_and_lists_that_are_used_stay() {
    let database = Database::new();
    let counts = FromCache::default();
    let builder = Engine::builder().token_cache_bytes(768 << 10).observer(counts.clone());
    let process = Process::open(database.path(), START, builder);
    let tenant = process.tenant("tnt");
    let often = || drop(tenant.list(&query("often", StatusFilter::Active, 5)).unwrap());
    for _ in 0..3 {
        sign_in(&tenant, "often");
    }
    let tokens: Vec<_> = (0..400).map(|n| sign_in(&tenant, &format!("u{n}")).access_token).collect();
    (0..20).for_each(|_| drop(sign_in(&tenant, "busy")));
    often();
    for token in &tokens {
        tenant.verify_access_token(token.expose()).unwrap();
    }
    assert_eq!(counts.during(often), (0, 1));
    let found = counts.during(|| {
        for limit in 1..=20 {
            tenant.list(&query("busy", StatusFilter::All, limit)).unwrap();
            often();
        }
    });
    assert_eq!(found, (0, 20), "the list that is asked for between the others");
}
