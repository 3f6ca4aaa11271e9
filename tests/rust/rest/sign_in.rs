//! `POST /v1/auth/sign-in`: the host decides, in one step or in two.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hellojohn::rest::{AuthenticateError, RestApi, RestOptions, Step};
use hellojohn::{ClientInfo, CreateSession};
use serde_json::{Value, json};

use crate::host::{Answer, Call, Host, read, user};

fn ada() -> Value {
    json!({"email": "ada@example.com", "password": "correct horse"})
}

fn sign_in<'a>(host: &'a Host, body: &Value) -> Call<'a> {
    host.post("/v1/auth/sign-in").json(body)
}

fn session(answer: &Answer) -> &Value {
    &answer.body["session"]
}

#[test]
fn good_credentials_open_a_session() {
    let host = Host::new();
    let answer = sign_in(&host, &ada())
        .header("user-agent", "curl/8.5.0")
        .header("x-forwarded-for", "198.51.100.1")
        .client_address("::ffff:203.0.113.42")
        .send()
        .is(200);
    let body = answer.body.as_object().unwrap();
    let names: Vec<&str> = body.keys().map(String::as_str).collect();
    assert_eq!(names, ["access_token", "expires_in", "refresh_token", "session", "session_id"]);
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body["session_id"], session(&answer)["id"]);
    assert_eq!(session(&answer)["user_id"], "usr_ada");
    assert_eq!(session(&answer)["user_agent"], "curl/8.5.0");
    assert_eq!(session(&answer)["ip_address"], "203.0.113.42", "only what the host says counts");
    assert_eq!(session(&answer)["device_type"], "bot");
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(host.tenant.verify_access_token(token).unwrap().claims.user_id.as_str(), "usr_ada");
    assert!(answer.headers.get("set-cookie").is_none());
}

#[test]
fn the_headers_of_client_hints_tell_the_kind_of_device() {
    const COMPUTER: &str =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0";
    let host = Host::new();
    let device_type = |headers: &[(&str, &str)]| {
        let mut call = sign_in(&host, &ada());
        for (name, value) in headers {
            call = call.header(name, value);
        }
        session(&call.send().is(200))["device_type"].clone()
    };
    let android =
        [("user-agent", COMPUTER), ("sec-ch-ua-mobile", "?0"), ("sec-ch-ua-platform", "\"Android\"")];
    assert_eq!(device_type(&android), "tablet");
    assert_eq!(device_type(&[("user-agent", COMPUTER)]), "desktop");
    assert_eq!(device_type(&[("user-agent", COMPUTER), ("sec-ch-ua-mobile", "?1")]), "mobile");
    assert_eq!(
        device_type(&[("user-agent", "okhttp/4.9.0"), ("sec-ch-ua-form-factors", "\"Tablet\"")]),
        "tablet"
    );
    assert_eq!(device_type(&[("sec-ch-ua-platform", "\"Windows\"")]), "desktop");
    assert_eq!(device_type(&[("user-agent", "curl/8.5.0"), ("sec-ch-ua-mobile", "?1")]), "bot");
    assert_eq!(device_type(&[("user-agent", COMPUTER), ("sec-ch-ua-mobile", "é")]), "desktop");
}

#[test]
fn the_client_may_shorten_its_session_and_not_stretch_it() {
    let host = Host::new();
    let ends = |host: &Host, email: &str, duration: Value| {
        let body =
            json!({"email": email, "password": "correct horse", "session_options": {"duration": duration}});
        session(&sign_in(host, &body).send().is(200))["expires_at"].as_str().unwrap().to_owned()
    };
    assert_eq!(ends(&host, "ada@example.com", json!("24h")), "2024-01-16T10:30:00Z");
    assert_eq!(ends(&host, "ada@example.com", json!(3600)), "2024-01-15T11:30:00Z");
    assert_eq!(ends(&host, "ada@example.com", json!(null)), "2024-02-14T10:30:00Z");
    assert_eq!(ends(&host, "ada@example.com", json!("30d")), "2024-02-14T10:30:00Z");
    assert_eq!(ends(&host, "ada@example.com", json!("1y")), "2024-02-14T10:30:00Z");
    // The host's word counts, whatever the client wishes.
    assert_eq!(ends(&host, "long@example.com", json!("1h")), "2025-01-14T10:30:00Z");

    let longest_requested_session = Some("1y".parse().unwrap());
    let host = Host::with(RestOptions::default().longest_requested_session(longest_requested_session));
    assert_eq!(ends(&host, "ada@example.com", json!("90d")), "2024-04-14T10:30:00Z");
    assert_eq!(ends(&host, "ada@example.com", json!("2y")), "2025-01-14T10:30:00Z");
}

#[test]
fn a_refused_sign_in_does_not_tell_which_half_was_wrong() {
    let host = Host::new();
    let before = host.dump();
    let wrong = [("ada@example.com", "wrong"), ("unknown@example.com", "correct horse"), ("ada", "x\u{0}y")];
    let answers: Vec<Value> = wrong
        .iter()
        .map(|(email, password)| {
            let answer = sign_in(&host, &json!({"email": email, "password": password})).send();
            let mut error = answer.fails(401, "invalid_credentials").body["error"].clone();
            error["request_id"] = Value::Null;
            error
        })
        .collect();
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(host.dump(), before);
}

#[test]
fn a_host_that_fails_is_a_clean_500() {
    let host = Host::new();
    let before = host.dump();
    for email in ["down@example.com", "wide@example.com"] {
        let body = json!({"email": email, "password": "s3cret"});
        let request = sign_in(&host, &body).request();
        let response = host.api.handle(request);
        let error = response.extensions().get::<hellojohn::Error>().cloned().unwrap();
        assert!(error.detail().contains("host"), "the host can tell from the extension: {error}");
        let answer = read(response, false).fails(500, "internal");
        let text = answer.body.to_string();
        assert!(!text.contains("10.0.0.7") && !text.contains("claims") && !text.contains("s3cret"), "{text}");
    }
    assert_eq!(host.dump(), before);
}

#[test]
fn a_sign_in_without_email_or_password_is_refused() {
    let host = Host::new();
    let before = host.dump();
    for body in [
        json!({}),
        json!({"email": "ada@example.com"}),
        json!({"email": "ada@example.com", "password": ""}),
        json!({"email": "", "password": "correct horse"}),
        json!({"email": null, "password": "correct horse"}),
        json!({"email": ["ada@example.com"], "password": "correct horse"}),
        json!({"email": "ada@example.com", "password": "correct horse", "session_options": "24h"}),
        json!({"email": "ada@example.com", "password": "correct horse", "session_options": {"duration": "1x"}}),
        json!({"email": "ada@example.com", "password": "correct horse", "session_options": {"ttl": "1h"}}),
        json!([]),
    ] {
        sign_in(&host, &body).send().fails(422, "validation_error");
    }
    assert_eq!(host.dump(), before);
}

#[test]
fn a_host_without_users_offers_no_sign_in() {
    let host = Host::new();
    let api = RestApi::new(host.tenant.clone(), RestOptions::default()).unwrap();
    read(api.handle(sign_in(&host, &ada()).request()), false).fails(404, "not_found");
}

/// As a host does it whose user store answers later.
#[test]
fn a_host_may_check_the_credentials_in_a_second_step() {
    let host = Host::new();
    let mut body = ada();
    body["code"] = json!("123456");
    body["session_options"] = json!({"duration": "2h"});
    let begin = || match host.api.begin(sign_in(&host, &body).header("user-agent", "a/1").request()) {
        Step::Authenticate(pending) => pending,
        other => panic!("{other:?}"),
    };
    let pending = begin();
    let credentials = pending.credentials();
    assert_eq!((credentials.email(), credentials.password()), ("ada@example.com", "correct horse"));
    assert_eq!(credentials.text("code"), Some("123456"));
    assert_eq!(credentials.as_object().len(), 3, "session_options is for the engine");
    let printed = format!("{pending:?} {credentials:?}");
    assert!(!printed.contains("horse") && !printed.contains("ada"), "{printed}");

    let client = ClientInfo::default().user_agent(Some("the host's".parse().unwrap()));
    let answer =
        read(pending.finish(Ok(Some(CreateSession::new(user("usr_ada")).client(client)))), false).is(200);
    assert_eq!(session(&answer)["user_agent"], "the host's");
    assert_eq!(session(&answer)["expires_at"], "2024-01-15T12:30:00Z");
    read(begin().finish(Ok(None)), false).fails(401, "invalid_credentials");
    read(begin().finish(Err(AuthenticateError)), false).fails(500, "internal");
    read(begin().not_offered(), false).fails(404, "not_found");
    // Everything else is answered at once.
    assert!(matches!(host.api.begin(host.get("/v1/sessions").request()), Step::Answer(_)));
}

#[test]
fn a_sign_in_evicts_above_the_cap() {
    let host = Host::new();
    host.tenant.update_config(&r#"{"max_sessions_per_user": 1}"#.parse().unwrap()).unwrap();
    let first = sign_in(&host, &ada()).send().is(200);
    sign_in(&host, &ada()).send().is(200);
    let token = first.body["access_token"].as_str().unwrap();
    host.get("/v1/sessions").bearer(token).send().fails(401, "session_revoked");
}

fn wrong(account: usize) -> Value {
    json!({"email": format!("user{account}@example.com"), "password": "wrong"})
}

#[test]
fn too_many_failed_sign_ins_are_answered_with_the_time_to_wait() {
    let host = Host::new();
    for _ in 0..10 {
        sign_in(&host, &wrong(0)).client_address("203.0.113.42").send().fails(401, "invalid_credentials");
    }
    host.clock.advance_millis(60_500);
    let api = RestApi::new(host.tenant.clone(), RestOptions::default()).unwrap();
    let api = api.authenticate_with(|_| panic!("the host is not asked"));
    let request = sign_in(&host, &wrong(0)).client_address("203.0.113.42").request();
    let answer = read(api.handle(request), false).fails(429, "too_many_requests");
    assert_eq!(answer.header("retry-after"), "840");
    // The documented answer, and nothing in it about the account.
    let answer = sign_in(&host, &wrong(0)).client_address("203.0.113.42").send();
    assert!(!answer.body.to_string().contains("user0"));
    host.clock.advance_millis(839_500);
    sign_in(&host, &wrong(0)).client_address("203.0.113.42").send().fails(401, "invalid_credentials");
}

#[test]
fn forty_wrong_passwords_at_once_ask_the_host_ten_times() {
    let host = Host::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let api = RestApi::new(host.tenant.clone(), RestOptions::default()).unwrap();
    let api = api.authenticate_with(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(None)
    });
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..40)
            .map(|_| sign_in(&host, &ada()).client_address("203.0.113.42").request())
            .map(|request| scope.spawn(|| api.handle(request).status().as_u16()))
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(asked.load(Ordering::Relaxed), 10);
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10);
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 30);
}

/// A host behind a proxy that passes on the proxy's address: one attacker must not shut every client out.
#[test]
fn the_address_of_an_unnamed_proxy_counts_as_not_known() {
    let fail_a_hundred_times = |address: &str, forwarded: bool| {
        let host = Host::new();
        let call = |body: &Value| {
            let call = sign_in(&host, body).client_address(address);
            if forwarded { call.header("x-forwarded-for", "198.51.100.7") } else { call }.send()
        };
        for account in 0..100 {
            call(&wrong(account)).fails(401, "invalid_credentials");
        }
        call(&ada()).status
    };
    for proxy in ["127.0.0.1", "10.0.0.8", "::1", "fd00::1"] {
        assert_eq!(fail_a_hundred_times(proxy, true), 200, "{proxy}");
        assert_eq!(fail_a_hundred_times(proxy, false), 429, "{proxy}");
    }
    // A client of the Internet does not get around its limit by a header.
    assert_eq!(fail_a_hundred_times("203.0.113.42", true), 429);
}
