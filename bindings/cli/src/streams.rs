//! Where a command reads and writes.

use std::fmt;
use std::io::{self, IsTerminal, Read, Write};

/// The three streams of a command, and which of them a person sits at.
pub struct Streams {
    /// What is piped in: a token.
    pub input: Box<dyn Read + Send>,
    /// Answers.
    pub output: Box<dyn Write + Send>,
    /// Errors, warnings and progress.
    pub errors: Box<dyn Write + Send>,
    /// Whether the input and the errors are a terminal: then a missing secret key is asked for.
    pub can_ask: bool,
    /// Whether the errors are a terminal: then long work shows its progress.
    pub shows_progress: bool,
}

impl Streams {
    /// Those of this process.
    pub fn of_process() -> Self {
        let shows_progress = io::stderr().is_terminal();
        Streams {
            input: Box::new(io::stdin()),
            output: Box::new(io::stdout()),
            errors: Box::new(io::stderr()),
            can_ask: io::stdin().is_terminal() && shows_progress,
            shows_progress,
        }
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams")
            .field("can_ask", &self.can_ask)
            .field("shows_progress", &self.shows_progress)
            .finish_non_exhaustive()
    }
}
