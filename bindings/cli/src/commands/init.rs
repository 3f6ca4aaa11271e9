//! `init`: a database with a tenant.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use hellojohn::{Error, ErrorCode, OsRandom, Random, SecretKey};
use serde_json::json;
use zeroize::Zeroizing;

use super::config::parse_settings;
use crate::answer::Answer;
use crate::context::Context;
use crate::failure::CommandFailure;
use crate::key_source::is_key_given;

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// Settings of the tenant, such as idle_timeout=7d
    #[arg(value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// Make a key for tests (sk_test_…) instead of one for real users (sk_live_…)
    #[arg(long)]
    test_key: bool,
}

impl InitArguments {
    /// Makes what is not there yet; with the same key again it changes nothing but the given settings.
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        let (id, patch) = (context.tenant_id()?, parse_settings(&self.settings)?);
        let patch = match self.settings.is_empty() {
            true => None,
            false => Some(patch.to_string().parse()?),
        };
        let key_file = context.options.secret_key_file.as_deref();
        let new_key_file = key_file.filter(|file| !is_key_given(context.options) && !file.exists());
        if key_file.is_none() && !is_key_given(context.options) && !context.streams.can_ask {
            return Err(CommandFailure::usage(
                "init needs a place for the tenant's secret key",
                "name a file with --secret-key-file: init makes it, with a new key, if it is not there",
            ));
        }
        if let Some(file) = new_key_file {
            write_new_key(file, if self.test_key { "sk_test_" } else { "sk_live_" })?;
        }
        let key = context.secret_key()?;
        let database = context.options.database.to_string_lossy().into_owned();
        let is_url = context.database_file().is_none();
        let tenant = context.engine().open(&context.options.database)?.tenant(&id, &key)?;
        if let Some(patch) = &patch {
            tenant.with_actor(Some(context.actor()?)).update_config(patch)?;
        }
        let made_key = new_key_file.map(|file| file.display().to_string());
        let mut people = match is_url {
            true => format!("The database has the tenant {id}."), // its URL may hold a password
            false => format!("{database} has the tenant {id}."),
        };
        if let Some(file) = &made_key {
            people.push_str(&format!(
                " Its new secret key is in {file}: keep it safe, it cannot be made again."
            ));
        }
        Ok(Answer::new(json!({ "tenant_id": id, "secret_key_file": made_key }), people))
    }
}

/// Writes a new key into a new file that only its owner can read.
fn write_new_key(file: &Path, prefix: &str) -> Result<(), CommandFailure> {
    let mut bytes = Zeroizing::new([0; 24]);
    OsRandom.fill(&mut *bytes).map_err(|_| Error::new(ErrorCode::Internal, "there is no randomness"))?;
    let key = Zeroizing::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(*bytes)));
    let _: SecretKey = key.parse()?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let unwritten = |cause| {
        CommandFailure::io(format!("the secret key's file {} cannot be made", file.display()), &cause)
    };
    let mut opened = options.open(file).map_err(unwritten)?;
    opened.write_all(key.as_bytes()).map_err(unwritten)?;
    opened.write_all(b"\n").map_err(unwritten)?;
    opened.sync_all().map_err(unwritten)
}
