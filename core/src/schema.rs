//! What callers see, described once. A type says by [`PublicValue`] what it is on every API surface; `public_record!` and
//! `request_record!` declare a struct together with the table of its fields. `tests/codegen` writes from these tables what
//! the bindings, the OpenAPI description and TypeScript repeat. Not a part of the crate's public interface.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::object_reader::{FromMember, ObjectReader};

/// What a value is on every API surface.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A string.
    Text {
        /// The regular expression that it matches.
        pattern: Option<&'static str>,
        /// Such a string, for documents.
        example: Option<&'static str>,
    },
    /// One of a few words.
    Word(&'static Words),
    /// A moment: milliseconds since the epoch in C and Node's addon, RFC 3339 in REST.
    Time,
    /// True or false.
    Bool,
    /// A whole number from 0, or within these bounds.
    Count(Option<(u64, u64)>),
    /// A length of time: text in JSON, seconds in C.
    Duration,
    /// A JSON object whose members are the host's.
    Object,
    /// Names of factors: an array of strings in JSON, text with commas in C.
    Names,
    /// A record inside of another one.
    Record(&'static Record),
    /// Any number of records.
    List(&'static Record),
}

/// The words of an enum.
#[derive(Debug)]
pub struct Words {
    /// The name of the type.
    pub name: &'static str,
    /// What the type is.
    pub doc: &'static str,
    /// Each word and what it says.
    pub words: &'static [(&'static str, &'static str)],
}

/// The fields of a public struct.
#[derive(Debug)]
pub struct Record {
    /// The name of the type.
    pub name: &'static str,
    /// What the type is.
    pub doc: &'static str,
    /// Its fields, in the order of their declaration.
    pub fields: &'static [Field],
}

/// A field of a public struct.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in Rust, C, JSON and REST.
    pub name: &'static str,
    /// Its name in Node where that is not the same in camel case.
    pub node_name: Option<&'static str>,
    /// What its values are.
    pub kind: Kind,
    /// Whether there may be no value.
    pub is_optional: bool,
    /// Whether JSON has the fields of this record beside the others.
    pub is_flat: bool,
    /// What it says.
    pub doc: &'static str,
}

/// A type whose values callers see.
pub trait PublicValue {
    /// What a value is.
    const KIND: Kind;
    /// Whether there may be no value.
    const IS_OPTIONAL: bool = false;
}

impl<T: PublicValue> PublicValue for Option<T> {
    const KIND: Kind = T::KIND;
    const IS_OPTIONAL: bool = true;
}

impl PublicValue for bool {
    const KIND: Kind = Kind::Bool;
}

impl PublicValue for u64 {
    const KIND: Kind = Kind::Count(None);
}

impl PublicValue for Box<str> {
    const KIND: Kind = Kind::Text { pattern: None, example: None };
}

impl PublicValue for Map<String, Value> {
    const KIND: Kind = Kind::Object;
}

/// A struct whose fields callers see.
pub trait PublicRecord {
    /// Its table.
    const RECORD: Record;
}

/// A field of a request, read from the member of its name.
pub(crate) trait RequestField: Sized {
    fn read(members: &mut ObjectReader, name: &str) -> Result<Self, Error>;
}

impl<T: FromMember> RequestField for Option<T> {
    fn read(members: &mut ObjectReader, name: &str) -> Result<Self, Error> {
        members.optional(name)
    }
}

impl RequestField for bool {
    fn read(members: &mut ObjectReader, name: &str) -> Result<Self, Error> {
        Ok(members.optional(name)?.unwrap_or_default())
    }
}

/// Reads a whole request.
///
/// # Errors
/// `validation_error` naming the field, also for one that the request does not have.
pub(crate) fn read_request<T: RequestField>(object: Map<String, Value>) -> Result<T, Error> {
    let mut members = ObjectReader::request(object);
    let request = T::read(&mut members, "")?;
    members.finish()?;
    Ok(request)
}

/// Declares a struct that answers hold, its JSON and the table of its fields. A field may have a `node` name of its own,
/// a `range` of whole numbers, and be a record whose fields stand beside the others.
macro_rules! public_record {
    (
        $(#[doc = $doc:literal])+
        #[derive($($derive:ident),+)]
        pub struct $name:ident {$(
            $(#[doc = $field_doc:literal])+
            $(#[node = $node:literal])?
            $(#[range = $range:expr])?
            $(#[serde($flatten:ident)])?
            pub $field:ident: $type:ty,
        )+}
    ) => {
        $(#[doc = $doc])+
        #[derive($($derive),+, serde::Serialize)]
        #[non_exhaustive]
        pub struct $name {$(
            $(#[doc = $field_doc])+
            $(#[serde($flatten)])?
            pub $field: $type,
        )+}

        $crate::in_millis::write_record!($name; $($field, [$($flatten)?];)+);
        $crate::schema::record_table! {
            $name, [$($doc),+];
            $($field: $type, [$($field_doc),+], [$($node)?], [$($range)?], [$($flatten)?];)+
        }
    };
}
pub(crate) use public_record;

/// Declares a struct that callers fill: it may get more fields, and each field has a method that sets it.
macro_rules! request_struct {
    (
        $(#[$attribute:meta])+
        pub struct $name:ident {$(
            $(#[$field_attribute:meta])+
            pub $field:ident: $type:ty,
        )+}
    ) => {
        $(#[$attribute])+
        #[non_exhaustive]
        pub struct $name {$(
            $(#[$field_attribute])+
            pub $field: $type,
        )+}

        impl $name {$(
            #[doc = concat!("Sets [`", stringify!($field), "`](Self#structfield.", stringify!($field), ").")]
            #[must_use]
            pub fn $field(mut self, $field: $type) -> Self {
                self.$field = $field;
                self
            }
        )+}
    };
}
pub(crate) use request_struct;

/// Declares a struct that requests hold, how it is read from JSON, and the table of its fields.
macro_rules! request_record {
    (
        $(#[doc = $doc:literal])+
        #[derive($($derive:ident),+)]
        pub struct $name:ident {$(
            $(#[doc = $field_doc:literal])+
            $(#[serde($flatten:ident)])?
            pub $field:ident: $type:ty,
        )+}
    ) => {
        $crate::schema::request_struct! {
            $(#[doc = $doc])+
            #[derive($($derive),+)]
            pub struct $name {$(
                $(#[doc = $field_doc])+
                pub $field: $type,
            )+}
        }

        impl $crate::schema::RequestField for $name {
            /// Reads the fields from the members of the object that the record stands in.
            fn read(
                members: &mut $crate::object_reader::ObjectReader,
                _: &str,
            ) -> Result<Self, $crate::error::Error> {
                Ok($name {
                    $($field: $crate::schema::RequestField::read(members, stringify!($field))?,)+
                })
            }
        }

        $crate::schema::record_table! {
            $name, [$($doc),+];
            $($field: $type, [$($field_doc),+], [], [], [$($flatten)?];)+
        }
    };
}
pub(crate) use request_record;

/// The table of a record's fields.
macro_rules! record_table {
    (
        $name:ident, [$($doc:literal),+];
        $(
            $field:ident: $type:ty, [$($field_doc:literal),+], [$($node:literal)?], [$($range:expr)?],
            [$($flatten:ident)?];
        )+
    ) => {
        impl $crate::schema::PublicRecord for $name {
            const RECORD: $crate::schema::Record = $crate::schema::Record {
                name: stringify!($name),
                doc: concat!($($doc, "\n"),+),
                fields: &[$($crate::schema::Field {
                    name: $crate::in_millis::plain_name(stringify!($field)),
                    node_name: $crate::schema::first!([$($node)?]),
                    kind: $crate::schema::first!(
                        [$($crate::schema::Kind::Count(Some($range)))?],
                        <$type as $crate::schema::PublicValue>::KIND
                    ),
                    is_optional: <$type as $crate::schema::PublicValue>::IS_OPTIONAL,
                    is_flat: $crate::schema::first!([$({ let _ = stringify!($flatten); true })?], false),
                    doc: concat!($($field_doc, "\n"),+),
                }),+],
            };
        }

        impl $crate::schema::PublicValue for $name {
            const KIND: $crate::schema::Kind =
                $crate::schema::Kind::Record(&<$name as $crate::schema::PublicRecord>::RECORD);
        }
    };
}
pub(crate) use record_table;

/// The value in brackets, or what stands for it when the brackets are empty.
macro_rules! first {
    ([]) => {
        None
    };
    ([$value:expr]) => {
        Some($value)
    };
    ([], $absent:expr) => {
        $absent
    };
    ([$value:expr], $absent:expr) => {
        $value
    };
}
pub(crate) use first;
