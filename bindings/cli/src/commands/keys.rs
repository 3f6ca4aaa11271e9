//! `keys`: the signing keys, and the secrets behind them.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::answer::{Answer, table, text};
use crate::context::Context;
use crate::failure::CommandFailure;
use crate::key_source::read_key_file;

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List the keys that sign access tokens, oldest first
    List,
    /// Let the next key sign from now on. No session ends and no token dies
    Rotate,
    /// Delete a retiring or next key now: the tokens that it signed die
    Retire {
        /// The id of the key, key_…
        kid: String,
    },
    /// Change the tenant's secret key. No session ends; hosts need the new key from now on
    ChangeSecret {
        /// A file with the new secret key
        #[arg(long, value_name = "FILE")]
        new_secret_key_file: PathBuf,
    },
    /// Replace the key behind refresh tokens: every refresh token of before is refused, and its user signs in again
    RotateRefresh,
}

impl KeysCommand {
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        match self {
            KeysCommand::List => {
                let keys = context.open_tenant()?.keys()?;
                let keys: Vec<Value> = keys.iter().map(|key| json!(key)).collect();
                let row = |key: &Value| ["kid", "state", "created_at"].map(|name| text(&key[name])).to_vec();
                let people = table(&["KEY", "STATE", "CREATED"], keys.iter().map(row));
                Ok(Answer::new(json!({ "keys": keys }), people))
            }
            KeysCommand::Rotate => {
                let kid = context.open_tenant()?.rotate_keys()?;
                Ok(Answer::new(json!({ "kid": kid }), format!("{kid} signs from now on.")))
            }
            KeysCommand::Retire { kid } => {
                context.open_tenant()?.retire_key(kid.parse()?)?;
                Ok(Answer::new(json!({ "kid": kid }), format!("{kid} is retired.")))
            }
            KeysCommand::ChangeSecret { new_secret_key_file } => {
                let new = read_key_file(new_secret_key_file)?;
                context.open_tenant()?.change_secret_key(&new)?;
                let people = "The secret key is changed. Give hosts the new one: they answer invalid_api_key until then.";
                Ok(Answer::new(json!({}), people))
            }
            KeysCommand::RotateRefresh => {
                context.open_tenant()?.rotate_refresh_key()?;
                let people = "Every refresh token of before is refused from now on. Access tokens stay good until they expire.";
                Ok(Answer::new(json!({}), people))
            }
        }
    }
}
