//! A primary that is told to wait no longer for its standby shows a commit that the standby does not have; then the standby takes
//! over. What a call has told its caller by then still holds.

use std::thread;

use hellojohn::{Engine, EngineBuilder, ErrorCode, Tenant};
use hellojohn_tests::fixture::{code, sign_in, tenant};

use crate::load::PATIENCE;
use crate::server::{Server, folder};

/// A host that knows the primary only, so that it is gone with it.
const FIRST: &str = "first";

/// A host that goes on at the standby.
const SECOND: &str = "second";

/// A primary and its synchronous standby.
struct Pair {
    primary: Server,
    standby: Server,
    _folder: tempfile::TempDir,
}

impl Pair {
    fn start() -> Pair {
        let folder = folder();
        let primary = Server::primary(folder.path());
        let standby = Server::standby_of(&primary, folder.path());
        Pair { primary, standby, _folder: folder }
    }

    fn url(&self, host: &str) -> String {
        let others = if host == FIRST { String::new() } else { format!(",127.0.0.1:{}", self.standby.port) };
        let primary = self.primary.port;
        format!("postgres://postgres@127.0.0.1:{primary}{others}/postgres?application_name={host}")
    }

    fn host(&self, name: &str) -> Tenant {
        self.host_with(name, Engine::builder())
    }

    fn host_with(&self, name: &str, builder: EngineBuilder) -> Tenant {
        let engine = builder.busy_timeout(PATIENCE).open(self.url(name)).expect("the server is up");
        tenant(&engine, "tnt")
    }

    /// Whether a commit of this host waits for the standby.
    fn waits(&self, host: &str) -> bool {
        let waiting = format!("application_name = '{host}' AND wait_event = 'SyncRep'");
        self.primary.ask(&format!("SELECT count(*) > 0 FROM pg_stat_activity WHERE {waiting}")) == "t"
    }

    /// Has the primary wait no longer for the standby with what this host commits, until it shows that.
    fn show(&self, host: &str, shown: &str) {
        while self.primary.ask(shown) != "t" {
            self.give_up(host);
        }
    }

    fn give_up(&self, host: &str) {
        let waiting = format!("application_name = '{host}' AND wait_event = 'SyncRep'");
        self.primary.ask(&format!("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE {waiting}"));
    }

    fn fail_over(&self) {
        self.primary.kill();
        self.standby.promote();
    }
}

/// Whether so many sessions have ended.
fn ended(count: usize) -> String {
    format!("SELECT count(*) = {count} FROM hellojohn.sessions WHERE ended_at_ms IS NOT NULL")
}

#[test]
fn a_server_that_keeps_its_warnings_to_itself_acknowledges_nothing_before_its_standby() {
    let pair = Pair::start();
    pair.primary.ask("ALTER ROLE postgres SET client_min_messages = error");
    let second = pair.host(SECOND);
    let id = sign_in(&second, "usr").session.id;
    pair.standby.leave(&pair.primary);
    thread::scope(|scope| {
        let call = scope.spawn(|| second.revoke(id));
        pair.show(SECOND, &ended(1));
        while !pair.waits(SECOND) {
            assert!(!call.is_finished(), "it was told of an end that a failover takes back");
        }
        pair.fail_over();
        call.join().expect("it does not panic").expect("the standby takes over");
    });
    assert_eq!(code(second.verify_session(id)), Some(ErrorCode::SessionRevoked));
}
