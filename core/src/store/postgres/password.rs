//! Where a password comes from if the URL has none: `PGPASSWORD`, or a line of the file that `PGPASSFILE` names.

use std::path::Path;

use zeroize::Zeroizing;

use super::url::{Host, PostgresUrl};
use crate::error::Error;
use crate::secret::DatabaseSecret;

/// The password for a login at this host, if there is one. Reads the environment and a file.
///
/// # Errors
/// `validation_error` for a password file that cannot be read or that other accounts can read.
#[expect(clippy::disallowed_methods, reason = "libpq's names, so that a password need not stand in the URL")]
pub(super) fn find(url: &PostgresUrl, host: &Host) -> Result<Option<DatabaseSecret>, Error> {
    if let Some(password) = &url.password {
        return Ok(Some(password.clone()));
    }
    if let Some(password) = std::env::var("PGPASSWORD").ok().filter(|password| !password.is_empty()) {
        return Ok(Some(DatabaseSecret::new(password)));
    }
    match std::env::var_os("PGPASSFILE").filter(|path| !path.is_empty()) {
        Some(path) => Ok(find_line(&read_file(Path::new(&path))?, url, host)),
        None => Ok(None),
    }
}

fn read_file(path: &Path) -> Result<Zeroizing<String>, Error> {
    let invalid = |problem: String| Error::validation("PGPASSFILE", problem);
    let unreadable = |cause: std::io::Error| invalid(format!("cannot be read: {cause}")).caused_by(cause);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(invalid("is open to other accounts: chmod 600 it".to_owned()));
        }
    }
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(unreadable)
}

/// The password of the first line `host:port:database:user:password` that fits; `*` fits everything, and `\` takes the
/// meaning off a `:` or `\`.
pub(super) fn find_line(text: &str, url: &PostgresUrl, host: &Host) -> Option<DatabaseSecret> {
    let (name, port) = match host {
        Host::Tcp { name, port } => (name.as_str(), port),
        Host::Unix { folder, port } => (folder.to_str().unwrap_or("localhost"), port),
    };
    let port = port.to_string();
    let wanted = [name, &port, &url.database, &url.user];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = split_line(line);
        let fits =
            |(field, wanted): (&Zeroizing<String>, &&str)| field.as_str() == "*" || field.as_str() == *wanted;
        let is_ours = fields.len() == 5 && fields[..4].iter().zip(&wanted).all(fits);
        is_ours.then(|| DatabaseSecret::new(fields[4].to_string()))
    })
}

fn split_line(line: &str) -> Vec<Zeroizing<String>> {
    let mut fields = vec![Zeroizing::new(String::new())];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let taken = match character {
            '\\' => characters.next().unwrap_or('\\'),
            ':' if fields.len() < 5 => {
                fields.push(Zeroizing::new(String::new()));
                continue;
            }
            other => other,
        };
        if let Some(field) = fields.last_mut() {
            field.push(taken);
        }
    }
    fields
}
