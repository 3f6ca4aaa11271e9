//! Look-ups that share one read: each has the answer that it has alone, or none.

use hellojohn::{
    CacheValidator, CreateSession, Cursor, Error, ListQuery, Page, Session, SessionFilter, SessionId,
    StatusFilter, Tenant,
};
use hellojohn_tests::fixture::{DAY, Database, START, sign_in, user};
use serde_json::json;

use crate::query;

/// The answers in their order.
fn get_together(tenant: &Tenant, ids: &[SessionId]) -> Vec<Option<(Session, CacheValidator)>> {
    tenant.get_together(ids, |answers: &mut Vec<_>, found| answers.push(found)).unwrap()
}

type FoundPage = Option<(Page<Session>, Option<CacheValidator>)>;

pub(crate) fn list_together(tenant: &Tenant, queries: &[ListQuery]) -> Result<Vec<FoundPage>, Error> {
    tenant.list_together(queries, |answers: &mut Vec<_>, found| answers.push(found))
}

#[test]
fn sessions_that_are_read_together_are_those_that_are_read_alone() {
    let database = Database::new();
    let process = database.open_at(START);
    let (tenant, other) = (process.tenant("tnt"), process.tenant("other"));
    let mut ids: Vec<SessionId> = ["u", "v", "u"].map(|id| sign_in(&tenant, id).session.id).to_vec();
    tenant.revoke(ids[1]).unwrap();
    ids.push(sign_in(&other, "u").session.id);
    // A session that the clock has ended: its end is told after the clock mark has passed it.
    process.set_clock(START + 400 * DAY);
    ids.push(sign_in(&tenant, "w").session.id);
    let found = get_together(&tenant, &ids);
    assert_eq!(found.len(), ids.len());
    for (found, id) in found.iter().zip(&ids) {
        match found {
            None => assert!(*id == ids[3] && tenant.get(*id).is_err()),
            Some((session, validator)) => {
                assert_eq!(*session, tenant.get(*id).unwrap());
                assert!(tenant.is_fresh(validator).unwrap());
            }
        }
    }
    tenant.revoke(ids[4]).unwrap();
    assert!(!tenant.is_fresh(&found[4].as_ref().unwrap().1).unwrap());
    assert_eq!(get_together(&tenant, &[]), []);
}

#[test]
fn one_read_looks_up_no_more_than_some_forty_sessions_with_claims_and_eight_times_as_many_without() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let ids: Vec<SessionId> = (0..50)
        .map(|_| {
            let request = json!({"user_id": "u", "claims": {"plan": "pro"}});
            let request = CreateSession::from_json(request.as_object().unwrap().clone()).unwrap();
            tenant.create(request).unwrap().session.id
        })
        .collect();
    assert_eq!(get_together(&tenant, &ids).len(), 40);
    for _ in 0..50 {
        sign_in(&tenant, "w");
    }
    for (user, limit, lists) in [
        ("u", 20, 2),
        ("u", 15, 3),
        ("u", 50, 1),
        ("u", 1, 40),
        ("w", 20, 16),
        ("w", 15, 22),
        ("w", 50, 7),
        ("w", 1, 60),
    ] {
        let queries = vec![query(user, StatusFilter::All, limit); 60];
        let found = list_together(&tenant, &queries).unwrap();
        assert_eq!(found.len(), lists, "pages of {limit}");
        for page in found {
            assert_eq!(page.unwrap().0, tenant.list(&queries[0]).unwrap());
        }
    }
    let id = tenant.list(&query("w", StatusFilter::All, 1)).unwrap().data[0].id;
    assert_eq!(get_together(&tenant, &[id; 400]).len(), 320);
    // Lists without a session take no room.
    assert_eq!(list_together(&tenant, &vec![query("v", StatusFilter::All, 20); 400]).unwrap().len(), 400);
}

/// A user may have very many sessions that the clock has ended and no sweep has come to: a page without any of them takes as long.
#[test]
fn one_read_looks_at_no_more_than_some_thousand_sessions_for_empty_pages() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    for _ in 0..600 {
        sign_in(&tenant, "u");
    }
    process.set_clock(START + 400 * DAY);
    let queries = vec![query("u", StatusFilter::Active, 20); 60];
    let found = list_together(&tenant, &queries).unwrap();
    assert_eq!(found.len(), 2);
    for page in found {
        assert_eq!(page.unwrap().0.data, []);
    }
}

#[test]
fn a_list_that_is_refused_leaves_the_others_of_the_read_their_answers() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    for _ in 0..3 {
        sign_in(&tenant, "u");
    }
    let good = query("u", StatusFilter::Active, 2);
    let cursor: Option<Cursor> = tenant.list(&good).unwrap().next_cursor;
    let elsewhere = query("v", StatusFilter::Active, 2).cursor(cursor.clone());
    let queries = [elsewhere, good.clone().cursor(cursor), good.clone()];
    let found = list_together(&tenant, &queries).unwrap();
    assert!(found[0].is_none());
    for (found, query) in found.iter().zip(&queries).skip(1) {
        assert_eq!(found.as_ref().unwrap().0, tenant.list(query).unwrap());
    }
    let impossible = SessionFilter::of_user(user("u"))
        .status(Some(StatusFilter::Active))
        .end_reason(Some(hellojohn::EndReason::Revoked));
    let queries = [good, ListQuery::default().filter(impossible)];
    let refusal = |error: Error| error.code();
    assert_eq!(
        list_together(&tenant, &queries).map_err(refusal).unwrap_err(),
        tenant.list(&queries[1]).map_err(refusal).unwrap_err()
    );
}

#[test]
fn a_short_page_has_one_user_few_sessions_and_no_other_filter() {
    let short = |query: ListQuery| query.is_short();
    assert!(short(query("u", StatusFilter::All, 20)) && short(query("u", StatusFilter::Active, 1)));
    assert!(short(ListQuery::default().filter(SessionFilter::of_user(user("u")))));
    for query in [
        ListQuery::default(),
        query("u", StatusFilter::All, 21),
        query("u", StatusFilter::Revoked, 20),
        query("u", StatusFilter::Expired, 20),
        ListQuery::default().filter(SessionFilter::of_user(user("u")).mfa_verified(Some(true))),
    ] {
        assert!(!short(query.clone()), "{query:?}");
    }
}
