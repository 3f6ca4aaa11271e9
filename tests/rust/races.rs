//! Calls that start at the same instant, from threads of one engine, from engines beside each other on one file, and from
//! four processes. `HJ_RACES=n` sets the rounds of each race.

use std::path::PathBuf;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hellojohn::{
    CacheValidator, CreateSession, EndReason, ErrorCode, Grant, ListQuery, PurgeBefore, SecretKey, SessionId,
    Status, StatusFilter, Tenant, Timestamp,
};
use hellojohn_tests::fixture::{
    Database, HOUR, Process, SECRET, START, code, configure, refresh, rounds, sign_in, user,
};
use hellojohn_tests::surface::{Outcome, Surface, SurfaceKind};
use serde_json::{Value, json};

/// Runs the calls at once and answers with what each came to.
fn at_once<'env, T: Send>(calls: Vec<Box<dyn FnOnce() -> T + Send + 'env>>) -> Vec<T> {
    let start = Barrier::new(calls.len());
    thread::scope(|scope| {
        let start = &start;
        let running: Vec<_> = calls
            .into_iter()
            .map(|call| {
                scope.spawn(move || {
                    start.wait();
                    call()
                })
            })
            .collect();
        running.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

/// Four handles: clones of one, and of an engine beside it, so that every race runs within and across engines.
struct Arena {
    one: Process,
    two: Process,
    tenants: Vec<Tenant>,
    _database: Database,
}

impl Arena {
    fn new(config: &str) -> Self {
        let database = Database::new();
        let (one, two) = (database.open_at(START), database.open_at(START));
        let (a, b) = (one.tenant("tnt"), two.tenant("tnt"));
        configure(&a, config);
        Arena { tenants: vec![a.clone(), a, b.clone(), b], one, two, _database: database }
    }

    fn set_clock(&self, at: i64) {
        self.one.set_clock(at);
        self.two.set_clock(at);
    }

    fn first(&self) -> &Tenant {
        &self.tenants[0]
    }
}

fn races() -> u64 {
    rounds("HJ_RACES", 200)
}

fn active(tenant: &Tenant, id: &str) -> Vec<SessionId> {
    let query = ListQuery { user_id: Some(user(id)), ..ListQuery::default() };
    tenant.list(&query).unwrap().data.into_iter().map(|session| session.id).collect()
}

#[test]
fn without_a_window_one_refresh_of_many_succeeds() {
    let arena = Arena::new(r#"{"refresh_reuse_window":0}"#);
    for _ in 0..races() {
        let grant = sign_in(arena.first(), "u");
        let token = grant.refresh_token.expose();
        let outcomes: Vec<Result<Grant, hellojohn::Error>> = at_once(
            arena.tenants.iter().map(|tenant| Box::new(|| refresh(tenant, token)) as Box<_>).collect(),
        );
        let (granted, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(granted.len(), 1);
        let codes: Vec<_> = refused.into_iter().filter_map(code).collect();
        let reused = codes.iter().filter(|code| **code == ErrorCode::RefreshTokenReused).count();
        let revoked = codes.iter().filter(|code| **code == ErrorCode::SessionRevoked).count();
        assert_eq!((reused, revoked), (1, 2), "one call finds the theft, later ones its result");
        let session = arena.first().get(grant.session.id).unwrap();
        assert_eq!(session.end_reason, Some(EndReason::RefreshTokenReuse));
        let successor = granted.into_iter().next().unwrap().unwrap();
        assert_eq!(
            code(refresh(arena.first(), successor.refresh_token.expose())),
            Some(ErrorCode::SessionRevoked)
        );
    }
}

#[test]
fn within_a_window_all_refreshes_converge_on_one_live_token() {
    let arena = Arena::new(r#"{"refresh_reuse_window":"10s"}"#);
    for _ in 0..races() {
        let mut live = sign_in(arena.first(), "u");
        for _ in 0..2 {
            let token = live.refresh_token.expose().to_owned();
            let outcomes: Vec<Result<Grant, hellojohn::Error>> = at_once(
                arena.tenants.iter().map(|tenant| Box::new(|| refresh(tenant, &token)) as Box<_>).collect(),
            );
            let grants: Vec<Grant> = outcomes.into_iter().map(Result::unwrap).collect();
            for grant in &grants {
                assert_eq!(grant.refresh_token, grants[0].refresh_token);
                assert_eq!(grant.access_token, grants[0].access_token);
            }
            live = grants.into_iter().next().unwrap();
        }
    }
}

#[test]
fn a_revocation_beats_every_later_refresh() {
    let arena = Arena::new("{}");
    for _ in 0..races() {
        let grant = sign_in(arena.first(), "u");
        let (id, token) = (grant.session.id, grant.refresh_token.expose());
        let [a, b, c, d] = &arena.tenants[..] else { unreachable!() };
        let dead_at_once = |tenant: &Tenant| {
            tenant.revoke(id).unwrap();
            assert!(arena.tenants.iter().all(|other| other.verify_session(id).is_err()));
            assert!(
                arena
                    .tenants
                    .iter()
                    .all(|other| other.verify_access_token(grant.access_token.expose()).is_err())
            );
            assert_eq!(code(refresh(tenant, token)), Some(ErrorCode::SessionRevoked));
            None
        };
        let outcomes = at_once::<Option<Result<Grant, hellojohn::Error>>>(vec![
            Box::new(|| dead_at_once(a)),
            Box::new(|| Some(refresh(b, token))),
            Box::new(|| dead_at_once(c)),
            Box::new(|| Some(refresh(d, token))),
        ]);
        for outcome in outcomes.into_iter().flatten() {
            match outcome {
                Ok(successor) => {
                    let after = refresh(a, successor.refresh_token.expose());
                    assert_eq!(code(after), Some(ErrorCode::SessionRevoked));
                    assert!(b.verify_access_token(successor.access_token.expose()).is_err());
                }
                Err(error) => assert_eq!(error.code(), ErrorCode::SessionRevoked),
            }
        }
        assert_eq!(a.get(id).unwrap().end_reason, Some(EndReason::Revoked));
    }
}

#[test]
fn a_verification_that_starts_after_a_revocation_returned_fails() {
    let arena = Arena::new("{}");
    for round in 0..races() {
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
                    sign_in(&arena.tenants[if round % 4 < 2 { 1 } else { 3 }], "somebody");
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
    for round in 0..races() {
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
            assert_eq!(evicted.len(), if step == 0 { 1 } else { 4 }, "everyone is evicted once");
            for id in evicted {
                assert_eq!(arena.first().get(id).unwrap().end_reason, Some(EndReason::MaxSessions));
            }
        }
    }
}

#[test]
fn revoking_all_counts_what_it_ended_and_spares_later_sign_ins() {
    let arena = Arena::new("{}");
    for round in 0..races() {
        let name = format!("u{round}");
        let before: Vec<SessionId> = (0..3).map(|_| sign_in(arena.first(), &name).session.id).collect();
        let [a, b, c, d] = &arena.tenants[..] else { unreachable!() };
        let outcomes = at_once::<(u64, Option<SessionId>)>(vec![
            Box::new(|| (a.revoke_user(&user(&name), None).unwrap(), None)),
            Box::new(|| (0, Some(sign_in(b, &name).session.id))),
            Box::new(|| (c.revoke_user(&user(&name), None).unwrap(), None)),
            Box::new(|| (0, Some(sign_in(d, &name).session.id))),
        ]);
        let revoked: u64 = outcomes.iter().map(|outcome| outcome.0).sum();
        let living = active(a, &name);
        assert!(before.iter().all(|id| !living.contains(id)));
        assert!(living.iter().all(|id| outcomes.iter().any(|outcome| outcome.1 == Some(*id))));
        assert_eq!(revoked as usize + living.len(), 5);
    }
}

#[test]
fn a_shorter_idle_timeout_and_a_refresh_agree_on_who_was_first() {
    let arena = Arena::new("{}");
    let mut now = START;
    for _ in 0..races() {
        configure(arena.first(), r#"{"idle_timeout":null}"#);
        let grant = sign_in(arena.first(), "u");
        now += HOUR;
        arena.set_clock(now);
        let outcomes = at_once::<Option<ErrorCode>>(vec![
            Box::new(|| {
                configure(&arena.tenants[1], r#"{"idle_timeout":"30m"}"#);
                None
            }),
            Box::new(|| code(refresh(&arena.tenants[2], grant.refresh_token.expose()))),
        ]);
        let session = arena.first().get(grant.session.id).unwrap();
        match outcomes[1] {
            None => assert_eq!((session.status, session.last_active_at.as_millis()), (Status::Active, now)),
            Some(refused) => {
                assert_eq!(refused, ErrorCode::SessionExpired);
                assert_eq!(session.end_reason, Some(EndReason::IdleTimeout));
                configure(arena.first(), r#"{"idle_timeout":"2h"}"#);
                assert_eq!(arena.first().get(grant.session.id).unwrap(), session);
            }
        }
    }
}

/// The deadline passes while a refresh is under way: whoever is told that the session is over is told for good.
#[test]
fn nobody_is_told_that_a_session_is_over_which_a_refresh_keeps() {
    let arena = Arena::new(r#"{"idle_timeout":"1h"}"#);
    let mut now = START;
    for round in 0..races() {
        arena.set_clock(now);
        let grant = sign_in(arena.first(), "u");
        let id = grant.session.id;
        now += HOUR;
        arena.set_clock(now);
        let look = |tenant: &Tenant| match round % 3 {
            0 => tenant.get(id).unwrap().status != Status::Active,
            1 => tenant.verify_session(id).is_err(),
            _ => tenant.list(&ListQuery::default()).unwrap().data.iter().all(|session| session.id != id),
        };
        let outcomes = at_once::<Option<bool>>(vec![
            Box::new(|| Some(refresh(&arena.tenants[0], grant.refresh_token.expose()).is_ok())),
            Box::new(|| {
                arena.set_clock(now + 1);
                None
            }),
            Box::new(|| Some(look(&arena.tenants[1]))),
            Box::new(|| Some(look(&arena.tenants[3]))),
        ]);
        let (refreshed, told_over) = (outcomes[0].unwrap(), outcomes[2].unwrap() || outcomes[3].unwrap());
        assert!(!(refreshed && told_over));
        assert_eq!(arena.first().get(id).unwrap().status == Status::Active, refreshed);
        arena.first().revoke(id).unwrap();
        now += 1;
    }
}

#[test]
fn housekeeping_beside_refreshes_changes_no_answer() {
    let arena = Arena::new(r#"{"idle_timeout":"1h"}"#);
    let mut now = START;
    for _ in 0..races() {
        let dead = sign_in(arena.first(), "u");
        now += HOUR + 1;
        arena.set_clock(now);
        let living = sign_in(arena.first(), "u");
        let [a, b, c, d] = &arena.tenants[..] else { unreachable!() };
        let outcomes = at_once::<u64>(vec![
            Box::new(|| a.sweep().unwrap()),
            Box::new(|| b.purge(PurgeBefore::Time(Timestamp::from_millis(now))).unwrap()),
            Box::new(|| {
                let refused = code(refresh(c, dead.refresh_token.expose())).unwrap();
                assert!([ErrorCode::SessionExpired, ErrorCode::RefreshTokenInvalid].contains(&refused));
                0
            }),
            Box::new(|| {
                refresh(d, living.refresh_token.expose()).unwrap();
                0
            }),
        ]);
        assert!(outcomes[0] <= 1);
        assert_eq!(outcomes[1], 1);
        assert_eq!(code(a.get(dead.session.id)), Some(ErrorCode::SessionNotFound));
        a.revoke(living.session.id).unwrap();
        assert_eq!(a.purge(PurgeBefore::Time(Timestamp::from_millis(i64::MAX))).unwrap(), 1);
    }
}

/// A clone must never meet the wrong key while another clone changes it, whatever else changes.
#[test]
fn clones_of_a_handle_go_on_while_the_secret_key_changes() {
    let arena = Arena::new("{}");
    let grant = sign_in(arena.first(), "u");
    let secret = |round: u64| -> SecretKey { format!("{SECRET}_{round}").parse().unwrap() };
    for round in 0..(races() / 10).max(10) {
        let done = AtomicBool::new(false);
        let handle = arena.first();
        at_once::<()>(vec![
            Box::new(|| {
                handle.change_secret_key(&secret(round)).unwrap();
                done.store(true, Ordering::SeqCst);
            }),
            Box::new(|| {
                while !done.load(Ordering::SeqCst) {
                    handle.get(grant.session.id).unwrap();
                }
            }),
            Box::new(|| {
                let other = handle.clone();
                while !done.load(Ordering::SeqCst) {
                    other.rotate_keys().unwrap();
                    other.verify_access_token(grant.access_token.expose()).unwrap();
                }
            }),
        ]);
        assert_eq!(code(arena.tenants[2].config()), Some(ErrorCode::InvalidApiKey));
    }
}

#[test]
fn tenants_opened_at_once_share_one_set_of_keys() {
    let database = Database::new();
    let processes = [database.open_at(START), database.open_at(START)];
    for round in 0..(races() / 10).max(10) {
        let name = format!("tnt_{round}");
        let handles: Vec<Tenant> = at_once(
            [0, 1, 0, 1].iter().map(|at| Box::new(|| processes[*at].tenant(&name)) as Box<_>).collect(),
        );
        let grant = sign_in(&handles[0], "u");
        for handle in &handles {
            handle.verify_access_token(grant.access_token.expose()).unwrap();
            assert_eq!(handle.keys().unwrap().len(), 2);
        }
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
        for _ in 0..races() / 4 {
            let mut found = Vec::new();
            let mut query =
                ListQuery { user_id: Some(user("u")), status: StatusFilter::Active, ..ListQuery::default() };
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

const TENANT: (&str, &str) = ("tnt", SECRET);

/// The same call in every process at once.
fn in_all(surfaces: &mut [Surface], op: &str, args: &Value) -> Vec<Outcome> {
    let calls = surfaces
        .iter_mut()
        .map(|surface| Box::new(move || surface.call(op, TENANT, args.clone()).unwrap()) as Box<_>)
        .collect();
    at_once(calls)
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap()
}

#[test]
fn four_processes_agree() {
    let database = Database::new();
    let command = vec![PathBuf::from(env!("CARGO_BIN_EXE_surface"))];
    let kind = SurfaceKind { name: "rust", command, is_rest: false };
    let mut surfaces: Vec<Surface> = (0..4).map(|_| Surface::start(&kind).unwrap()).collect();
    for surface in &mut surfaces {
        surface.open(&database.path().to_string_lossy(), START).unwrap().unwrap();
    }
    in_all(&mut surfaces, "config", &json!({}));
    for round in 0..rounds("HJ_RACES", 100) {
        let name = format!("u{round}");
        let mut call = |at: usize, op: &str, args: Value| surfaces[at].call(op, TENANT, args).unwrap();

        // Strictly once.
        call(0, "update_config", json!({"refresh_reuse_window": 0, "max_sessions_per_user": null})).unwrap();
        let grant = call(1, "create", json!({"user_id": name})).unwrap();
        let outcomes = in_all(&mut surfaces, "refresh", &json!({"refresh_token": grant["refresh_token"]}));
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);

        // One live token.
        let mut call = |at: usize, op: &str, args: Value| surfaces[at].call(op, TENANT, args).unwrap();
        call(2, "update_config", json!({"refresh_reuse_window": 10, "max_sessions_per_user": 2})).unwrap();
        let grant = call(3, "create", json!({"user_id": name})).unwrap();
        let outcomes = in_all(&mut surfaces, "refresh", &json!({"refresh_token": grant["refresh_token"]}));
        let tokens: Vec<&str> =
            outcomes.iter().map(|outcome| text(outcome.as_ref().unwrap(), "refresh_token")).collect();
        assert!(tokens.iter().all(|token| *token == tokens[0]));

        // The cap; everything before it is older.
        for surface in &mut surfaces {
            surface.set_clock(START + round as i64 + 1).unwrap().unwrap();
        }
        let outcomes = in_all(&mut surfaces, "create", &json!({"user_id": name}));
        let evicted: usize = outcomes
            .iter()
            .map(|outcome| outcome.as_ref().unwrap()["evicted"].as_array().unwrap().len())
            .sum();
        assert_eq!(evicted, 3);
        let ids: Vec<String> = outcomes
            .iter()
            .map(|outcome| text(&outcome.as_ref().unwrap()["session"], "id").to_owned())
            .collect();
        for outcome in in_all(&mut surfaces, "list", &json!({"user_id": name})) {
            let living = outcome.unwrap()["data"].as_array().unwrap().clone();
            assert_eq!(living.len(), 2);
            assert!(living.iter().all(|session| ids.contains(&text(session, "id").to_owned())));
        }

        // Revoked in one, dead in all.
        let mut call = |at: usize, op: &str, args: Value| surfaces[at].call(op, TENANT, args).unwrap();
        let grant = call(0, "create", json!({"user_id": name})).unwrap();
        let id = json!({"session_id": text(&grant["session"], "id")});
        for outcome in in_all(&mut surfaces, "verify_access_token", &json!({"token": grant["access_token"]}))
        {
            outcome.unwrap();
        }
        surfaces[round as usize % 4].call("revoke", TENANT, id.clone()).unwrap().unwrap();
        for (op, args) in
            [("verify_access_token", json!({"token": grant["access_token"]})), ("verify_session", id)]
        {
            for outcome in in_all(&mut surfaces, op, &args) {
                assert_eq!(outcome.unwrap_err().0, "session_revoked");
            }
        }
        let refreshed = in_all(&mut surfaces, "refresh", &json!({"refresh_token": grant["refresh_token"]}));
        assert!(refreshed.into_iter().all(|outcome| outcome.unwrap_err().0 == "session_revoked"));
    }
    for surface in surfaces {
        surface.stop().unwrap();
    }
}

#[test]
fn a_new_session_is_never_its_own_victim_even_when_its_id_sorts_first() {
    // Engines beside each other mint ids of one millisecond in any order.
    let arena = Arena::new(r#"{"max_sessions_per_user":1}"#);
    for round in 0..races() {
        let tenant = &arena.tenants[(round % 2 * 2) as usize];
        let grant = tenant.create(CreateSession::new(user("u"))).unwrap();
        assert!(!grant.evicted.contains(&grant.session.id));
        assert_eq!(active(arena.first(), "u"), [grant.session.id]);
    }
}
