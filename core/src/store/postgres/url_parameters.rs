//! The parameters of a URL of PostgreSQL, by name, and what is said about a bad one.

use std::path::PathBuf;

use crate::error::Error;
use crate::percent;

const DEFAULT_SCHEMA: &str = "hellojohn";
/// What the server cuts a name to.
const MAX_NAME_BYTES: usize = 63;

pub(super) fn invalid(problem: &str) -> Error {
    Error::validation("database", format_args!("the PostgreSQL URL {problem}"))
}

pub(super) fn decode(text: &str, name: &str) -> Result<String, Error> {
    let decoded = percent::decode(text).filter(|text| !text.contains('\0'));
    decoded.ok_or_else(|| invalid(&format!("has a bad percent-escape in {name}")))
}

/// The parameters that have not been taken yet.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn read(query: &str) -> Result<Self, Error> {
        let mut read: Vec<(String, String)> = Vec::new();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| invalid("has a parameter without ="))?;
            // A value of a mistyped URL may be part of a password, a name like this is none.
            let is_name = name.len() <= 40 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if !is_name || name.is_empty() {
                return Err(invalid("has a parameter whose name is none of libpq's"));
            }
            if read.iter().any(|(other, _)| other == name) {
                return Err(invalid(&format!("gives {name} twice")));
            }
            read.push((name.to_owned(), decode(value, name)?));
        }
        Ok(Parameters(read))
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.swap_remove(index).1)
    }

    pub(super) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Error> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let known = words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| Some(*meaning));
        known.ok_or_else(|| {
            let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            invalid(&format!("has a {name} that is not one of {}", list.join(", ")))
        })
    }

    pub(super) fn number(&mut self, name: &str, default: u64, min: u64, max: u64) -> Result<u64, Error> {
        let Some(value) = self.take(name) else { return Ok(default) };
        let number = Some(value).filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
        number
            .and_then(|number| number.parse().ok())
            .filter(|number| (min..=max).contains(number))
            .ok_or_else(|| invalid(&format!("has a {name} that is no whole number from {min} to {max}")))
    }

    pub(super) fn file(&mut self, name: &str) -> Result<Option<PathBuf>, Error> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let path = PathBuf::from(value);
        if path.is_absolute() {
            return Ok(Some(path));
        }
        Err(invalid(&format!("has a {name} that is no absolute path of a file")))
    }

    pub(super) fn schema(&mut self) -> Result<String, Error> {
        let Some(schema) = self.take("schema") else { return Ok(DEFAULT_SCHEMA.to_owned()) };
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let starts_well = schema.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        if schema.len() <= MAX_NAME_BYTES
            && starts_well
            && schema.bytes().all(is_plain)
            && !schema.starts_with("pg_")
        {
            return Ok(schema);
        }
        Err(invalid(&format!(
            "has a schema that is not 1 to {MAX_NAME_BYTES} of a-z, 0-9 and _ (no digit first, not pg_…)"
        )))
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(invalid(&format!("has the unknown parameter {name}"))),
        }
    }
}
