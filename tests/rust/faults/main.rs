//! What goes wrong outside of the engine: files of others, locks, full and read-only disks, damage, old backups, forks.
//! Every answer is right or says that storage failed; none is late.

mod check;
mod damage;
mod erasure;
mod files;
mod forks;
mod host;
mod locks;
mod opening;
mod processes;
mod replaced;
mod restored;
mod schema;

use std::io::BufReader;
use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use hellojohn::{Engine, ErrorCode};
use hellojohn_tests::fixture::code;

/// A worker, ended by the end of its input.
struct Worker {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(role: &str, database: &Path, more: &str) -> Self {
        Worker::start_program(env!("CARGO_BIN_EXE_worker"), role, database, more)
    }

    fn start_program(program: &str, role: &str, database: &Path, more: &str) -> Self {
        let mut child = Command::new(program)
            .args([role.as_ref(), database.as_os_str(), more.as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Worker { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    /// Lets the worker go on.
    fn write_line(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    fn finish(mut self) -> Vec<String> {
        drop(self.child.stdin.take());
        let rest = self.lines.map(Result::unwrap).collect();
        assert!(self.child.wait().unwrap().success());
        rest
    }
}

fn output_of(role: &str, database: &Path, more: &str) -> Vec<String> {
    Worker::start(role, database, more).finish()
}

fn open(path: &Path) -> Option<ErrorCode> {
    code(Engine::builder().busy_timeout(Duration::from_millis(200)).open(path))
}

fn assert_sound(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
}
