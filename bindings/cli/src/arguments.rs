//! The command line as a whole.

use clap::{Parser, Subcommand};

use crate::answer::Answer;
use crate::commands::config::ConfigCommand;
use crate::commands::copy::CopyArguments;
use crate::commands::events::EventsCommand;
use crate::commands::files::{BackupArguments, CheckArguments, RestoreArguments};
use crate::commands::import::ImportArguments;
use crate::commands::init::InitArguments;
use crate::commands::keys::KeysCommand;
use crate::commands::maintain::MaintainCommand;
use crate::commands::manual::{CompletionsArguments, ManArguments};
use crate::commands::serve::ServeArguments;
use crate::commands::sessions::SessionsCommand;
use crate::commands::tenant::{self, RevocationsArguments};
use crate::commands::token::TokenCommand;
use crate::commands::users::UsersCommand;
use crate::context::Context;
use crate::failure::CommandFailure;
use crate::options::GlobalOptions;

/// Looks into a database of HelloJohn sessions, ends sessions, changes settings and keys, makes backups and serves the REST
/// API. Works beside the hosts that have the same database open.
#[derive(Debug, Parser)]
#[command(name = "hellojohn", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "\
To begin:
  hellojohn init --tenant tnt_acme --secret-key-file hellojohn.key
  export HELLOJOHN_TENANT_ID=tnt_acme HELLOJOHN_SECRET_KEY_FILE=hellojohn.key
  hellojohn sessions list

Exit codes: 0 done, 1 refused, 2 the command line is not good, 3 the database cannot be used.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub options: GlobalOptions,
    #[command(subcommand)]
    pub command: Command,
}

#[expect(clippy::large_enum_variant, reason = "a process has one of it")]
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a database and a tenant, with a new secret key if there is none
    Init(InitArguments),
    /// Serve the REST API over HTTP
    Serve(ServeArguments),
    /// List, explain, count and end sessions
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// End the sessions of a user
    #[command(subcommand)]
    Users(UsersCommand),
    /// Show and change the tenant's settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// List, rotate and retire keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Print the public keys that verify access tokens (a JWK Set)
    Jwks,
    /// Print the signed list of ended sessions for verifiers that do not ask the database
    Revocations(RevocationsArguments),
    /// List what happened to sessions, settings and keys
    #[command(subcommand)]
    Events(EventsCommand),
    /// Read and verify tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Count the tenant's sessions, and show the size of the database
    Stats,
    /// Write down ends by the clock, and delete old records
    #[command(subcommand)]
    Maintain(MaintainCommand),
    /// Copy the database into a new file, while hosts go on
    Backup(BackupArguments),
    /// Make the database from a backup, while no host has it open
    Restore(RestoreArguments),
    /// Read a whole database file and tell what is wrong with it
    Check(CheckArguments),
    /// Take over the sessions of another system, so that its users stay signed in
    Import(ImportArguments),
    /// Copy a whole database into another file or PostgreSQL server
    ///
    /// Every user stays signed in. Stop the hosts on FROM before, or copy beside them first and once more after they are stopped: a copy writes only what
    /// differs. One that was cut off goes on where it was when it is called again.
    Copy(CopyArguments),
    /// Print the completions of a shell
    Completions(CompletionsArguments),
    /// Print the manual page
    Man(ManArguments),
}

impl Command {
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        match self {
            Command::Init(arguments) => arguments.run(context),
            Command::Serve(arguments) => arguments.run(context),
            Command::Sessions(command) => command.run(context),
            Command::Users(command) => command.run(context),
            Command::Config(command) => command.run(context),
            Command::Keys(command) => command.run(context),
            Command::Jwks => tenant::show_jwks(context),
            Command::Revocations(arguments) => arguments.run(context),
            Command::Events(command) => command.run(context),
            Command::Token(command) => command.run(context),
            Command::Stats => tenant::show_stats(context),
            Command::Maintain(command) => command.run(context),
            Command::Backup(arguments) => arguments.run(context),
            Command::Restore(arguments) => arguments.run(context),
            Command::Check(arguments) => arguments.run(context),
            Command::Import(arguments) => arguments.run(context),
            Command::Copy(arguments) => arguments.run(context),
            Command::Completions(arguments) => arguments.run::<Arguments>(),
            Command::Man(arguments) => arguments.run::<Arguments>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_declarations_fit_together() {
        Arguments::command().debug_assert();
    }
}
