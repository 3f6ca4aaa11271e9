//! Servers whose clocks differ, as those of a primary and of the standby that takes over may: each engine logs in as a role for
//! which the server's clock goes ahead or behind. No call sees a time before one that another has told, and no answer
//! depends on it.

use std::process::Command;

use hellojohn::{Durability, Engine, Tenant};
use hellojohn_tests::fixture::{numbers, tenant};
use hellojohn_tests::linear::{Histories, thread_caller};
use hellojohn_tests::postgres::Schema;

/// By how many ms the server's clock is ahead for each engine. They differ by less than the window within which a used
/// refresh token is good.
const AHEAD: [i64; 3] = [0, 1_500, -1_500];

/// Runs statements as the superuser.
fn run_sql(sql: &str) {
    let url = std::env::var("HJ_PG_SUPER").expect("HJ_PG_SUPER is set: tests/postgres/run cargo test …");
    let output = Command::new("psql").args([&url, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql]).output();
    let output = output.expect("psql runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A role that may do what the owner may, and for which the clock is ahead by so much.
fn add_role(name: &str, ahead: i64) {
    run_sql(&format!(
        "CREATE ROLE {name} LOGIN PASSWORD 'secret' IN ROLE hj_owner;
         CREATE SCHEMA {name}_clock;
         CREATE FUNCTION {name}_clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql
           AS $$ SELECT pg_catalog.clock_timestamp() + interval '{ahead} milliseconds' $$;
         GRANT USAGE ON SCHEMA {name}_clock TO {name};
         ALTER ROLE {name} SET search_path = {name}_clock, pg_catalog;"
    ));
}

#[test]
fn calls_under_clocks_of_servers_that_differ_are_answered_as_one_after_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = Schema::of_folder(folder.path()).expect("HJ_PG is set").url();
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (_, rest) = rest.split_once('@').expect("a login");
    let schema = url.split_once("schema=").expect("the URL names its schema").1;
    let open = |url: &str| {
        let engine = Engine::builder().durability(Durability::Normal).open(url);
        tenant(&engine.expect("the server is up"), "tnt")
    };
    let observer = thread_caller(open(&url));
    let open_ahead = |(at, ahead): (usize, &i64)| {
        let role = format!("{schema}_{at}");
        add_role(&role, *ahead);
        open(&format!("{scheme}://{role}:secret@{rest}"))
    };
    let tenants: Vec<Tenant> = AHEAD.iter().enumerate().map(open_ahead).collect();
    // The clocks are what they are said to be.
    let [now, ahead, behind] = [0, 1, 2].map(|at| told_time(&tenants[at]));
    assert!((1_000..2_000).contains(&(ahead - now)), "{now}, {ahead}");
    assert!(behind >= ahead, "{behind} was told after {ahead}");
    let callers = (0..8).map(|at| thread_caller(tenants[at % AHEAD.len()].clone())).collect();
    let counts =
        Histories { callers, observer, calls: 6, users: 2 }.campaign(numbers("HJ_CUT_HISTORIES", 100));
    println!("{} calls", counts.calls);
}

/// When a session that is made now begins, by the tenant's engine.
fn told_time(tenant: &Tenant) -> i64 {
    let session = hellojohn_tests::fixture::sign_in(tenant, "first").session;
    session.created_at.as_millis()
}
