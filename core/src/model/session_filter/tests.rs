use serde_json::json;

use super::*;
use crate::model::session::SessionTimes;

fn read(filter: Value) -> Result<SessionFilter, Error> {
    match filter {
        Value::Object(members) => SessionFilter::from_json(members),
        other => panic!("{other}"),
    }
}

fn filter(members: Value) -> SessionFilter {
    read(members).expect("a filter")
}

#[test]
fn every_member_reads_back_from_its_json() {
    let members = json!({
        "user_id": "u", "status": "expired", "country": ["es", "PT"], "not_country": "FR,DE", "ip_address": "10.0.0.0/8",
        "not_ip_address": "::1", "device_type": "mobile", "user_agent": "FireFOX", "org_id": "o", "role": "r",
        "created_after": 1, "created_before": 9, "last_active_after": 1, "last_active_before": 3, "mfa_verified": false,
        "end_reason": "expired",
    });
    assert_eq!(members.as_object().unwrap().len(), SessionFilter::NAMES.len());
    let whole = filter(members);
    assert_eq!(whole.to_json().parse(), Ok(whole));
    assert_eq!(filter(json!({"country": ["PT", "es", "es"]})).to_json(), r#"{"country":["ES","PT"]}"#);
    assert_eq!(SessionFilter::default().to_json(), "{}");
}

#[test]
fn a_value_that_was_lost_or_mistyped_never_makes_all_of_a_filter() {
    for name in SessionFilter::NAMES {
        for lost in [json!(null), json!(""), json!([]), json!({}), json!(f64::MAX), json!("\0")] {
            let error = read(json!({ *name: lost })).expect_err(name);
            assert!(error.detail().starts_with(&format!("{name}: ")), "{lost}: {error}");
        }
        assert!(read(json!({ format!("{name}s"): "x" })).is_err());
    }
    for bad in [
        json!({"country": ["ES", ""]}),
        json!({"country": "ES,"}),
        json!({"country": ["ES", 1]}),
        json!({"country": "Spain"}),
        json!({"not_ip_address": "10.0.0.1/8"}),
        json!({"user_agent": " "}),
        json!({"user_agent": "x".repeat(1025)}),
        json!({"mfa_verified": "true"}),
        json!({"created_after": 0}),
        json!({"created_before": -1}),
        json!({"created_after": 5, "created_before": 5}),
        json!({"created_after": 5, "created_before": 6}),
        json!({"last_active_after": 6, "last_active_before": 5}),
        json!({"status": "active", "end_reason": "expired"}),
        json!({"status": "revoked", "end_reason": "expired"}),
        json!({"status": "expired", "end_reason": "revoked"}),
    ] {
        assert!(read(bad.clone()).is_err(), "{bad}");
    }
}

#[test]
fn a_not_member_admits_exactly_what_its_twin_does_not() {
    let clients = [
        ClientInfo::default(),
        ClientInfo { country: Some("ES".parse().unwrap()), ..ClientInfo::default() },
        ClientInfo { country: Some("FR".parse().unwrap()), ..ClientInfo::default() },
        ClientInfo { ip_address: Some("203.0.113.9".parse().unwrap()), ..ClientInfo::default() },
        ClientInfo { ip_address: Some("2001:db8::1".parse().unwrap()), ..ClientInfo::default() },
    ];
    for (name, value) in
        [("country", "ES,PT"), ("ip_address", "203.0.113.0/24"), ("ip_address", "2001:db8::/32")]
    {
        let (with, without) =
            (filter(json!({ name: value })), filter(json!({ format!("not_{name}"): value })));
        assert!(with.needs_details() && without.needs_details());
        let admitted = |filter: &SessionFilter, client| filter.admits_details(client, &Identity::default());
        assert_eq!(clients.iter().filter(|client| admitted(&with, client)).count(), 1);
        assert!(clients.iter().all(|client| admitted(&with, client) != admitted(&without, client)));
    }
}

#[test]
fn user_agents_are_searched_without_regard_to_case() {
    let client =
        ClientInfo { user_agent: Some("Mozilla/5.0 ÉCOLE".parse().unwrap()), ..ClientInfo::default() };
    for (part, is_found) in [("mozilla", true), ("/5.0 É", true), ("école", true), ("ecole", false)] {
        let filter = filter(json!({ "user_agent": part }));
        assert_eq!(filter.admits_details(&client, &Identity::default()), is_found, "{part}");
        assert!(!filter.admits_details(&ClientInfo::default(), &Identity::default()));
    }
}

#[test]
fn times_are_open_ends_and_bound_the_ids_to_look_at() {
    let session = |created: i64, active: i64| SessionLifetime {
        id: SessionId::first_at(Timestamp::from_millis(created)),
        user_id: "u".parse().unwrap(),
        times: SessionTimes {
            created_at: Timestamp::from_millis(created),
            last_active_at: Timestamp::from_millis(active),
            expires_at: Timestamp::from_millis(100),
            end: None,
            judged_by: 0,
        },
        access_expires_at: Timestamp::from_millis(100),
        is_acted: false,
    };
    let created = filter(json!({"created_after": 5, "created_before": 9}));
    let active = filter(json!({"last_active_after": 5, "last_active_before": 9}));
    assert!(!created.needs_details() && !active.needs_details());
    for at in 4..11 {
        let is_inside = (6..9).contains(&at);
        assert_eq!(created.admits_lifetime(&session(at, 50)), is_inside, "{at}");
        assert_eq!(active.admits_lifetime(&session(1, at)), is_inside, "{at}");
        let id = session(at, 50).id;
        assert_eq!(created.below().unwrap() <= id && id < created.above().unwrap(), is_inside, "{at}");
    }
}

#[test]
fn the_default_status_is_active_unless_the_filter_asks_for_ends() {
    let end = |reason| Some(End { at: Timestamp::default(), reason });
    let default = SessionFilter::default();
    assert!(default.admits_end(None) && !default.admits_end(end(EndReason::Expired)));
    let signed_out = filter(json!({"end_reason": "sign_out"}));
    assert!(signed_out.admits_end(end(EndReason::SignOut)));
    assert!(!signed_out.admits_end(end(EndReason::Revoked)) && !signed_out.admits_end(None));
}
