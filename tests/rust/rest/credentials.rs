//! The tables of `docs/COOKIES.md`, row by row: which credential a request is read for, what is answered, which sessions
//! end, what happens to the cookie.

use std::collections::BTreeMap;

use hellojohn::rest::{CookieOptions, RestOptions};
use hellojohn::{CreateSession, Grant, RefreshRequest, SessionId, Tenant};
use serde_json::json;

use crate::host::{Answer, Call, Host, SECRET, user};

const DOCUMENT: &str = include_str!("../../../docs/COOKIES.md");
const NAME: &str = "__Host-hj_refresh";
const FORMER: &str = "hj_refresh_token";
const HOUR: i64 = 3_600_000;

/// The rows of the table below a heading, each with its cells.
pub fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, section) = DOCUMENT.split_once(heading).expect(heading);
    let section = section.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect());
    let rows: Vec<Vec<&str>> = cells.collect();
    assert!(rows.len() >= 5, "{heading}");
    rows
}

/// The words of a cell; `–` stands for none.
pub fn words(cell: &'static str) -> Vec<&'static str> {
    cell.split_whitespace().filter(|word| *word != "–").collect()
}

/// What the words of the tables mean: a session of its own for each row and word.
struct Credentials {
    tokens: BTreeMap<&'static str, String>,
    sessions: BTreeMap<&'static str, SessionId>,
}

impl Credentials {
    fn new(host: &Host, other_tenant: &Tenant) -> Self {
        let create = |tenant: &Tenant, name: &str| -> Grant {
            host.clock.advance_millis(1_000);
            tenant.create(CreateSession::new(user(&format!("usr_{name}")))).expect("a session")
        };
        let refresh = |token: &str| {
            host.clock.advance_millis(60_000);
            let next = host.tenant.refresh(token, RefreshRequest::default()).expect("a successor");
            next.refresh_token.expose().to_owned()
        };
        let mut found = Credentials { tokens: BTreeMap::new(), sessions: BTreeMap::new() };
        let mut add = |name: &'static str, token: &str, session: Option<SessionId>| {
            found.tokens.insert(name, token.to_owned());
            if let Some(session) = session {
                found.sessions.insert(name, session);
            }
        };
        let older = create(&host.tenant, "older");
        add("older", older.refresh_token.expose(), Some(older.session.id));
        let expired = create(&host.tenant, "expired");
        add("expired", expired.access_token.expose(), Some(expired.session.id));
        host.clock.advance_millis(2 * HOUR);
        let good = create(&host.tenant, "good");
        add("stale", good.refresh_token.expose(), None);
        add("good", &refresh(good.refresh_token.expose()), Some(good.session.id));
        let reused = create(&host.tenant, "reused");
        refresh(&refresh(reused.refresh_token.expose()));
        add("reused", reused.refresh_token.expose(), Some(reused.session.id));
        let ended = create(&host.tenant, "ended");
        host.tenant.revoke(ended.session.id).expect("a revocation");
        add("ended", ended.refresh_token.expose(), None);
        let valid = create(&host.tenant, "valid");
        add("valid", valid.access_token.expose(), Some(valid.session.id));
        let bearer = create(&host.tenant, "refresh");
        add("refresh", bearer.refresh_token.expose(), Some(bearer.session.id));
        add("foreign", create(other_tenant, "foreign").refresh_token.expose(), None);
        add("garbage", "rt_x", None);
        add("secret", SECRET, None);
        found
    }

    /// The `Cookie` header of a cell.
    fn cookies(&self, cell: &'static str) -> Option<String> {
        let cookies = words(cell).into_iter().map(|word| match word.strip_prefix("former:") {
            Some(word) => format!("{FORMER}={}", self.tokens[word]),
            None => format!("{NAME}={}", self.tokens[word]),
        });
        Some(cookies.collect::<Vec<_>>().join("; ")).filter(|header| !header.is_empty())
    }

    /// The sessions of the row that have ended, by their words.
    fn ended(&self, host: &Host) -> Vec<(&'static str, &'static str)> {
        let sessions = self.sessions.iter().filter_map(|(name, id)| {
            let session = host.tenant.get(*id).expect("the session");
            Some((*name, session.end_reason?.as_str()))
        });
        sessions.collect()
    }
}

struct Hosts {
    host: Host,
    other_tenant: Tenant,
}

impl Hosts {
    fn new() -> Self {
        let options = RestOptions::default().cookie(Some(CookieOptions::default()));
        let host = Host::with(options);
        let other = host.engine.tenant(&"tnt_other".parse().unwrap(), &SECRET.parse().unwrap());
        Hosts { other_tenant: other.expect("a tenant"), host }
    }

    fn post(&self, target: &str, cookies: Option<String>) -> Call<'_> {
        let call = self.host.post(target).header("sec-fetch-site", "same-origin");
        match cookies {
            Some(cookies) => call.header("cookie", cookies),
            None => call,
        }
    }
}

fn check_answer(row: &[&str], answer: &Answer, expected: &str) {
    let found = format!("{} {}", answer.status, answer.code());
    assert_eq!(found.trim(), expected, "{row:?}");
}

/// Checks the `Set-Cookie` headers against a cell such as `set, former cleared`.
fn check_cookies(row: &[&str], answer: &Answer, expected: &str) {
    let headers = answer.headers.get_all("set-cookie").iter().map(|header| header.to_str().expect("ASCII"));
    let found: Vec<&str> = headers
        .map(|header| {
            let tail = "; HttpOnly; Secure; SameSite=Lax";
            assert!(header.ends_with(tail), "{header}");
            let header = header.strip_suffix(tail).expect("a tail");
            match header {
                "__Host-hj_refresh=; Path=/; Max-Age=0" => "cleared",
                "hj_refresh_token=; Path=/v1/auth; Max-Age=0" => "former cleared",
                _ if header.starts_with("__Host-hj_refresh=rt_") => "set",
                _ => header,
            }
        })
        .collect();
    let expected: Vec<&str> = expected.split(", ").filter(|word| *word != "kept").collect();
    assert_eq!(found, expected, "{row:?}");
}

#[test]
fn a_refresh_does_what_its_table_says() {
    let hosts = Hosts::new();
    for row in rows("## Refresh:") {
        let [body, cookies, expected, used, afterwards] = row[..] else { panic!("{row:?}") };
        let presented = Credentials::new(&hosts.host, &hosts.other_tenant);
        let mut call = hosts.post("/v1/auth/token/refresh", presented.cookies(cookies));
        if let [word] = words(body)[..] {
            call = call.json(&json!({"refresh_token": presented.tokens[word]}));
        }
        let answer = call.send();
        check_answer(&row, &answer, expected);
        check_cookies(&row, &answer, afterwards);
        assert!(answer.body.get("refresh_token").is_none(), "{row:?}");
        let ends = presented.ended(&hosts.host);
        match used.strip_suffix(" ends") {
            Some(word) => assert_eq!(ends, [(word, "refresh_token_reuse")], "{row:?}"),
            None => assert_eq!(ends, [], "{row:?}"),
        }
        if answer.status == 200 {
            assert_eq!(answer.body["session_id"], presented.sessions[used].to_string(), "{row:?}");
        }
    }
}

#[test]
fn a_sign_out_does_what_its_table_says() {
    let hosts = Hosts::new();
    for row in rows("## Sign-out:") {
        let [body, bearer, cookies, expected, ends, afterwards] = row[..] else { panic!("{row:?}") };
        let presented = Credentials::new(&hosts.host, &hosts.other_tenant);
        let mut call = hosts.post("/v1/auth/sign-out", presented.cookies(cookies));
        if let [word] = words(body)[..] {
            call = call.json(&json!({"refresh_token": presented.tokens[word]}));
        }
        if let [word] = words(bearer)[..] {
            call = call.bearer(if word == "garbage" { "a.b.c" } else { &presented.tokens[word] });
        }
        let answer = call.send();
        check_answer(&row, &answer, expected);
        check_cookies(&row, &answer, afterwards);
        let mut expected: Vec<(&str, &str)> = words(ends)
            .into_iter()
            .map(|word| (word, if word == "reused" { "refresh_token_reuse" } else { "sign_out" }))
            .collect();
        expected.sort_unstable();
        assert_eq!(presented.ended(&hosts.host), expected, "{row:?}");
    }
}

#[test]
fn a_sign_in_does_what_its_table_says() {
    let hosts = Hosts::new();
    for row in rows("## Sign-in:") {
        let [cookies, expected, afterwards] = row[..] else { panic!("{row:?}") };
        let presented = Credentials::new(&hosts.host, &hosts.other_tenant);
        let body = json!({"email": "ada@example.com", "password": "correct horse"});
        let answer = hosts.post("/v1/auth/sign-in", presented.cookies(cookies)).json(&body).send();
        check_answer(&row, &answer, expected);
        check_cookies(&row, &answer, afterwards);
        assert_eq!(presented.ended(&hosts.host), [], "{row:?}");
    }
}

#[test]
fn a_cookie_gives_access_to_no_other_route() {
    let hosts = Hosts::new();
    let presented = Credentials::new(&hosts.host, &hosts.other_tenant);
    for (method, target) in [
        ("GET", "/v1/sessions"),
        ("DELETE", "/v1/sessions"),
        ("POST", "/v1/sessions/verify"),
        ("GET", "/v1/admin/config"),
        ("GET", "/v1/admin/stats"),
    ] {
        let call = hosts.host.call(method, target).header("sec-fetch-site", "same-origin");
        let answer = call.header("cookie", presented.cookies("good").unwrap()).send();
        answer.fails(401, "missing_token");
    }
    assert_eq!(presented.ended(&hosts.host), []);
}

#[test]
fn a_foreign_page_neither_reads_nor_sets_nor_clears_a_cookie() {
    let hosts = Hosts::new();
    let presented = Credentials::new(&hosts.host, &hosts.other_tenant);
    let before = hosts.host.dump();
    for cookies in ["good", "garbage", "former:good", "good older"] {
        for target in ["/v1/auth/token/refresh", "/v1/auth/sign-out", "/v1/auth/sign-in"] {
            let call = hosts.host.post(target).header("origin", "https://evil.test");
            let call = call.header("cookie", presented.cookies(cookies).unwrap());
            let body = json!({"email": "ada@example.com", "password": "correct horse"});
            let call = if target.ends_with("sign-in") { call.json(&body) } else { call };
            let answer = call.send().fails(403, "insufficient_permissions");
            assert_eq!(answer.header("set-cookie"), "", "{target} {cookies}");
        }
    }
    assert_eq!(hosts.host.dump(), before);
}

/// More tokens than are looked at: one of the others may be good, so that nothing is cleared.
#[test]
fn a_flood_of_planted_cookies_clears_nothing() {
    let hosts = Hosts::new();
    let presented = Credentials::new(&hosts.host, &hosts.other_tenant);
    let planted = |count: usize| -> Vec<String> {
        let token = &presented.tokens["foreign"];
        let variant = |index: usize| {
            let head = &token[..token.len() - 3];
            let letters = [index / 26, index % 26].map(|digit| (b'A' + digit as u8) as char);
            format!("{NAME}={head}{}{}A", letters[0], letters[1])
        };
        (0..count).map(variant).collect()
    };
    let good = presented.cookies("good").unwrap();
    let with_good = |count: usize| [planted(count).join("; "), good.clone()].join("; ");
    hosts.post("/v1/auth/token/refresh", Some(with_good(15))).send().is(200);
    let answer = hosts.post("/v1/auth/token/refresh", Some(with_good(200))).send();
    let answer = answer.fails(401, "refresh_token_invalid");
    assert_eq!(answer.header("set-cookie"), "");
    // What is no refresh token at all hides none.
    let garbage: Vec<String> = (0..200).map(|index| format!("{NAME}=x{index}")).collect();
    let behind = [garbage.join("; "), presented.cookies("older").unwrap()].join("; ");
    hosts.post("/v1/auth/token/refresh", Some(behind)).send().is(200);
}
