//! Processes that write beside one that remembers what it has verified.

use std::io::stdin;
use std::path::Path;
use std::time::Duration;

use hellojohn::{Durability, Engine};
use hellojohn_tests::fixture::{refresh, sign_in, tenant};

use super::say;

fn open(database: &Path) -> Engine {
    Engine::builder()
        .durability(Durability::Normal)
        .busy_timeout(Duration::from_secs(60))
        .open(database)
        .expect("an engine")
}

/// Revokes the sessions that its input names, a line each, and says so when the call has returned.
pub(crate) fn revoke_as_told(database: &Path) {
    let engine = open(database);
    let tenant = tenant(&engine, "tnt");
    say("ready");
    for line in stdin().lines() {
        tenant.revoke(line.expect("a line").parse().expect("an id")).expect("a revocation");
        say("revoked");
    }
}

const CHANGE_PAUSE: Duration = Duration::from_micros(500);

/// Changes sessions of its own until it is killed, with pauses in which others get a word in.
pub(crate) fn change_others(database: &Path) {
    let engine = open(database);
    let tenant = tenant(&engine, "tnt");
    say("ready");
    loop {
        let grant = sign_in(&tenant, "other");
        let next = refresh(&tenant, grant.refresh_token.expose()).expect("a successor");
        tenant.revoke(next.session.id).expect("a revocation");
        std::thread::sleep(CHANGE_PAUSE);
    }
}

/// Commits as a program does that is none of this library's, and begins the log anew now and then, until it is killed.
pub(crate) fn commit_as_another_program(database: &Path, milliseconds: u64) {
    let program = rusqlite::Connection::open(database).expect("a connection");
    program.busy_timeout(Duration::from_secs(60)).expect("a time-out");
    say("ready");
    for round in 0_u64.. {
        program.execute("UPDATE clock_mark SET highest_at_ms = highest_at_ms + 1", []).expect("a commit");
        for (every, mode) in [(50, "RESTART"), (80, "TRUNCATE")] {
            if round % every == 0 {
                // Busy while readers need the log.
                let _ = program.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
            }
        }
        std::thread::sleep(Duration::from_millis(milliseconds));
    }
}
