//! The one place that reads the text by which a host names its database.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorCode};

/// Names a database in memory.
pub(crate) const MEMORY: &str = ":memory:";

/// Where the sessions are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Database {
    /// A file at this absolute path.
    File(PathBuf),
    /// Memory that is freed with the engine.
    Memory,
}

impl Database {
    /// Reads `:memory:`, a path, or a URL.
    ///
    /// # Errors
    /// `validation_error` for an empty text, for a NUL character, and for a URL: a store for it is not built in.
    /// `storage_io` for a relative path in a process whose working folder is gone.
    pub(crate) fn parse(text: &OsStr) -> Result<Self, Error> {
        if text == MEMORY {
            return Ok(Database::Memory);
        }
        if text.is_empty() {
            return Err(Error::validation("database", "must not be empty"));
        }
        if text.as_encoded_bytes().contains(&0) {
            return Err(Error::validation("database", "must not contain a NUL character"));
        }
        if let Some(scheme) = text.to_str().and_then(url_scheme) {
            let problem = match scheme {
                "postgres" | "postgresql" => "PostgreSQL is not built into this library; give a file's path",
                _ => "is a URL of an unknown scheme; give a file's path",
            };
            return Err(Error::validation("database", problem));
        }
        // An absolute path never looks like a URI to the database below, as `file:x` would.
        let absolute = std::path::absolute(Path::new(text)).map_err(|cause| {
            let detail = format!("the path of the database cannot be made absolute: {cause}");
            Error::new(ErrorCode::StorageIo, detail).caused_by(cause)
        })?;
        Ok(Database::File(absolute))
    }

    /// The text that [`parse`](Self::parse) reads as this database, in every working folder.
    pub(crate) fn into_os_string(self) -> OsString {
        match self {
            Database::File(path) => path.into_os_string(),
            Database::Memory => MEMORY.into(),
        }
    }
}

/// The scheme of `scheme://…` (RFC 3986, section 3.1).
fn url_scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    is_scheme.then_some(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Database, ErrorCode> {
        Database::parse(OsStr::new(text)).map_err(|error| error.code())
    }

    #[test]
    fn a_path_becomes_absolute_and_a_url_is_refused() {
        assert_eq!(parse(":memory:"), Ok(Database::Memory));
        assert_eq!(parse("/tmp/s.db"), Ok(Database::File("/tmp/s.db".into())));
        for relative in ["s.db", "file:s.db?mode=memory", "a/:memory:", "1://x", "://x"] {
            assert!(matches!(parse(relative), Ok(Database::File(path)) if path.is_absolute()), "{relative}");
        }
        for bad in ["", "a\0b", "postgres://localhost/x", "postgresql://", "mysql://h", "file:///tmp/s.db"] {
            assert_eq!(parse(bad), Err(ErrorCode::ValidationError), "{bad}");
        }
    }

    #[test]
    fn a_postgresql_url_says_that_the_store_is_not_built_in() {
        let error = Database::parse(OsStr::new("postgres://user:hunter2@localhost/x")).unwrap_err();
        assert!(error.detail().contains("PostgreSQL is not built into this library"), "{error}");
        assert!(!error.detail().contains("hunter2"), "{error}");
    }
}
