//! The command line of HelloJohn: `hellojohn` and `npx @hellojohn/node` are this one function.
//!
//! ```no_run
//! use hellojohn_cli::{Streams, run};
//!
//! let exit_code = run(["hellojohn", "sessions", "list", "--json"], &mut Streams::of_process());
//! ```
//!
//! Where REST has a call for a command, the command makes that call inside of this process: a filter, a name in the JSON
//! and an error are the same in both.

mod answer;
mod api;
mod arguments;
mod commands;
mod context;
mod exit_code;
mod failure;
mod import;
mod key_source;
mod options;
mod streams;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Parser;

use crate::answer::Answer;
use crate::arguments::Arguments;
use crate::context::Context;
pub use crate::exit_code::{BROKEN, DONE, REFUSED, USAGE};
use crate::failure::CommandFailure;
pub use crate::streams::Streams;

/// Runs one command; `arguments` begin with the program's name. Answers with the exit code: [`DONE`], [`REFUSED`], [`USAGE`] or
/// [`BROKEN`]. Returns when the command has ended, for `serve` after SIGINT or SIGTERM.
pub fn run<I, T>(arguments: I, streams: &mut Streams) -> u8
where
    I: IntoIterator<Item = T>,
    T: Into<OsString>,
{
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let wants_json = arguments.iter().any(|argument| argument == "--json");
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        // Help and version are answers, everything else is a mistake.
        Err(error) if error.use_stderr() => {
            return match wants_json {
                true => show_failure(&CommandFailure::of_command_line(&error), true, streams),
                false => write!(streams.errors, "{error}").map_or(BROKEN, |()| USAGE),
            };
        }
        Err(help) => return finish(write!(streams.output, "{help}"), streams, DONE),
    };
    let mut context = Context { options: &arguments.options, streams };
    match arguments.command.run(&mut context) {
        Ok(answer) => show_answer(&answer, wants_json, streams),
        Err(failure) => show_failure(&failure, wants_json, streams),
    }
}

fn show_answer(answer: &Answer, wants_json: bool, streams: &mut Streams) -> u8 {
    let written = match wants_json {
        true if answer.json.is_null() => Ok(()),
        true => writeln!(streams.output, "{}", answer.json),
        false if answer.text.is_empty() => Ok(()),
        false => writeln!(streams.output, "{}", answer.text),
    };
    finish(written, streams, answer.exit_code)
}

/// Writes what is left: inside of another program's process, its end does not. A reader that has read enough
/// (`hellojohn … | head`) is no failure.
fn finish(written: io::Result<()>, streams: &mut Streams, exit_code: u8) -> u8 {
    match written.and_then(|()| streams.output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => BROKEN,
        _ => exit_code,
    }
}

fn show_failure(failure: &CommandFailure, wants_json: bool, streams: &mut Streams) -> u8 {
    // Nothing is left to tell of an error stream that is gone.
    let _ = match wants_json {
        true => writeln!(streams.errors, "{}", failure.to_json()),
        false => writeln!(streams.errors, "{failure}"),
    };
    failure.exit_code
}
