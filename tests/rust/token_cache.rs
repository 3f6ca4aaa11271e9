//! What the engine remembers of verified tokens never outlives a revocation, an end by the clock, a key or a secret.

use std::sync::Arc;

use hellojohn::{
    Engine, ErrorCode, IdentityPatch, ListQuery, LocalVerification, PurgeBefore, SessionFilter, Status,
    StatusFilter, Tenant, VerifiedAccess,
};
use hellojohn_tests::fixture::{
    DAY, Database, HOUR, Process, SECOND, START, code, configure, refresh, sign_in, tenant, user,
};

fn verify(tenant: &Tenant, token: &str) -> Arc<VerifiedAccess> {
    let first = tenant.verify_access_token(token).unwrap();
    let again = tenant.verify_access_token(token).unwrap();
    assert!(Arc::ptr_eq(&first, &again), "nothing was committed, and yet the store was asked");
    assert!(tenant.is_fresh(again.validator()).unwrap());
    again
}

#[test]
fn a_revocation_from_any_engine_is_seen_at_once() {
    let database = Database::new();
    let (here, there) = (database.open_at(START), database.open_at(START));
    let (mine, theirs) = (here.tenant("tnt"), there.tenant("tnt"));
    for by in [&mine, &theirs] {
        for end in [
            |by: &Tenant, grant: &hellojohn::Grant| by.revoke(grant.session.id).unwrap(),
            |by: &Tenant, _: &hellojohn::Grant| assert_eq!(by.revoke_user(&user("u"), None).unwrap(), 1),
            |by: &Tenant, _: &hellojohn::Grant| assert_eq!(by.revoke_tenant().unwrap(), 1),
        ] {
            let grant = sign_in(&mine, "u");
            let token = grant.access_token.expose();
            let verified = verify(&mine, token);
            end(by, &grant);
            assert!(!mine.is_fresh(verified.validator()).unwrap());
            assert_eq!(code(mine.verify_access_token(token)), Some(ErrorCode::SessionRevoked));
            assert_eq!(code(theirs.verify_access_token(token)), Some(ErrorCode::SessionRevoked));
        }
    }
}

#[test]
fn commits_of_other_engines_change_no_answer() {
    let database = Database::new();
    let (here, there) = (database.open_at(START), database.open_at(START));
    let (mine, theirs) = (here.tenant("tnt"), there.tenant("tnt"));
    let grant = sign_in(&mine, "u");
    let token = grant.access_token.expose();
    let verified = verify(&mine, token);
    let other = sign_in(&theirs, "other");
    refresh(&theirs, other.refresh_token.expose()).unwrap();
    // What they commit about other sessions ends nothing that is remembered here.
    assert!(mine.is_fresh(verified.validator()).unwrap());
    assert!(Arc::ptr_eq(&verified, &mine.verify_access_token(token).unwrap()));
    // The session goes on under a new token; the old one is good until its end.
    let next = refresh(&theirs, grant.refresh_token.expose()).unwrap();
    assert_eq!(verify(&mine, token).session.last_active_at, next.session.last_active_at);
}

#[test]
fn own_commits_end_what_they_change_and_nothing_else() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let grant = sign_in(&tenant, "u");
    let (seen, basis) = tenant.get_cacheable(grant.session.id).unwrap();
    let verified = verify(&tenant, grant.access_token.expose());

    // Others come and go, in other tenants too, and the clock goes on.
    let other = sign_in(&tenant, "other");
    process.set_clock(START + SECOND);
    let other = refresh(&tenant, other.refresh_token.expose()).unwrap();
    tenant.update(other.session.id, IdentityPatch::default()).unwrap();
    tenant.revoke(other.session.id).unwrap();
    sign_in(&process.tenant("tnt"), "third");
    assert!(tenant.is_fresh(&basis).unwrap());
    assert!(tenant.is_fresh(verified.validator()).unwrap());
    assert_eq!(tenant.get(grant.session.id).unwrap(), seen);
    sign_in(&process.tenant("other"), "u"); // a new tenant
    assert!(!tenant.is_fresh(&basis).unwrap());

    let (_, before_a_refresh) = tenant.get_cacheable(grant.session.id).unwrap();
    let next = refresh(&tenant, grant.refresh_token.expose()).unwrap();
    assert!(!tenant.is_fresh(&before_a_refresh).unwrap());
    let (_, before_a_replay) = tenant.get_cacheable(grant.session.id).unwrap();
    refresh(&tenant, grant.refresh_token.expose()).unwrap();
    let (now, _) = tenant.get_cacheable(grant.session.id).unwrap();
    assert!(!tenant.is_fresh(&before_a_replay).unwrap());
    assert_eq!(now.last_active_at, next.session.last_active_at);

    configure(&tenant, r#"{"max_sessions_per_user":1}"#);
    let (_, before_an_eviction) = tenant.get_cacheable(grant.session.id).unwrap();
    let evicting = sign_in(&tenant, "u");
    assert_eq!(evicting.evicted, [grant.session.id]);
    assert!(!tenant.is_fresh(&before_an_eviction).unwrap());
    let (ended, basis) = tenant.get_cacheable(grant.session.id).unwrap();
    assert_eq!(ended.status, Status::Revoked);
    assert!(tenant.is_fresh(&basis).unwrap());
    process.set_clock(START + DAY);
    tenant.purge(PurgeBefore::OlderThan("1h".parse().unwrap())).unwrap();
    assert!(!tenant.is_fresh(&basis).unwrap());
    assert_eq!(code(tenant.get(grant.session.id)), Some(ErrorCode::SessionNotFound));
}

#[test]
fn a_call_that_would_block_says_so_and_otherwise_answers_the_same() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let non_blocking = tenant.non_blocking();
    let grant = sign_in(&tenant, "u");
    let id = grant.session.id;
    let page = ListQuery::default().filter(SessionFilter::of_user(user("u")));
    assert_eq!(non_blocking.get(id), tenant.get(id));
    assert_eq!(non_blocking.verify_session(id), tenant.verify_session(id));
    assert_eq!(non_blocking.list(&page), tenant.list(&page));
    assert!(non_blocking.verify_access_token(grant.access_token.expose()).is_ok());

    // An end that the database has to write down before a caller is told.
    process.set_clock(START + 365 * DAY);
    assert_eq!(code(non_blocking.get(id)), Some(ErrorCode::StorageBusy));
    assert_eq!(code(non_blocking.verify_session(id)), Some(ErrorCode::StorageBusy));
    assert_eq!(code(non_blocking.list(&page)), Some(ErrorCode::StorageBusy));
    assert_eq!(tenant.get(id).unwrap().status, Status::Expired);
    assert_eq!(non_blocking.get(id).unwrap().status, Status::Expired);

    // Nor does a call wait for a long walk: none takes one.
    for _ in 0..1_001 {
        tenant.revoke(sign_in(&tenant, "u").session.id).unwrap();
    }
    for status in [StatusFilter::Active, StatusFilter::Expired] {
        let page = page.clone().filter(page.filter.clone().status(Some(status)));
        assert_eq!(non_blocking.list(&page), tenant.list(&page));
    }

    let memory = Process::in_memory(START);
    let tenant = memory.tenant("tnt");
    let grant = sign_in(&tenant, "u");
    assert_eq!(code(tenant.non_blocking().get(grant.session.id)), Some(ErrorCode::StorageBusy));
    assert!(!tenant.is_fresh(&tenant.get_cacheable(grant.session.id).unwrap().1).unwrap());
}

#[test]
fn the_clock_ends_a_cached_answer() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    configure(&tenant, r#"{"access_token_ttl":"2h","idle_timeout":"1h"}"#);
    let grant = sign_in(&tenant, "u");
    let verified = verify(&tenant, grant.access_token.expose());
    process.set_clock(START + HOUR - 1);
    assert!(tenant.is_fresh(verified.validator()).unwrap());
    process.set_clock(START + HOUR + SECOND);
    assert!(!tenant.is_fresh(verified.validator()).unwrap());
    let idle = tenant.verify_access_token(grant.access_token.expose());
    assert!(code(idle).is_some_and(|code| code != ErrorCode::TokenExpired));
    // Back before the end, it stays an end.
    process.set_clock(START);
    assert!(!tenant.is_fresh(verified.validator()).unwrap());
    assert!(tenant.verify_access_token(grant.access_token.expose()).is_err());

    configure(&tenant, r#"{"access_token_ttl":"15m","idle_timeout":null}"#);
    let grant = sign_in(&tenant, "u");
    let verified = verify(&tenant, grant.access_token.expose());
    process.set_clock(verified.claims.expires_at.as_millis() - 1);
    assert!(tenant.is_fresh(verified.validator()).unwrap());
    process.set_clock(verified.claims.expires_at.as_millis());
    assert!(!tenant.is_fresh(verified.validator()).unwrap());
    assert_eq!(code(tenant.verify_access_token(grant.access_token.expose())), Some(ErrorCode::TokenExpired));
}

#[test]
fn changed_keys_and_secrets_end_a_cached_answer() {
    let database = Database::new();
    let process = database.open_at(START);
    let tenant = process.tenant("tnt");
    let grant = sign_in(&tenant, "u");
    let token = grant.access_token.expose();
    let verified = verify(&tenant, token);
    let key = tenant.keys().unwrap()[0].kid;
    tenant.rotate_keys().unwrap();
    verify(&tenant, token);
    tenant.retire_key(key).unwrap();
    assert!(!tenant.is_fresh(verified.validator()).unwrap());
    assert_eq!(code(tenant.verify_access_token(token)), Some(ErrorCode::InvalidToken));

    let grant = sign_in(&tenant, "u");
    let token = grant.access_token.expose();
    let outdated = process.tenant("tnt");
    let seen = verify(&outdated, token);
    tenant.change_secret_key(&"sk_live_new_4Tn8Rk2Wq7Zx5Vb9Yc".parse().unwrap()).unwrap();
    let verified = verify(&tenant, token);
    assert!(!outdated.is_fresh(seen.validator()).unwrap());
    assert!(!outdated.is_fresh(verified.validator()).unwrap(), "one handle vouched for another");
    assert_eq!(code(outdated.verify_access_token(token)), Some(ErrorCode::InvalidApiKey));
}

#[test]
fn tenants_engines_and_other_tokens_share_nothing() {
    let database = Database::new();
    let process = database.open_at(START);
    let (a, b) = (process.tenant("a"), process.tenant("b"));
    let grant = sign_in(&a, "u");
    let token = grant.access_token.expose();
    let verified = verify(&a, token);
    assert_eq!(code(b.verify_access_token(token)), Some(ErrorCode::InvalidToken));
    assert!(!b.is_fresh(verified.validator()).unwrap());
    for at in 0..token.len() {
        let mut forged = token.to_owned();
        forged.replace_range(at..=at, if &token[at..=at] == "A" { "B" } else { "A" });
        assert_eq!(code(a.verify_access_token(&forged)), Some(ErrorCode::InvalidToken), "{at}");
    }
    assert_eq!(code(a.verify_access_token("")), Some(ErrorCode::MissingToken));
    assert_eq!(code(a.verify_access_token(&"a".repeat(1 << 20))), Some(ErrorCode::InvalidToken));
    process.engine.close().unwrap();
    assert_eq!(a.is_fresh(verified.validator()).unwrap_err().code(), ErrorCode::EngineClosed);
    assert_eq!(code(a.verify_access_token(token)), Some(ErrorCode::EngineClosed));
}

#[test]
fn an_engine_without_a_cache_and_one_in_memory_answer_the_same() {
    let database = Database::new();
    for process in [
        Process::open(database.path(), START, Engine::builder().token_cache_capacity(0)),
        Process::in_memory(START),
    ] {
        let tenant = tenant(&process.engine, "tnt");
        let grant = sign_in(&tenant, "u");
        let token = grant.access_token.expose();
        for _ in 0..3 {
            assert_eq!(tenant.verify_access_token(token).unwrap().session.id, grant.session.id);
        }
        process.set_clock(START + DAY);
        assert_eq!(code(tenant.verify_access_token(token)), Some(ErrorCode::TokenExpired));
        process.set_clock(START);
        tenant.revoke(grant.session.id).unwrap();
        assert!(tenant.verify_access_token(token).is_err());
        assert!(tenant.verify_locally(token, &LocalVerification::default()).is_err());
    }
}
