//! Logins: what is proven to which server, over what kind of connection.

use super::server::{Parts, ask, ask_text, certificate, failure, parts, pool, statement, variable};
use crate::store::postgres::connection::Deadline;
use crate::store::postgres::error::WireError;
use std::time::Duration;

const ENCRYPTION: &str =
    "SELECT ssl::text || ' ' || coalesce(version, '') FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// The owner's URL to this host with these parameters.
fn url(host: &str, parameters: &str) -> String {
    let Parts { login, port, database } = parts("HJ_PG");
    format!("postgres://{login}@{host}:{port}/{database}?{parameters}")
}

fn log_in(url: &str) -> Result<String, String> {
    ask_text(&pool(url), ENCRYPTION).map_err(failure)
}

#[test]
fn a_password_is_proven_by_scram_without_tls_on_the_loopback_device() {
    assert_eq!(log_in(&url("127.0.0.1", "")), Ok("false ".to_owned()));
    let wrong = url("127.0.0.1", "").replace("secret@", "guess@");
    let problem = log_in(&wrong).unwrap_err();
    assert!(problem.contains("SQLSTATE 28P01") && !problem.contains("guess"), "{problem}");
}

#[test]
fn the_strictest_mode_wants_the_root_and_the_name() {
    let root = certificate("root.pem");
    let full = format!("sslmode=verify-full&sslrootcert={root}");
    assert_eq!(log_in(&url("localhost", &full)), Ok("true TLSv1.3".to_owned()));
    // The certificate names localhost, not the address.
    let problem = log_in(&url("127.0.0.1", &full)).unwrap_err();
    assert!(problem.contains("not valid for"), "{problem}");
    let other = format!("sslmode=verify-full&sslrootcert={}", certificate("other.pem"));
    let problem = log_in(&url("localhost", &other)).unwrap_err();
    assert!(problem.contains("UnknownIssuer"), "{problem}");
    // No root of the machine's own has signed it either.
    let problem = log_in(&url("localhost", "sslmode=verify-full")).unwrap_err();
    assert!(problem.contains("certificate") || problem.contains("sslrootcert"), "{problem}");
}

#[test]
fn the_weaker_modes_check_as_much_as_libpq_does() {
    let root = certificate("root.pem");
    let other = certificate("other.pem");
    let encrypted = Ok("true TLSv1.3".to_owned());
    assert_eq!(log_in(&url("127.0.0.1", &format!("sslmode=verify-ca&sslrootcert={root}"))), encrypted);
    assert!(log_in(&url("127.0.0.1", &format!("sslmode=verify-ca&sslrootcert={other}"))).is_err());
    assert_eq!(log_in(&url("127.0.0.1", "sslmode=require")), encrypted);
    assert_eq!(log_in(&url("127.0.0.1", &format!("sslmode=require&sslrootcert={root}"))), encrypted);
    assert!(log_in(&url("127.0.0.1", &format!("sslmode=require&sslrootcert={other}"))).is_err());
}

#[test]
fn the_proof_of_the_password_can_be_bound_to_tls() {
    let bound =
        format!("channel_binding=require&sslmode=verify-full&sslrootcert={}", certificate("root.pem"));
    assert_eq!(log_in(&url("localhost", &bound)), Ok("true TLSv1.3".to_owned()));
    // PgBouncer knows no channel binding, and a connection without TLS has no channel.
    for url in [
        format!("{}&channel_binding=require", variable("HJ_PG_BOUNCER")),
        url("127.0.0.1", "channel_binding=require"),
    ] {
        let problem = log_in(&url).unwrap_err();
        assert!(problem.contains("channel binding"), "{problem}");
    }
    assert!(log_in(&format!("{}&channel_binding=prefer", variable("HJ_PG_BOUNCER"))).is_ok());
}

#[test]
fn a_client_may_prove_itself_by_a_certificate() {
    let Parts { port, database, .. } = parts("HJ_PG");
    let files = |key: &str| {
        format!(
            "sslmode=verify-full&sslrootcert={}&sslcert={}&sslkey={}",
            certificate("root.pem"),
            certificate("client.pem"),
            certificate(key)
        )
    };
    let url =
        |parameters: &str| format!("postgres://hj_certificate@localhost:{port}/{database}?{parameters}");
    assert_eq!(log_in(&url(&files("client.key"))), Ok("true TLSv1.3".to_owned()));
    let without = format!("sslmode=verify-full&sslrootcert={}", certificate("root.pem"));
    assert!(log_in(&url(&without)).unwrap_err().contains("SQLSTATE 28000"));
    let problem = log_in(&url(&files("root.key"))).unwrap_err();
    assert!(problem.starts_with("validation_error") && problem.contains("sslcert"), "{problem}");
}

#[test]
fn a_file_that_cannot_be_used_is_named_by_its_parameter() {
    for (parameters, named) in [
        ("sslmode=verify-full&sslrootcert=/nowhere/root.pem", "sslrootcert"),
        ("sslmode=verify-full&sslrootcert=/dev/null", "sslrootcert"),
        ("sslmode=require&sslcert=/dev/null&sslkey=/dev/null", "sslcert"),
    ] {
        let problem = log_in(&url("localhost", parameters)).unwrap_err();
        assert!(problem.starts_with("validation_error") && problem.contains(named), "{problem}");
    }
}

#[test]
fn a_password_is_given_away_to_no_server() {
    let Parts { port, database, .. } = parts("HJ_PG");
    let problem = log_in(&format!("postgres://hj_md5:md5%20secret@127.0.0.1:{port}/{database}")).unwrap_err();
    assert!(problem.contains("MD5"), "{problem}");
    let cleartext = format!("postgres://hj_cleartext:cleartext%20secret@127.0.0.1:{port}/{database}");
    let problem = log_in(&cleartext).unwrap_err();
    assert!(problem.contains("not encrypted"), "{problem}");
    // Over TLS it is the server's choice.
    assert_eq!(log_in(&format!("{cleartext}?sslmode=require")), Ok("true TLSv1.3".to_owned()));
}

#[test]
fn the_superuser_comes_over_the_unix_socket_and_a_pooler_is_no_hindrance() {
    assert_eq!(log_in(&variable("HJ_PG_SUPER")), Ok("false ".to_owned()));
    assert!(log_in(&variable("HJ_PG_BOUNCER")).is_ok());
}

#[test]
fn the_first_host_that_takes_writes_is_used() {
    let Parts { login, port, database } = parts("HJ_PG");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://{login}@{closed},127.0.0.1:{port}/{database}");
    assert_eq!(log_in(&url), Ok("false ".to_owned()));
}

/// A standby that is behind does not know yet which databases, roles and passwords there are, and its primary is gone.
#[test]
fn a_refusal_does_not_count_while_another_host_cannot_be_reached() {
    let Parts { login, port, .. } = parts("HJ_PG");
    let superuser = pool(&variable("HJ_PG_SUPER"));
    // Hangs up, and counts how often it is asked.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = gone.local_addr().unwrap();
    let database = format!("late_{}", address.port());
    let url = format!("postgres://{login}@{address},127.0.0.1:{port}/{database}");
    std::thread::scope(|scope| {
        let primary = scope.spawn(|| {
            for _ in 0..5 {
                drop(gone.accept().unwrap());
            }
            ask(&superuser, &format!("CREATE DATABASE {database}"), Vec::new()).unwrap();
        });
        assert_eq!(log_in(&url), Ok("false ".to_owned()));
        primary.join().unwrap();
    });
    ask(&superuser, &format!("DROP DATABASE {database} WITH (FORCE)"), Vec::new()).unwrap();
    // When the time is up the refusal says more than the silence of the other.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let wrong = pool(&format!("postgres://hj_owner:guess@127.0.0.1:{port},{closed}/hj"));
    let deadline = Deadline::after(Duration::from_millis(500));
    let outcome: Result<(), WireError> = wrong.with_writing(&deadline, |connection| {
        connection.ask(vec![statement("SELECT 1", Vec::new())]).map(drop)
    });
    let problem = failure(outcome.unwrap_err());
    assert!(deadline.remaining().is_zero() && problem.contains("SQLSTATE 28P01"), "{problem}");
}

#[test]
fn a_host_that_says_nothing_does_not_hold_up_the_others() {
    let Parts { login, port, database } = parts("HJ_PG");
    // Its connections are taken by the system, and never answered.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().map(|address| (silent, address)).unwrap();
    let url = format!("postgres://{login}@{},127.0.0.1:{port}/{database}?connect_timeout=300", silent.1);
    assert_eq!(log_in(&url), Ok("false ".to_owned()));
}

#[test]
fn a_host_that_is_not_there_is_asked_until_the_time_is_up() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let pool = pool(&format!("postgres://u@{closed}/x"));
    let deadline = Deadline::after(Duration::from_millis(200));
    let outcome: Result<(), WireError> = pool.with_writing(&deadline, |connection| {
        connection.ask(vec![statement("SELECT 1", Vec::new())]).map(drop)
    });
    let error = outcome.unwrap_err();
    assert!(matches!(error, WireError::Lost(_)) && deadline.remaining().is_zero(), "{error:?}");
    assert!(failure(error).starts_with("storage_io"));
}
