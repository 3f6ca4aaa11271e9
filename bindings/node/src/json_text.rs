//! Writes the values of a session as JSON. Every answer has them, and a list very many: what serde_json does for each quotation mark and
//! each comma by itself takes longer than the values.

use std::io::Write as _;

use hellojohn::in_millis::InMillis;
use hellojohn::{
    Claims, Country, DeviceFingerprint, Email, EndReason, Error, ErrorCode, Factors, IpAddress, OrgId, Role,
    SessionActor, SessionId, TenantId, Timestamp, UserAgent, UserId,
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
write_as_text!(EndReason);

fn write_text(text: &mut Vec<u8>, value: &str) -> Result<(), Error> {
    // Without a way out of the loop, so that it looks at sixteen bytes at a time.
    let is_plain = |plain: bool, byte: u8| plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\');
    if !value.bytes().fold(true, is_plain) {
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

/// 0 in place of what is as in the session before.
pub(crate) fn write_shared<T: JsonText + PartialEq>(
    text: &mut Vec<u8>,
    value: &T,
    before: Option<&T>,
) -> Result<(), Error> {
    if before == Some(value) {
        text.push(b'0');
        return Ok(());
    }
    value.write(text)
}

const MILLION: i64 = 1_000_000;

/// A time takes two numbers: the millions of milliseconds and the rest.
pub(crate) fn millions(time: Timestamp) -> i32 {
    i32::try_from(time.as_millis().div_euclid(MILLION)).unwrap_or(i32::MAX)
}

pub(crate) fn rest(time: Timestamp) -> i32 {
    time.as_millis().rem_euclid(MILLION) as i32
}

/// A word's place in the list of all.
pub(crate) fn place<T: PartialEq>(word: T, all: &[T]) -> i32 {
    all.iter().position(|other| *other == word).unwrap_or(all.len()) as i32
}

/// The values that few sessions have, as an array. Those behind the last one of them are left out, and the array where there is none.
pub(crate) struct RareValues<'a> {
    text: &'a mut Vec<u8>,
    is_begun: bool,
    /// How many elements are absent since the last value.
    absent: usize,
}

impl<'a> RareValues<'a> {
    pub(crate) fn after(text: &'a mut Vec<u8>) -> Self {
        RareValues { text, is_begun: false, absent: 0 }
    }

    pub(crate) fn write(&mut self, value: &impl JsonText) -> Result<(), Error> {
        if value.is_empty() {
            self.absent += 1;
            return Ok(());
        }
        self.begin_value();
        value.write(self.text)
    }

    /// A value that the session was last seen with: absent where it is the one that it began with, and false where there is none.
    pub(crate) fn write_last<T: JsonText + PartialEq>(
        &mut self,
        last: &Option<T>,
        first: &Option<T>,
    ) -> Result<(), Error> {
        match last {
            last if last == first => self.absent += 1,
            Some(last) => return self.write(last),
            None => return self.write(&false),
        }
        Ok(())
    }

    pub(crate) fn write_time(&mut self, time: Option<Timestamp>) -> Result<(), Error> {
        let Some(time) = time else {
            self.absent += 2;
            return Ok(());
        };
        self.begin_value();
        write_json(self.text, &millions(time))?;
        self.text.push(b',');
        write_json(self.text, &rest(time))
    }

    fn begin_value(&mut self) {
        self.text.push(if self.is_begun { b',' } else { b'[' });
        self.is_begun = true;
        for _ in 0..std::mem::take(&mut self.absent) {
            self.text.extend_from_slice(b"null,");
        }
    }

    pub(crate) fn finish(self) {
        self.text.push(if self.is_begun { b']' } else { b'0' });
    }
}
