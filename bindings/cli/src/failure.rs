//! Why a command was not done: what went wrong, and what to do.

use std::error::Error as _;
use std::fmt;

use hellojohn::{Error, ErrorCode};
use serde_json::{Value, json};

use crate::exit_code::{BROKEN, REFUSED, USAGE};

/// Why a command was not done.
#[derive(Debug)]
pub(crate) struct CommandFailure {
    code: &'static str,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
    pub exit_code: u8,
}

impl CommandFailure {
    /// A command line that cannot be understood.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        CommandFailure {
            code: ErrorCode::ValidationError.as_str(),
            message: message.into(),
            causes: Vec::new(),
            hint: Some(hint.into()),
            exit_code: USAGE,
        }
    }

    /// A command line that the parser of arguments refuses.
    pub fn of_command_line(error: &clap::Error) -> Self {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        CommandFailure::usage(
            message,
            "`hellojohn help` lists the commands, `hellojohn help COMMAND` its options",
        )
    }

    /// A file that is not as it should be.
    pub fn storage(what: impl Into<String>) -> Self {
        Error::new(ErrorCode::StorageIo, what.into()).into()
    }

    /// The operating system failed this.
    pub fn io(what: impl Into<String>, cause: &std::io::Error) -> Self {
        CommandFailure { causes: vec![cause.to_string()], ..CommandFailure::storage(what) }
    }

    /// The same failure with another advice.
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        CommandFailure { hint: Some(hint.into()), ..self }
    }

    /// In the form of REST's errors.
    pub fn to_json(&self) -> Value {
        let causes = (!self.causes.is_empty()).then_some(&self.causes);
        let mut error = json!({ "code": self.code, "message": self.message });
        for (name, value) in [("causes", json!(causes)), ("hint", json!(self.hint))] {
            if !value.is_null() {
                error[name] = value;
            }
        }
        json!({ "error": error })
    }
}

impl fmt::Display for CommandFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {} ({})", self.message, self.code)?;
        for cause in &self.causes {
            write!(f, "\n  because: {cause}")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n  to do: {hint}"),
            None => Ok(()),
        }
    }
}

impl From<Error> for CommandFailure {
    fn from(error: Error) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        CommandFailure {
            code: error.code().as_str(),
            message: error.detail().to_owned(),
            causes,
            hint: hint(error.code()).map(str::to_owned),
            exit_code: exit_code(error.code()),
        }
    }
}

/// A value that was not good, a "no", or something that broke.
fn exit_code(code: ErrorCode) -> u8 {
    match code {
        ErrorCode::ValidationError | ErrorCode::BadRequest | ErrorCode::PayloadTooLarge => USAGE,
        code if code.http_status() >= 500 => BROKEN,
        _ => REFUSED,
    }
}

fn hint(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::InvalidApiKey => {
            "the tenant is there and has another secret key; check --secret-key-file, HELLOJOHN_SECRET_KEY_FILE and \
             HELLOJOHN_SECRET_KEY"
        }
        ErrorCode::SessionNotFound => "check the id and --tenant; `hellojohn sessions list` shows ids",
        ErrorCode::StorageBusy => {
            "another process holds the database: try again; `restore` needs every host on it to be stopped"
        }
        ErrorCode::StorageFull => "nothing was changed: make room on the disk and try again",
        ErrorCode::StorageReadOnly => "run as the account that owns the database's file and folder",
        ErrorCode::StorageCorrupt => {
            "`hellojohn check` tells what is wrong with a file; `hellojohn restore` brings back a backup"
        }
        ErrorCode::StorageTooNew => "use the release of hellojohn that wrote the file, or a newer one",
        ErrorCode::ClockJump => "check the machine's clock",
        _ => return None,
    })
}
