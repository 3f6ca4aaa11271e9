//! Runs the program in a folder of its own, as a person at a shell would.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The key of the tenant in [`Shell::with_tenant`].
pub const KEY: &str = "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA";

/// A folder with nothing but what its commands make.
pub struct Shell {
    folder: TempDir,
}

/// What a command came to.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub output: String,
    pub errors: String,
}

impl Outcome {
    /// The line of JSON on the standard output.
    pub fn json(&self) -> Value {
        assert_eq!(self.errors, "", "{self:?}");
        serde_json::from_str(&self.output).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Shell {
    /// A folder without a database.
    pub fn empty() -> Self {
        Shell { folder: tempfile::tempdir().expect("a folder") }
    }

    /// A folder with `hellojohn.db`, its tenant `tnt_acme` and the key's file `key`.
    pub fn with_tenant() -> Self {
        let shell = Shell::empty();
        std::fs::write(shell.folder().join("key"), format!("{KEY}\n")).expect("a key");
        assert_eq!(shell.run(&["init", "event_retention=90d"]).code, 0);
        shell
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program with these arguments; the environment names the tenant and the key's file.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hellojohn"));
        command
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .env("HELLOJOHN_TENANT_ID", "tnt_acme")
            .env("HELLOJOHN_SECRET_KEY_FILE", "key");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with_input(arguments, "")
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Outcome {
        run(&mut self.command(arguments), input)
    }

    /// A command's JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let outcome = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(outcome.code, 0, "{arguments:?} {outcome:?}");
        outcome.json()
    }
}

/// Runs a command to its end. Whatever it says, it does not say the key.
pub fn run(command: &mut Command, input: &str) -> Outcome {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    // A command that reads nothing may have ended.
    let _ = child.stdin.take().expect("an input").write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().expect("the program ends");
    let text = |bytes| String::from_utf8(bytes).expect("a text");
    let outcome =
        Outcome { code: status.code().expect("an exit code"), output: text(stdout), errors: text(stderr) };
    assert!(!format!("{outcome:?}").contains(&KEY[8..]), "{outcome:?}");
    outcome
}

/// A running `serve`, on a free port.
pub struct Server {
    child: Child,
    /// `127.0.0.1:12345`.
    pub address: String,
}

impl Server {
    pub fn start(shell: &Shell, arguments: &[&str]) -> Self {
        let mut child = shell
            .command(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("an output")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on http://").expect("an address").to_owned();
        Server { child, address }
    }

    /// The same with an output that its reader has closed already.
    pub fn start_unread(shell: &Shell, arguments: &[&str]) -> Self {
        let (reader, output) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut child = shell
            .command(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat())
            .stdout(output)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut line = String::new();
        BufReader::new(child.stderr.as_mut().expect("errors")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("warning: the output is closed: listening on http://");
        let address = address.unwrap_or_else(|| panic!("{line}")).to_owned();
        Server { child, address }
    }

    /// Stops it as an operator does; its errors.
    pub fn stop(mut self) -> Outcome {
        let id = i32::try_from(self.child.id()).expect("a process id");
        // SAFETY: sends a signal to a child of this process that has not been waited for.
        assert_eq!(unsafe { libc::kill(id, libc::SIGTERM) }, 0);
        let status = self.child.wait().expect("the server ends");
        let mut errors = String::new();
        let mut stream = self.child.stderr.take().expect("errors");
        std::io::Read::read_to_string(&mut stream, &mut errors).expect("errors");
        Outcome { code: status.code().expect("an exit code"), output: String::new(), errors }
    }
}

/// A test that fails leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // an error: it has ended
        let _ = self.child.wait();
    }
}
