//! Enums whose values are words on every API surface: one declaration gives the type, its words, how they are read and
//! how they are written.

use std::fmt;

/// Declares a public enum, each variant with its word. The text after `as` is the field that an error about a wrong word
/// names; `in rest` says that the crate has the type in that module.
macro_rules! word_enum {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident as $field:literal $(default $default:ident)? $(in $module:ident)? {
            $($(#[doc = $variant_doc:literal])+ $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[doc = $doc])+
        #[doc = concat!(
            "\n```\nuse hellojohn::", $(stringify!($module), "::",)? stringify!($name), ";\n\nfor value in ", stringify!($name),
            "::ALL {\n    assert_eq!(value.as_str().parse(), Ok(*value));\n}\n```"
        )]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[doc = $variant_doc])+ $variant,)+
        }

        impl $name {
            /// Every value, in the order of their declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The word for it on every API surface.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }
        }

        $(impl Default for $name {
            fn default() -> Self {
                $name::$default
            }
        })?

        $crate::text::print_as_str!($name);

        impl std::str::FromStr for $name {
            type Err = $crate::error::Error;

            /// # Errors
            /// `validation_error` for any other text than one of the words, exactly as they are.
            fn from_str(text: &str) -> Result<Self, $crate::error::Error> {
                match text {
                    $($word => Ok($name::$variant),)+
                    _ => {
                        let words = $crate::word_enum::OneOf(&[$($word,)+]);
                        Err($crate::error::Error::validation($field, words))
                    }
                }
            }
        }

        $crate::object_reader::read_as_text!($name);

        impl $crate::in_millis::SerializeInMillis for $name {}

        impl $crate::schema::PublicValue for $name {
            const KIND: $crate::schema::Kind = $crate::schema::Kind::Word(&$crate::schema::Words {
                name: stringify!($name),
                doc: concat!($($doc, "\n"),+),
                words: &[$(($word, concat!($($variant_doc, "\n"),+)),)+],
            });
        }
    };
}
pub(crate) use word_enum;

/// What is wrong with another word than these.
pub(crate) struct OneOf(pub &'static [&'static str]);

impl fmt::Display for OneOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [words @ .., last] = self.0 else { return Ok(()) };
        write!(f, "must be {} or {last}", words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use crate::{DeviceType, Durability, EndReason, KeyState, SignOutScope, Status, StatusFilter};

    #[test]
    fn each_word_reads_back_and_no_other_text_does() {
        macro_rules! check {
            ($($name:ident),+) => {$(
                for value in $name::ALL {
                    assert_eq!(value.as_str().parse(), Ok(*value));
                    assert_eq!(serde_json::to_value(value).unwrap(), value.to_string());
                }
                for text in ["", "Bot", " mobile", "tablet ", "tv", "bots", "unknown\0", "Active"] {
                    assert!(text.parse::<$name>().is_err(), "{text:?}");
                }
            )+};
        }
        check!(DeviceType, Durability, EndReason, KeyState, SignOutScope, Status, StatusFilter);
        assert_eq!(DeviceType::default(), DeviceType::Unknown);
    }

    #[test]
    fn an_error_lists_the_words() {
        assert_eq!(
            "x".parse::<StatusFilter>().unwrap_err().detail(),
            "status: must be active, expired, revoked or all"
        );
        assert_eq!("x".parse::<SignOutScope>().unwrap_err().detail(), "scope: must be local or global");
    }
}
