//! Refreshes beside refreshes, revocations, settings and deadlines.

use hellojohn::{EndReason, ErrorCode, Grant, ListQuery, PurgeBefore, Status, Tenant, Timestamp};
use hellojohn_tests::fixture::{HOUR, START, code, configure, refresh, sign_in};

use crate::{Arena, at_once, race_rounds};

#[test]
fn without_a_window_one_refresh_of_many_succeeds() {
    let arena = Arena::new(r#"{"refresh_reuse_window":0}"#);
    for _ in 0..race_rounds() {
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
    for _ in 0..race_rounds() {
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
    for _ in 0..race_rounds() {
        let grant = sign_in(arena.first(), "u");
        let (id, token) = (grant.session.id, grant.refresh_token.expose());
        let [first, second, third, fourth] = &arena.tenants[..] else { unreachable!() };
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
            Box::new(|| dead_at_once(first)),
            Box::new(|| Some(refresh(second, token))),
            Box::new(|| dead_at_once(third)),
            Box::new(|| Some(refresh(fourth, token))),
        ]);
        for outcome in outcomes.into_iter().flatten() {
            match outcome {
                Ok(successor) => {
                    let after = refresh(first, successor.refresh_token.expose());
                    assert_eq!(code(after), Some(ErrorCode::SessionRevoked));
                    assert!(second.verify_access_token(successor.access_token.expose()).is_err());
                }
                Err(error) => assert_eq!(error.code(), ErrorCode::SessionRevoked),
            }
        }
        assert_eq!(first.get(id).unwrap().end_reason, Some(EndReason::Revoked));
    }
}

#[test]
fn a_shorter_idle_timeout_and_a_refresh_agree_on_which_came_first() {
    let arena = Arena::new("{}");
    let mut now = START;
    for _ in 0..race_rounds() {
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

/// The deadline passes while a refresh is under way: a caller that is told of the end of the session is told for good.
#[test]
fn no_reader_is_told_the_end_of_a_session_that_a_refresh_keeps() {
    let arena = Arena::new(r#"{"idle_timeout":"1h"}"#);
    let mut now = START;
    for round in 0..race_rounds() {
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
fn maintenance_beside_refreshes_changes_no_answer() {
    let arena = Arena::new(r#"{"idle_timeout":"1h"}"#);
    let mut now = START;
    for _ in 0..race_rounds() {
        let dead = sign_in(arena.first(), "u");
        now += HOUR + 1;
        arena.set_clock(now);
        let living = sign_in(arena.first(), "u");
        let [first, second, third, fourth] = &arena.tenants[..] else { unreachable!() };
        let outcomes = at_once::<u64>(vec![
            Box::new(|| first.sweep().unwrap()),
            Box::new(|| second.purge(PurgeBefore::Time(Timestamp::from_millis(now))).unwrap()),
            Box::new(|| {
                let refused = code(refresh(third, dead.refresh_token.expose())).unwrap();
                assert!([ErrorCode::SessionExpired, ErrorCode::RefreshTokenInvalid].contains(&refused));
                0
            }),
            Box::new(|| {
                refresh(fourth, living.refresh_token.expose()).unwrap();
                0
            }),
        ]);
        assert!(outcomes[0] <= 1);
        assert_eq!(outcomes[1], 1);
        assert_eq!(code(first.get(dead.session.id)), Some(ErrorCode::SessionNotFound));
        first.revoke(living.session.id).unwrap();
        assert_eq!(first.purge(PurgeBefore::Time(Timestamp::from_millis(i64::MAX))).unwrap(), 1);
    }
}
