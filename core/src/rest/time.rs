//! Times as REST writes them: RFC 3339 in UTC with `Z`, in whole seconds as the documents show them.
//!
//! Milliseconds are dropped, never rounded up: no answer promises a moment of life that a session does not have.
//! Written by hand because the engine needs this one direction only, and its times end before the year 10000.

use serde::Serialize;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorCode};
use crate::schema::{Field, Kind, PublicRecord};

const SECS_PER_DAY: i64 = 86_400;

/// Writes a time as `2024-01-15T10:30:00Z`.
pub(super) fn format_rfc3339(at: Timestamp) -> String {
    let secs = at.as_secs();
    let (year, month, day) = civil_date(secs.div_euclid(SECS_PER_DAY));
    let of_day = secs.rem_euclid(SECS_PER_DAY);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A record as REST has it: its JSON, in which each time is a text.
pub(super) fn encode_record<T: Serialize + PublicRecord>(record: &T) -> Result<Value, Error> {
    let unwritable = |_| Error::new(ErrorCode::Internal, "an answer could not be written as JSON");
    let mut value = serde_json::to_value(record).map_err(unwritable)?;
    write_times(&mut value, T::RECORD.fields);
    Ok(value)
}

fn write_times(object: &mut Value, fields: &[Field]) {
    for field in fields {
        match field.kind {
            Kind::Record(inner) if field.is_flat => write_times(object, inner.fields),
            Kind::Record(inner) => write_times(&mut object[field.name], inner.fields),
            Kind::Time => {
                if let Some(millis) = object[field.name].as_i64() {
                    object[field.name] = format_rfc3339(Timestamp::from_millis(millis)).into();
                }
            }
            _ => {}
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(format_rfc3339(Timestamp::from_millis(millis)), text);
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
