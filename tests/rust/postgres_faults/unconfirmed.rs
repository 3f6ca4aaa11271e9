//! A primary that is told to wait no longer for its standby shows a commit that the standby does not have; then the standby takes
//! over. What a call has told its caller by then still holds.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use hellojohn::{
    Engine, EngineBuilder, ErrorCode, Event, EventQuery, ImportRequest, ManualClock, PurgeBefore, Tenant,
    Timestamp, VerifyMode, copy_database,
};
use hellojohn_tests::fixture::{START, code, configure, sign_in, tenant};

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

    /// The first host makes a change, which the primary shows once this is true. The second host makes a call, and the standby
    /// takes over, without the change, once the call has its answer or waits for the standby. What it was answered.
    fn take_back<T: Send>(
        &self,
        change: impl FnOnce() + Send + 'static,
        shown: &str,
        call: impl FnOnce() -> T + Send,
    ) -> T {
        self.standby.leave(&self.primary);
        thread::spawn(change); // it never has an answer
        self.show(FIRST, shown);
        thread::scope(|scope| {
            let call = scope.spawn(call);
            while !call.is_finished() && !self.waits(SECOND) {
                self.give_up(FIRST); // where it finds out what became of its commit, it has the turn
            }
            self.fail_over();
            call.join().expect("it does not panic")
        })
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

/// Events of sessions that end, one of which is shown and lost.
struct Log {
    pair: Pair,
    second: Tenant,
    /// The number of the newest event that the standby has.
    newest: u64,
}

fn events_after(tenant: &Tenant, after: u64) -> Vec<Event> {
    tenant.events(&EventQuery::default().after(after)).expect("the server is up").data
}

/// The first host ends a session, and the second one reads the events like this. Then the standby takes over, and the second host ends another
/// session, whose event has the number of the one that was lost.
fn read_lost_event<T: Send>(read: impl FnOnce(&Log) -> T + Send) -> (Log, T) {
    let pair = Pair::start();
    let [first, second] = [FIRST, SECOND].map(|name| pair.host(name));
    configure(&second, r#"{"event_retention": "90d"}"#);
    let [lost, ended_later] = [(); 2].map(|()| sign_in(&second, "usr").session.id);
    let newest = events_after(&second, 0).last().expect("sign-ins are told").seq;
    let log = Log { pair, second, newest };
    let change = move || drop(first.revoke(lost));
    let told = log.pair.take_back(change, &ended(1), || read(&log));
    log.second.revoke(ended_later).expect("the standby takes over");
    (log, told)
}

#[test]
fn an_event_that_was_read_is_there_after_a_failover() {
    let (log, told) = read_lost_event(|log| events_after(&log.second, log.newest));
    let kept = events_after(&log.second, log.newest);
    assert_eq!(kept.len(), 1);
    assert!(told.iter().all(|event| kept.contains(event)), "{told:?} was read, {kept:?} is there");
}

#[test]
fn a_consumer_is_given_every_event_that_is_there_after_a_failover() {
    let (log, (consumer, given)) = read_lost_event(|log| {
        let consumer = log.second.event_consumer("audit").expect("a good name");
        let next = || {
            consumer.next(&EventQuery::default()).expect("the server is up").expect("no other process reads")
        };
        let given = next();
        (consumer, given)
    });
    assert!(consumer.finish(given.next_after).expect("the server is up"));
    let more =
        consumer.next(&EventQuery::default()).expect("the server is up").expect("no other process reads");
    assert_eq!([given.data, more.data].concat(), events_after(&log.second, 0));
}

#[test]
fn what_was_told_to_be_sealed_is_sealed_after_a_failover() {
    let pair = Pair::start();
    let [first, second] = [FIRST, SECOND].map(|name| pair.host(name));
    configure(&second, r#"{"event_retention": "90d"}"#);
    let shown = "SELECT count(*) = 1 FROM hellojohn.event_seals";
    let report = pair.take_back(move || drop(first.seal_events()), shown, || second.seal_events());
    let sealed = pair.standby.ask("SELECT coalesce(max(seq), 0) FROM hellojohn.event_seals");
    assert_eq!(report.expect("the standby takes over").through.to_string(), sealed);
}

#[test]
fn a_lease_is_no_longer_than_the_standby_has_calls_wait() {
    const LEASE: Duration = Duration::from_secs(5);
    let pair = Pair::start();
    let leasing = || Engine::builder().verify(VerifyMode::Lease(LEASE));
    let (second, third) = (pair.host_with(SECOND, leasing()), pair.host("third"));
    let grant = sign_in(&third, "usr");
    let accepts = || second.verify_access_token(grant.access_token.expose()).is_ok();
    // As `lower_lease` leaves it, without the wait.
    pair.primary.ask("UPDATE hellojohn.clock_mark SET lease_ms = 0, lease_wait_ms = 0");
    let url = pair.url(FIRST);
    let shown = "SELECT lease_wait_ms = 5000 FROM hellojohn.clock_mark";
    assert!(pair.take_back(move || drop(leasing().open(url)), shown, accepts));
    third.revoke(grant.session.id).expect("the standby takes over");
    assert!(!accepts(), "the call has returned that ended the session");
}

#[test]
fn a_copy_that_finds_everything_copied_is_there_after_a_failover() {
    let (pair, folder) = (Pair::start(), tempfile::tempdir().expect("a folder"));
    let from = folder.path().join("sessions.db");
    let copy = |from: &std::path::Path, to: String| copy_database(from, to, |_| ());
    // A clock that stands still: a session more is one commit, without a new mark.
    let clock = ManualClock::new(Timestamp::from_millis(START));
    let sign_in_there = || {
        let engine = Engine::builder().clock(clock.clone()).open(&from).expect("a file");
        sign_in(&tenant(&engine, "tnt"), "usr");
    };
    sign_in_there();
    copy(&from, pair.url(SECOND)).expect("the servers are up");
    sign_in_there();
    let (source, to) = (from.clone(), pair.url(FIRST));
    let shown = "SELECT count(*) = 2 FROM hellojohn.sessions";
    let report = pair.take_back(move || drop(copy(&source, to)), shown, || copy(&from, pair.url(SECOND)));
    assert_eq!(report.expect("the standby takes over").sessions, 2);
    assert_eq!(pair.standby.ask("SELECT count(*) FROM hellojohn.sessions"), "2");
}

#[test]
fn rows_that_were_told_to_be_imported_before_are_there_after_a_failover() {
    let pair = Pair::start();
    let [first, second] = [FIRST, SECOND].map(|name| pair.host(name));
    let import = |by: &Tenant| {
        let rows = r#"{"user_id": "usr", "credential": "x9tK2vLq8ZsW4yBn"}"#;
        by.import(rows.as_bytes(), &ImportRequest::default(), |_| ())
    };
    let shown = "SELECT count(*) = 1 FROM hellojohn.sessions";
    let report = pair.take_back(move || drop(import(&first)), shown, || import(&second));
    let report = report.expect("the standby takes over");
    assert_eq!(report.imported + report.already_imported, 1);
    assert_eq!(pair.standby.ask("SELECT count(*) FROM hellojohn.sessions"), "1");
}

#[test]
fn what_was_told_to_be_purged_does_not_come_back() {
    let pair = Pair::start();
    let [first, second] = [FIRST, SECOND].map(|name| pair.host(name));
    let id = sign_in(&second, "usr").session.id;
    second.revoke(id).expect("the servers are up");
    let purge = |by: &Tenant| by.purge(PurgeBefore::Time(Timestamp::from_millis(i64::MAX / 2)));
    let shown = "SELECT count(*) = 0 FROM hellojohn.sessions";
    let purged = pair.take_back(move || drop(purge(&first)), shown, || purge(&second));
    purged.expect("the standby takes over");
    assert_eq!(pair.standby.ask("SELECT count(*) FROM hellojohn.sessions"), "0");
}

/// The call that makes the tenant makes it again.
#[test]
fn a_tenant_that_was_opened_before_a_failover_works_after_it() {
    let pair = Pair::start();
    let engine = Engine::builder().busy_timeout(PATIENCE).open(pair.url(SECOND)).expect("the server is up");
    let url = pair.url(SECOND).replace(SECOND, FIRST);
    let (send, made) = mpsc::channel();
    let make = move || {
        let engine = Engine::builder().busy_timeout(PATIENCE).open(url).expect("the server is up");
        send.send(tenant(&engine, "tnt")).expect("it is waited for");
    };
    let opened =
        pair.take_back(make, "SELECT count(*) = 1 FROM hellojohn.tenants", || tenant(&engine, "tnt"));
    let made = made.recv().expect("the standby takes over");
    let id = sign_in(&opened, "usr").session.id;
    made.revoke(id).expect("it is one tenant");
}
