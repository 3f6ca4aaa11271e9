//! `events follow`: events as they happen.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc;
use std::thread;

use serde_json::Value;

use crate::shell::Shell;

/// A running `events follow`, line by line.
struct Follower {
    child: Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Follower {
    fn start(shell: &Shell, arguments: &[&str]) -> Self {
        let mut command = shell.command(&[&["events", "follow"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program runs");
        let lines = BufReader::new(child.stdout.take().expect("an output")).lines();
        Follower { child, lines: Some(lines) }
    }

    fn next(&mut self) -> Value {
        let lines = self.lines.as_mut().expect("the lines");
        serde_json::from_str(&lines.next().expect("an event").expect("a line")).expect("JSON")
    }

    /// Stops it as an operator does; it has nothing more to say.
    fn stop(mut self) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        // SAFETY: sends a signal to a child of this process that has not been waited for.
        assert_eq!(unsafe { libc::kill(id, libc::SIGTERM) }, 0);
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0));
        assert!(self.lines.as_mut().is_some_and(|lines| lines.next().is_none()));
    }
}

/// A test that fails leaves no program behind.
impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill(); // an error: it has ended
        let _ = self.child.wait();
    }
}

#[test]
fn events_are_followed_from_a_number_on() {
    let shell = Shell::with_tenant();
    shell.json(&["config", "set", "idle_timeout=7d"]);
    for (after, seqs) in [("0", 1..=2), ("1", 2..=2)] {
        let mut follower = Follower::start(&shell, &["--json", "--after", after]);
        for seq in seqs {
            assert_eq!(follower.next()["seq"], seq);
        }
        follower.stop();
    }
    let mut follower = Follower::start(&shell, &["--json", "--after", "2", "--types", "key.rotated"]);
    shell.json(&["config", "set", "idle_timeout=8d"]);
    shell.json(&["keys", "rotate"]);
    let event = follower.next();
    assert_eq!((&event["seq"], &event["type"]), (&4.into(), &"key.rotated".into()));
    follower.stop();
}

#[test]
fn without_a_number_only_new_events_are_shown_until_the_reader_has_enough() {
    let shell = Shell::with_tenant();
    for idle_timeout in ["1d", "2d", "3d", "4d"] {
        shell.json(&["config", "set", &format!("idle_timeout={idle_timeout}")]);
    }
    let mut follower = Follower::start(&shell, &[]);
    let mut lines = follower.lines.take().expect("the lines");
    let (send, shown) = mpsc::channel();
    let reader = thread::spawn(move || send.send(lines.next().expect("an event").expect("a line")));
    // The program does not tell when it has begun: the first of these that comes later is shown.
    let line = loop {
        shell.json(&["keys", "rotate"]);
        if let Ok(line) = shown.try_recv() {
            break line;
        }
    };
    reader.join().expect("the reader").expect("the line");
    assert!(line.contains("  key.rotated  "), "{line}");
    shell.json(&["keys", "rotate"]);
    assert_eq!(follower.child.wait().expect("it ends").code(), Some(0));
}
