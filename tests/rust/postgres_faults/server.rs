//! Servers of a test's own: a primary and a synchronous standby, of which the first is killed and the second promoted.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// A server of this test's own.
pub(crate) struct Server {
    data: PathBuf,
    pub(crate) port: u16,
}

impl Server {
    /// The program, run as an account that PostgreSQL accepts.
    fn program(name: &str) -> Command {
        let bin = std::env::var("HJ_PG_BIN").expect("HJ_PG_BIN is set: tests/postgres/run cargo test …");
        let program = Path::new(&bin).join(name);
        // SAFETY: asks for a number.
        if unsafe { libc::geteuid() } != 0 {
            return Command::new(program);
        }
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    }

    fn start(data: PathBuf, settings: &str) -> Server {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Server { data, port };
        let options =
            format!("-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= {settings}");
        let log = server.data.with_extension("log");
        let mut start = Server::program("pg_ctl");
        start.arg("-D").arg(&server.data).arg("-w").arg("-l").arg(log).args(["-o", &options, "start"]);
        run(&mut start);
        server
    }

    pub(crate) fn primary(folder: &Path) -> Server {
        let data = folder.join("primary");
        let mut make = Server::program("initdb");
        make.arg("-D").arg(&data).args(["-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8"]);
        run(make.arg("--locale=C"));
        Server::start(data, "-c fsync=off -c synchronous_standby_names=*")
    }

    pub(crate) fn standby_of(primary: &Server, folder: &Path) -> Server {
        let data = folder.join("standby");
        let mut copy = Server::program("pg_basebackup");
        copy.args(["-h", "127.0.0.1", "-U", "postgres", "-R", "-c", "fast", "--no-sync", "-p"]);
        run(copy.arg(primary.port.to_string()).arg("-D").arg(&data));
        // A standby that has just lost its primary would hear of its promotion after 5 seconds by default.
        let settings = "-c fsync=off -c synchronous_standby_names= -c wal_retrieve_retry_interval=50ms";
        let standby = Server::start(data, settings);
        primary.wait_until("SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'");
        standby
    }

    /// A primary with a database, its standby, without which it acknowledges no commit, and the URL that names both.
    pub(crate) fn pair(folder: &Path) -> (Server, Server, String) {
        let primary = Server::primary(folder);
        let standby = Server::standby_of(&primary, folder);
        primary.ask("CREATE DATABASE hj");
        let url = format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/hj", primary.port, standby.port);
        (primary, standby, url)
    }

    pub(crate) fn ask(&self, question: &str) -> String {
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", self.port);
        let output = Command::new("psql").args([&url, "-qAtXc", question]).output().expect("psql runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("psql writes text").trim().to_owned()
    }

    /// Ends all of the server's processes at once, as a machine dies.
    pub(crate) fn kill(&self) {
        let main = self.main_process();
        signal(main, libc::SIGSTOP); // it starts no others, and does not see these end
        let children = std::fs::read_to_string(format!("/proc/{main}/task/{main}/children"));
        for child in children.expect("the system tells of children").split_whitespace() {
            signal(child.parse().expect("a number"), libc::SIGKILL);
        }
        signal(main, libc::SIGKILL);
    }

    /// Ends the main process alone. The others work on for a moment, and stop waiting for the standby: they show commits that
    /// it does not have.
    pub(crate) fn kill_main_process(&self) {
        signal(self.main_process(), libc::SIGKILL);
    }

    fn main_process(&self) -> i32 {
        let text = std::fs::read_to_string(self.data.join("postmaster.pid")).expect("the server runs");
        text.lines().next().expect("a line").parse().expect("a number")
    }

    /// This standby of `primary` gets nothing any more.
    pub(crate) fn leave(&self, primary: &Server) {
        self.ask("ALTER SYSTEM SET primary_conninfo = ''");
        self.ask("SELECT pg_reload_conf()");
        primary.wait_until("SELECT count(*) = 0 FROM pg_stat_replication");
    }

    /// Waits until the server answers yes.
    pub(crate) fn wait_until(&self, question: &str) {
        while self.ask(question) != "t" {}
    }

    /// Waits until the server's log has this text.
    pub(crate) fn wait_for_log(&self, text: &str) {
        let log = self.data.with_extension("log");
        while !std::fs::read_to_string(&log).expect("a log").contains(text) {
            pass(Duration::from_millis(5));
        }
    }

    pub(crate) fn promote(&self) {
        run(Server::program("pg_ctl").arg("-D").arg(&self.data).args(["-w", "promote"]));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = Server::program("pg_ctl");
        stop.arg("-D").arg(&self.data).args(["-m", "immediate", "stop"]);
        let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

fn signal(process: i32, signal: i32) {
    // SAFETY: a process of the server that this test started.
    assert_eq!(unsafe { libc::kill(process, signal) }, 0);
}

fn run(command: &mut Command) {
    let status =
        command.stdout(Stdio::null()).status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}");
}

/// A folder that the server's account can use.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    // SAFETY: asks for a number.
    if unsafe { libc::geteuid() } == 0 {
        run(Command::new("chown").arg("postgres:postgres").arg(folder.path()));
    }
    folder
}

/// Lets time pass, where a fault consists of it or another program is waited for.
pub(crate) fn pass(time: Duration) {
    thread::sleep(time);
}
