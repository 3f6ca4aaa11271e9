//! What a URL of PostgreSQL says, and what it may not say.

use std::time::Duration;

use crate::store::VerifyMode;
use crate::store::postgres::url::{ChannelBinding, Host, Isolation, PostgresUrl, SslMode};

fn read(url: &str) -> PostgresUrl {
    PostgresUrl::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn problem(url: &str) -> String {
    PostgresUrl::parse(url).map(|read| format!("{read:?}")).unwrap_err().detail().to_owned()
}

fn tcp(name: &str, port: u16) -> Host {
    Host::Tcp { name: name.to_owned(), port }
}

#[test]
fn a_short_url_has_defaults_for_the_rest() {
    let url = read("postgres://app@db.example");
    assert_eq!(url.hosts, [tcp("db.example", 5432)]);
    assert_eq!((url.user.as_str(), url.database.as_str(), url.schema.as_str()), ("app", "app", "hellojohn"));
    assert_eq!((url.connect_timeout, url.pool_max, url.prepared), (Duration::from_secs(5), 8, true));
    assert!(url.password.is_none() && url.ssl_root_cert.is_none() && url.ssl_cert.is_none());
    assert_eq!(url.channel_binding, ChannelBinding::Prefer);
    assert_eq!((url.application_name.as_str(), url.isolation), ("hellojohn", Isolation::ReadCommitted));
}

#[test]
fn every_part_and_parameter_is_read() {
    let url = read(
        "postgresql://us%40er:p%3A%2Fw@h1:6000,[::1]:6001,h3/my%20db?sslmode=verify-ca&sslrootcert=/r.pem&sslcert=/c.pem\
         &sslkey=/k.pem&channel_binding=require&connect_timeout=9&schema=auth_1&pool_max=30&prepared=no\
         &application_name=web&target_session_attrs=read-write&isolation=serializable&verify=lease:250ms",
    );
    assert_eq!(url.hosts, [tcp("h1", 6000), tcp("::1", 6001), tcp("h3", 5432)]);
    assert_eq!((url.user.as_str(), url.database.as_str(), url.schema.as_str()), ("us@er", "my db", "auth_1"));
    assert_eq!(url.password.as_ref().map(|password| password.expose()), Some("p:/w"));
    assert!(url.hosts.iter().all(|host| url.ssl_mode(host) == SslMode::VerifyCa));
    assert_eq!(url.ssl_root_cert, Some("/r.pem".into()));
    assert_eq!(url.ssl_cert, Some(("/c.pem".into(), "/k.pem".into())));
    assert_eq!(url.channel_binding, ChannelBinding::Require);
    assert_eq!((url.connect_timeout, url.pool_max, url.prepared), (Duration::from_secs(9), 30, false));
    assert_eq!((url.application_name.as_str(), url.isolation), ("web", Isolation::Serializable));
    assert_eq!(url.verify, Some(VerifyMode::Lease(Duration::from_millis(250))));
}

#[test]
fn hosts_and_login_may_be_parameters() {
    let url = read("postgres:///x?host=/run/postgresql,h2&port=5433&user=u&password=p");
    assert_eq!(url.hosts, [Host::Unix { folder: "/run/postgresql".into(), port: 5433 }, tcp("h2", 5433)]);
    assert_eq!(url.password.as_ref().map(|password| password.expose()), Some("p"));
    assert_eq!(read("postgres://u@%2Frun/x").hosts, [Host::Unix { folder: "/run".into(), port: 5432 }]);
    assert_eq!(read("postgres:///x?user=u").hosts, [tcp("localhost", 5432)]);
    assert_eq!(read("postgres:///?user=u&dbname=y&host=a,b&port=1,2").hosts, [tcp("a", 1), tcp("b", 2)]);
}

#[test]
fn only_this_machine_is_reached_without_tls_by_default() {
    for (host, mode) in [
        ("localhost", SslMode::Disable),
        ("127.0.0.1", SslMode::Disable),
        ("127.8.9.1", SslMode::Disable),
        ("[::1]", SslMode::Disable),
        ("%2Frun", SslMode::Disable),
        ("db", SslMode::VerifyFull),
        ("10.0.0.1", SslMode::VerifyFull),
        ("localhost.example", SslMode::VerifyFull),
    ] {
        let url = read(&format!("postgres://u@{host}/x"));
        assert_eq!(url.ssl_mode(&url.hosts[0]), mode, "{host}");
    }
    let url = read("postgres://u@localhost,db/x?sslmode=require");
    assert!(url.hosts.iter().all(|host| url.ssl_mode(host) == SslMode::Require));
}

#[test]
fn what_is_wrong_is_named_and_never_quoted() {
    for (url, named) in [
        ("postgres://", "user"),
        ("postgres://db/x", "user"),
        ("postgres://u@/x?host=", "empty host"),
        ("postgres://u@a,,b/x", "empty host"),
        ("postgres://u@h:0/x", "port"),
        ("postgres://u@h:+1/x", "port"),
        ("postgres://u@h:70000/x", "port"),
        ("postgres://u@[::1/x", "["),
        ("postgres://u@h:1/x?port=2", "port twice"),
        ("postgres://u@a,b,c/x?port=1,2", "number of ports"),
        ("postgres://u@h/x?user=v", "user is given twice"),
        ("postgres://u@h/x?schema=a&schema=b", "schema twice"),
        ("postgres://u%zz@h/x", "user"),
        ("postgres://u@h/x%00", "the database"),
        ("postgres://u@h/x?sslmode=prefer", "disable, require, verify-ca, verify-full"),
        ("postgres://u@h/x?sslmode=allow", "sslmode"),
        ("postgres://u@h/x?sslrootcert=roots.pem", "sslrootcert"),
        ("postgres://u@h/x?sslcert=/c.pem", "sslcert and sslkey"),
        ("postgres://u@h/x?sslmode=disable&channel_binding=require", "channel_binding"),
        ("postgres://u@h/x?connect_timeout=0", "connect_timeout"),
        ("postgres://u@h/x?pool_max=2", "pool_max"),
        ("postgres://u@h/x?pool_max=1e3", "pool_max"),
        ("postgres://u@h/x?prepared=true", "prepared"),
        ("postgres://u@h/x?schema=A", "schema"),
        ("postgres://u@h/x?schema=", "schema"),
        ("postgres://u@h/x?schema=pg_x", "schema"),
        ("postgres://u@h/x?schema=a%22b", "schema"),
        ("postgres://u@h/x?target_session_attrs=any", "target_session_attrs"),
        ("postgres://u@h/x?options=-c%20x", "unknown parameter options"),
        ("postgres://u@h/x?keepalives=1", "unknown parameter keepalives"),
        ("postgres://u@h/x?schema", "without ="),
    ] {
        let problem = problem(url);
        assert!(
            problem.starts_with("database: the PostgreSQL URL") && problem.contains(named),
            "{url}: {problem}"
        );
    }
    // As the option of the same name says it.
    let verify = problem("postgres://u@h/x?verify=lease:1s");
    assert!(verify.starts_with("verify: must be store, lease:Nms or stale:Nms"), "{verify}");
    // A password whose special characters are not encoded must not come back as a parameter's name.
    for url in [
        "postgres://u:hunter2?more=1@h/x",
        "postgres://u:hunter2/more@h/x",
        "postgres://u:Hunter2@h/x?hunter2?=1",
        "postgres://u:hunter2@h/x?sslmode=hunter2",
        "postgres://u:hunter2@h:hunter2/x",
        "postgres://hunter2:hunter2",
    ] {
        let problem = problem(url);
        assert!(!problem.to_lowercase().contains("hunter2"), "{problem}");
    }
}

#[test]
fn a_url_prints_no_secret() {
    let url = read("postgres://u:hunter2@h/x");
    assert!(!format!("{url:?}").contains("hunter2"));
    assert_eq!(url.expose_text(), "postgres://u:hunter2@h/x");
}
