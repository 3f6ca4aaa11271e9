//! Passwords that stand in libpq's file.

use crate::store::postgres::password::find_line;
use crate::store::postgres::url::PostgresUrl;

#[test]
fn the_first_line_of_the_password_file_that_fits_counts() {
    let file = "# a comment:*:*:*:no\n\nshort:line\ndb:5432:x:other:no\ndb:5433:x:u:port\ndb:*:x:u:pass\\:w\\\\ord:s\n*:*:*:*:all";
    let find = |url: &str| {
        let url = PostgresUrl::parse(url).unwrap();
        find_line(file, &url, &url.hosts[0]).map(|password| password.expose().to_owned())
    };
    assert_eq!(find("postgres://u@db/x").as_deref(), Some("pass:w\\ord:s"));
    assert_eq!(find("postgres://u@db:5433/x").as_deref(), Some("port"));
    assert_eq!(find("postgres://u@elsewhere/x").as_deref(), Some("all"));
    assert_eq!(find("postgres:///x?user=u&host=/run").as_deref(), Some("all"));
    let url = PostgresUrl::parse("postgres://u@db/x").unwrap();
    assert!(find_line("db:5432:y:u:no", &url, &url.hosts[0]).is_none());
}
