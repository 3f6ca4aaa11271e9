//! Each operation, called once.

use std::collections::BTreeSet;

use hellojohn::{
    ConfigPatch, CreateSession, ErrorCode, EventQuery, IdentityPatch, ImportRequest, ListQuery,
    LocalVerification, Operation, PurgeBefore, RefreshRequest, RequiredAuth, RevokeWhere, SeriesSpan,
    SessionFilter, SignOutScope,
};

use super::{SECRET, observed, tenant_of, user};

#[test]
fn every_operation_is_told_once_under_its_name() {
    let (recorder, _, engine, tenant, folder) = observed();
    let mut names = BTreeSet::new();
    let mut secrets = vec![SECRET.to_owned(), "usr_1".to_owned(), "ada@example.com".to_owned()];
    let mut told = |operation: Operation| {
        let told = recorder.take_one();
        assert_eq!((told.operation, told.error), (operation, None));
        for secret in &secrets {
            assert!(!told.text.contains(secret), "{}", told.text);
        }
        names.insert(operation.as_str());
        told
    };
    tenant_of(&engine);
    told(Operation::OpenTenant);
    let patch: ConfigPatch = r#"{"event_retention": "90d"}"#.parse().unwrap();
    tenant.update_config(&patch).unwrap();
    told(Operation::UpdateConfig);
    tenant.config().unwrap();
    told(Operation::Config);
    let grant = tenant.create(CreateSession::new(user("usr_1"))).unwrap();
    told(Operation::Create);
    let grant = tenant.refresh(grant.refresh_token.expose(), RefreshRequest::default()).unwrap();
    told(Operation::Refresh);
    let (id, token) = (grant.session.id, grant.access_token.expose());
    tenant.update(id, IdentityPatch::default().mfa_verified(Some(true))).unwrap();
    told(Operation::Update);
    tenant.get(id).unwrap();
    told(Operation::Get);
    tenant.get_cacheable(id).unwrap();
    told(Operation::Get);
    tenant.list(&ListQuery::default()).unwrap();
    assert_eq!(told(Operation::List).rows, 1);
    let of_user = ListQuery::default().filter(SessionFilter::of_user(user("usr_1")));
    for is_from_cache in [false, true] {
        tenant.list(&of_user).unwrap();
        let told = told(Operation::List);
        assert_eq!((told.is_from_cache, told.rows), (is_from_cache, 1));
    }
    tenant.list_cacheable(&of_user).unwrap();
    assert!(!told(Operation::List).is_from_cache);
    tenant.get_together(&[id, id], |_: &mut (), _| ()).unwrap();
    assert_eq!(told(Operation::Get).rows, 2);
    tenant.list_together(&[of_user.clone(), of_user], |_: &mut (), _| ()).unwrap();
    assert_eq!(told(Operation::List).rows, 2);
    tenant.count(&SessionFilter::default()).unwrap();
    assert_eq!(told(Operation::Count).rows, 1);
    tenant.explain(id).unwrap();
    told(Operation::Explain);
    tenant.verify_session(id).unwrap();
    told(Operation::VerifySession);
    tenant.verify_access_token(token).unwrap();
    assert!(!told(Operation::VerifyAccessToken).is_from_cache);
    tenant.verify_access_token(token).unwrap();
    assert!(told(Operation::VerifyAccessToken).is_from_cache);
    tenant.verify_locally(token, &LocalVerification::default()).unwrap();
    told(Operation::VerifyLocally);
    let recent = RequiredAuth::default().max_age(Some("5m".parse().unwrap()));
    tenant.require_auth(token, &recent).unwrap();
    assert!(told(Operation::RequireAuth).is_from_cache);
    tenant.require_auth_locally(token, &LocalVerification::default(), &recent).unwrap();
    told(Operation::RequireAuthLocally);
    let filter = SessionFilter::default().mfa_verified(Some(true));
    tenant.preview_revoke_where(&filter).unwrap();
    assert_eq!(told(Operation::PreviewRevokeWhere).rows, 1);
    tenant.revoke_where(RevokeWhere::new(filter)).unwrap();
    assert_eq!(told(Operation::RevokeWhere).rows, 1);
    tenant.revoke(id).unwrap();
    told(Operation::Revoke);
    tenant.revoke_user(&user("usr_1"), None).unwrap();
    assert_eq!(told(Operation::RevokeUser).rows, 0);
    tenant.revoke_tenant().unwrap();
    told(Operation::RevokeTenant);
    let attempt = tenant.begin_sign_in("ada@example.com", None).unwrap();
    told(Operation::BeginSignIn);
    let grant = attempt.succeed(CreateSession::new(user("usr_1"))).unwrap();
    assert_eq!(told(Operation::SucceedSignIn).rows, 1);
    tenant.sign_out(grant.refresh_token.expose(), SignOutScope::Local).unwrap();
    assert_eq!(told(Operation::SignOut).rows, 1);
    let attempt = tenant.begin_sign_in("ada@example.com", None).unwrap();
    told(Operation::BeginSignIn);
    attempt.cancel().unwrap();
    told(Operation::CancelSignIn);
    tenant.jwks().unwrap();
    told(Operation::Jwks);
    tenant.update_config(&r#"{"revocation_list": true}"#.parse().unwrap()).unwrap();
    told(Operation::UpdateConfig);
    tenant.revocations(0).unwrap();
    assert_eq!(told(Operation::Revocations).rows, 1);
    tenant.rotate_keys().unwrap();
    told(Operation::RotateKeys);
    let keys = tenant.keys().unwrap();
    assert_eq!(told(Operation::Keys).rows, 3);
    tenant.retire_key(keys[0].kid).unwrap();
    told(Operation::RetireKey);
    tenant.rotate_refresh_key().unwrap();
    told(Operation::RotateRefreshKey);
    let page = tenant.events(&EventQuery::default()).unwrap();
    assert_eq!(told(Operation::Events).rows, page.data.len() as u64);
    tenant.seal_events().unwrap();
    told(Operation::SealEvents);
    tenant.export_events(0, &mut Vec::new()).unwrap();
    told(Operation::ExportEvents);
    tenant.export_events_to(0, folder.path().join("events.log")).unwrap();
    told(Operation::ExportEvents);
    let consumer = tenant.event_consumer("mail").unwrap();
    consumer.next(&EventQuery::default()).unwrap();
    assert_eq!(told(Operation::NextEvents).rows, page.data.len() as u64);
    consumer.finish(1).unwrap();
    told(Operation::FinishEvents);
    consumer.renew().unwrap();
    told(Operation::RenewEvents);
    consumer.release().unwrap();
    told(Operation::ReleaseEvents);
    consumer.forget().unwrap();
    told(Operation::ForgetEvents);
    tenant.maintain().unwrap();
    told(Operation::Maintain);
    tenant.sweep().unwrap();
    told(Operation::Sweep);
    tenant.purge(PurgeBefore::OlderThan("90d".parse().unwrap())).unwrap();
    told(Operation::Purge);
    tenant.stats().unwrap();
    assert_eq!(told(Operation::Stats).rows, 2);
    tenant.stats_series(SeriesSpan::Hours24).unwrap();
    assert_eq!(told(Operation::StatsSeries).rows, 2);
    let row = r#"{"user_id":"usr_1","credential":"old-session-0001"}"#;
    tenant.import(row.as_bytes(), &ImportRequest::default(), |_| {}).unwrap();
    assert_eq!(told(Operation::Import).rows, 1);
    tenant.adopt("old-session-0001", RefreshRequest::default()).unwrap();
    told(Operation::Adopt);
    let new = "sk_live_nE4wQ8tYb2mZ6kXp9RvLcU";
    secrets.push(new.to_owned());
    tenant.change_secret_key(&new.parse().unwrap()).unwrap();
    assert_eq!(recorder.take_one().operation, Operation::ChangeSecretKey);
    engine.lower_clock_mark().unwrap();
    let told = recorder.take_one();
    assert_eq!((told.operation, told.tenant_id), (Operation::LowerClockMark, None));
    let attempt = tenant.begin_sign_in("ada@example.com", None).unwrap();
    recorder.take();
    assert_eq!(attempt.fail().code(), ErrorCode::InvalidCredentials);
    let told = recorder.take_one();
    assert_eq!((told.operation, told.error), (Operation::FailSignIn, Some(ErrorCode::InvalidCredentials)));
    engine.close().unwrap();
    assert_eq!(recorder.take_one().operation, Operation::Close);
    for name in ["change_secret_key", "lower_clock_mark", "fail_sign_in", "close"] {
        names.insert(name);
    }
    let all: BTreeSet<&str> = Operation::ALL.iter().map(|operation| operation.as_str()).collect();
    assert_eq!(names, all);
}
