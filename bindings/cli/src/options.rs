//! What every command may be told: which tenant of which database, and how to answer.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

/// What every command may be told.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct GlobalOptions {
    /// The database: the path of a file, or postgres://user@host/name
    #[arg(long, short, global = true, env = "HELLOJOHN_DATABASE", hide_env_values = true)]
    #[arg(value_name = "FILE|URL", default_value = "hellojohn.db")]
    pub database: OsString,

    /// The tenant
    #[arg(
        long,
        short,
        global = true,
        env = "HELLOJOHN_TENANT_ID",
        hide_env_values = true,
        value_name = "ID"
    )]
    pub tenant: Option<String>,

    /// A file with the tenant's secret key. Without it HELLOJOHN_SECRET_KEY counts, then you are asked
    #[arg(
        long,
        short = 'k',
        global = true,
        env = "HELLOJOHN_SECRET_KEY_FILE",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub secret_key_file: Option<PathBuf>,

    /// The secret key itself. Every user of this machine can read it: better use a file
    #[arg(long, global = true, value_name = "KEY", hide_short_help = true)]
    pub secret_key: Option<String>,

    /// The issuer of access tokens (iss), if your hosts set their own
    #[arg(
        long,
        global = true,
        env = "HELLOJOHN_ISSUER",
        hide_env_values = true,
        value_name = "URL",
        hide_short_help = true
    )]
    pub issuer: Option<String>,

    /// Who makes the change, for the record of events
    #[arg(
        long,
        global = true,
        env = "HELLOJOHN_ACTOR",
        hide_env_values = true,
        value_name = "NAME",
        default_value = "cli"
    )]
    #[arg(hide_short_help = true)]
    pub actor: String,

    /// Open a database on a network file system. Only one process may use it then
    #[arg(long, global = true, hide_short_help = true)]
    pub allow_network_file_system: bool,

    /// Answer with one line of JSON, with the names of the REST API
    #[arg(long, global = true)]
    pub json: bool,
}
