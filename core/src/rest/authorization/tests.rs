//! What may be remembered of a request that was let pass.

use http::Request;
use serde_json::json;

use super::*;
use crate::engine::{CreateSession, Engine};
use crate::model::identity::IdentityPatch;
use crate::rest::{AccessCookieOptions, CookieOptions, RestOptions};

/// For what a request brings and a guard asks: whether the answer may be remembered.
#[test]
fn what_only_a_commit_or_an_end_changes_may_be_remembered() {
    let engine = Engine::open(":memory:").unwrap();
    let tenant = engine
        .tenant(&"tnt_acme".parse().unwrap(), &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse().unwrap())
        .unwrap();
    let cookies = CookieOptions::default().access(Some(AccessCookieOptions::default()));
    let api = RestApi::new(tenant.clone(), RestOptions::default().cookie(Some(cookies))).unwrap();
    let grant = tenant.create(CreateSession::new("usr_1".parse().unwrap())).unwrap();
    let token = grant.access_token.expose();
    let bearer = Some(("authorization", format!("Bearer {token}")));
    let by_cookie = format!("__Host-hj_access={token}");
    let bad = Some(("authorization", format!("Bearer {token}x")));
    for (sent, asked, passes, may_be_remembered) in [
        (&bearer, json!({}), true, true),
        (&bearer, json!({"optional": true, "refuse_actor": true}), true, true),
        (&bearer, json!({"max_age": "1h"}), true, false),
        (&bearer, json!({"verify": "local"}), true, false),
        (&bearer, json!({"role": "admin"}), false, false),
        (&bearer, json!({"mfa": true}), false, false),
        (&bad, json!({}), false, false),
        (&None, json!({"optional": true}), true, false),
        (&None, json!({}), false, false),
    ] {
        let options = AuthorizeOptions::from_json(asked.as_object().unwrap()).unwrap();
        let mut request = Request::get("/");
        if let Some((name, value)) = sent {
            request = request.header(*name, value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        for found in [
            authorize_cacheable(&tenant, &parts, &options),
            api.authorize(&parts, &options),
            api.authorize_by_reading(&parts, &options).unwrap(),
        ] {
            assert_eq!(
                (found.auth.is_ok(), found.validator.is_some()),
                (passes, may_be_remembered),
                "{asked}"
            );
        }
    }
    // The header is not what has let the request pass.
    let request = Request::get("/").header("authorization", "Bearer other");
    let request = request.extension(crate::rest::BearerToken::from(token.to_owned()));
    let (parts, ()) = request.body(()).unwrap().into_parts();
    for found in [
        api.authorize(&parts, &AuthorizeOptions::default()),
        authorize_cacheable(&tenant, &parts, &AuthorizeOptions::default()),
    ] {
        assert!(found.auth.unwrap().is_some() && found.validator.is_none());
    }
    let (parts, ()) = Request::get("/").header("cookie", by_cookie).body(()).unwrap().into_parts();
    let found = api.authorize(&parts, &AuthorizeOptions::default());
    assert!(found.auth.unwrap().is_some());
    assert!(found.validator.is_none(), "other cookies decide with it");
}

#[test]
fn an_answer_is_stale_when_the_session_has_changed() {
    let engine = Engine::open(":memory:").unwrap();
    let tenant = engine
        .tenant(&"tnt_acme".parse().unwrap(), &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse().unwrap())
        .unwrap();
    let grant = tenant.create(CreateSession::new("usr_1".parse().unwrap())).unwrap();
    let bearer = format!("Bearer {}", grant.access_token.expose());
    let (parts, ()) = Request::get("/").header("authorization", bearer).body(()).unwrap().into_parts();
    let ask = || authorize_cacheable(&tenant, &parts, &AuthorizeOptions::default()).validator;
    let first = ask().unwrap();
    tenant
        .update(grant.session.id, IdentityPatch::default().role(Some(Some("admin".parse().unwrap()))))
        .unwrap();
    let second = ask().unwrap();
    assert!(!tenant.is_fresh(&first).unwrap());
    tenant.revoke(grant.session.id).unwrap();
    assert!(!tenant.is_fresh(&second).unwrap());
    assert!(ask().is_none());
}
