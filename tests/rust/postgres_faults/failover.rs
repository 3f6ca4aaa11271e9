//! A primary and a synchronous standby: the primary's process is killed and the standby is promoted.

use crate::load::work_during;
use crate::server::{Server, folder};

/// How many calls are made before the primary is killed, and how many after the standby took over.
const CALLS: usize = 800;

#[test]
fn a_failover_loses_nothing_that_was_acknowledged_and_brings_nothing_back() {
    let folder = folder();
    let primary = Server::primary(folder.path());
    let standby = Server::standby_of(&primary, folder.path()); // without it no commit is acknowledged
    primary.ask("CREATE DATABASE hj");
    let url = format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/hj", primary.port, standby.port);
    work_during(&url, &url, |run| {
        run.wait_for_calls(CALLS);
        primary.kill();
        standby.promote();
        run.wait_for_calls(CALLS);
    });
}

/// The standby keeps what it has not replayed yet, not even the making of the database, so that it refuses the login at first.
#[test]
fn a_failover_to_a_standby_that_is_behind_costs_a_wait_and_no_error() {
    let folder = folder();
    let primary = Server::primary(folder.path());
    let standby = Server::standby_of(&primary, folder.path());
    standby.ask("SELECT pg_wal_replay_pause()");
    primary.ask("CREATE DATABASE hj");
    let url = format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/hj", primary.port, standby.port);
    work_during(&url, &url, |run| {
        run.wait_for_calls(CALLS);
        primary.kill();
        standby.wait_for_log("database \"hj\" does not exist");
        standby.promote(); // replays the rest
        run.wait_for_calls(CALLS);
    });
}
