//! Imports and adoptions beside each other and beside revocations.

use hellojohn::{
    EndReason, Error, ErrorCode, Grant, ImportReport, ImportRequest, RefreshRequest, SessionFilter, Tenant,
};
use hellojohn_tests::fixture::{code, refresh, user};

use crate::{Arena, active, at_once, race_rounds};

fn import(tenant: &Tenant, rows: &str) -> ImportReport {
    tenant.import(rows.as_bytes(), &ImportRequest::default(), |_| {}).unwrap()
}

fn adopt(tenant: &Tenant, credential: &str) -> Result<Grant, Error> {
    tenant.adopt(credential, RefreshRequest::default())
}

fn row(name: &str) -> (String, String) {
    let credential = format!("credential of {name}");
    (format!(r#"{{"user_id":"{name}","credential":"{credential}"}}"#), credential)
}

#[test]
fn without_a_window_one_adoption_of_many_succeeds() {
    let arena = Arena::new(r#"{"refresh_reuse_window":0}"#);
    for round in 0..race_rounds() {
        let name = format!("u{round}");
        let (rows, credential) = row(&name);
        assert_eq!(import(arena.first(), &rows).imported, 1);
        let outcomes: Vec<Result<Grant, Error>> = at_once(
            arena.tenants.iter().map(|tenant| Box::new(|| adopt(tenant, &credential)) as Box<_>).collect(),
        );
        let (granted, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(granted.len(), 1);
        let codes: Vec<_> = refused.into_iter().filter_map(code).collect();
        let reused = codes.iter().filter(|code| **code == ErrorCode::RefreshTokenReused).count();
        let revoked = codes.iter().filter(|code| **code == ErrorCode::SessionRevoked).count();
        assert_eq!((reused, revoked), (1, 2));
        let id = granted.into_iter().next().unwrap().unwrap().session.id;
        assert_eq!(arena.first().get(id).unwrap().end_reason, Some(EndReason::RefreshTokenReuse));
    }
}

#[test]
fn within_a_window_all_adoptions_converge_on_one_live_token() {
    let arena = Arena::new(r#"{"refresh_reuse_window":"10s"}"#);
    for round in 0..race_rounds() {
        let (rows, credential) = row(&format!("u{round}"));
        import(arena.first(), &rows);
        let outcomes: Vec<Result<Grant, Error>> = at_once(
            arena.tenants.iter().map(|tenant| Box::new(|| adopt(tenant, &credential)) as Box<_>).collect(),
        );
        let grants: Vec<Grant> = outcomes.into_iter().map(Result::unwrap).collect();
        for grant in &grants {
            assert_eq!(grant.refresh_token, grants[0].refresh_token);
            assert_eq!(grant.access_token, grants[0].access_token);
        }
        refresh(arena.first(), grants[0].refresh_token.expose()).unwrap();
    }
}

#[test]
fn a_revocation_beats_every_later_adoption() {
    let arena = Arena::new("{}");
    for round in 0..race_rounds() {
        let name = format!("u{round}");
        let (rows, credential) = row(&name);
        import(arena.first(), &rows);
        let id = active(arena.first(), &name)[0];
        let [first, second, third, fourth] = &arena.tenants[..] else { unreachable!() };
        let dead_at_once = |tenant: &Tenant| {
            tenant.revoke(id).unwrap();
            assert_eq!(code(adopt(tenant, &credential)), Some(ErrorCode::SessionRevoked));
            None
        };
        let outcomes = at_once::<Option<Result<Grant, Error>>>(vec![
            Box::new(|| dead_at_once(first)),
            Box::new(|| Some(adopt(second, &credential))),
            Box::new(|| dead_at_once(third)),
            Box::new(|| Some(adopt(fourth, &credential))),
        ]);
        for outcome in outcomes.into_iter().flatten() {
            match outcome {
                Ok(grant) => {
                    let after = refresh(first, grant.refresh_token.expose());
                    assert_eq!(code(after), Some(ErrorCode::SessionRevoked));
                }
                Err(error) => assert_eq!(error.code(), ErrorCode::SessionRevoked),
            }
        }
        assert_eq!(first.get(id).unwrap().end_reason, Some(EndReason::Revoked));
    }
}

#[test]
fn imports_of_the_same_rows_add_each_once() {
    let arena = Arena::new("{}");
    for round in 0..race_rounds().div_ceil(10) {
        let names: Vec<String> = (0..40).map(|number| format!("u{round}-{number}")).collect();
        let rows: String = names.iter().map(|name| row(name).0 + "\n").collect();
        let imported: u64 = at_once(
            arena
                .tenants
                .iter()
                .map(|tenant| Box::new(|| import(tenant, &rows).imported) as Box<dyn FnOnce() -> u64 + Send>)
                .collect(),
        )
        .into_iter()
        .sum();
        assert_eq!(imported, 40);
        for name in &names {
            let found = arena.first().count(&SessionFilter::of_user(user(name))).unwrap();
            assert_eq!(found, 1, "{name}");
        }
    }
}
