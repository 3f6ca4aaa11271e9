//! Requests to the REST API. An input is written as HTTP is: the method and the target, headers, an empty line, the body. `ID`,
//! `ACCESS`, `REFRESH` and `SECRET` in it stand for what a session of the tenant has.

use std::cell::RefCell;

use hellojohn::rest::RestApi;
use hellojohn::rest::http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use hellojohn::{Grant, PurgeBefore, Timestamp};

use super::world::{World, api, sign_in};
use crate::fixture::SECRET;

/// So many inputs are asked of one engine, so that what they have changed does not make a later one hard to repeat.
const INPUTS: u32 = 512;

/// A world with its API, kept for some inputs.
struct Host {
    world: World,
    api: RestApi,
    /// What the next input may present; the one after an input that presented it gets another.
    grant: Option<Grant>,
    inputs: u32,
}

impl Host {
    fn new(options: &str) -> Self {
        let world = World::new();
        let api = api(&world.tenant, options);
        Host { world, api, grant: None, inputs: 0 }
    }
}

fn with_host(kept: &RefCell<Option<Host>>, options: &str, ask: impl FnOnce(&mut Host)) {
    let mut host =
        kept.borrow_mut().take().filter(|host| host.inputs < INPUTS).unwrap_or_else(|| Host::new(options));
    host.inputs += 1;
    ask(&mut host);
    *kept.borrow_mut() = Some(host);
}

/// Bytes with a word replaced wherever it stands.
fn replaced(bytes: &[u8], word: &str, by: &str) -> Vec<u8> {
    let mut result = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(word.len()).position(|window| window == word.as_bytes()) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(by.as_bytes());
        rest = &rest[at + word.len()..];
    }
    result.extend_from_slice(rest);
    result
}

fn with_credentials(data: &[u8], grant: &Grant) -> Vec<u8> {
    let words = [
        ("ID", grant.session.id.to_string()),
        ("ACCESS", grant.access_token.expose().to_owned()),
        ("REFRESH", grant.refresh_token.expose().to_owned()),
        ("SECRET", SECRET.to_owned()),
    ];
    words.iter().fold(data.to_vec(), |bytes, (word, by)| replaced(&bytes, word, by))
}

/// The request, if it is one that a server could hand over.
fn read(data: &[u8]) -> Option<Request<Vec<u8>>> {
    let (head, body) = match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &[][..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut words = lines.next()?.splitn(2, |byte| *byte == b' ');
    let mut request = Request::new(body.to_vec());
    *request.method_mut() = Method::from_bytes(words.next()?).ok()?;
    *request.uri_mut() = Uri::try_from(words.next()?).ok()?;
    for line in lines {
        let at = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..at]).ok()?;
        let value = HeaderValue::from_bytes(line[at + 1..].trim_ascii()).ok()?;
        request.headers_mut().append(name, value);
    }
    Some(request)
}

/// What holds for every answer.
fn check(data: &[u8], answer: &Response<Vec<u8>>) {
    let status = answer.status().as_u16();
    let said = || {
        format!("{status} {} to {}", String::from_utf8_lossy(answer.body()), String::from_utf8_lossy(data))
    };
    assert!(status < 500, "{}", said());
    assert!(answer.headers().contains_key("x-request-id"), "{}", said());
    if !answer.body().is_empty()
        && answer.headers().get("content-type").is_some_and(|value| value == "application/json")
    {
        let body = serde_json::from_slice::<serde_json::Value>(answer.body()).expect("JSON");
        assert!(status < 400 || body["error"]["code"].is_string(), "{}", said());
    }
    for cookie in answer.headers().get_all("set-cookie") {
        let cookie = cookie.to_str().expect("ASCII");
        assert!(cookie.contains("; HttpOnly") && cookie.contains("; Secure"), "{cookie}");
        assert!(!cookie.contains(['\r', '\n', '\0']), "{cookie}");
    }
}

fn ask(host: &mut Host, data: &[u8]) {
    let Host { world, api, .. } = host;
    let grant = host.grant.take().unwrap_or_else(|| sign_in(&world.tenant));
    if let Some(request) = read(&with_credentials(data, &grant)) {
        check(data, &api.handle(request));
    }
    assert!(
        world.other.verify_session(world.foreign.session.id).is_ok(),
        "another tenant's session has ended"
    );
    let is_trusted = ["ACCESS", "REFRESH", "SECRET", "correct"]
        .iter()
        .any(|word| data.windows(word.len()).any(|window| window == word.as_bytes()));
    if is_trusted {
        drop(world.tenant.revoke(grant.session.id));
        world.tenant.purge(PurgeBefore::Time(Timestamp::from_millis(i64::MAX))).expect("a purge");
    } else {
        // Who knew nothing has changed nothing.
        assert!(world.tenant.verify_access_token(grant.access_token.expose()).is_ok());
        host.grant = Some(grant);
    }
}

/// Any request: never a status of 500 or more, and without credentials never a change.
pub(super) fn rest_request(data: &[u8]) {
    thread_local! {
        static HOST: RefCell<Option<Host>> = const { RefCell::new(None) };
    }
    HOST.with(|kept| with_host(kept, "{}", |host| ask(host, data)));
}

/// The same in cookie mode, with the cookie of the access token and a former cookie.
pub(super) fn cookies(data: &[u8]) {
    thread_local! {
        static HOST: RefCell<Option<Host>> = const { RefCell::new(None) };
    }
    let options = r#"{"cookie":{"access":true,"former":[{"name":"old_session"}],"allowed_origins":["https://app.example.com"]}}"#;
    HOST.with(|kept| with_host(kept, options, |host| ask(host, data)));
}
