//! Text that the host gives and the engine keeps exactly: what every such field has in common.

use crate::error::Error;

/// Accepts 1 to `max` bytes without NUL (a NUL would end the text early at the C door).
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

/// Declares an opaque text of the host: exact bytes, 1 to `$max` of them.
macro_rules! host_text {
    ($(#[$doc:meta])* $name:ident, $field:literal, $max:literal) => {
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

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}
pub(crate) use host_text;
