//! Times and queries as REST has them.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The arguments that are there as a query, with its question mark; nothing without arguments.
pub fn query(args: &Map<String, Value>) -> String {
    let mut query = String::new();
    for (name, value) in args {
        let value = match value {
            Value::Null => continue,
            Value::String(text) => percent_encode(text),
            other => percent_encode(&other.to_string()),
        };
        let separator = if query.is_empty() { '?' } else { '&' };
        write!(query, "{separator}{name}={value}").expect("a query");
    }
    query
}

/// Milliseconds as a time, to the millisecond. Counts the days up, which is slow and plain.
pub fn rfc3339(millis: i64) -> String {
    let (mut day, of_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let mut date = (1970, 1, 1);
    while day > 0 {
        let (year, month, last) = (date.0, date.1, days_in(date.0, date.1));
        date = match date {
            (_, _, of_month) if of_month < last => (year, month, of_month + 1),
            (_, 12, _) => (year + 1, 1, 1),
            _ => (year, month + 1, 1),
        };
        day -= 1;
    }
    let (secs, fraction) = (of_day / 1000, of_day % 1000);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{fraction:03}Z",
        date.0,
        date.1,
        date.2,
        secs / 3600,
        secs / 60 % 60,
        secs % 60
    )
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Everything but the characters that a URL may have anywhere is escaped.
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            other => write!(encoded, "%{other:02X}").expect("an escape"),
        }
    }
    encoded
}

/// Reads a time in the one form that REST writes, `2024-01-15T10:30:00Z`, as milliseconds.
///
/// # Panics
/// At any other form.
pub fn millis(time: &str) -> i64 {
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00Z", "{time}");
    let number = |from: usize, to: usize| time[from..to].parse::<i64>().expect("digits");
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = 28 + i64::from(is_leap(year));
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days_of_years: i64 = (1970..year).map(|year| 365 + i64::from(is_leap(year))).sum();
    let days_of_months: i64 = months.iter().zip(1..month).map(|(days, _)| days).sum();
    let days = days_of_years + days_of_months + day - 1;
    ((days * 24 + number(11, 13)) * 60 + number(14, 16)) * 60_000 + number(17, 19) * 1000
}
