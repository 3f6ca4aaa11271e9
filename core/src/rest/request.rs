//! One request as its handler sees it, read strictly: caller, query, JSON body, client.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use http::HeaderName;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::request::Parts;
use serde_json::{Map, Value};

use super::auth::Caller;
use super::options::CheckedOptions;
use super::request_head::{bad_request, single_header};
use crate::engine::Tenant;
use crate::error::Error;
use crate::json;
use crate::model::client::UserAgent;
use crate::model::client_hints::{ClientHint, ClientHints};
use crate::model::id::Actor;
use crate::model::ip_address::IpAddress;
use crate::object_reader::printable;
use crate::percent;

/// Where a request comes from, as far as the host knows: an extension of the request, recorded as the address of a
/// sign-in or a refresh.
///
/// ```
/// use hellojohn::rest::{ClientAddress, http::Request};
///
/// let mut request = Request::get("/v1/sessions").body("").expect("a request");
/// request.extensions_mut().insert(ClientAddress(Some("203.0.113.42".parse()?)));
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientAddress(pub Option<IpAddress>);

/// What the body of a route's requests must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// Nothing: a body that would be ignored may be a misunderstanding about what is to be ended.
    None,
    /// A JSON object, or nothing.
    Optional,
    /// A JSON object.
    Required,
}

/// What the requests of one [`RestApi`](super::RestApi) share.
pub(super) struct ApiState {
    pub tenant: Tenant,
    pub options: CheckedOptions,
}

/// A request whose route, caller, query and body have been checked.
pub(super) struct ApiRequest<'a> {
    pub state: &'a Arc<ApiState>,
    pub tenant: Tenant,
    /// The id of the request in the answer.
    pub request_id: &'a str,
    pub parts: &'a Parts,
    pub caller: Caller,
    pub query: Query,
    /// Whether the request has the beginning of a query or a body, whatever is in them.
    pub has_parameters: bool,
    /// The members of the JSON body; empty without a body.
    pub body: Map<String, Value>,
    /// The segment of the path that stands for an id, as sent; empty on a route without one.
    pub path_id: &'a str,
}

impl<'a> ApiRequest<'a> {
    /// The tenant, for changes that the actor of the request makes.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    pub fn options(&self) -> &'a CheckedOptions {
        &self.state.options
    }

    /// Where the request comes from.
    pub fn client(&self) -> (Option<IpAddress>, Option<UserAgent>) {
        read_client(self.parts)
    }

    /// What the browser says of its device. A header that is not text counts as absent.
    pub fn client_hints(&self) -> ClientHints {
        let hint =
            |name: &str| -> Option<ClientHint> { self.parts.headers.get(name)?.to_str().ok()?.parse().ok() };
        ClientHints {
            sec_ch_ua_mobile: hint("sec-ch-ua-mobile"),
            sec_ch_ua_platform: hint("sec-ch-ua-platform"),
            sec_ch_ua_form_factors: hint("sec-ch-ua-form-factors"),
        }
    }
}

/// Where a request comes from. A user agent that is not text counts as absent.
pub(super) fn read_client(parts: &Parts) -> (Option<IpAddress>, Option<UserAgent>) {
    let address = parts.extensions.get::<ClientAddress>().and_then(|address| address.0);
    let agent = parts.headers.get(USER_AGENT).and_then(|agent| str::from_utf8(agent.as_bytes()).ok());
    (address, agent.and_then(|agent| agent.parse().ok()))
}

/// Who makes the change, as the holder of the secret key says in `X-Actor`, percent-encoded.
///
/// # Errors
/// `validation_error` for an actor that is none, `bad_request` for more than one.
pub(super) fn read_actor(parts: &Parts) -> Result<Option<Actor>, Error> {
    let Some(value) = single_header(parts, &HeaderName::from_static("x-actor"))? else { return Ok(None) };
    let text = str::from_utf8(value).ok().and_then(percent::decode);
    let unreadable = || Error::validation("actor", "X-Actor must be percent-encoded UTF-8");
    text.ok_or_else(unreadable)?.parse().map(Some)
}

/// Reads the JSON object of the body; empty if the body may be left out and was.
///
/// # Errors
/// `bad_request` unless the body is JSON without duplicate names and says so; `validation_error` for JSON that is
/// not an object.
pub(super) fn parse_body(rule: Body, parts: &Parts, body: &[u8]) -> Result<Map<String, Value>, Error> {
    match rule {
        Body::None | Body::Optional if body.is_empty() => return Ok(Map::new()),
        // Some clients send an empty object with every request.
        Body::None if says_nothing(body) => return Ok(Map::new()),
        Body::None => {
            return Err(bad_request("this request takes no body: its parameters are in path and query"));
        }
        Body::Optional | Body::Required => {}
    }
    if !is_json(single_header(parts, &CONTENT_TYPE)?) {
        return Err(bad_request("the Content-Type must be application/json"));
    }
    if single_header(parts, &CONTENT_ENCODING)?.is_some_and(|coding| coding != b"identity") {
        return Err(bad_request("the body must not be compressed"));
    }
    // Some clients write a byte order mark; a reader may ignore it (RFC 8259, section 8.1).
    match json::parse(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)) {
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(Error::validation("body", "must be a JSON object")),
        None => Err(bad_request("the body is not JSON without duplicate names")),
    }
}

/// Whether a body is an empty object or null, with blanks or without.
fn says_nothing(body: &[u8]) -> bool {
    let text: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(5).collect();
    [&b"{}"[..], b"null", b""].contains(&text.as_slice())
}

/// Whether a `Content-Type` is `application/json`, in UTF-8 if it names a character set.
fn is_json(content_type: Option<&[u8]>) -> bool {
    let Some(text) = content_type.and_then(|text| str::from_utf8(text).ok()) else { return false };
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    essence.eq_ignore_ascii_case("application/json")
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                let charset = value.trim().trim_matches('"');
                charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
            }
            _ => true,
        })
}

/// The query parameters of a request.
pub(super) struct Query(BTreeMap<&'static str, String>);

impl Query {
    /// Reads the parameters of a query, form-encoded (`+` is a space); `known` are the names that the route has.
    ///
    /// # Errors
    /// `bad_request` for broken percent-encoding; `validation_error` for a parameter that the route does not know, that is
    /// empty or that was given twice: a misspelt or lost `user_id` must never end the sessions of the whole tenant. Nothing
    /// between two `&`, or behind the `?`, is no parameter.
    pub fn parse(query: Option<&str>, known: &[&'static str]) -> Result<Self, Error> {
        let mut parameters = BTreeMap::new();
        for pair in query.into_iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |part: &str| {
                percent::decode(&part.replace('+', " "))
                    .ok_or_else(|| bad_request("the query is not percent-encoded UTF-8"))
            };
            let (name, value) = (decode(name)?, decode(value)?);
            let Some(known) = known.iter().find(|known| **known == name) else {
                return Err(Error::validation(&printable(&name), "is not a query parameter of this request"));
            };
            if value.is_empty() {
                return Err(Error::validation(known, "must not be empty"));
            }
            if parameters.insert(*known, value).is_some() {
                return Err(Error::validation(known, "must be given once"));
            }
        }
        Ok(Query(parameters))
    }

    /// The parameter as text; never empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The parameter as a value of its type.
    pub fn parse_as<T: FromStr<Err = Error>>(&self, name: &str) -> Result<Option<T>, Error> {
        self.text(name).map(str::parse).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn a_json_content_type_may_name_utf_8_only() {
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json ; profile=x",
            "application/json; charset=utf8",
            "application/json;charset=\"UTF8\"",
            "application/json;",
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
