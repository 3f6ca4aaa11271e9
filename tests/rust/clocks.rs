//! Ends and tokens stay what they were when clocks step, settings change, and several processes disagree about now.

use std::sync::Barrier;
use std::thread;

use hellojohn::{ErrorCode, KeyState, LocalVerification, PurgeBefore, Status, Tenant};
use hellojohn_tests::fixture::{
    DAY, Database, HOUR, Process, SECOND, START, code, configure, refresh, sign_in, sign_in_for,
};

fn locally(tenant: &Tenant, token: &str) -> Option<ErrorCode> {
    code(tenant.verify_locally(token, &LocalVerification::default()))
}

#[test]
fn an_expired_session_stays_expired_when_an_idle_timeout_is_set() {
    let process = Process::in_memory(START);
    let tenant = process.tenant("tnt");
    let grant = sign_in_for(&tenant, "u", "1d");
    process.set_clock(START + 2 * DAY);
    let before = tenant.get(grant.session.id).unwrap();
    assert_eq!(before.status, Status::Expired);
    configure(&tenant, r#"{"idle_timeout":"1h"}"#);
    assert_eq!(tenant.get(grant.session.id).unwrap(), before);
}

#[test]
fn a_patch_that_changes_nothing_leaves_no_trace() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let grant = sign_in_for(&tenant, "u", "1d");
    process.set_clock(START + 2 * DAY);
    configure(&tenant, r#"{"idle_timeout":null}"#);
    drop((tenant, process));
    let reopened = database.open_at(START + HOUR);
    assert_eq!(reopened.tenant("tnt").get(grant.session.id).unwrap().status, Status::Active);
}

#[test]
fn an_idled_out_session_keeps_its_end_when_the_idle_timeout_is_shortened() {
    let process = Process::in_memory(START);
    let tenant = process.tenant("tnt");
    configure(&tenant, r#"{"idle_timeout":"2h"}"#);
    let grant = sign_in(&tenant, "u");
    process.set_clock(START + 3 * HOUR);
    let before = tenant.get(grant.session.id).unwrap();
    assert_eq!(before.revoked_at.unwrap().as_millis(), START + 2 * HOUR);
    configure(&tenant, r#"{"idle_timeout":"1h"}"#);
    assert_eq!(tenant.get(grant.session.id).unwrap(), before);
}

#[test]
fn a_token_that_expired_for_the_database_is_expired_for_a_process_whose_clock_lags() {
    let database = Database::new();
    let (ahead, behind) = (database.open_at(START), database.open_at(START));
    let (first, second) = (ahead.tenant("tnt"), behind.tenant("tnt"));
    let grant = sign_in(&first, "u");
    ahead.set_clock(START + 2 * HOUR);
    sign_in(&first, "other");
    let token = grant.access_token.expose();
    assert_eq!(code(second.verify_access_token(token)), Some(ErrorCode::TokenExpired));
    assert_eq!(code(second.verify_access_token(token)), Some(ErrorCode::TokenExpired));
}

#[test]
fn lowering_the_mark_lets_tokens_live_again_at_once() {
    let database = Database::new();
    let (one, two) = (database.open_at(START), database.open_at(START));
    let (first, second) = (one.tenant("tnt"), two.tenant("tnt"));
    let grant = sign_in(&first, "u");
    let token = grant.access_token.expose();
    for process in [&one, &two] {
        process.set_clock(START + 2 * DAY);
    }
    assert_eq!(code(first.verify_access_token(token)), Some(ErrorCode::TokenExpired));
    assert_eq!(code(second.verify_access_token(token)), Some(ErrorCode::TokenExpired));
    sign_in(&first, "other");
    sign_in(&second, "other");
    for process in [&one, &two] {
        process.set_clock(START + 5 * SECOND);
    }
    one.engine.lower_clock_mark().unwrap();
    assert_eq!(locally(&first, token), None);
    assert_eq!(code(first.verify_access_token(token)), None);
    assert_eq!(locally(&second, token), None);
    assert_eq!(code(second.verify_access_token(token)), None);
}

#[test]
fn a_token_used_before_the_mark_was_lowered_is_no_late_answer_after_it() {
    let process = Process::in_memory(START + 300 * DAY);
    let tenant = process.tenant("tnt");
    let old = sign_in(&tenant, "u");
    refresh(&tenant, old.refresh_token.expose()).unwrap();
    process.set_clock(START);
    process.engine.lower_clock_mark().unwrap();
    process.set_clock(START + HOUR);
    // An hour has passed, far more than the window; the false time must not stretch it to 300 days.
    assert_eq!(code(refresh(&tenant, old.refresh_token.expose())), Some(ErrorCode::RefreshTokenReused));
}

#[test]
fn rotating_keys_after_the_mark_was_lowered_kills_no_token() {
    let process = Process::in_memory(START);
    let tenant = process.tenant("tnt");
    process.set_clock(START + 300 * DAY);
    let grant = sign_in(&tenant, "u");
    process.set_clock(START);
    process.engine.lower_clock_mark().unwrap();
    let kid = tenant.keys().unwrap()[0].kid;
    tenant.rotate_keys().unwrap();
    assert_eq!(code(tenant.verify_access_token(grant.access_token.expose())), None);
    process.set_clock(START + 300 * DAY);
    assert_eq!(code(tenant.verify_access_token(grant.access_token.expose())), None);
    assert!(tenant.jwks().unwrap().to_string().contains(&kid.to_string()));
}

/// Another process retires a key in an emergency; the first one only ever verifies locally. It has to notice within a
/// second of its own clock, whatever the clock did before.
fn notices_a_retirement(before: impl FnOnce(&Process, &Tenant)) {
    let database = Database::new();
    let (one, two) = (database.open_at(START), database.open_at(START));
    let (first, second) = (one.tenant("tnt"), two.tenant("tnt"));
    let grant = sign_in(&first, "u");
    let token = grant.access_token.expose();
    before(&one, &first);
    assert_eq!(locally(&first, token), None);
    second.rotate_keys().unwrap();
    let retiring = second.keys().unwrap().into_iter().find(|key| key.state == KeyState::Retiring).unwrap();
    second.retire_key(retiring.kid).unwrap();
    one.clock.advance_millis(SECOND);
    assert_eq!(locally(&first, token), Some(ErrorCode::InvalidToken));
}

#[test]
fn a_retirement_elsewhere_is_noticed_within_a_second() {
    notices_a_retirement(|_, _| {});
}

#[test]
fn a_retirement_elsewhere_is_noticed_while_the_clock_lags() {
    notices_a_retirement(|process, tenant| {
        process.set_clock(START + HOUR / 2);
        tenant.config().unwrap();
        process.set_clock(START);
    });
}

#[test]
fn a_retirement_elsewhere_is_noticed_after_the_mark_was_lowered() {
    notices_a_retirement(|process, tenant| {
        process.set_clock(START + 300 * DAY);
        tenant.config().unwrap();
        process.set_clock(START);
        process.engine.lower_clock_mark().unwrap();
        tenant.config().unwrap();
    });
}

#[test]
fn a_handle_opened_while_a_key_was_retired_does_not_trust_that_key() {
    let process = Process::in_memory(START);
    let tenant = process.tenant("tnt");
    for round in 0..10 {
        let grant = sign_in(&tenant, "u");
        let kid = tenant.rotate_keys().map(|_| {
            let keys = tenant.keys().unwrap();
            keys.iter().rfind(|key| key.state == KeyState::Retiring).unwrap().kid
        });
        let start = Barrier::new(2);
        let opened = thread::scope(|scope| {
            let opening = scope.spawn(|| {
                start.wait();
                process.tenant("tnt")
            });
            start.wait();
            // Somewhere within the time that stretching the secret key takes.
            thread::sleep(std::time::Duration::from_millis(round));
            tenant.retire_key(kid.unwrap()).unwrap();
            opening.join().unwrap()
        });
        assert_eq!(locally(&opened, grant.access_token.expose()), Some(ErrorCode::InvalidToken), "{round}");
    }
}

#[test]
fn what_a_reader_was_told_survives_a_restart_with_a_clock_that_stepped_back() {
    let database = Database::new();
    let mut process = database.open_at(START);
    let mut tenant = process.tenant("tnt");
    configure(&tenant, r#"{"idle_timeout":"1h"}"#);
    type Question = fn(&Tenant, hellojohn::SessionId);
    let questions: [Question; 5] = [
        |tenant, id| assert_eq!(tenant.get(id).unwrap().status, Status::Revoked),
        |tenant, id| assert_eq!(code(tenant.verify_session(id)), Some(ErrorCode::SessionExpired)),
        |tenant, _| assert_eq!(tenant.stats().unwrap().sessions.active, 0),
        |tenant, _| assert!(tenant.list(&Default::default()).unwrap().data.is_empty()),
        |tenant, id| assert_eq!(code(tenant.update(id, Default::default())), Some(ErrorCode::SessionExpired)),
    ];
    let mut now = START;
    for question in questions {
        let grant = sign_in(&tenant, "u");
        let id = grant.session.id;
        now += HOUR + 1;
        process.set_clock(now);
        question(&tenant, id);
        drop((process, tenant));
        process = database.open_at(now - HOUR);
        tenant = process.tenant("tnt");
        question(&tenant, id);
        assert_eq!(code(refresh(&tenant, grant.refresh_token.expose())), Some(ErrorCode::SessionExpired));
        tenant.purge(PurgeBefore::Time(hellojohn::Timestamp::from_millis(i64::MAX))).unwrap();
    }
}
