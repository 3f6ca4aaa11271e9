//! The search finds an order where there is one, and none where there is none.

use std::time::Duration;

use hellojohn_tests::linear::history::{Answer, Call, Recorded, Shown};
use hellojohn_tests::linear::model::Rules;
use hellojohn_tests::linear::search::UserHistory;

const RULES: Rules = Rules { cap: None, has_window: false };

fn one(invoked: u64, returned: u64, call: Call, answer: Answer) -> Recorded {
    Recorded { caller: 0, user: 0, call, answer, invoked, returned }
}

fn created(invoked: u64, returned: u64, id: &str, evicted: &[&str]) -> Recorded {
    let evicted = evicted.iter().map(|id| (*id).to_owned()).collect();
    let answer = Answer::Created { session: id.to_owned(), token: format!("{id} 0"), evicted };
    one(invoked, returned, Call::Create, answer)
}

fn refreshed(invoked: u64, returned: u64, from: &str, to: Result<&str, &str>) -> Recorded {
    let answer = match to {
        Ok(token) => Answer::Refreshed { token: token.to_owned() },
        Err(code) => Answer::Refused(code.to_owned()),
    };
    one(invoked, returned, Call::Refresh(from.to_owned()), answer)
}

fn revoked(invoked: u64, returned: u64, id: &str) -> Recorded {
    one(invoked, returned, Call::Revoke(id.to_owned()), Answer::Done)
}

fn verified(invoked: u64, returned: u64, id: &str) -> Recorded {
    one(invoked, returned, Call::VerifySession(id.to_owned()), Answer::Valid)
}

fn has_order(rules: Rules, calls: &[Recorded]) -> bool {
    UserHistory::new(calls.to_vec()).is_linearizable(rules)
}

#[test]
fn a_session_is_good_beside_its_revocation_and_not_after_it() {
    let beside = [created(0, 1, "a", &[]), revoked(2, 6, "a"), verified(3, 4, "a")];
    let after = [created(0, 1, "a", &[]), revoked(2, 4, "a"), verified(5, 6, "a")];
    assert!(has_order(RULES, &beside));
    assert!(!has_order(RULES, &after));
}

#[test]
fn a_refresh_token_is_taken_once_without_a_window() {
    let create = created(0, 1, "a", &[]);
    let reuse = "refresh_token_reused";
    let first = refreshed(2, 5, "a 0", Ok("a 1"));
    assert!(has_order(RULES, &[create.clone(), first.clone(), refreshed(3, 4, "a 0", Err(reuse))]));
    assert!(!has_order(RULES, &[create.clone(), first.clone(), refreshed(3, 4, "a 0", Ok("a 2"))]));
    assert!(!has_order(RULES, &[create.clone(), first.clone(), refreshed(3, 4, "a 0", Ok("a 1"))]));
    let rules = Rules { has_window: true, ..RULES };
    assert!(has_order(rules, &[create.clone(), first.clone(), refreshed(3, 4, "a 0", Ok("a 1"))]));
    // Two live tokens.
    assert!(!has_order(rules, &[create, first, refreshed(3, 4, "a 0", Ok("a 2"))]));
}

#[test]
fn the_cap_ends_the_oldest() {
    let rules = Rules { cap: Some(2), ..RULES };
    let two = [created(0, 3, "a", &[]), created(1, 2, "b", &[])];
    let third = |evicted: &[&str]| [&two[..], &[created(4, 5, "c", evicted)]].concat();
    assert!(has_order(rules, &third(&["a"])));
    assert!(!has_order(rules, &third(&["b"])));
    assert!(!has_order(rules, &third(&[])));
    assert!(!has_order(RULES, &third(&["a"])));
}

#[test]
fn a_count_of_ended_sessions_and_a_list_fit_one_moment() {
    let all = |ended| one(4, 9, Call::RevokeUser, Answer::Ended(ended));
    let listed = |invoked, returned, ids: &[&str]| {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        one(invoked, returned, Call::ListActive, Answer::Listed(ids))
    };
    let two = [created(0, 1, "a", &[]), created(2, 3, "b", &[])];
    let with = |rest: &[Recorded]| [&two[..], rest].concat();
    assert!(has_order(RULES, &with(&[all(2), listed(5, 6, &["b", "a"]), listed(7, 8, &[])])));
    assert!(!has_order(RULES, &with(&[all(2), listed(5, 6, &[]), listed(7, 8, &["b", "a"])])), "back again");
    assert!(!has_order(RULES, &with(&[all(2), listed(5, 6, &["a"])])), "half of it is seen");
    assert!(!has_order(RULES, &with(&[all(1)])));
}

#[test]
fn a_violation_shrinks_to_the_calls_that_make_it() {
    let calls = vec![
        created(0, 1, "a", &[]),
        created(2, 3, "b", &[]),
        verified(4, 5, "a"),
        verified(6, 7, "b"),
        revoked(8, 9, "a"),
        verified(10, 11, "b"),
        verified(12, 13, "a"),
        created(14, 15, "c", &[]),
        verified(16, 17, "a"),
    ];
    let history = UserHistory::new(calls);
    assert!(!history.is_linearizable(RULES));
    let small = history.shrink(RULES);
    assert_eq!(small.calls.iter().map(|one| one.invoked).collect::<Vec<_>>(), [0, 2, 8, 12]);
    assert!(small.lines().lines().count() == 4);
}

fn unknown(invoked: u64, returned: u64, call: Call) -> Recorded {
    one(invoked, returned, call, Answer::Unknown)
}

fn listed_all(at: u64, all: &[(&str, Option<&str>)]) -> Recorded {
    let status = |reason: &Option<&str>| if reason.is_some() { "revoked" } else { "active" };
    let shown = |reason: &Option<&str>| Shown {
        status: status(reason).to_owned(),
        reason: reason.map(str::to_owned),
    };
    let all = all.iter().map(|(id, reason)| ((*id).to_owned(), shown(reason))).collect();
    one(at, at + 1, Call::ListAll, Answer::ListedAll(all))
}

#[test]
fn a_call_without_an_answer_happened_once_or_not_at_all_and_maybe_later() {
    let create = created(0, 1, "a", &[]);
    let revoke = unknown(2, 3, Call::Revoke("a".to_owned()));
    let refused = |at| {
        one(at, at + 1, Call::VerifySession("a".to_owned()), Answer::Refused("session_revoked".to_owned()))
    };
    let with = |rest: &[Recorded]| has_order(RULES, &[&[create.clone(), revoke.clone()], rest].concat());
    assert!(with(&[refused(4), refused(6)]));
    assert!(with(&[verified(4, 5, "a"), verified(6, 7, "a")]));
    assert!(with(&[verified(4, 5, "a"), refused(6)]), "later");
    assert!(!with(&[refused(4), verified(6, 7, "a")]), "back again");
    assert!(!has_order(RULES, &[create.clone(), refused(2), unknown(4, 5, revoke.call)]), "before it began");
    assert!(!has_order(
        RULES,
        &[create, one(2, 3, Call::Revoke("a".to_owned()), Answer::NotDone), refused(4)]
    ));
}

#[test]
fn a_sign_in_without_an_answer_made_one_session_or_none() {
    let create = |at| unknown(at, at + 1, Call::Create);
    let seen = listed_all(8, &[("b", None), ("a", None)]);
    let two = [("c", None), ("b", None), ("a", None)];
    let first = created(0, 1, "a", &[]);
    assert!(has_order(RULES, &[first.clone(), create(2), seen.clone()]));
    assert!(has_order(RULES, &[first.clone(), create(2), create(4), seen.clone()]));
    assert!(has_order(RULES, &[first.clone(), create(2), listed_all(8, &[("a", None)])]));
    assert!(!has_order(RULES, &[first.clone(), create(2), listed_all(8, &two)]), "twice");
    assert!(!has_order(RULES, &[first.clone(), create(10), seen.clone()]), "before it began");
    assert!(!has_order(RULES, &[first.clone(), seen]), "no call made it");
    // Half of it: the oldest has ended, and the new one is not there.
    let rules = Rules { cap: Some(1), ..RULES };
    let ended = ("a", Some("max_sessions"));
    assert!(has_order(rules, &[first.clone(), create(2), listed_all(8, &[("b", None), ended])]));
    assert!(!has_order(rules, &[first.clone(), create(2), listed_all(8, &[ended])]));
    assert!(!has_order(rules, &[first, create(2), listed_all(8, &[("b", None), ("a", None)])]));
}

#[test]
fn a_refresh_without_an_answer_took_the_token_or_did_not() {
    let create = created(0, 1, "a", &[]);
    let lost = unknown(2, 3, Call::Refresh("a 0".to_owned()));
    let reuse = "refresh_token_reused";
    let has_order =
        |rules, rest: &[Recorded]| has_order(rules, &[&[create.clone(), lost.clone()], rest].concat());
    assert!(has_order(RULES, &[refreshed(4, 5, "a 0", Ok("a 1"))]), "it did not happen");
    assert!(has_order(RULES, &[refreshed(4, 5, "a 0", Err(reuse))]), "it did");
    assert!(!has_order(RULES, &[refreshed(4, 5, "a 0", Ok("a 1")), refreshed(6, 7, "a 0", Ok("a 2"))]));
    let rules = Rules { has_window: true, ..RULES };
    let again = |at, to| refreshed(at, at + 1, "a 0", Ok(to));
    assert!(has_order(rules, &[again(4, "a 1"), again(6, "a 1"), refreshed(8, 9, "a 1", Ok("a 2"))]));
    assert!(!has_order(rules, &[again(4, "a 1"), again(6, "a 2")]), "two successors");
    assert!(!has_order(rules, &[again(4, "a 1"), refreshed(6, 7, "a 1", Ok("a 1"))]));
}

#[test]
fn a_refusal_that_no_order_explains_is_found_beside_calls_without_an_answer() {
    let calls = vec![
        created(0, 1, "a", &[]),
        unknown(2, 3, Call::RevokeUser),
        verified(4, 5, "a"),
        refreshed(6, 7, "a 0", Ok("a 1")),
        revoked(8, 9, "a"),
        refreshed(10, 11, "a 1", Ok("a 2")),
    ];
    let history = UserHistory::new(calls);
    assert!(!history.is_linearizable(RULES));
    assert_eq!(history.shrink(RULES).lines().lines().count(), 5, "{}", history.shrink(RULES).lines());
}

#[test]
fn under_a_lease_a_token_is_good_until_the_call_returns_that_ends_it_and_no_longer() {
    let (ms, lease) = (1_000_000, Duration::from_millis(25));
    let accepted = |at: u64| {
        let call = Call::VerifyToken { session: "a".to_owned(), token: "a token".to_owned() };
        one(at, at + ms, call, Answer::Valid)
    };
    let revoke = revoked(10 * ms, 40 * ms, "a");
    let told =
        one(12 * ms, 13 * ms, Call::Refresh("a 0".to_owned()), Answer::Refused("session_revoked".to_owned()));
    let has_order_under = |lease, calls: &[Recorded]| {
        let create = created(0, 1, "a", &[]);
        let calls = [&[create], calls].concat();
        has_order(RULES, &calls.into_iter().map(|one| one.under_lease(lease)).collect::<Vec<_>>())
    };
    // Another call has shown the end already.
    let early = [revoke.clone(), told.clone(), accepted(20 * ms)];
    assert!(has_order_under(lease, &early));
    assert!(!has_order_under(Duration::ZERO, &early));
    for at in [41, 42, 50, 100] {
        assert!(!has_order_under(lease, &[revoke.clone(), accepted(at * ms)]), "{at} ms");
    }
    assert!(!has_order_under(lease, &[revoke, told, accepted(39 * ms)]), "longer than the lease");
    // It has not waited.
    assert!(!has_order_under(lease, &[revoked(10 * ms, 20 * ms, "a"), accepted(30 * ms)]));
}
