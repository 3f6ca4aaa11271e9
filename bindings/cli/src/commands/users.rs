//! `users`: what is about all sessions of a user.

use clap::Subcommand;
use serde_json::json;

use super::sessions::ended;
use crate::answer::Answer;
use crate::context::Context;
use crate::failure::CommandFailure;

#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// End all sessions of a user
    Revoke {
        /// The id of the user
        user_id: String,
        /// Let this session go on
        #[arg(long, value_name = "SESSION")]
        except: Option<String>,
    },
}

impl UsersCommand {
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        let UsersCommand::Revoke { user_id, except } = self;
        let except = except.as_deref().map(str::parse).transpose()?;
        let revoked = context.open_tenant()?.revoke_user(&user_id.parse()?, except)?;
        Ok(ended(json!({ "revoked": revoked })))
    }
}
