//! The rule of step-up against a plain model.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::model::factor::{FactorMethod, Factors};
use crate::model::factor_methods::FactorMethods;
use crate::model::required_auth::RequiredAuth;
use crate::rules::step_up;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn any_method() -> impl Strategy<Value = FactorMethod> {
    prop::sample::select(vec!["pwd", "otp", "webauthn", "own"]).prop_map(|name| name.parse().unwrap())
}

#[test]
fn nothing_is_recent_where_no_time_is_known() {
    let none = Factors::default();
    let recent = RequiredAuth::default().max_age(Some("1h".parse().unwrap()));
    assert!(!step_up::is_met(&recent, None, &none, at(0)));
    assert!(step_up::is_met(&recent, Some(at(0)), &none, at(3_600_000)));
    assert!(!step_up::is_met(&recent, Some(at(0)), &none, at(3_600_001)));
    assert!(step_up::is_met(&RequiredAuth::default(), None, &none, at(0)));
}

#[test]
fn each_method_that_is_asked_for_counts_by_its_own_last_time() {
    let mut factors = Factors::passed(&["pwd".parse().unwrap()], at(0));
    factors.pass("otp".parse().unwrap(), at(9_000));
    let is_met = |methods: &[&str], max_age: Option<&str>, now| {
        let methods = FactorMethods::new(methods.iter().map(|name| name.parse().unwrap()).collect()).unwrap();
        let max_age = max_age.map(|text| text.parse().unwrap());
        step_up::is_met(
            &RequiredAuth::default().max_age(max_age).factors(methods),
            Some(at(9_000)),
            &factors,
            at(now),
        )
    };
    assert!(is_met(&["pwd", "otp"], None, 60_000) && !is_met(&["pwd", "webauthn"], None, 60_000));
    assert!(is_met(&["pwd", "otp"], Some("10s"), 10_000) && !is_met(&["pwd", "otp"], Some("10s"), 10_001));
    assert!(is_met(&["otp"], Some("10s"), 19_000) && !is_met(&["otp"], Some("10s"), 19_001));
}

proptest! {
    /// The rule in plain words: what is asked for has to be among the last times of the methods, none of them too old.
    #[test]
    fn a_requirement_is_met_as_a_plain_model_says(
        passes in prop::collection::vec((any_method(), 0_i64..20_000), 0..12),
        created_at in 0_i64..1_000,
        max_age in prop::option::of(1_u64..20),
        asked in prop::collection::btree_set(any_method(), 0..4),
        later in 0_i64..20_000,
    ) {
        let (mut factors, mut last) = (Factors::default(), BTreeMap::new());
        let (mut auth_time, mut now) = (created_at, created_at);
        for (method, after) in passes {
            now += after;
            factors.pass(method.clone(), at(now));
            last.insert(method, now);
            auth_time = now;
        }
        now += later;
        let required = RequiredAuth::default()
            .max_age(max_age.map(|secs| Duration::from_secs(secs).unwrap()))
            .factors(FactorMethods::new(asked.iter().cloned().collect()).unwrap());
        let is_young = |time: i64| max_age.is_none_or(|secs| now - time <= 1_000 * secs as i64);
        let expected = match asked.is_empty() {
            true => is_young(auth_time),
            false => asked.iter().all(|method| last.get(method).is_some_and(|time| is_young(*time))),
        };
        let shown = factors.newest_at().or(Some(at(created_at)));
        prop_assert_eq!(shown, Some(at(auth_time)));
        prop_assert_eq!(step_up::is_met(&required, shown, &factors, at(now)), expected);
        prop_assert_eq!(required.is_nothing(), max_age.is_none() && asked.is_empty());
    }
}
