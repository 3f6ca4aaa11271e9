//! One request, read strictly: limits, single headers, query, JSON body, client.

use std::collections::BTreeMap;
use std::str::FromStr;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, USER_AGENT};
use http::request::Parts;
use serde_json::{Map, Value};

use super::routes::{Body, Route};
use super::{BODY_MAX, ClientAddress, percent};
use crate::error::{Error, ErrorCode};
use crate::json;
use crate::model::client::{IpAddress, UserAgent};

/// The most bytes of names and values of all headers together: an access token of 8 KB fits twice.
const HEADERS_MAX: usize = 32 * 1024;
/// The most headers.
const HEADER_COUNT_MAX: usize = 128;
/// The most bytes of path and query.
const TARGET_MAX: usize = 8 * 1024;

/// A request that means a row of the table.
pub(super) struct Call<'a> {
    pub route: &'static Route,
    pub parts: &'a Parts,
    pub body: &'a [u8],
    /// The segment of the path that stands for an id, as sent.
    pub id: &'a str,
}

pub(super) fn bad_request(problem: impl Into<Box<str>>) -> Error {
    Error::new(ErrorCode::BadRequest, problem)
}

/// Refuses a request that is too large to be looked at.
pub(super) fn within_limits(parts: &Parts, body: &[u8]) -> Result<(), Error> {
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    if target > TARGET_MAX {
        return Err(bad_request(format!("path and query must be at most {TARGET_MAX} bytes")));
    }
    let bytes: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > HEADERS_MAX || parts.headers.len() > HEADER_COUNT_MAX {
        return Err(bad_request(format!(
            "headers must be at most {HEADER_COUNT_MAX} and {HEADERS_MAX} bytes together"
        )));
    }
    if body.len() > BODY_MAX {
        let problem = format!("the body must be at most {BODY_MAX} bytes");
        return Err(Error::new(ErrorCode::PayloadTooLarge, problem));
    }
    Ok(())
}

/// The header's value, or nothing when it was not sent.
///
/// # Errors
/// `bad_request` when it was sent more than once: two readers could see two different values.
pub(super) fn single_header<'a>(parts: &'a Parts, name: &HeaderName) -> Result<Option<&'a [u8]>, Error> {
    let mut values = parts.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(|value| value.as_bytes())),
        _ => Err(bad_request(format!("{name} must be sent once"))),
    }
}

impl Call<'_> {
    /// The query parameters by name, form-encoded (`+` is a space).
    ///
    /// # Errors
    /// `bad_request` for broken percent-encoding; `validation_error` for a parameter that this route does not know, that
    /// is empty or that was given twice: a misspelt or lost `user_id` must never end the whole tenant.
    pub fn query(&self) -> Result<Query, Error> {
        let mut query = Query(BTreeMap::new());
        let Some(text) = self.parts.uri.query() else { return Ok(query) };
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |part: &str| {
                percent::decode(&part.replace('+', " "))
                    .ok_or_else(|| bad_request("the query is not percent-encoded UTF-8"))
            };
            let (name, value) = (decode(name)?, decode(value)?);
            let Some(known) = self.route.query.iter().find(|known| **known == name) else {
                let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                return Err(Error::validation(&name, "is not a query parameter of this request"));
            };
            if value.is_empty() {
                return Err(Error::validation(known, "must not be empty"));
            }
            if query.0.insert(*known, value).is_some() {
                return Err(Error::validation(known, "must be given once"));
            }
        }
        Ok(query)
    }

    /// The JSON object of the body; empty if the body may be left out and was.
    ///
    /// # Errors
    /// `bad_request` unless the body is JSON without duplicate names and says so; `validation_error` for JSON that is
    /// not an object.
    pub fn object(&self) -> Result<Map<String, Value>, Error> {
        match self.route.body {
            Body::None | Body::Optional if self.body.is_empty() => return Ok(Map::new()),
            Body::None => return Err(bad_request("this request takes no body")),
            Body::Optional | Body::Required => {}
        }
        if !is_json(single_header(self.parts, &CONTENT_TYPE)?) {
            return Err(bad_request("the Content-Type must be application/json"));
        }
        if single_header(self.parts, &CONTENT_ENCODING)?.is_some_and(|coding| coding != b"identity") {
            return Err(bad_request("the body must not be compressed"));
        }
        match json::parse(self.body) {
            Some(Value::Object(object)) => Ok(object),
            Some(_) => Err(Error::validation("body", "must be a JSON object")),
            None => Err(bad_request("the body is not JSON without duplicate names")),
        }
    }

    /// Where the request comes from. A user agent that is no text is as good as none.
    pub fn client(&self) -> (Option<IpAddress>, Option<UserAgent>) {
        let address = self.parts.extensions.get::<ClientAddress>().and_then(|address| address.0);
        let agent =
            self.parts.headers.get(USER_AGENT).and_then(|agent| str::from_utf8(agent.as_bytes()).ok());
        (address, agent.and_then(|agent| agent.parse().ok()))
    }
}

/// Whether a `Content-Type` is `application/json`, in UTF-8 if it names a character set.
fn is_json(content_type: Option<&[u8]>) -> bool {
    let Some(text) = content_type.and_then(|text| str::from_utf8(text).ok()) else { return false };
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    essence.eq_ignore_ascii_case("application/json")
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

/// The query parameters of a request.
pub(super) struct Query(BTreeMap<&'static str, String>);

impl Query {
    /// The parameter as text; never empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The parameter as a value of its type.
    pub fn parsed<T: FromStr<Err = Error>>(&self, name: &str) -> Result<Option<T>, Error> {
        self.text(name).map(str::parse).transpose()
    }
}

/// Takes a member that is a string; null counts as absent.
pub(super) fn take_text(object: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Error> {
    match object.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::validation(name, "must be a string")),
    }
}

/// Refuses members that nobody took.
pub(super) fn reject_unknown_members(object: &Map<String, Value>) -> Result<(), Error> {
    match object.keys().next() {
        None => Ok(()),
        Some(unknown) => {
            let name: String = unknown.chars().filter(|c| !c.is_control()).take(64).collect();
            Err(Error::validation(&name, "is not a field of this request"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn content_types() {
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json ; profile=x",
        ] {
            assert!(is_json(Some(good.as_bytes())), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/jsonx",
            "application/json, text/plain",
            "application/json; charset=utf-16",
        ] {
            assert!(!is_json(Some(bad.as_bytes())), "{bad}");
        }
        assert!(!is_json(None) && !is_json(Some(b"\xff")));
    }
}
