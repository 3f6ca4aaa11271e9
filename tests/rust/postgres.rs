//! Databases on a PostgreSQL server, where `HJ_PG` names one: a schema for each.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A schema that one test uses.
pub struct Schema {
    server: String,
    name: String,
}

/// How long engines remember answers on the server that `HJ_PG` names: not at all unless its URL says so.
///
/// # Panics
/// If the URL's lease is no number of milliseconds.
pub fn lease_of_server() -> Duration {
    let url = std::env::var("HJ_PG").unwrap_or_default();
    let lease = url.split(['?', '&']).find_map(|parameter| parameter.strip_prefix("verify=lease:"));
    let millis = lease.map(|lease| lease.trim_end_matches("ms").parse().expect("milliseconds"));
    Duration::from_millis(millis.unwrap_or_default())
}

impl Schema {
    /// The schema that belongs to this folder; nothing unless `HJ_PG` is set.
    pub fn of_folder(folder: &Path) -> Option<Self> {
        let server = std::env::var("HJ_PG").ok()?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let name = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
        // Temporary folders differ in capitals, too.
        let capitals = folder
            .to_string_lossy()
            .bytes()
            .fold(0_u64, |number, byte| number.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Some(Schema { server, name: format!("hj_{name}_{capitals:x}") })
    }

    /// The server as its own programs take it: without the engine's parameters.
    fn plain_server(&self) -> String {
        let (location, parameters) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let is_own =
            |parameter: &&str| ["isolation=", "verify="].iter().any(|own| parameter.starts_with(own));
        let others = parameters.split('&').filter(|parameter| !is_own(parameter));
        format!("{location}?{}", others.collect::<Vec<_>>().join("&"))
    }

    /// What an engine opens.
    pub fn url(&self) -> String {
        let separator = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{separator}schema={}", self.server, self.name)
    }

    /// The one value that a statement answers.
    ///
    /// # Errors
    /// What `psql` says.
    pub fn ask(&self, question: &str) -> Result<String, String> {
        let mut psql = Command::new("psql");
        psql.arg(self.plain_server()).args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet"]);
        psql.arg("--command").arg(format!("SET search_path = {}", self.name)).arg("--command").arg(question);
        let output = psql.output().map_err(|error| format!("psql: {error}"))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// Writes the whole schema to a file.
    ///
    /// # Errors
    /// What `pg_dump` says.
    pub fn save(&self, file: &Path) -> Result<(), String> {
        run(Command::new("pg_dump")
            .arg(self.plain_server())
            .arg("--schema")
            .arg(&self.name)
            .arg("--file")
            .arg(file))
    }

    /// Replaces the schema by what was saved.
    ///
    /// # Errors
    /// What `psql` says.
    pub fn restore(&self, file: &Path) -> Result<(), String> {
        let drop = format!("DROP SCHEMA {} CASCADE", self.name);
        let mut psql = Command::new("psql");
        psql.arg(self.plain_server()).args([
            "--quiet",
            "--no-psqlrc",
            "--set",
            "ON_ERROR_STOP=1",
            "--command",
        ]);
        run(psql.arg(drop).arg("--file").arg(file))
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}
