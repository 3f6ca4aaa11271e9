//! A network that loses answers, connections and time, and a process that forks.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use hellojohn_tests::postgres::Schema;

use crate::fault_proxy::{Fault, FaultProxy};
use crate::load::work_during;

/// A schema of a test's own: its URL, and its URL through a proxy.
pub(crate) fn proxied() -> (String, FaultProxy, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = Schema::of_folder(folder.path()).expect("HJ_PG is set: tests/postgres/run cargo test …").url();
    let (server, through) = through(&url);
    let proxy = FaultProxy::start(server);
    let through = through(proxy.address());
    (url, proxy, through)
}

/// The address of the server that a URL names, and the URL with another one in its place.
pub(crate) fn through(url: &str) -> (SocketAddr, impl Fn(SocketAddr) -> String + use<>) {
    let (login, rest) = url.split_once('@').expect("a login");
    let (address, rest) = rest.split_once('/').expect("a database");
    let (login, rest) = (login.to_owned(), rest.to_owned());
    (address.parse().expect("an address"), move |other| format!("{login}@{other}/{rest}"))
}

#[test]
fn lost_answers_lose_no_call_and_repeat_none() {
    let (url, proxy, through) = proxied();
    work_during(&through, &url, |run| {
        run.wait_for_calls(200);
        proxy.set(Fault::LoseAnswers { every: 40 });
        run.wait_for_calls(2_000);
        proxy.set(Fault::None);
        run.wait_for_calls(200);
    });
}

#[test]
fn connections_that_are_cut_and_slow_ones_lose_nothing() {
    let (url, proxy, through) = proxied();
    work_during(&through, &url, |run| {
        for _ in 0..20 {
            run.wait_for_calls(50);
            proxy.cut();
        }
        proxy.set(Fault::Refuse);
        proxy.set(Fault::None);
        run.wait_for_calls(50);
        proxy.set(Fault::Delay(Duration::from_millis(2)));
        run.wait_for_calls(200);
        proxy.set(Fault::None);
        run.wait_for_calls(50);
    });
}

#[test]
fn a_forked_child_is_refused_and_leaves_its_parents_connections_alone() {
    let (url, _, _) = proxied();
    let output =
        Command::new(env!("CARGO_BIN_EXE_worker")).args(["fork", &url, ""]).output().expect("it runs");
    let lines = String::from_utf8(output.stdout).expect("it writes text");
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines, ["child 0", "parent true", "child 0", "parent true"]);
}
