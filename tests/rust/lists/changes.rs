//! Every kind of change of a session.

use hellojohn::{
    Grant, IdentityPatch, ImportRequest, PurgeBefore, RevokeWhere, SessionFilter, StatusFilter, Tenant,
};
use hellojohn_tests::fixture::{DAY, Database, SECOND, START, configure, refresh, sign_in, user};

use crate::{object, query, validator};

/// A change of the sessions of "u", by this engine's tenant; the grant is of the first of them.
type Change = fn(&Tenant, &Grant);

/// Every kind of change, in an order in which each has something to change.
const CHANGES: [(&str, Change); 12] = [
    ("a sign-in", |by, _| drop(sign_in(by, "u"))),
    ("a refresh", |by, grant| drop(refresh(by, grant.refresh_token.expose()).unwrap())),
    ("a replay", |by, grant| drop(refresh(by, grant.refresh_token.expose()).unwrap())),
    ("an update", |by, grant| {
        let patch = IdentityPatch::from_json(object(r#"{"role":"admin"}"#)).unwrap();
        drop(by.update(grant.session.id, patch).unwrap());
    }),
    ("the cap", |by, _| {
        configure(by, r#"{"max_sessions_per_user":2}"#);
        assert!(!sign_in(by, "u").evicted.is_empty());
        configure(by, r#"{"max_sessions_per_user":null}"#);
    }),
    ("a setting", |by, _| configure(by, r#"{"idle_timeout":"3d"}"#)),
    ("a revocation", |by, _| by.revoke(sign_in(by, "u").session.id).unwrap()),
    ("an import", |by, _| {
        let rows = format!(
            r#"{{"user_id":"u","credential":"old-credential-7d1f3a90c5e8b264","expires_at":{}}}"#,
            START + 9 * DAY
        );
        let request = ImportRequest::from_json(object("{}")).unwrap();
        let report = by.import(rows.as_bytes(), &request, |_| {}).unwrap();
        assert_eq!(report.imported, 1, "{report:?}");
    }),
    ("an end of a filter", |by, _| {
        sign_in(by, "u");
        let filter = SessionFilter::of_user(user("u")).mfa_verified(Some(false));
        assert!(by.revoke_where(RevokeWhere::new(filter)).unwrap() > 0);
    }),
    ("an end of all", |by, _| {
        sign_in(by, "u");
        assert_eq!(by.revoke_user(&user("u"), None).unwrap(), 1);
    }),
    ("an end of the tenant", |by, _| {
        sign_in(by, "u");
        assert_eq!(by.revoke_tenant().unwrap(), 1);
    }),
    ("a purge", |by, _| {
        assert!(by.purge(PurgeBefore::OlderThan("1h".parse().unwrap())).unwrap() > 0);
    }),
];

#[test]
fn every_change_of_a_session_ends_the_lists_of_its_user_in_every_engine() {
    for by_other in [false, true] {
        let database = Database::new();
        let (here, there) = (database.open_at(START), database.open_at(START));
        let (mine, theirs) = (here.tenant("tnt"), there.tenant("tnt"));
        let by = if by_other { &theirs } else { &mine };
        let grant = sign_in(&mine, "u");
        let list = query("u", StatusFilter::All, 100);
        for (at, (name, change)) in (1_i64..).zip(CHANGES) {
            for process in [&here, &there] {
                process.set_clock(START + at * SECOND);
            }
            let before = [&mine, &theirs].map(|tenant| (tenant, validator(tenant, &list)));
            // Also the remembered ones of the engine itself.
            let _ = [mine.list(&list).unwrap(), theirs.list(&list).unwrap()];
            for (tenant, validator) in &before {
                assert!(tenant.is_fresh(validator).unwrap(), "{name}");
            }
            if name == "a purge" {
                for process in [&here, &there] {
                    process.set_clock(START + 2 * DAY);
                }
            }
            change(by, &grant);
            for (tenant, validator) in &before {
                assert!(!tenant.is_fresh(validator).unwrap(), "{name}, by another engine: {by_other}");
            }
            let read = database.open_at(START + if name == "a purge" { 2 * DAY } else { at * SECOND });
            let expected = read.tenant("tnt").list(&list).unwrap();
            assert_eq!(
                [mine.list(&list).unwrap(), theirs.list(&list).unwrap()],
                [expected.clone(), expected]
            );
        }
    }
}
