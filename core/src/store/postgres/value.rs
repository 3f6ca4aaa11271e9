//! What goes to the server and what comes back: statements with their values, rows with theirs.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::error::ServerError;
use crate::error::Failure;

/// One statement of a trip, with the values of `$1`, `$2`, …
///
/// Its text is the key under which a connection keeps it prepared, so a store has a fixed set of texts and makes them once.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub sql: Arc<str>,
    pub values: Vec<Value>,
}

impl Statement {
    pub(super) fn new(sql: &Arc<str>, values: Vec<Value>) -> Self {
        Statement { sql: Arc::clone(sql), values }
    }
}

/// A value of a statement. The SQL type follows from the variant: `bigint`, `boolean`, `bytea`, `text` and arrays of them.
#[derive(Clone, PartialEq)]
pub(super) enum Value {
    Integer(Option<i64>),
    Flag(Option<bool>),
    Bytes(Option<Vec<u8>>),
    Text(Option<String>),
    Integers(Vec<Option<i64>>),
    Flags(Vec<Option<bool>>),
    ByteStrings(Vec<Option<Vec<u8>>>),
    Texts(Vec<Option<String>>),
}

impl Value {
    pub(super) fn sql_type(&self) -> Type {
        match self {
            Value::Integer(_) => Type::INT8,
            Value::Flag(_) => Type::BOOL,
            Value::Bytes(_) => Type::BYTEA,
            Value::Text(_) => Type::TEXT,
            Value::Integers(_) => Type::INT8_ARRAY,
            Value::Flags(_) => Type::BOOL_ARRAY,
            Value::ByteStrings(_) => Type::BYTEA_ARRAY,
            Value::Texts(_) => Type::TEXT_ARRAY,
        }
    }
}

/// The driver prints values to a host's log at level `debug`: it gets their kind, not what they hold.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(…)", self.sql_type())
    }
}

impl ToSql for Value {
    fn to_sql(&self, sql_type: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Value::Integer(value) => value.to_sql(sql_type, out),
            Value::Flag(value) => value.to_sql(sql_type, out),
            Value::Bytes(value) => value.to_sql(sql_type, out),
            Value::Text(value) => value.to_sql(sql_type, out),
            Value::Integers(values) => values.to_sql(sql_type, out),
            Value::Flags(values) => values.to_sql(sql_type, out),
            Value::ByteStrings(values) => values.to_sql(sql_type, out),
            Value::Texts(values) => values.to_sql(sql_type, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true // statements are prepared with the very types of their values
    }

    to_sql_checked!();
}

macro_rules! value_from {
    ($($from:ty => $variant:ident($value:ident -> $into:expr);)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                Value::$variant($into)
            }
        })*
    };
}

value_from! {
    i64 => Integer(value -> Some(value));
    Option<i64> => Integer(value -> value);
    bool => Flag(value -> Some(value));
    Option<bool> => Flag(value -> value);
    &[u8] => Bytes(value -> Some(value.to_vec()));
    Vec<u8> => Bytes(value -> Some(value));
    Option<Vec<u8>> => Bytes(value -> value);
    &str => Text(value -> Some(value.to_owned()));
    String => Text(value -> Some(value));
    Option<String> => Text(value -> value);
    Vec<Option<i64>> => Integers(value -> value);
    Vec<Option<bool>> => Flags(value -> value);
    Vec<Option<Vec<u8>>> => ByteStrings(value -> value);
    Vec<Option<String>> => Texts(value -> value);
    Vec<i64> => Integers(value -> value.into_iter().map(Some).collect());
    Vec<bool> => Flags(value -> value.into_iter().map(Some).collect());
    Vec<Vec<u8>> => ByteStrings(value -> value.into_iter().map(Some).collect());
    Vec<String> => Texts(value -> value.into_iter().map(Some).collect());
}

/// What one statement of a trip came to.
#[derive(Debug)]
pub(super) struct Answer {
    pub rows: Vec<Row>,
    /// How many rows the statement read or changed, by the server's count.
    #[cfg(test)]
    pub row_count: u64,
}

/// A row that the server answered.
#[derive(Debug)]
pub(super) struct Row(pub(super) tokio_postgres::Row);

impl Row {
    /// The value of a column, counted from 0; an `Option` for one that may be null. Borrowed from the row where it is `&str` or
    /// `&[u8]`.
    ///
    /// # Errors
    /// `storage_corrupt` for a value of another type or a null: our own statements ask for what our own tables hold.
    pub(super) fn get<'row, T: FromSql<'row>>(&'row self, column: usize) -> Result<T, Failure> {
        self.0.try_get(column).map_err(|error| {
            Failure::corrupt("a table holds an impossible value").caused_by(ServerError::of_driver(&error))
        })
    }
}
