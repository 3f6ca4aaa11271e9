//! The texts of one object, each closed with a NUL, in one allocation that lives as long as the object.

use std::ffi::c_char;
use std::fmt::Display;
use std::io::Write;
use std::ptr;

use serde::Serialize;
use zeroize::Zeroize;

/// The texts. No text contains a NUL: the engine refuses texts with a NUL, and JSON escapes it.
#[derive(Default)]
pub(crate) struct Texts(Vec<u8>);

/// Where one of the texts starts.
#[derive(Clone, Copy)]
pub(crate) struct TextOffset(u32);

impl TextOffset {
    /// No text.
    pub(crate) const ABSENT: TextOffset = TextOffset(u32::MAX);
}

impl Texts {
    /// Room for this many bytes, so that no copy of a secret stays behind in an outgrown buffer.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Texts(Vec::with_capacity(bytes))
    }

    /// Keeps the text of this value.
    pub(crate) fn add(&mut self, value: &(impl Display + ?Sized)) -> TextOffset {
        let start = u32::try_from(self.0.len()).map_or(TextOffset::ABSENT, TextOffset);
        // Writing to a vector cannot fail, and a value that cannot print itself has no text.
        match write!(self.0, "{value}") {
            Ok(()) => self.0.push(0),
            Err(_) => return TextOffset::ABSENT,
        }
        start
    }

    /// Keeps the text of this value, if there is one.
    pub(crate) fn add_optional(&mut self, value: Option<impl Display>) -> TextOffset {
        value.map_or(TextOffset::ABSENT, |value| self.add(&value))
    }

    /// Keeps the JSON of this value, which is an object of the host or one that prints without fail.
    pub(crate) fn add_json(&mut self, value: &impl Serialize) -> TextOffset {
        serde_json::to_string(value).map_or(TextOffset::ABSENT, |json| self.add(&json))
    }

    /// The text as C sees it: NULL if it is absent, else good until the object is freed.
    pub(crate) fn c_str(&self, offset: TextOffset) -> *const c_char {
        usize::try_from(offset.0)
            .ok()
            .and_then(|start| self.0.get(start..))
            .map_or(ptr::null(), |text| text.as_ptr().cast())
    }

    /// The bytes of all texts, closing NULs included.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Overwrites all texts with zeros.
    pub(crate) fn wipe(&mut self) {
        self.0.zeroize();
    }
}
