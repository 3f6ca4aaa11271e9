//! The command line, for `npx @hellojohn/node`: the same code as the program `hellojohn`.

use hellojohn_cli::Streams;
use napi_derive::napi;

/// Runs one command with the streams and the signals of this process, on this thread until it has ended; `arguments` begin with
/// the program's name. The exit code.
#[napi(catch_unwind)]
pub fn run_command_line(arguments: Vec<String>) -> u32 {
    take_signals_from_node();
    hellojohn_cli::run(arguments, &mut Streams::of_process()).into()
}

/// Node has handlers for the signals that stop a program, which raise the signal again; a command that hears signals calls the
/// handler that was there before its own, and the two would go round in circles.
#[cfg(unix)]
fn take_signals_from_node() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the default action is valid for both signals, and the program that calls this is a command: no code of a
        // host waits for them.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

#[cfg(not(unix))]
fn take_signals_from_node() {}
