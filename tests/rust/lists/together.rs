//! Look-ups that share one read: each has the answer that it has alone, or none.

use hellojohn::{Cursor, Error, ListQuery, SessionFilter, SessionId, StatusFilter};
use hellojohn_tests::fixture::{DAY, Database, START, sign_in, user};

use crate::query;

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
    let found = tenant.get_together(&ids).unwrap();
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
    assert_eq!(tenant.get_together(&[]).unwrap(), []);
}

#[test]
fn one_read_looks_up_no_more_than_some_forty_sessions() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let ids: Vec<SessionId> = (0..50).map(|_| sign_in(&tenant, "u").session.id).collect();
    assert_eq!(tenant.get_together(&ids).unwrap().len(), 40);
    for (limit, lists) in [(20, 2), (15, 3), (50, 1), (1, 40)] {
        let queries = vec![query("u", StatusFilter::All, limit); 60];
        let found = tenant.list_together(&queries).unwrap();
        assert_eq!(found.len(), lists, "pages of {limit}");
        for page in found {
            assert_eq!(page.unwrap().0, tenant.list(&queries[0]).unwrap());
        }
    }
    // Lists without a session count, too.
    assert_eq!(tenant.list_together(&vec![query("v", StatusFilter::All, 20); 60]).unwrap().len(), 60);
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
    let found = tenant.list_together(&queries).unwrap();
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
    let found = tenant.list_together(&queries).unwrap();
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
        tenant.list_together(&queries).map_err(refusal).unwrap_err(),
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
