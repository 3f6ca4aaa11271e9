//! The grammar of "15m" and "30d" (SPEC 5).

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::error::Error;
use crate::in_millis::SerializeInMillis;
use crate::json;
use crate::object_reader::FromMember;
use crate::schema::{Kind, PublicValue};
use crate::text::serialize_as_printed;

/// A length of time as settings write it: a whole number of one unit, `s m h d w y` (a year is 365 days), at most 100
/// years. It prints as it was given.
///
/// ```
/// use hellojohn::Duration;
/// let month: Duration = "30d".parse()?;
/// assert_eq!(month.as_secs(), 30 * 24 * 60 * 60);
/// assert_eq!(month.to_string(), "30d");
/// assert!("1h30m".parse::<Duration>().is_err());
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Duration {
    count: u32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Year,
}

impl Unit {
    const fn secs(self) -> u64 {
        match self {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3_600,
            Unit::Day => 86_400,
            Unit::Week => 7 * 86_400,
            Unit::Year => 365 * 86_400,
        }
    }

    const fn letter(self) -> char {
        match self {
            Unit::Second => 's',
            Unit::Minute => 'm',
            Unit::Hour => 'h',
            Unit::Day => 'd',
            Unit::Week => 'w',
            Unit::Year => 'y',
        }
    }

    fn of_letter(letter: u8) -> Option<Self> {
        [Unit::Second, Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Year]
            .into_iter()
            .find(|unit| unit.letter() as u32 == u32::from(letter))
    }
}

const MAX_SECS: u64 = 100 * Unit::Year.secs();

/// What every refusal of a duration says after the name of its field.
const PROBLEM: &str =
    "must be a positive whole number and one of s m h d w y, such as 15m, of at most 100 years";

impl Duration {
    pub(crate) const ZERO: Duration = Duration { count: 0, unit: Unit::Second };

    /// A duration of whole seconds, 1 to 100 years; prints as `<n>s`.
    ///
    /// ```
    /// let duration = hellojohn::Duration::from_secs(90)?;
    /// assert_eq!(duration.to_string(), "90s");
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` for 0 and for more than 100 years.
    pub fn from_secs(secs: u64) -> Result<Self, Error> {
        Duration::of(secs, Unit::Second).ok_or_else(|| Error::validation("duration", PROBLEM))
    }

    /// Its length in seconds.
    pub const fn as_secs(self) -> u64 {
        self.count as u64 * self.unit.secs()
    }

    pub(crate) const fn as_millis(self) -> i64 {
        self.as_secs() as i64 * 1000
    }

    const fn seconds(count: u32) -> Self {
        Duration { count, unit: Unit::Second }
    }

    const fn of(count: u64, unit: Unit) -> Option<Self> {
        match count.checked_mul(unit.secs()) {
            Some(1..=MAX_SECS) => Some(Duration { count: count as u32, unit }),
            _ => None,
        }
    }

    pub(crate) const DAYS_30: Duration = Duration { count: 30, unit: Unit::Day };
    pub(crate) const HOUR_1: Duration = Duration { count: 1, unit: Unit::Hour };
    pub(crate) const MINUTES_15: Duration = Duration { count: 15, unit: Unit::Minute };
    pub(crate) const SECONDS_10: Duration = Duration::seconds(10);
    pub(crate) const SECONDS_60: Duration = Duration::seconds(60);
    pub(crate) const DAY_1: Duration = Duration { count: 1, unit: Unit::Day };

    /// Parses the text form; the refusal names `field`.
    pub(crate) fn parse(field: &str, text: &str) -> Result<Self, Error> {
        Self::read(text).ok_or_else(|| Error::validation(field, PROBLEM))
    }

    fn read(text: &str) -> Option<Self> {
        let (letter, digits) = text.as_bytes().split_last()?;
        let canonical = digits.first().is_some_and(|first| (b'1'..=b'9').contains(first));
        if !canonical || digits.len() > 10 || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let count = digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        Duration::of(count, Unit::of_letter(*letter)?)
    }

    /// Reads a JSON value: the text form, or a number that is a whole count of seconds.
    pub(crate) fn from_json(field: &str, value: &Value) -> Result<Self, Error> {
        match value {
            Value::String(text) => Duration::parse(field, text),
            other => json::whole_number(other)
                .and_then(|secs| Duration::of(secs, Unit::Second))
                .ok_or_else(|| Error::validation(field, PROBLEM)),
        }
    }
}

impl FromStr for Duration {
    type Err = Error;

    /// # Errors
    /// `validation_error` for anything but a positive whole number without leading zeros and one unit.
    fn from_str(text: &str) -> Result<Self, Error> {
        Duration::parse("duration", text)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.count, self.unit.letter())
    }
}

serialize_as_printed!(Duration);

impl SerializeInMillis for Duration {}

impl FromMember for Duration {
    fn from_member(name: &str, value: Value) -> Result<Self, Error> {
        Duration::from_json(name, &value)
    }
}

impl PublicValue for Duration {
    const KIND: Kind = Kind::Duration;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn grammar() {
        for (text, secs) in [
            ("1s", 1),
            ("15m", 900),
            ("24h", 86_400),
            ("30d", 2_592_000),
            ("2w", 1_209_600),
            ("100y", MAX_SECS),
        ] {
            let parsed: Duration = text.parse().unwrap();
            assert_eq!(parsed.as_secs(), secs);
            assert_eq!(parsed.to_string(), text);
        }
        for text in [
            "",
            "0s",
            "0",
            "10",
            "s",
            "-1s",
            "+1s",
            "1.5h",
            "1h30m",
            " 1h",
            "1h ",
            "1H",
            "01h",
            "1 h",
            "101y",
            "36501d",
            "99999999999999999999s",
            "1ms",
            "١s",
            "1\u{0}s",
        ] {
            assert!(text.parse::<Duration>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_prints_as_given(text in "[0-9]{0,11}[smhdwyx]?") {
            if let Ok(parsed) = text.parse::<Duration>() {
                prop_assert_eq!(parsed.to_string(), text);
                prop_assert!((1..=MAX_SECS).contains(&parsed.as_secs()));
            }
        }

        #[test]
        fn every_whole_number_of_a_unit_is_accepted(count in 1u64..=1_000, unit in "[smhdw]") {
            let text = format!("{count}{unit}");
            prop_assert!(text.parse::<Duration>().is_ok());
        }
    }
}
