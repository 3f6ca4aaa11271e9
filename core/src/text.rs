//! Text that the host gives and the engine keeps exactly: what every such field has in common.

use crate::error::Error;

/// Accepts 1 to `max` bytes without NUL (a NUL would end the text early in C).
pub(crate) fn bounded(field: &str, text: &str, max: usize) -> Result<Box<str>, Error> {
    if text.is_empty() {
        return Err(Error::validation(field, "must not be empty"));
    }
    if text.len() > max {
        return Err(Error::validation(field, format_args!("must be at most {max} bytes")));
    }
    without_nul(field, text)?;
    Ok(text.into())
}

pub(crate) fn without_nul(field: &str, text: &str) -> Result<(), Error> {
    if text.contains('\0') {
        return Err(Error::validation(field, "must not contain a NUL character"));
    }
    Ok(())
}

/// Makes a type with `FromStr` and `Display` a text on every API surface: read from JSON and described.
macro_rules! text_value {
    ($name:ident $(, pattern $pattern:literal)? $(, example $example:literal)?) => {
        $crate::object_reader::read_as_text!($name);

        impl $crate::in_millis::SerializeInMillis for $name {}

        impl $crate::schema::PublicValue for $name {
            const KIND: $crate::schema::Kind = $crate::schema::Kind::Text {
                pattern: $crate::schema::first!([$($pattern)?]),
                example: $crate::schema::first!([$($example)?]),
            };
        }
    };
}
pub(crate) use text_value;

/// A value that is a text of its own: the store keeps it as that.
pub(crate) trait AsText {
    fn as_text(&self) -> &str;
}

/// Makes a type with `as_str` print as its text, also in JSON.
macro_rules! print_as_str {
    ($name:ident) => {
        impl $crate::text::AsText for $name {
            fn as_text(&self) -> &str {
                self.as_str()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}
pub(crate) use print_as_str;

/// Makes a type be in JSON what it prints.
macro_rules! serialize_as_printed {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}
pub(crate) use serialize_as_printed;

/// Declares an opaque text of the host: exact bytes, 1 to `$max` of them.
macro_rules! host_text {
    ($(#[$doc:meta])* $name:ident, $field:literal, $max:literal $(, example $example:literal)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::error::Error;

            /// # Errors
            /// `validation_error` for an empty text, one that is too long, or one with a NUL character.
            fn from_str(text: &str) -> Result<Self, $crate::error::Error> {
                $crate::text::bounded($field, text, $max).map($name)
            }
        }

        $crate::text::print_as_str!($name);
        $crate::text::text_value!($name $(, example $example)?);
    };
}
pub(crate) use host_text;
