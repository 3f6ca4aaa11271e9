//! The database of another program, whose sessions an import takes over.

use std::ffi::OsStr;
use std::fmt;
use std::ops::ControlFlow;

use serde_json::{Map, Value};

use crate::error::{Error, ErrorCode};
use crate::store::{self, Database, ForeignTables, SqliteDatabase};

/// The database of another program, read only. Not a part of the crate's public interface.
pub struct ForeignDatabase(Box<dyn ForeignTables>);

impl fmt::Debug for ForeignDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ForeignDatabase").finish_non_exhaustive()
    }
}

impl ForeignDatabase {
    /// Opens a file of SQLite or the database of a URL (`postgres://…`).
    ///
    /// # Errors
    /// `validation_error` for a text that names none; the storage codes for one that cannot be opened.
    pub fn open(source: &OsStr) -> Result<Self, Error> {
        match Database::parse(source)? {
            Database::Sqlite(SqliteDatabase::Memory) => {
                Err(Error::validation("source", "must be a file or the URL of a database"))
            }
            database => Ok(ForeignDatabase(store::open_foreign(database)?)),
        }
    }

    /// Whether it is on a PostgreSQL server rather than in a file of SQLite.
    pub fn is_on_server(&self) -> bool {
        self.0.is_on_server()
    }

    /// The first of these tables that is there.
    ///
    /// # Errors
    /// `not_found` naming them if none is; the storage codes.
    pub fn find_table<'a>(&self, names: &[&'a str]) -> Result<&'a str, Error> {
        for &name in names {
            if self.0.has_table(name)? {
                return Ok(name);
            }
        }
        let problem = format!("the source has no table {}", names.join(" or "));
        Err(Error::new(ErrorCode::NotFound, problem))
    }

    /// Visits the rows of a query, by the names of its columns.
    ///
    /// # Errors
    /// The storage codes.
    pub fn visit(
        &self,
        query: &str,
        visit: &mut dyn FnMut(Map<String, Value>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        Ok(self.0.visit(query, visit)?)
    }
}
