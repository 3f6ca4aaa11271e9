//! Writes the values of a session as JSON. Every answer has them, and a list very many: what serde_json does for each quotation mark and
//! each comma by itself takes longer than the values.

use std::io::Write as _;

use hellojohn::in_millis::InMillis;
use hellojohn::{
    Claims, Country, DeviceFingerprint, DeviceType, Email, EndReason, Error, ErrorCode, Factors, IpAddress,
    OrgId, Role, SessionActor, SessionId, Status, TenantId, Timestamp, UserAgent, UserId,
};
use serde::Serialize;

pub(crate) fn unwritable() -> Error {
    Error::new(ErrorCode::Internal, "the answer could not be written as JSON")
}

/// A value that is written behind what the text has already.
pub(crate) trait JsonText {
    fn write(&self, text: &mut Vec<u8>) -> Result<(), Error>;

    /// Whether there is nothing to tell: null, or a collection without members.
    fn is_empty(&self) -> bool {
        false
    }
}

impl<T: JsonText> JsonText for Option<T> {
    fn is_empty(&self) -> bool {
        self.is_none()
    }

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
    if value.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
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
        write_json(text, self.as_object())
    }

    fn is_empty(&self) -> bool {
        self.as_object().is_empty()
    }
}

impl JsonText for Factors {
    fn write(&self, text: &mut Vec<u8>) -> Result<(), Error> {
        write_json(text, &InMillis(self))
    }

    fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }
}

impl JsonText for SessionActor {
    fn write(&self, text: &mut Vec<u8>) -> Result<(), Error> {
        write_json(text, &InMillis(self))
    }
}

pub(crate) fn write_json<T: Serialize + ?Sized>(text: &mut Vec<u8>, value: &T) -> Result<(), Error> {
    serde_json::to_writer(text, value).map_err(|_| unwritable())
}

const MILLION: i64 = 1_000_000;

/// A time takes two places: the millions of milliseconds and the rest.
pub(crate) fn write_time(text: &mut Vec<u8>, time: Timestamp) -> Result<(), Error> {
    write_json(text, &time.as_millis().div_euclid(MILLION))?;
    text.push(b',');
    write_json(text, &time.as_millis().rem_euclid(MILLION))
}

/// A value that the session was last seen with, and the one that it began with: `true` where they are the same.
pub(crate) fn write_last<T: JsonText + PartialEq>(
    text: &mut Vec<u8>,
    last: &Option<T>,
    first: &Option<T>,
) -> Result<(), Error> {
    if last.is_some() && last == first { true.write(text) } else { last.write(text) }
}

/// The values that few sessions have. Those behind the last one of them are left out.
pub(crate) struct RareValues<'a> {
    text: &'a mut Vec<u8>,
    /// Where the text ends without those that may have to be left out.
    end: usize,
}

impl<'a> RareValues<'a> {
    pub(crate) fn after(text: &'a mut Vec<u8>) -> Self {
        RareValues { end: text.len(), text }
    }

    pub(crate) fn write(&mut self, value: &impl JsonText) -> Result<(), Error> {
        if value.is_empty() {
            self.text.extend_from_slice(b",null");
            return Ok(());
        }
        self.text.push(b',');
        value.write(self.text)?;
        self.end = self.text.len();
        Ok(())
    }

    pub(crate) fn write_time(&mut self, time: Option<Timestamp>) -> Result<(), Error> {
        let Some(time) = time else {
            self.text.extend_from_slice(b",null,0");
            return Ok(());
        };
        self.text.push(b',');
        write_time(self.text, time)?;
        self.end = self.text.len();
        Ok(())
    }

    pub(crate) fn finish(self) {
        self.text.truncate(self.end);
    }
}
