//! Writes the values of a session as JSON. Every answer has them, and a list very many: what serde_json does for each quotation mark and
//! each comma by itself takes longer than the values.

use std::io::Write as _;

use hellojohn::in_millis::{InMillis, SerializeInMillis};
use hellojohn::{
    Claims, Country, DeviceFingerprint, DeviceType, Email, EndReason, Error, Factors, IpAddress, OrgId, Role,
    SessionActor, SessionId, Status, TenantId, Timestamp, UserAgent, UserId,
};
use serde::Serialize;

use crate::encode::unwritable;

/// A value that is written behind what the text has already.
pub(crate) trait JsonText {
    fn write(&self, text: &mut Vec<u8>) -> Result<(), Error>;
}

impl<T: JsonText> JsonText for Option<T> {
    fn write(&self, text: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Some(value) => value.write(text),
            None => {
                text.extend_from_slice(b"null");
                Ok(())
            }
        }
    }
}

macro_rules! write_as_text {
    ($($Type:ty),+) => {
        $(impl JsonText for $Type {
            fn write(&self, text: &mut Vec<u8>) -> Result<(), Error> {
                write_text(text, self.as_str())
            }
        })+
    };
}

write_as_text!(UserId, TenantId, OrgId, Role, Email, UserAgent, Country, DeviceFingerprint);
write_as_text!(Status, DeviceType, EndReason);

fn write_text(text: &mut Vec<u8>, value: &str) -> Result<(), Error> {
    // Each byte is looked at, so that the compiler can look at many at once.
    let escapes = |found, byte| found | (byte < b' ') | (byte == b'"') | (byte == b'\\');
    if value.bytes().fold(false, escapes) {
        return write_json(text, value);
    }
    text.reserve(value.len() + 2);
    text.push(b'"');
    text.extend_from_slice(value.as_bytes());
    text.push(b'"');
    Ok(())
}

macro_rules! write_as_printed {
    ($($Type:ty),+) => {
        $(impl JsonText for $Type {
            fn write(&self, text: &mut Vec<u8>) -> Result<(), Error> {
                write!(text, "\"{self}\"").map_err(|_| unwritable())
            }
        })+
    };
}

write_as_printed!(SessionId, IpAddress);

impl JsonText for bool {
    fn write(&self, text: &mut Vec<u8>) -> Result<(), Error> {
        text.extend_from_slice(if *self { b"true" } else { b"false" });
        Ok(())
    }
}

impl JsonText for Claims {
    fn write(&self, text: &mut Vec<u8>) -> Result<(), Error> {
        if self.as_object().is_empty() {
            text.extend_from_slice(b"{}");
            return Ok(());
        }
        write_json(text, self.as_object())
    }
}

macro_rules! write_in_millis {
    ($($Type:ty),+) => {
        $(impl JsonText for $Type {
            fn write(&self, text: &mut Vec<u8>) -> Result<(), Error> {
                write_record(text, self)
            }
        })+
    };
}

write_in_millis!(Factors, SessionActor);

fn write_record(text: &mut Vec<u8>, record: &impl SerializeInMillis) -> Result<(), Error> {
    write_json(text, &InMillis(record))
}

pub(crate) fn write_json<T: Serialize + ?Sized>(text: &mut Vec<u8>, value: &T) -> Result<(), Error> {
    serde_json::to_writer(text, value).map_err(|_| unwritable())
}

/// A time takes two places: the millions of milliseconds, or null, and the rest.
pub(crate) fn write_time(text: &mut Vec<u8>, time: Option<Timestamp>) -> Result<(), Error> {
    const MILLION: i64 = 1_000_000;
    let Some(millis) = time.map(Timestamp::as_millis) else {
        text.extend_from_slice(b"null,0");
        return Ok(());
    };
    write_json(text, &millis.div_euclid(MILLION))?;
    text.push(b',');
    write_json(text, &millis.rem_euclid(MILLION))
}

/// A value that the session was last seen with, and the one that it began with: `true` where they are the same.
pub(crate) fn write_last<T: JsonText + PartialEq>(
    text: &mut Vec<u8>,
    last: &Option<T>,
    first: &Option<T>,
) -> Result<(), Error> {
    if last.is_some() && last == first { true.write(text) } else { last.write(text) }
}
