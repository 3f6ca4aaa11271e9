//! The records by which many sessions end at once: how many there are, and when their sessions are stamped. The engines here
//! write one wherever a call would look at more than three sessions.

use hellojohn::{
    CreateSession, EndReason, Engine, ErrorCode, EventQuery, EventType, Grant, ImportRequest, Limit,
    ListQuery, PurgeBefore, RevokeWhere, SessionActor, SessionFilter, SessionId, SignOutScope, Tenant,
    Timestamp,
};
use hellojohn_tests::fixture::{
    DAY, Database, HOUR, Process, START, code, configure, refresh, sign_in, sign_in_for, user,
};

fn open(database: &Database) -> (Process, Tenant) {
    let process = Process::open(database.path(), START, Engine::builder().direct_ends_max(3));
    let tenant = process.tenant("tnt");
    (process, tenant)
}

fn sign_in_many(tenant: &Tenant, id: &str, count: usize) -> Vec<Grant> {
    (0..count).map(|_| sign_in(tenant, id)).collect()
}

#[test]
fn a_call_that_ends_many_writes_one_record_and_no_session() {
    let database = Database::new();
    let (_process, tenant) = open(&database);
    let grants = sign_in_many(&tenant, "u", 20);
    assert_eq!(tenant.revoke_user(&user("u"), None).unwrap(), 20);
    assert_eq!(database.count("bulk_ends WHERE NOT done AND ended = 0"), 1);
    assert_eq!(database.count("sessions WHERE ended_at_ms IS NOT NULL"), 0);
    for grant in &grants {
        assert_eq!(code(refresh(&tenant, grant.refresh_token.expose())), Some(ErrorCode::SessionRevoked));
    }
    // The refusals stamped what they met.
    assert_eq!(database.count("bulk_ends WHERE NOT done AND ended = 20"), 1);
    assert_eq!(tenant.sweep().unwrap(), 0);
    assert_eq!(database.count("bulk_ends WHERE done AND ended = 20"), 1);
    assert_eq!(tenant.get(grants[7].session.id).unwrap().end_reason, Some(EndReason::RevokeAll));
}

#[test]
fn a_call_that_ends_few_stamps_them_and_writes_no_record() {
    let database = Database::new();
    let (_process, tenant) = open(&database);
    sign_in_many(&tenant, "u", 3);
    assert_eq!(tenant.revoke_user(&user("u"), None).unwrap(), 3);
    assert_eq!(database.count("sessions WHERE ended_at_ms IS NOT NULL"), 3);
    assert_eq!(database.count("bulk_ends"), 0);
    sign_in_many(&tenant, "v", 4);
    assert_eq!(tenant.revoke_user(&user("v"), None).unwrap(), 4);
    assert_eq!(database.count("sessions WHERE ended_at_ms IS NOT NULL"), 3, "one more is too many");
    assert_eq!(database.count("bulk_ends"), 1);
}

#[test]
fn a_list_of_active_sessions_passes_over_those_that_a_record_has_ended() {
    let database = Database::new();
    let (process, tenant) = open(&database);
    let spared = sign_in_many(&tenant, "u", 1_200).pop().unwrap().session.id;
    process.set_clock(START + 1);
    assert_eq!(tenant.revoke_user(&user("u"), Some(spared)).unwrap(), 1_199);
    let new = sign_in(&tenant, "u").session.id;
    let page = tenant.list(&ListQuery::default().filter(SessionFilter::of_user(user("u")))).unwrap();
    let listed: Vec<SessionId> = page.data.iter().map(|session| session.id).collect();
    assert_eq!((listed, page.next_cursor), (vec![new, spared], None));
}

#[test]
fn records_are_bounded_however_many_calls_end_many() {
    let database = Database::new();
    let (_process, tenant) = open(&database);
    let mut grants = Vec::new();
    for round in 0..200 {
        let name = format!("u{round}");
        grants.extend(sign_in_many(&tenant, &name, 5).pop());
        assert_eq!(tenant.revoke_user(&user(&name), None).unwrap(), 5);
    }
    assert_eq!(database.count("bulk_ends WHERE NOT done"), 64);
    assert!(database.count("bulk_ends WHERE done") <= 64);
    assert_eq!(database.count("sessions WHERE ended_at_ms IS NULL"), 64 * 5);
    // Of those that are done the last 64 numbers stay: a caller may still count what its own has ended.
    tenant.sweep().unwrap();
    assert_eq!(database.count("bulk_ends WHERE done"), 64);
    sign_in_many(&tenant, "last", 5);
    assert_eq!(tenant.revoke_user(&user("last"), None).unwrap(), 5);
    assert_eq!(database.count("bulk_ends WHERE done"), 63);
    for grant in grants {
        assert_eq!(code(tenant.verify_session(grant.session.id)), Some(ErrorCode::SessionRevoked));
    }
    assert_eq!(tenant.revoke_tenant().unwrap(), 0);
    assert_eq!(tenant.stats().unwrap().sessions.revoked, 1_005);
}

#[test]
fn a_session_that_a_record_spared_is_looked_at_until_it_has_ended() {
    let database = Database::new();
    let (process, tenant) = open(&database);
    let spared = sign_in_many(&tenant, "u", 10).remove(0).session.id;
    process.set_clock(START + 1);
    assert_eq!(tenant.revoke_user(&user("u"), Some(spared)).unwrap(), 9);
    sign_in_many(&tenant, "u", 2);
    assert_eq!(tenant.revoke_user(&user("u"), Some(spared)).unwrap(), 2);
    assert_eq!(database.count("bulk_ends"), 1, "three were looked at: two and the spared one");
    assert_eq!(tenant.revoke_user(&user("u"), None).unwrap(), 1, "the spared one");
    sign_in_many(&tenant, "u", 3);
    assert_eq!(tenant.revoke_user(&user("u"), None).unwrap(), 3);
    assert_eq!(database.count("bulk_ends"), 1, "three again: the one that was spared has ended");
}

#[test]
fn the_end_of_a_session_by_a_record_is_told_of_with_who_decided_it() {
    let database = Database::new();
    let (_process, tenant) = open(&database);
    configure(&tenant, r#"{"event_retention":"90d"}"#);
    sign_in_many(&tenant, "u", 5);
    let operator = tenant.with_actor(Some("op".parse().unwrap()));
    assert_eq!(operator.revoke_user(&user("u"), None).unwrap(), 5);
    assert_eq!(database.count("bulk_ends"), 1);
    tenant.sweep().unwrap();
    let events = tenant.events(&EventQuery::default().limit(Limit::new(100).unwrap())).unwrap().data;
    let ends: Vec<_> = events.iter().filter(|event| event.r#type == EventType::SessionEnded).collect();
    assert_eq!(ends.len(), 5);
    assert!(ends.iter().all(|end| end.actor.as_ref().is_some_and(|actor| actor.as_str() == "op")));
}

#[test]
fn a_plan_ends_no_session_of_after_it() {
    let database = Database::new();
    let (process, tenant) = open(&database);
    let old = sign_in(&tenant, "u").session.id;
    let filter = SessionFilter::default().mfa_verified(Some(false));
    let plan = tenant.preview_revoke_where(&filter).unwrap().plan;
    process.set_clock(START + 1);
    let new = sign_in(&tenant, "u").session.id;
    tenant.revoke_where(RevokeWhere::new(filter).plan(Some(plan))).unwrap();
    assert_eq!(code(tenant.verify_session(old)), Some(ErrorCode::SessionRevoked));
    assert!(tenant.verify_session(new).is_ok());
}

/// A bulk end judges each session as it is at the commit, and the preview has not counted this one.
#[test]
fn a_plan_is_refused_once_a_session_was_imported_that_matches() {
    let database = Database::new();
    let (_process, tenant) = open(&database);
    for at in 0..5 {
        sign_in(&tenant, &format!("u{at}"));
    }
    let filter = SessionFilter::default().created_after(Some(Timestamp::from_millis(START - DAY)));
    let plan = || tenant.preview_revoke_where(&filter).unwrap().plan;
    let old = plan();
    let row = format!(r#"{{"user_id":"u","credential":"one of before","created_at":{}}}"#, START - HOUR);
    assert_eq!(tenant.import(row.as_bytes(), &ImportRequest::default(), |_| {}).unwrap().imported, 1);
    let revoke = |plan| tenant.revoke_where(RevokeWhere::new(filter.clone()).plan(Some(plan)));
    assert_eq!(code(revoke(old)), Some(ErrorCode::ValidationError));
    assert_eq!(tenant.count(&filter).unwrap(), 6);
    assert_eq!(revoke(plan()), Ok(6));
}

#[test]
fn a_record_of_the_cap_leaves_the_session_of_an_actor_and_one_of_the_user_ends_it() {
    let database = Database::new();
    let (process, tenant) = open(&database);
    let actor = SessionActor::new(user("op"), "ticket 1".parse().unwrap());
    let acted = tenant.create(CreateSession::new(user("u")).actor(Some(actor))).unwrap().session.id;
    sign_in_many(&tenant, "u", 20);
    process.set_clock(START + 1);
    configure(&tenant, r#"{"max_sessions_per_user":2}"#);
    assert_eq!(sign_in(&tenant, "u").evicted.len(), 3, "the newest of those that a record has evicted");
    assert_eq!(database.count("bulk_ends WHERE reason = 'max_sessions'"), 1);
    assert!(tenant.verify_session(acted).is_ok());
    // Beside the one that signed in last and one of before.
    assert_eq!(tenant.count(&SessionFilter::of_user(user("u"))).unwrap(), 3);
    assert_eq!(tenant.revoke_user(&user("u"), None).unwrap(), 3);
    assert_eq!(code(tenant.verify_session(acted)), Some(ErrorCode::SessionRevoked));
    tenant.sweep().unwrap();
    assert_eq!(tenant.get(acted).unwrap().end_reason, Some(EndReason::RevokeAll));
}

#[test]
fn a_sign_in_stamps_a_users_many_ended_sessions_in_steps_before_it_applies_the_cap() {
    let database = Database::new();
    let (process, tenant) = open(&database);
    configure(&tenant, r#"{"max_sessions_per_user":2}"#);
    let kept = sign_in(&tenant, "u");
    configure(&tenant, r#"{"max_sessions_per_user":null}"#);
    for _ in 0..20 {
        sign_in_for(&tenant, "u", "1h");
    }
    process.set_clock(START + 2 * HOUR);
    configure(&tenant, r#"{"max_sessions_per_user":2}"#);
    assert!(sign_in(&tenant, "u").evicted.is_empty(), "one of two was active");
    assert_eq!(database.count("sessions WHERE end_reason = 'expired'"), 20);
    assert_eq!(sign_in(&tenant, "u").evicted, [kept.session.id]);
}

#[test]
fn what_a_record_ended_outlives_settings_clocks_and_reopening() {
    let database = Database::new();
    let (process, tenant) = open(&database);
    configure(&tenant, r#"{"idle_timeout":"1h"}"#);
    let idle = sign_in_many(&tenant, "u", 10);
    process.set_clock(START + 2 * HOUR);
    let revoked = sign_in_many(&tenant, "u", 10);
    assert_eq!(tenant.sign_out(revoked[0].access_token.expose(), SignOutScope::Global).unwrap(), 10);
    configure(&tenant, r#"{"idle_timeout":"3h"}"#);
    process.set_clock(START + 30 * DAY);
    let late = sign_in_many(&tenant, "u", 10);
    process.set_clock(START + 3 * HOUR);
    process.engine.lower_clock_mark().unwrap();
    configure(&tenant, r#"{"idle_timeout":null}"#);
    drop((tenant, process));
    let (_process, tenant) = open(&database);
    for (grants, reason, at) in [
        (&idle, Some(EndReason::IdleTimeout), Some(START + HOUR)),
        (&revoked, Some(EndReason::RevokeAll), Some(START + 2 * HOUR)),
        (&late, None, None),
    ] {
        for grant in grants {
            let session = tenant.get(grant.session.id).unwrap();
            assert_eq!((session.end_reason, session.revoked_at.map(|at| at.as_millis())), (reason, at));
        }
    }
    // A session of before the mark was lowered lives on, and a later record ends it.
    refresh(&tenant, late[0].refresh_token.expose()).unwrap();
    assert_eq!(tenant.revoke_user(&user("u"), Some(late[1].session.id)).unwrap(), 9);
    assert_eq!(tenant.purge(PurgeBefore::Time(Timestamp::from_millis(i64::MAX))).unwrap(), 29);
    assert!(tenant.verify_session(late[1].session.id).is_ok());
}

#[test]
fn a_plan_of_before_a_lowered_clock_mark_is_refused() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    sign_in(&tenant, "u");
    let filter = SessionFilter::default().mfa_verified(Some(false));
    let plan = tenant.preview_revoke_where(&filter).unwrap().plan;
    process.clock.advance_millis(-HOUR);
    process.engine.lower_clock_mark().unwrap();
    let request = RevokeWhere::new(filter).plan(Some(plan));
    let error = tenant.revoke_where(request).unwrap_err();
    assert!(error.detail().contains("clock mark"), "{error}");
}
