//! Times as JSON has them: RFC 3339 in UTC with `Z`, in whole seconds as the documents show them.
//!
//! Milliseconds are dropped, never rounded up: no answer promises a moment of life that a session does not have.
//! Written by hand because the engine needs this one direction only, and its times end before the year 10000.

use serde::{Serialize, Serializer};

use super::Timestamp;
use crate::in_millis::SerializeInMillis;

const SECS_PER_DAY: i64 = 86_400;

/// Writes a time as `2024-01-15T10:30:00Z`.
pub(crate) fn format(at: Timestamp) -> String {
    let secs = at.as_secs();
    let (year, month, day) = civil_date(secs.div_euclid(SECS_PER_DAY));
    let of_day = secs.rem_euclid(SECS_PER_DAY);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format(*self))
    }
}

impl SerializeInMillis for Timestamp {
    fn serialize_in_millis<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.as_millis())
    }
}

/// Reads a time of RFC 3339: a date and a time of day between `T`, up to nine digits of a second's fraction, of which three are
/// kept, and `Z` or a distance from UTC. A leap second is none of the engine's times.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (date_and_time, rest) = text.split_at_checked(19)?;
    let shape = date_and_time.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    if !shape.eq(*b"0000-00-00T00:00:00") {
        return None;
    }
    let number = |from: usize, to: usize| date_and_time.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let days = days_of_date(year, month, day);
    // A day that its month does not have is another date.
    if civil_date(days) != (year, month, day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (millis, zone) = parse_fraction(rest)?;
    let secs = days * SECS_PER_DAY + hour * 3600 + minute * 60 + second - parse_zone(zone)?;
    Some(Timestamp::from_millis(secs * 1000 + millis))
}

/// The milliseconds of the fraction that the text may begin with, and what stands behind it.
fn parse_fraction(text: &str) -> Option<(i64, &str)> {
    let Some(fraction) = text.strip_prefix('.') else { return Some((0, text)) };
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = fraction.split_at_checked(digits)?;
    if !(1..=9).contains(&digits.len()) {
        return None;
    }
    Some((format!("{digits:0<3}").get(..3)?.parse().ok()?, rest))
}

/// The seconds by which a zone is ahead of UTC.
fn parse_zone(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, time) = match text.split_at_checked(1)? {
        ("+", time) => (1, time),
        ("-", time) => (-1, time),
        _ => return None,
    };
    let is_time =
        time.len() == 5 && time.bytes().map(|byte| byte.is_ascii_digit()).eq([true, true, false, true, true]);
    let (hours, minutes) = time.split_once(':').filter(|_| is_time)?;
    let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Year, month and day of this many days after 1970-01-01 in the Gregorian calendar. Counts in eras of 400 years that
/// begin on 1 March, so that the leap day is the last of its year.
fn civil_date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468; // from 0000-03-01
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// How many days after 1970-01-01 a date is; for a day that its month does not have, that of a date after it.
fn days_of_date(year: i64, month: i64, day: i64) -> i64 {
    let (year, from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_standard_writes_them() {
        for (text, millis) in [
            ("2024-01-15T10:30:00Z", 1_705_314_600_000),
            ("2024-01-15T10:30:00.5Z", 1_705_314_600_500),
            ("2024-01-15T10:30:00.123456789Z", 1_705_314_600_123),
            ("2024-01-15T12:30:00+02:00", 1_705_314_600_000),
            ("2024-01-15T05:00:00.001-05:30", 1_705_314_600_001),
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
        ] {
            assert_eq!(parse(text), Some(Timestamp::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "2024-01-15",
            "2024-01-15T10:30:00",
            "2024-01-15 10:30:00Z",
            "2024-01-15t10:30:00z",
            "2024-1-15T10:30:00Z",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-10T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-01-15T24:00:00Z",
            "2024-01-15T10:60:00Z",
            "2024-01-15T10:30:60Z",
            "2024-01-15T10:30:00.Z",
            "2024-01-15T10:30:00.1234567890Z",
            "2024-01-15T10:30:00+0200",
            "2024-01-15T10:30:00 02:00",
            "2024-01-15T10:30:00+24:00",
            "2024-01-15T10:30:00Z ",
            "2024-01-15T10:30:00ZZ",
            "+024-01-15T10:30:00Z",
            "٢٠٢٤-01-15T10:30:00Z",
            "1705314600000",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn documented_and_edge_times_are_written_as_expected() {
        for (millis, text) in [
            (1_705_314_600_000, "2024-01-15T10:30:00Z"),
            (1_705_314_600_999, "2024-01-15T10:30:00Z"),
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_399_000, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (253_402_300_799_000, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(format(Timestamp::from_millis(millis)), text);
        }
    }

    /// Against a calendar that simply counts days.
    #[test]
    fn every_day_until_the_year_10000_has_its_date() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0.. {
            if year == 10_000 {
                break;
            }
            assert_eq!(civil_date(days), (year, month, day));
            assert_eq!(days_of_date(year, month, day), days);
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 => 28 + i64::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (year, month, day) = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                _ if day == last => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
    }
}
