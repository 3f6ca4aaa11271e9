//! Tables of another program, which an import reads.

use std::ops::ControlFlow;

use serde_json::{Map, Value};

use crate::error::Failure;

/// Called for each row, by the names of its columns; `Break` ends the reading.
pub(crate) type RowVisitor<'a> = dyn FnMut(Map<String, Value>) -> ControlFlow<()> + 'a;

/// A database of another program. Nothing is written to it.
pub(crate) trait ForeignTables: Send {
    /// Whether it is on a PostgreSQL server rather than in a file of SQLite.
    fn is_on_server(&self) -> bool;

    /// Whether there is a table or a view of this name, of a schema if the name has a dot.
    fn has_table(&self, name: &str) -> Result<bool, Failure>;

    /// Visits the rows of a query on one snapshot. Memory does not grow with their number.
    fn visit(&self, query: &str, visit: &mut RowVisitor<'_>) -> Result<(), Failure>;
}
