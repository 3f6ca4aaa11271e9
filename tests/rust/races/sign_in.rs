//! Sign-ins at the same instant.

use hellojohn::{CreateSession, ErrorCode, IpAddress, Tenant};
use hellojohn_tests::fixture::{START, user};

use crate::{Arena, at_once, race_rounds};

/// What each of some wrong sign-ins to one account at once came to.
fn fail_at_once(
    tenants: &[Tenant],
    account: &str,
    address: Option<IpAddress>,
    times: usize,
) -> Vec<ErrorCode> {
    let calls = (0..times)
        .map(|at| {
            let tenant = &tenants[at % tenants.len()];
            Box::new(move || match tenant.begin_sign_in(account, address) {
                Ok(attempt) => attempt.fail().code(),
                Err(error) => error.code(),
            }) as Box<dyn FnOnce() -> ErrorCode + Send + '_>
        })
        .collect();
    at_once(calls)
}

fn count(codes: &[ErrorCode], wanted: ErrorCode) -> usize {
    codes.iter().filter(|code| **code == wanted).count()
}

#[test]
fn sign_ins_at_once_never_pass_the_limit() {
    let arena = Arena::new("{}");
    for round in 0..race_rounds() {
        // Of more failures than are kept, those that are longest ago are forgotten.
        arena.set_clock(START + round as i64);
        let account = format!("u{round}");
        let address = Some(format!("203.0.{}.{}", round / 250, round % 250).parse().unwrap());
        for address in [None, address] {
            let account = format!("{account} {}", address.is_some());
            let codes = fail_at_once(&arena.tenants, &account, address, 12);
            assert_eq!(count(&codes, ErrorCode::InvalidCredentials), 10, "{codes:?}");
            assert_eq!(count(&codes, ErrorCode::TooManyRequests), 2, "{codes:?}");
        }
    }
}

/// Failures and right sign-ins in turn: whatever order they take, none is counted that was given back.
#[test]
fn attempts_that_are_given_back_at_once_are_not_counted() {
    let arena = Arena::new("{}");
    for round in 0..race_rounds() {
        let account = format!("u{round}");
        let calls = (0..8)
            .map(|at| {
                let (tenant, account) = (&arena.tenants[at % 4], &account);
                Box::new(move || {
                    let attempt = tenant.begin_sign_in(account, None).unwrap();
                    if at % 2 == 0 {
                        attempt.cancel().unwrap();
                    } else {
                        attempt.succeed(CreateSession::new(user(account))).unwrap();
                    }
                }) as Box<dyn FnOnce() + Send + '_>
            })
            .collect();
        at_once(calls);
        let codes = fail_at_once(&arena.tenants, &account, None, 11);
        assert_eq!(count(&codes, ErrorCode::InvalidCredentials), 10, "{codes:?}");
    }
}
