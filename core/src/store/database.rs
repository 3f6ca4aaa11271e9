//! The one place that reads the text by which a host names its database.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::mem;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use zeroize::Zeroize;

#[cfg(feature = "postgres")]
use super::postgres::url::PostgresUrl;
use crate::error::{Error, ErrorCode};

/// Names a database in memory.
const MEMORY: &str = ":memory:";

/// Where the sessions are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Database {
    /// In this process.
    Sqlite(SqliteDatabase),
    /// On a PostgreSQL server.
    #[cfg(feature = "postgres")]
    Postgres(Box<PostgresUrl>),
}

/// A database that SQLite keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SqliteDatabase {
    /// A file at this absolute path.
    File(PathBuf),
    /// Memory that is freed with the engine.
    Memory,
}

impl Database {
    /// Reads `:memory:`, a path, or a URL.
    ///
    /// # Errors
    /// `validation_error` for an empty text, for a NUL character, for a URL of PostgreSQL that is not well formed or for which no
    /// store is built in, and for every other URL.
    /// `storage_io` for a relative path in a process whose working folder is gone.
    pub(crate) fn parse(text: &OsStr) -> Result<Self, Error> {
        if text == MEMORY {
            return Ok(Database::Sqlite(SqliteDatabase::Memory));
        }
        if text.is_empty() {
            return Err(Error::validation("database", "must not be empty"));
        }
        if text.as_encoded_bytes().contains(&0) {
            return Err(Error::validation("database", "must not contain a NUL character"));
        }
        if let Some((scheme, url)) = text.to_str().and_then(split_scheme) {
            return match scheme {
                "postgres" | "postgresql" => parse_postgres(url),
                _ => Err(Error::validation("database", "is a URL of an unknown scheme; give a file's path")),
            };
        }
        // An absolute path never looks like a URI to the database below, as `file:x` would.
        let absolute = std::path::absolute(Path::new(text)).map_err(|cause| {
            let detail = format!("the path of the database cannot be made absolute: {cause}");
            Error::new(ErrorCode::StorageIo, detail).caused_by(cause)
        })?;
        Ok(Database::Sqlite(SqliteDatabase::File(absolute)))
    }

    /// The text that [`parse`](Self::parse) reads as this database, in every working folder.
    pub(crate) fn into_text(self) -> DatabaseText {
        match self {
            Database::Sqlite(SqliteDatabase::File(path)) => {
                DatabaseText { text: path.into_os_string(), is_file: true }
            }
            Database::Sqlite(SqliteDatabase::Memory) => DatabaseText { text: MEMORY.into(), is_file: false },
            #[cfg(feature = "postgres")]
            Database::Postgres(url) => DatabaseText { text: url.expose_text().into(), is_file: false },
        }
    }
}

/// The text by which a database is opened. Printing it shows no URL, which may hold a password; it is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DatabaseText {
    text: OsString,
    is_file: bool,
}

impl DatabaseText {
    /// The path, if the text is one.
    pub(crate) fn as_file(&self) -> Option<&Path> {
        self.is_file.then(|| Path::new(&self.text))
    }

    /// Whether it names a database in memory.
    pub(crate) fn is_in_memory(&self) -> bool {
        !self.is_file && self.text == MEMORY
    }
}

impl Drop for DatabaseText {
    fn drop(&mut self) {
        mem::take(&mut self.text).into_encoded_bytes().zeroize();
    }
}

impl Deref for DatabaseText {
    type Target = OsStr;

    fn deref(&self) -> &OsStr {
        &self.text
    }
}

impl AsRef<OsStr> for DatabaseText {
    fn as_ref(&self) -> &OsStr {
        &self.text
    }
}

impl fmt::Debug for DatabaseText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_file || self.is_in_memory() { self.text.fmt(f) } else { f.write_str("(a URL)") }
    }
}

#[cfg(feature = "postgres")]
fn parse_postgres(url: &str) -> Result<Database, Error> {
    PostgresUrl::parse(url).map(|url| Database::Postgres(Box::new(url)))
}

#[cfg(not(feature = "postgres"))]
fn parse_postgres(_: &str) -> Result<Database, Error> {
    let problem =
        "PostgreSQL is not built into this library (the crate's feature `postgres`); give a file's path";
    Err(Error::validation("database", problem))
}

/// The scheme of `scheme://…` (RFC 3986, section 3.1), and the whole.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, _) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    is_scheme.then_some((scheme, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Database, ErrorCode> {
        Database::parse(OsStr::new(text)).map_err(|error| error.code())
    }

    #[test]
    fn a_path_becomes_absolute_and_a_url_is_refused() {
        assert_eq!(parse(":memory:"), Ok(Database::Sqlite(SqliteDatabase::Memory)));
        assert_eq!(parse("/tmp/s.db"), Ok(Database::Sqlite(SqliteDatabase::File("/tmp/s.db".into()))));
        for relative in ["s.db", "file:s.db?mode=memory", "a/:memory:", "1://x", "://x"] {
            let is_absolute = matches!(parse(relative), Ok(Database::Sqlite(SqliteDatabase::File(path))) if path.is_absolute());
            assert!(is_absolute, "{relative}");
        }
        for bad in ["", "a\0b", "postgres://u@h:x/x", "postgresql://", "mysql://h", "file:///tmp/s.db"] {
            assert_eq!(parse(bad), Err(ErrorCode::ValidationError), "{bad}");
        }
    }

    #[cfg(not(feature = "postgres"))]
    #[test]
    fn a_postgresql_url_names_the_feature_that_is_not_built_in() {
        let error = Database::parse(OsStr::new("postgres://user:hunter2@localhost/x")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ValidationError);
        assert!(error.detail().contains("feature `postgres`"), "{error}");
        assert!(!error.detail().contains("hunter2"), "{error}");
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_postgresql_url_is_read_and_shows_no_password() {
        for text in ["postgres://user:hunter2@localhost/x", "postgresql://user:hunter2@db.example:6432/x"] {
            let database = Database::parse(OsStr::new(text)).unwrap();
            assert!(matches!(database, Database::Postgres(_)));
            assert!(!format!("{database:?}").contains("hunter2"), "{database:?}");
            let text_again = database.into_text();
            assert_eq!(&*text_again, text);
            assert_eq!((format!("{text_again:?}").as_str(), text_again.as_file()), ("(a URL)", None));
        }
    }
}
