//! `serve`: the REST API over real sockets.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::shell::{KEY, Server, Shell};

/// One request on a connection of its own: the status and the body.
fn send(server: &Server, head: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(&server.address).expect("a connection");
    let length = body.len();
    write!(
        stream,
        "{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {KEY}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("a request");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    let status = response.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let body = response.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or_default())
}

/// A whole answer.
fn read_text(server: &Server, head: &str) -> String {
    let mut stream = TcpStream::connect(&server.address).expect("a connection");
    write!(stream, "{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("a request");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    response
}

/// A program that knows one user.
fn write_sign_in_program(shell: &Shell) {
    let program = shell.folder().join("sign-in");
    let script = "#!/bin/sh\nread -r credentials\ncase $credentials in\n\
                  *'\"correct horse\"'*) echo '{\"user_id\": \"usr_ada\", \"role\": \"admin\"}' ;;\n\
                  *'\"broken\"'*) exit 2 ;;\n*'\"odd\"'*) echo '{\"name\": 1}' ;;\n*) exit 1 ;;\nesac\n";
    fs::write(&program, script).expect("a program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("a program");
}

#[test]
fn the_revocation_list_is_public_by_an_option() {
    let shell = Shell::with_tenant();
    shell.json(&["config", "set", "revocation_list=true"]);
    for (arguments, expected) in [(&["--public-revocations"] as &[&str], "200"), (&[], "401")] {
        let server = Server::start(&shell, arguments);
        let mut stream = TcpStream::connect(&server.address).expect("a connection");
        write!(stream, "GET /v1/revocations HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .expect("a request");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("a response");
        assert_eq!(response.split(' ').nth(1), Some(expected), "{arguments:?}");
    }
}

#[test]
fn users_sign_in_by_the_operators_program_and_the_server_stops_gracefully() {
    let shell = Shell::with_tenant();
    write_sign_in_program(&shell);
    let server = Server::start(&shell, &["--sign-in-program", "./sign-in"]);
    let sign_in = |password: &str| {
        send(
            &server,
            "POST /v1/auth/sign-in",
            &format!(r#"{{"email":"ada@example.com","password":"{password}"}}"#),
        )
    };
    let (status, grant) = sign_in("correct horse");
    assert_eq!((status, &grant["session"]["user_id"]), (200, &Value::from("usr_ada")), "{grant}");
    assert_eq!(sign_in("wrong").0, 401);
    assert_eq!(sign_in("broken").0, 500);
    assert_eq!(sign_in("odd").0, 500);

    // Commands beside the server see the same, and a user who signs in is no actor.
    let list = shell.json(&["sessions", "list"]);
    assert_eq!(
        (&list["data"][0]["role"], &list["data"][0]["ip_address"]),
        (&"admin".into(), &"127.0.0.1".into())
    );
    assert_eq!(
        shell.json(&["events", "list", "--types", "session.created"])["data"][0]["actor"],
        Value::Null
    );
    let id = list["data"][0]["id"].as_str().expect("an id");
    assert_eq!(send(&server, &format!("DELETE /v1/sessions/{id}"), "").0, 204);
    assert_eq!(shell.json(&["sessions", "count"])["count"], 0);
    assert_eq!(send(&server, "GET /v1/nope", "").0, 404);
    assert_eq!(send(&server, "POST /v1/auth/sign-in", &" ".repeat(70_000)).0, 413);

    // A client that keeps its connection open does not keep the server.
    let _idle = TcpStream::connect(&server.address).expect("a connection");
    let stopped = server.stop();
    assert_eq!(stopped.code, 0);
    assert!(stopped.errors.contains("the sign-in program: it ended with exit status: 2"), "{stopped:?}");
    assert!(
        stopped.errors.contains("the sign-in program: ") && !stopped.errors.contains("horse"),
        "{stopped:?}"
    );
}

#[test]
fn without_a_program_the_server_offers_no_sign_in() {
    let shell = Shell::with_tenant();
    let server = Server::start(&shell, &["--rest-options", r#"{"admin": false}"#]);
    let (status, _) = send(&server, "POST /v1/auth/sign-in", r#"{"email":"a","password":"b"}"#);
    assert_eq!(status, 404);
    assert_eq!(send(&server, "GET /v1/admin/stats", "").0, 404);
    assert_eq!(server.stop().code, 0);
}

#[test]
fn the_dashboard_is_served_where_the_operator_asks_for_it() {
    let shell = Shell::with_tenant();
    let server = Server::start(&shell, &["--dashboard"]);
    let (status, config) = send(&server, "GET /dashboard/config.json", "");
    assert_eq!((status, &config["tenant_id"]), (200, &Value::from("tnt_acme")));
    assert_eq!(send(&server, "GET /dashboard/", "").0, 200);
    assert_eq!(server.stop().code, 0);

    let server = Server::start(&shell, &[]);
    assert_eq!(send(&server, "GET /dashboard/", "").0, 404);
    assert_eq!(server.stop().code, 0);

    let refused = shell.run(&["serve", "--dashboard", "--rest-options", r#"{"admin": false}"#]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.errors.contains("dashboard: needs admin"), "{refused:?}");
}

#[test]
fn the_server_goes_on_without_a_reader_of_its_output() {
    let shell = Shell::with_tenant();
    for arguments in [&["--dashboard"] as &[&str], &["--dashboard", "--json"]] {
        let server = Server::start_unread(&shell, arguments);
        assert_eq!(send(&server, "GET /healthz", "").0, 200, "{arguments:?}");
        let stopped = server.stop();
        assert_eq!(stopped.code, 0, "{arguments:?} {stopped:?}");
    }
}

#[test]
fn the_server_tells_whether_it_lives_and_whether_its_database_answers() {
    let shell = Shell::with_tenant();
    let server = Server::start(&shell, &[]);
    assert_eq!(send(&server, "GET /healthz", "").0, 200);
    assert_eq!(send(&server, "GET /readyz", "").0, 200);
    assert_eq!(send(&server, "POST /healthz", "").0, 405);
    fs::write(shell.folder().join("new"), "sk_live_nE4wQ8tYb2mZ6kXp9RvLcU").expect("a key");
    shell.json(&["keys", "change-secret", "--new-secret-key-file", "new"]);
    // The key that the server was started with opens the tenant no more.
    assert_eq!(send(&server, "GET /readyz", "").0, 503);
    assert_eq!(send(&server, "GET /healthz", "").0, 200);
    assert!(server.stop().errors.contains("not ready: invalid_api_key"));
}

#[test]
fn the_server_counts_for_prometheus_if_the_operator_wants_it() {
    let shell = Shell::with_tenant();
    let server = Server::start(&shell, &["--metrics"]);
    assert_eq!(send(&server, "GET /v1/sessions", "").0, 200);
    assert_eq!(send(&server, "GET /v1/sessions/ses_01JGFJJZ00AAAAAAAAAAAAAAAA", "").0, 404);
    let text = read_text(&server, "GET /metrics");
    assert!(text.contains("\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{text}");
    for line in [
        "hellojohn_server_info{tenant=\"tnt_acme\",version=",
        "hellojohn_http_responses_total{status=\"200\"} 1",
        "hellojohn_http_responses_total{status=\"404\"} 1",
        "hellojohn_operations_total{operation=\"list\",outcome=\"ok\"} 1",
        "hellojohn_operations_total{operation=\"get\",outcome=\"session_not_found\"} 1",
        "hellojohn_operations_total{operation=\"open_tenant\",outcome=\"ok\"} 1",
    ] {
        assert!(text.contains(&format!("\n{line}")), "{line} in {text}");
    }
    assert_eq!(server.stop().code, 0);
    let silent = Server::start(&shell, &[]);
    assert_eq!(send(&silent, "GET /metrics", "").0, 404);
    assert_eq!(silent.stop().code, 0);
}
