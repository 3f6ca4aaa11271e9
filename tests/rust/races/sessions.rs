//! Sign-ins, the cap, revocations, verifications and lists beside each other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hellojohn::{
    CacheValidator, CreateSession, EndReason, ErrorCode, Grant, ListQuery, SessionFilter, SessionId, Tenant,
    Timestamp,
};
use hellojohn_tests::fixture::{START, code, sign_in, user};

use crate::{Arena, active, at_once, race_rounds};

#[test]
fn a_verification_that_starts_after_a_revocation_returned_fails() {
    let arena = Arena::new("{}");
    for round in 0..race_rounds() {
        let grant = sign_in(arena.first(), "u");
        let (id, token) = (grant.session.id, grant.access_token.expose());
        let revoked = AtomicBool::new(false);
        let watch = |tenant: &Tenant| {
            let mut seen: Vec<CacheValidator> = Vec::new();
            loop {
                let after = revoked.load(Ordering::SeqCst);
                let by_id = tenant.verify_session_cacheable(id);
                let by_token = tenant.verify_access_token(token);
                if after {
                    assert_eq!(code(by_id), Some(ErrorCode::SessionRevoked));
                    assert_eq!(code(by_token), Some(ErrorCode::SessionRevoked));
                    for basis in &seen {
                        assert!(!tenant.is_fresh(basis).unwrap(), "what was remembered outlived it");
                    }
                    return;
                }
                if seen.len() < 1000 {
                    seen.extend(by_id.map(|(_, basis)| basis));
                    seen.extend(by_token.map(|verified| verified.validator().clone()));
                }
            }
        };
        at_once::<()>(vec![
            Box::new(|| watch(&arena.tenants[0])),
            Box::new(|| watch(&arena.tenants[2])),
            // Commits that change nothing about it, and one that ends it, by turns from here and from there.
            Box::new(|| {
                while !revoked.load(Ordering::SeqCst) {
                    sign_in(&arena.tenants[if round % 4 < 2 { 1 } else { 3 }], "other");
                }
            }),
            Box::new(|| {
                arena.tenants[if round % 2 == 0 { 1 } else { 3 }].revoke(id).unwrap();
                revoked.store(true, Ordering::SeqCst);
            }),
        ]);
    }
}

#[test]
fn sign_ins_never_exceed_the_cap_and_push_out_the_oldest() {
    let arena = Arena::new(r#"{"max_sessions_per_user":3}"#);
    for round in 0..race_rounds() {
        let name = format!("u{round}");
        let mut all: Vec<(Timestamp, SessionId)> = Vec::new();
        for step in 0..2 {
            arena.set_clock(START + round as i64 * 1_000 + step);
            let grants: Vec<Grant> = at_once(
                arena.tenants.iter().map(|tenant| Box::new(|| sign_in(tenant, &name)) as Box<_>).collect(),
            );
            assert_eq!(active(arena.first(), &name).len(), 3);
            let mut evicted: Vec<SessionId> = grants.iter().flat_map(|grant| grant.evicted.clone()).collect();
            evicted.sort();
            all.extend(grants.iter().map(|grant| (grant.session.created_at, grant.session.id)));
            if step == 1 {
                // All of the earlier moment are older than every one of this: they leave first.
                let living = active(arena.first(), &name);
                assert!(all[..4].iter().all(|(_, id)| !living.contains(id)));
            }
            evicted.dedup();
            assert_eq!(evicted.len(), if step == 0 { 1 } else { 4 }, "every session is evicted once");
            for id in evicted {
                assert_eq!(arena.first().get(id).unwrap().end_reason, Some(EndReason::MaxSessions));
            }
        }
    }
}

#[test]
fn revoking_all_counts_what_it_ended_and_spares_later_sign_ins() {
    let arena = Arena::new("{}");
    for round in 0..race_rounds() {
        let name = format!("u{round}");
        let before: Vec<SessionId> = (0..3).map(|_| sign_in(arena.first(), &name).session.id).collect();
        let [first, second, third, fourth] = &arena.tenants[..] else { unreachable!() };
        let outcomes = at_once::<(u64, Option<SessionId>)>(vec![
            Box::new(|| (first.revoke_user(&user(&name), None).unwrap(), None)),
            Box::new(|| (0, Some(sign_in(second, &name).session.id))),
            Box::new(|| (third.revoke_user(&user(&name), None).unwrap(), None)),
            Box::new(|| (0, Some(sign_in(fourth, &name).session.id))),
        ]);
        let revoked: u64 = outcomes.iter().map(|outcome| outcome.0).sum();
        let living = active(first, &name);
        assert!(before.iter().all(|id| !living.contains(id)));
        assert!(living.iter().all(|id| outcomes.iter().any(|outcome| outcome.1 == Some(*id))));
        assert_eq!(revoked as usize + living.len(), 5);
    }
}

#[test]
fn a_cursor_walks_every_old_session_once_while_others_come_and_go() {
    let arena = Arena::new("{}");
    let old: Vec<SessionId> = (0..60).map(|_| sign_in(arena.first(), "u").session.id).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let session = sign_in(&arena.tenants[2], "u").session.id;
                arena.tenants[2].revoke(session).unwrap();
            }
        });
        for _ in 0..race_rounds() / 4 {
            let mut found = Vec::new();
            let mut query = ListQuery::default().filter(SessionFilter::of_user(user("u")));
            query.limit = hellojohn::Limit::new(7).unwrap();
            loop {
                let page = arena.first().list(&query).unwrap();
                found.extend(page.data.into_iter().map(|session| session.id).filter(|id| old.contains(id)));
                query.cursor = page.next_cursor;
                if query.cursor.is_none() {
                    break;
                }
            }
            assert!(found.iter().rev().eq(&old));
        }
        done.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_new_session_is_never_its_own_victim_even_when_its_id_sorts_first() {
    // Engines beside each other mint ids of one millisecond in any order.
    let arena = Arena::new(r#"{"max_sessions_per_user":1}"#);
    for round in 0..race_rounds() {
        let tenant = &arena.tenants[(round % 2 * 2) as usize];
        let grant = tenant.create(CreateSession::new(user("u"))).unwrap();
        assert!(!grant.evicted.contains(&grant.session.id));
        assert_eq!(active(arena.first(), "u"), [grant.session.id]);
    }
}
