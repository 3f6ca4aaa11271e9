//! A primary and a synchronous standby: the primary is killed and the standby is promoted.

use std::thread;

use hellojohn::{Engine, ErrorCode};
use hellojohn_tests::fixture::{code, sign_in, tenant};

use crate::load::{PATIENCE, work_during};
use crate::server::{Server, folder};

/// How many calls are made before the primary is killed, and how many after the standby took over.
const CALLS: usize = 800;

#[test]
fn a_failover_loses_nothing_that_was_acknowledged_and_brings_nothing_back() {
    let folder = folder();
    let (primary, standby, url) = Server::pair(folder.path());
    work_during(&url, &url, |run| {
        run.wait_for_calls(CALLS);
        primary.kill_main_process();
        standby.promote();
        run.wait_for_calls(CALLS);
    });
}

/// A primary that is told to wait no longer shows a commit that its standby does not have. A call that finds done what it was to do
/// is answered when the standby has it.
#[test]
fn a_call_that_finds_its_session_ended_is_answered_when_the_standby_knows_of_the_end() {
    let folder = folder();
    let (primary, standby, url) = Server::pair(folder.path());
    let [first, second] = [(); 2].map(|()| {
        let engine = Engine::builder().busy_timeout(PATIENCE).open(&url).expect("the server is up");
        tenant(&engine, "tnt")
    });
    let id = sign_in(&first, "usr").session.id;
    standby.leave(&primary);

    thread::scope(|scope| {
        let ends = scope.spawn(|| first.revoke(id));
        primary.wait_until("SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        let finds = scope.spawn(|| second.revoke(id));
        primary.wait_until("SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
        let finder = primary.ask("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
        let others = format!("FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid <> {finder}");
        let waits = format!("SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = {finder}");
        while primary.ask(&waits) != "t" {
            assert!(!finds.is_finished(), "it was told of an end that a failover takes back");
            // The first call, or where it finds out what became of its commit: it may have the turn again.
            primary.ask(&format!("SELECT pg_cancel_backend(pid) {others}"));
        }
        primary.kill();
        standby.promote();
        for call in [ends, finds] {
            call.join().expect("no thread panics").expect("the standby takes over");
        }
    });
    assert_eq!(code(first.verify_session(id)), Some(ErrorCode::SessionRevoked));
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
