//! Where the secret key comes from: an argument, a file, the environment, or a prompt.

use std::fs;
use std::io::Write;
use std::path::Path;

use hellojohn::SecretKey;
use zeroize::Zeroizing;

use crate::failure::CommandFailure;
use crate::options::GlobalOptions;
use crate::streams::Streams;

const FROM_ENVIRONMENT: &str = "HELLOJOHN_SECRET_KEY";

/// Finds the tenant's secret key.
pub(crate) fn find_key(options: &GlobalOptions, streams: &mut Streams) -> Result<SecretKey, CommandFailure> {
    if let Some(key) = &options.secret_key {
        let warning = "warning: --secret-key is visible to every user of this machine and stays in the shell's history; \
                       use --secret-key-file";
        let _ = writeln!(streams.errors, "{warning}");
        return Ok(key.parse()?);
    }
    if let Some(file) = &options.secret_key_file {
        return read_key_file(file);
    }
    if let Some(key) = key_of_environment() {
        return Ok(key.parse()?);
    }
    if streams.can_ask {
        return ask_for_key("Secret key: ");
    }
    Err(CommandFailure::usage(
        "this command needs the tenant's secret key",
        "name a file that holds it with --secret-key-file, or set HELLOJOHN_SECRET_KEY",
    ))
}

/// Whether a key is given without a file or a prompt.
pub(crate) fn is_key_given(options: &GlobalOptions) -> bool {
    options.secret_key.is_some() || options.secret_key_file.is_none() && key_of_environment().is_some()
}

#[expect(clippy::disallowed_methods, reason = "a program, which has an environment of its own")]
fn key_of_environment() -> Option<Zeroizing<String>> {
    std::env::var(FROM_ENVIRONMENT).ok().filter(|key| !key.is_empty()).map(Zeroizing::new)
}

/// Reads the key in a file: its first line.
pub(crate) fn read_key_file(file: &Path) -> Result<SecretKey, CommandFailure> {
    let unreadable = |cause| {
        CommandFailure::io(format!("the secret key's file {} cannot be read", file.display()), &cause)
            .with_hint("check --secret-key-file; `hellojohn init` makes the file with a new key")
    };
    let text = Zeroizing::new(fs::read_to_string(file).map_err(unreadable)?);
    Ok(text.lines().next().unwrap_or_default().trim().parse()?)
}

/// Asks for the key on the terminal, which does not show it.
fn ask_for_key(prompt: &str) -> Result<SecretKey, CommandFailure> {
    let unasked = |cause| CommandFailure::io("the secret key cannot be read from the terminal", &cause);
    let key = Zeroizing::new(rpassword::prompt_password(prompt).map_err(unasked)?);
    Ok(key.trim().parse()?)
}
