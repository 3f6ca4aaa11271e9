//! The program `hellojohn`.

use std::env;
use std::process::ExitCode;

use hellojohn_cli::{Streams, run};

fn main() -> ExitCode {
    ExitCode::from(run(env::args_os(), &mut Streams::of_process()))
}
