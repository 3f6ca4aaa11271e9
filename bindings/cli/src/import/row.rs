//! A row of an import from a row of another system's table: names in either spelling, times in any form, signed cookies.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A number of this size is in milliseconds: as seconds it would be of the year 5138.
const FIRST_MILLIS: i64 = 100_000_000_000;

/// What a row of a table comes to.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    /// A row of an import. It may be a bad one: the import says so.
    Session(Map<String, Value>),
    /// A session of a visitor who has not signed in.
    Anonymous,
}

/// The secret under which a system signs its cookies.
pub(crate) struct CookieSecret(Zeroizing<String>);

impl fmt::Debug for CookieSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieSecret")
    }
}

impl CookieSecret {
    pub fn new(secret: Zeroizing<String>) -> Self {
        CookieSecret(secret)
    }

    /// `TOKEN.SIGNATURE`, base64 with padding.
    pub fn sign_better_auth(&self, token: &str) -> String {
        format!("{token}.{}", STANDARD.encode(self.tag(token)))
    }

    /// `s:ID.SIGNATURE`, base64 without padding.
    pub fn sign_express(&self, id: &str) -> String {
        format!("s:{id}.{}", STANDARD_NO_PAD.encode(self.tag(id)))
    }

    fn tag(&self, value: &str) -> [u8; 32] {
        match Hmac::<Sha256>::new_from_slice(self.0.as_bytes()) {
            Ok(mut mac) => {
                mac.update(value.as_bytes());
                mac.finalize().into_bytes().into()
            }
            Err(never) => unreachable!("HMAC takes a key of any length: {never}"),
        }
    }
}

/// Makes a row of an import, member by member.
pub(crate) struct Reader<'a> {
    row: &'a Map<String, Value>,
    members: Map<String, Value>,
    is_anonymous: bool,
}

impl<'a> Reader<'a> {
    pub fn new(row: &'a Map<String, Value>) -> Self {
        Reader { row, members: Map::new(), is_anonymous: false }
    }

    pub fn finish(self) -> Found {
        if self.is_anonymous { Found::Anonymous } else { Found::Session(self.members) }
    }

    /// The first of these columns that has a value, written as `expiresAt`, `expires_at` or `expiresat`.
    fn column(&self, names: &[&str]) -> Option<&'a Value> {
        let plain = |name: &str| -> String {
            name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
        };
        names.iter().find_map(|name| {
            let wanted = plain(name);
            let found = self.row.iter().find(|(column, _)| plain(column) == wanted);
            found.map(|(_, value)| value).filter(|value| !value.is_null())
        })
    }

    /// A text, or a number as one.
    pub fn text(&mut self, member: &str, columns: &[&str]) -> &mut Self {
        if let Some(text) = self.column(columns).and_then(as_text).filter(|text| !text.is_empty()) {
            self.members.insert(member.to_owned(), text.into());
        }
        self
    }

    pub fn time(&mut self, member: &str, columns: &[&str]) -> &mut Self {
        if let Some(value) = self.column(columns) {
            // One that cannot be read is left as it is, and refused by the import.
            let time = millis(value).map_or_else(|| value.clone(), Value::from);
            self.members.insert(member.to_owned(), time);
        }
        self
    }

    /// The credential: what the column holds, or the cookie that the system has made of it.
    pub fn signed(
        &mut self,
        column: &str,
        secret: Option<&CookieSecret>,
        sign: fn(&CookieSecret, &str) -> String,
    ) {
        if let Some(plain) = self.column(&[column]).and_then(as_text) {
            let credential = secret.map_or(plain.clone(), |secret| sign(secret, &plain));
            self.members.insert("credential".to_owned(), credential.into());
        }
    }

    /// The user's id at the first of these places, such as `passport.user`, of the JSON object in the column.
    pub fn user_in(&mut self, column: &str, places: &[&str]) -> &mut Self {
        let session = match self.column(&[column]) {
            Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
            Some(other) => other.clone(),
            None => Value::Null,
        };
        let at = |place: &&str| {
            let found = place.split('.').try_fold(&session, |value, name| value.get(name))?;
            as_text(found).filter(|text| !text.is_empty())
        };
        match places.iter().find_map(at) {
            Some(user) => {
                self.members.insert("user_id".to_owned(), user.into());
            }
            None => self.is_anonymous = session.is_object(),
        }
        self
    }

    /// Whether a second factor was passed: whether the column has this value.
    pub fn second_factor(&mut self, column: &str, passed: &str) -> &mut Self {
        if self.column(&[column]).and_then(Value::as_str) == Some(passed) {
            self.members.insert("mfa_verified".to_owned(), true.into());
        }
        self
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Milliseconds since the epoch of a time as databases keep it: a number of seconds or milliseconds, also as a text, or a date
/// and a time, in UTC unless it says otherwise.
fn millis(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => {
            let number = number.as_i64().or_else(|| number.as_f64().map(|number| number as i64))?;
            Some(if number.abs() < FIRST_MILLIS { number.checked_mul(1_000)? } else { number })
        }
        Value::String(text) => match text.parse::<i64>() {
            Ok(number) => millis(&number.into()),
            Err(_) => date_millis(text),
        },
        _ => None,
    }
}

/// `2026-01-01T00:00:00.123Z`, `2026-01-01 00:00:00`, `2026-01-01T00:00:00.123456+02:00`.
fn date_millis(text: &str) -> Option<i64> {
    let (date, rest) = text.trim().split_once(['T', ' '])?;
    let mut parts = date.split('-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let zone_at = rest.find(['Z', 'z', '+', '-', ' ']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(zone_at);
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut parts = time.split(':').map(str::parse::<i64>);
    let (hour, minute) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let second = parts.next().unwrap_or(Ok(0)).ok()?;
    let is_possible = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second)
        && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !is_possible {
        return None;
    }
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let seconds = days_since_epoch(year, month, day)
        .checked_mul(86_400)?
        .checked_add(hour * 3_600 + minute * 60 + second - zone_seconds(zone.trim())?)?;
    seconds.checked_mul(1_000)?.checked_add(millis)
}

fn zone_seconds(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits: String = zone.get(1..)?.chars().filter(|c| *c != ':').collect();
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits.get(2..4).map_or(Some(0), |text| text.parse().ok())?;
    Some(sign * (hours * 3_600 + minutes * 60))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March have their leap day at their end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days_of_years = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    days_of_years + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_come_in_many_forms() {
        for (kept, expected) in [
            (json!(1_767_225_600), Some(1_767_225_600_000)),
            (json!(1_767_225_600_123_i64), Some(1_767_225_600_123)),
            (json!(1_767_225_600.0), Some(1_767_225_600_000)),
            (json!("1767225600123"), Some(1_767_225_600_123)),
            (json!("2026-01-01T00:00:00.123Z"), Some(1_767_225_600_123)),
            (json!("2026-01-01 00:00:00"), Some(1_767_225_600_000)),
            (json!("2026-01-01T02:00:00.123456+02:00"), Some(1_767_225_600_123)),
            (json!("2025-12-31 19:00:00-05"), Some(1_767_225_600_000)),
            (json!("2024-02-29T12:30:15.5"), Some(1_709_209_815_500)),
            (json!("1969-12-31T23:59:59Z"), Some(-1_000)),
            (json!("soon"), None),
            (json!("2026-13-01T00:00:00Z"), None),
            (json!(true), None),
        ] {
            assert_eq!(millis(&kept), expected, "{kept}");
        }
    }

    #[test]
    fn a_column_is_found_in_either_spelling() {
        let of = |row: Value| {
            let Value::Object(row) = row else { unreachable!() };
            let mut reader = Reader::new(&row);
            reader.text("user_id", &["userId"]).time("expires_at", &["expiresAt"]);
            reader.finish()
        };
        let expected = json!({"user_id": "7", "expires_at": 1_767_225_600_000_i64});
        for row in [
            json!({"userId": 7, "expiresAt": 1_767_225_600}),
            json!({"user_id": "7", "expires_at": "2026-01-01T00:00:00Z", "other": 1}),
        ] {
            assert_eq!(of(row), Found::Session(expected.as_object().unwrap().clone()));
        }
    }

    #[test]
    fn a_session_without_a_user_is_anonymous_and_a_damaged_one_is_bad() {
        let of = |sess: Value| {
            let row = Map::from_iter([("sess".to_owned(), sess)]);
            let mut reader = Reader::new(&row);
            reader.user_in("sess", &["passport.user", "userId"]);
            reader.finish()
        };
        let user = |id: &str| Found::Session(Map::from_iter([("user_id".to_owned(), id.into())]));
        assert_eq!(of(json!(r#"{"cookie":{},"passport":{"user":7}}"#)), user("7"));
        assert_eq!(of(json!({"userId": "u"})), user("u"));
        assert_eq!(of(json!(r#"{"cookie":{}}"#)), Found::Anonymous);
        assert_eq!(of(json!("{")), Found::Session(Map::new()));
    }
}
