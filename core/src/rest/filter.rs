//! The filter of a request, from its query or from its body: the members of [`SessionFilter`] as texts.

use serde_json::{Map, Value};

use super::request::Query;
use crate::clock::rfc3339;
use crate::error::Error;
use crate::model::session_filter::SessionFilter;

/// The members that are times.
const TIMES: [&str; 4] = ["created_after", "created_before", "last_active_after", "last_active_before"];

/// Reads the filter that the query parameters of the same names make up; countries stand between commas.
pub(super) fn from_query(query: &Query) -> Result<SessionFilter, Error> {
    let mut members = Map::new();
    for name in SessionFilter::NAMES {
        let Some(text) = query.text(name) else { continue };
        let value = match (*name, text) {
            ("mfa_verified", "true") => Value::Bool(true),
            ("mfa_verified", "false") => Value::Bool(false),
            _ => text.into(),
        };
        members.insert((*name).to_owned(), value);
    }
    from_body(members)
}

/// Reads the filter of a JSON body, whose times are texts.
pub(super) fn from_body(mut members: Map<String, Value>) -> Result<SessionFilter, Error> {
    for name in TIMES {
        if let Some(value) = members.get_mut(name) {
            let time = value.as_str().and_then(rfc3339::parse);
            let time = time.ok_or_else(|| {
                Error::validation(name, "must be a time such as 2024-01-15T10:30:00Z (RFC 3339)")
            })?;
            *value = time.as_millis().into();
        }
    }
    SessionFilter::from_json(members)
}
