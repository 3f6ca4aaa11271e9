//! Values that only filters have: several countries, a part of a user agent.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::error::Error;
use crate::model::client::Country;
use crate::object_reader::FromMember;
use crate::text::{self, print_as_str, text_value};

/// One country or several: `ES`, `ES,FR`.
///
/// ```
/// let iberia: hellojohn::Countries = "ES,PT".parse()?;
/// assert!(iberia.contains("pt".parse()?) && !iberia.contains("FR".parse()?));
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Countries(BTreeSet<[u8; 2]>);

impl Countries {
    /// Whether it is one of them.
    pub fn contains(&self, country: Country) -> bool {
        country.as_str().as_bytes().first_chunk().is_some_and(|letters| self.0.contains(letters))
    }

    fn collect(countries: impl Iterator<Item = Result<Country, Error>>) -> Result<Self, Error> {
        let mut letters = BTreeSet::new();
        for country in countries {
            letters.extend(country?.as_str().as_bytes().first_chunk::<2>());
        }
        if letters.is_empty() {
            return Err(Error::validation("country", "must name at least one country"));
        }
        Ok(Countries(letters))
    }
}

impl FromStr for Countries {
    type Err = Error;

    /// # Errors
    /// `validation_error` unless each part between commas is two letters.
    fn from_str(text: &str) -> Result<Self, Error> {
        Countries::collect(text.split(',').map(str::parse))
    }
}

impl FromMember for Countries {
    /// One text, or an array of texts.
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        match value {
            Value::String(text) => text.parse(),
            Value::Array(items) => Countries::collect(
                items.into_iter().map(|item| text_of(name, &item).and_then(|text| text.parse())),
            ),
            _ => Err(Error::validation(name, "must be a string or an array of strings")),
        }
    }
}

fn text_of(name: &str, value: &Value) -> Result<String, Error> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Error::validation(name, "must be a string or an array of strings"))
}

impl Serialize for Countries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|letters| str::from_utf8(letters).unwrap_or_default()))
    }
}

/// The longest text that a user agent is searched for, in bytes: as long as a kept user agent.
const USER_AGENT_PART_MAX: usize = 1024;

/// A text that a user agent contains, whatever the case of the letters: 1 to 1024 bytes.
///
/// ```
/// let part: hellojohn::UserAgentPart = "Firefox".parse()?;
/// assert_eq!(part.as_str(), "firefox");
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserAgentPart(Box<str>);

impl UserAgentPart {
    /// The text in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserAgentPart {
    type Err = Error;

    /// # Errors
    /// `validation_error` for an empty text, one that is too long, one of blanks only, or one with a NUL character.
    fn from_str(text: &str) -> Result<Self, Error> {
        if !text.is_empty() && text.trim().is_empty() {
            return Err(Error::validation("user_agent", "must not be blank"));
        }
        text::bounded("user_agent", &text.to_lowercase(), USER_AGENT_PART_MAX).map(UserAgentPart)
    }
}

print_as_str!(UserAgentPart);
text_value!(UserAgentPart);
