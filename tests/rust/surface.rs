//! A surface is a process that speaks the protocol of `tests/README.md`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// How to start the processes of one surface.
#[derive(Clone)]
pub struct SurfaceKind {
    /// `rust`, `c`, `node`, `rest`.
    pub name: &'static str,
    /// The program and its arguments.
    pub command: Vec<PathBuf>,
    /// Whether it is REST, which shows times in whole seconds and some answers in part.
    pub is_rest: bool,
}

/// A running surface.
pub struct Surface {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// What a call came to: an answer, or code and detail of the error.
pub type Outcome = Result<Value, (String, String)>;

impl Surface {
    /// Starts the program.
    pub fn start(kind: &SurfaceKind) -> Result<Self, String> {
        let (program, arguments) = kind.command.split_first().ok_or("a surface without a program")?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}; `make test` builds the surfaces", program.display()))?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("the surface has no output")?;
        Ok(Surface { child, input, output: BufReader::new(output) })
    }

    /// Starts as many processes of the Rust surface, `program`, each with an engine on the database, whose clock stands at `clock`.
    pub fn open_all(
        program: &str,
        processes: usize,
        database: &Path,
        clock: i64,
    ) -> Result<Vec<Self>, String> {
        let kind = SurfaceKind { name: "rust", command: vec![program.into()], is_rest: false };
        let open = |_| {
            let mut surface = Surface::start(&kind)?;
            surface.open(&database.to_string_lossy(), clock)?.map_err(|(code, _)| code)?;
            Ok(surface)
        };
        (0..processes).map(open).collect()
    }

    fn exchange(&mut self, line: &Value) -> Result<Outcome, String> {
        let input = self.input.as_mut().ok_or("the surface's input is closed")?;
        writeln!(input, "{line}")
            .and_then(|()| input.flush())
            .map_err(|error| format!("the surface died: {error}"))?;
        let mut answer = String::new();
        self.output.read_line(&mut answer).map_err(|error| format!("the surface died: {error}"))?;
        let mut answer: Value = serde_json::from_str(&answer)
            .map_err(|error| format!("the surface answered {answer:?}: {error}"))?;
        match (answer.get("ok").is_some(), answer.get("error")) {
            (true, None) => Ok(Ok(answer["ok"].take())),
            (false, Some(error)) => {
                let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
                Ok(Err((text("code"), text("detail"))))
            }
            _ => Err(format!("the surface answered {answer}")),
        }
    }

    /// Opens the database with a manual clock.
    pub fn open(&mut self, database: &str, clock: i64) -> Result<Outcome, String> {
        self.exchange(&json!({"open": database, "clock": clock}))
    }

    /// Moves the manual clock.
    pub fn set_clock(&mut self, clock: i64) -> Result<Outcome, String> {
        self.exchange(&json!({ "clock": clock }))
    }

    /// Calls an operation.
    pub fn call(&mut self, op: &str, tenant: (&str, &str), args: Value) -> Result<Outcome, String> {
        self.call_as(None, op, tenant, args)
    }

    /// Calls an operation for an actor.
    pub fn call_as(
        &mut self,
        actor: Option<&Value>,
        op: &str,
        tenant: (&str, &str),
        args: Value,
    ) -> Result<Outcome, String> {
        let mut line = json!({"op": op, "tenant_id": tenant.0, "secret_key": tenant.1, "args": args});
        if let Some(actor) = actor {
            line["actor"] = actor.clone();
        }
        self.exchange(&line)
    }

    /// Lets the process end by itself and checks that it ended well.
    pub fn stop(mut self) -> Result<(), String> {
        drop(self.input.take());
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the surface ended with {status}")) }
    }
}

impl Drop for Surface {
    fn drop(&mut self) {
        // Only after a failed scenario; a surface that stopped is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
