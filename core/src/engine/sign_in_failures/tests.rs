//! Full groups.

use super::*;
use crate::clock::ManualClock;
use crate::engine::Engine;

fn key(group: u8, number: u8) -> FailureKey {
    let mut key = FailureKey::default();
    key[..3].copy_from_slice(&[group, 0, number]);
    key
}

/// The numbers of the keys of a group that are kept.
fn kept(tenant: &Tenant, group: u8) -> Vec<u8> {
    let found = tenant.read(|ctx| Ok(ctx.transaction.scan_sign_in_failures(ctx.tenant, &[], 1_000)?));
    found.unwrap().iter().filter(|kept| kept.key[0] == group).map(|kept| kept.key[2]).collect()
}

#[test]
fn a_full_group_forgets_the_key_that_failed_longest_ago() {
    let clock = ManualClock::new(Timestamp::from_secs(1_700_000_000));
    let engine = Engine::builder().clock(clock.clone()).open(":memory:").unwrap();
    let tenant = engine.tenant(&"tnt".parse().unwrap(), &"sk_a".parse().unwrap()).unwrap();
    let window = SignInLimit::default().window;
    let fail = |group: u8, number: u8| {
        clock.advance_millis(1_000);
        let count = move |_: &Tenant, ctx: &WriteContext<'_>| {
            let failure = FailedSignIn { at: ctx.now, tag: 0 };
            Ok(count_failure(ctx, key(group, number), failure, window)?)
        };
        tenant.write(count).unwrap();
    };
    fail(2, 0);
    for number in 0..16 {
        fail(1, number);
    }
    fail(1, 0); // again: now key 1 is the one longest ago
    fail(1, 16);
    assert_eq!(kept(&tenant, 1), [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    assert_eq!(kept(&tenant, 2), [0], "another group is not touched");
    // What no longer counts makes room first, and all of it.
    clock.advance_millis(15 * 60 * 1_000 - 2_000);
    fail(1, 17);
    assert_eq!(kept(&tenant, 1), [16, 17]);
    assert_eq!(kept(&tenant, 2), [0]);
    tenant.sweep().unwrap();
    assert!(kept(&tenant, 2).is_empty());
    assert_eq!(kept(&tenant, 1), [16, 17]);
}
