//! A table's columns as one list, from which come the SQL text, the binding and the reading: no position of a column is
//! written by hand, and no two lists have to agree.

use std::fmt::Display;
use std::str::FromStr;

use rusqlite::types::{FromSql, ValueRef};
use rusqlite::{Statement, ToSql};

use super::queried_row::QueriedRow;
use crate::clock::Timestamp;
use crate::error::Failure;
use crate::model::id::SessionId;

/// `a, b`
macro_rules! names {
    ($first:ident $($rest:ident)*) => { concat!(stringify!($first) $(, ", ", stringify!($rest))*) };
}
/// `:a, :b`
macro_rules! parameters {
    ($first:ident $($rest:ident)*) => { concat!(":", stringify!($first) $(, ", :", stringify!($rest))*) };
}
/// `a = :a, b = :b`
macro_rules! assignments {
    ($first:ident $($rest:ident)*) => {
        concat!(
            stringify!($first), " = :", stringify!($first)
            $(, ", ", stringify!($rest), " = :", stringify!($rest))*
        )
    };
}
pub(super) use {assignments, names, parameters};

/// Declares the columns of a table, a line each: the column's name, the value that a record binds to it, and the field
/// that takes its value when a row is read. A column without a field is read by hand.
///
/// Makes an enum of the columns and a macro that gives their SQL: `$list!(section)` for the names of a section,
/// `$list!(all)`, `$list!(all parameters)` and `$list!(all assignments)`.
macro_rules! columns {
    (
        $(#[$doc:meta])*
        $Column:ident of $table:literal, $list:ident!, |$record:ident: $Record:ty, $cell:ident|
        $($section:ident {
            $($column:ident: $bound:expr $(=> $($field:ident).+ = $read:expr)?;)+
        })+
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        #[allow(non_camel_case_types)] // named as in SQL
        pub(super) enum $Column { $($($column,)+)+ }

        impl $Column {
            /// Every column, in the order of the list.
            pub(super) const ALL: &'static [$Column] = &[$($($Column::$column,)+)+];

            /// Fills the record's fields from a row that was selected with the columns of the list.
            pub(super) fn read_into(
                target: &mut $Record,
                row: &$crate::store::sqlite::columns::RowReader<'_, impl std::fmt::Display + Copy>,
            ) -> Result<(), $crate::error::Failure> {
                $(Self::$section(target, row)?;)+
                Ok(())
            }

            $(
                /// Fills the fields of this section.
                #[allow(unused_variables)] // where all of it is read by hand
                pub(super) fn $section(
                    target: &mut $Record,
                    row: &$crate::store::sqlite::columns::RowReader<'_, impl std::fmt::Display + Copy>,
                ) -> Result<(), $crate::error::Failure> {
                    $($({
                        let $cell = row.cell($Column::$column);
                        target.$($field).+ = $read?;
                    })?)+
                    Ok(())
                }
            )+
        }

        impl $crate::store::sqlite::columns::Column for $Column {
            type Record = $Record;
            const TABLE: &'static str = $table;

            fn index(self) -> usize {
                self as usize
            }

            fn name(self) -> &'static str {
                match self { $($($Column::$column => stringify!($column),)+)+ }
            }

            fn bind(
                self,
                $record: &$Record,
                statement: &mut rusqlite::Statement<'_>,
                index: usize,
            ) -> rusqlite::Result<()> {
                use $crate::store::sqlite::values::AsSql as _;
                match self {
                    $($($Column::$column => statement.raw_bind_parameter(index, $bound.as_sql()),)+)+
                }
            }
        }

        macro_rules! $list {
            $(($section) => { $crate::store::sqlite::columns::names!($($column)+) };)+
            $(($section parameters) => { $crate::store::sqlite::columns::parameters!($($column)+) };)+
            (all) => { $crate::store::sqlite::columns::names!($($($column)+)+) };
            (all assignments) => { $crate::store::sqlite::columns::assignments!($($($column)+)+) };
            (all parameters) => { $crate::store::sqlite::columns::parameters!($($($column)+)+) };
        }
        pub(super) use $list;
    };
}
pub(super) use columns;

/// A column of a list.
pub(super) trait Column: Copy + 'static {
    /// What a row of the table is in Rust.
    type Record;
    const TABLE: &'static str;

    /// Its position in the list.
    fn index(self) -> usize;
    fn name(self) -> &'static str;
    /// Binds the record's value to the statement's parameter at `index`, counted from 1.
    fn bind(self, record: &Self::Record, statement: &mut Statement<'_>, index: usize)
    -> rusqlite::Result<()>;
}

/// Values of parameters that belong to no list of columns.
pub(super) type Parameters<'a> = &'a [(&'a str, &'a dyn ToSql)];

/// Binds a statement's parameters in the order in which the statement names them: looking 25 names up takes as long as an
/// update.
pub(super) struct Binder<'a, 'c> {
    statement: &'a mut Statement<'c>,
    /// The parameters that are bound already.
    bound: usize,
}

impl<'a, 'c> Binder<'a, 'c> {
    pub(super) fn new(statement: &'a mut Statement<'c>) -> Self {
        Binder { statement, bound: 0 }
    }

    pub(super) fn parameters(mut self, parameters: Parameters<'_>) -> rusqlite::Result<Self> {
        for (name, value) in parameters {
            let index = self.next_index(name.trim_start_matches(':'));
            self.statement.raw_bind_parameter(index, value)?;
        }
        Ok(self)
    }

    /// The record's values of these columns.
    pub(super) fn columns<C: Column>(mut self, columns: &[C], record: &C::Record) -> rusqlite::Result<Self> {
        for column in columns {
            let index = self.next_index(column.name());
            column.bind(record, self.statement, index)?;
        }
        Ok(self)
    }

    fn next_index(&mut self, name: &str) -> usize {
        self.bound += 1;
        debug_assert_eq!(
            self.statement.parameter_name(self.bound).and_then(|name| name.strip_prefix(':')),
            Some(name),
            "another order than the statement's"
        );
        self.bound
    }

    /// Fails unless every parameter is bound.
    pub(super) fn finish(self) -> rusqlite::Result<()> {
        match self.statement.parameter_count() {
            count if count == self.bound => Ok(()),
            count => Err(rusqlite::Error::InvalidParameterCount(self.bound, count)),
        }
    }
}

/// A row of a table, with the id that names it where a value is damaged.
pub(super) struct RowReader<'a, I> {
    pub(super) row: QueriedRow<'a>,
    pub(super) id: I,
}

impl<'a, I: Display + Copy> RowReader<'a, I> {
    pub(super) fn cell<C: Column>(&self, column: C) -> Cell<'a, C, I> {
        Cell { row: self.row, column, id: self.id }
    }
}

/// One value of a row. What our own tables cannot hold is damage, named by table, column and id.
pub(super) struct Cell<'a, C, I> {
    row: QueriedRow<'a>,
    column: C,
    id: I,
}

impl<C: Column, I: Display + Copy> Cell<'_, C, I> {
    pub(super) fn value<T: FromSql>(&self) -> Result<T, Failure> {
        self.row.get(self.column.index())
    }

    pub(super) fn time(&self) -> Result<Timestamp, Failure> {
        self.value().map(Timestamp::from_millis)
    }

    pub(super) fn optional_time(&self) -> Result<Option<Timestamp>, Failure> {
        Ok(self.value::<Option<i64>>()?.map(Timestamp::from_millis))
    }

    /// A number that SQL keeps with a sign and Rust without.
    pub(super) fn unsigned<T: TryFrom<i64>>(&self) -> Result<T, Failure> {
        T::try_from(self.value()?).map_err(|_| self.corrupt_column())
    }

    pub(super) fn optional_unsigned<T: TryFrom<i64>>(&self) -> Result<Option<T>, Failure> {
        let number: Option<i64> = self.value()?;
        number.map(T::try_from).transpose().map_err(|_| self.corrupt_column())
    }

    /// The bytes of a session's id, or NULL.
    pub(super) fn optional_session(&self) -> Result<Option<SessionId>, Failure> {
        Ok(self.value::<Option<[u8; 16]>>()?.map(SessionId::from_bytes))
    }

    /// Whether it is no NULL.
    pub(super) fn is_some(&self) -> Result<bool, Failure> {
        Ok(self.row.value(self.column.index())? != ValueRef::Null)
    }

    /// Text that `parse` takes, or NULL.
    pub(super) fn optional_parsed<T, E>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Failure> {
        self.row
            .value(self.column.index())?
            .as_str_or_null()
            .ok()
            .and_then(|text| text.map(parse).transpose().ok())
            .ok_or_else(|| self.corrupt_column())
    }

    /// Text that `parse` takes.
    pub(super) fn parsed<T, E>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Failure> {
        self.optional_parsed(parse)?.ok_or_else(|| self.corrupt_column())
    }

    pub(super) fn optional_text<T: FromStr>(&self) -> Result<Option<T>, Failure> {
        self.optional_parsed(str::parse)
    }

    pub(super) fn text<T: FromStr>(&self) -> Result<T, Failure> {
        self.parsed(str::parse)
    }

    pub(super) fn corrupt_column(&self) -> Failure {
        let (table, column, id) = (C::TABLE, self.column.name(), self.id);
        Failure::corrupt(format!("{table}.{column} of {id} holds an impossible value"))
    }
}
