//! Options of the REST API: the host's, as given and as checked.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::cookies::CookieOptions;
use crate::duration::Duration;
use crate::error::Error;
use crate::json;
use crate::object_reader::ObjectReader;

/// Options of a [`RestApi`](super::RestApi); each has a default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RestOptions {
    /// Cookie mode: the refresh token travels only in this cookie, never in an answer's JSON. Default: off.
    ///
    /// In either mode a refresh token that came in a cookie of the default name goes back in the cookie. A request that
    /// uses the cookie must come from the same origin (`Sec-Fetch-Site`, `Origin`), from one of
    /// [`CookieOptions::allowed_origins`], or, from a client that sends neither header, be of a kind that no plain form
    /// can send: with `Content-Type: application/json` or an `X-Requested-With`. Else it is refused with 403. In cookie
    /// mode the same holds for a sign-in.
    pub cookie: Option<CookieOptions>,
    /// The longest session that a client gets by its own `session_options.duration`; more is cut to it. Default: the
    /// tenant's `session_duration`, so that a client can shorten its session but not stretch the tenant's rule. A host
    /// that wants a longer "remember me" says so here, or in the `duration` of the user it answers with.
    pub longest_requested_session: Option<Duration>,
}

impl RestOptions {
    /// Reads the options in their JSON form: `cookie` (true, false, or an object with the optional `name`, `domain`,
    /// `path`, `same_site` (`lax`, `strict`), `secure`, `allowed_origins`) and `longest_requested_session` (a duration).
    ///
    /// # Errors
    /// `validation_error` naming the option.
    pub fn from_json(object: &Map<String, Value>) -> Result<Self, Error> {
        let mut reader = ObjectReader::options(without_nulls(object));
        let cookie = match reader.take("cookie") {
            None | Some(Value::Bool(false)) => None,
            Some(Value::Bool(true)) => Some(CookieOptions::default()),
            Some(Value::Object(cookie)) => {
                Some(read_cookie_options(reader.nested("cookie", without_nulls(&cookie)))?)
            }
            Some(_) => return Err(Error::validation("cookie", "must be true, false or an object")),
        };
        let longest_requested_session = reader.optional("longest_requested_session")?;
        reader.finish()?;
        Ok(RestOptions { cookie, longest_requested_session })
    }

    /// Checks what [`RestApi::new`](super::RestApi::new) checks, for a host that has no tenant yet.
    ///
    /// # Errors
    /// `validation_error` for options that do not fit together.
    pub fn validate(&self) -> Result<(), Error> {
        self.cookie.as_ref().map_or(Ok(()), CookieOptions::validate)
    }
}

impl FromStr for RestOptions {
    type Err = Error;

    /// Reads the options from JSON text.
    ///
    /// # Errors
    /// `validation_error` for anything but one JSON object without duplicate names, and as [`RestOptions::from_json`].
    fn from_str(text: &str) -> Result<Self, Error> {
        let object = json::parse_object(text.as_bytes())
            .ok_or_else(|| Error::validation("options", "must be a JSON object without duplicate names"))?;
        RestOptions::from_json(&object)
    }
}

fn read_cookie_options(mut reader: ObjectReader) -> Result<CookieOptions, Error> {
    let default = CookieOptions::default();
    let cookie = CookieOptions {
        name: reader.optional("name")?.unwrap_or(default.name),
        domain: reader.optional("domain")?,
        path: reader.optional("path")?.unwrap_or(default.path),
        same_site: match reader.take("same_site") {
            // Accepts `Lax` and `Strict` too, as the attribute is written in a cookie.
            Some(word) => word.as_str().unwrap_or_default().to_ascii_lowercase().parse()?,
            None => default.same_site,
        },
        secure: reader.optional("secure")?.unwrap_or(default.secure),
        allowed_origins: reader.optional("allowed_origins")?.unwrap_or(default.allowed_origins),
    };
    reader.finish()?;
    Ok(cookie)
}

/// The options without those that are null: a null option counts as absent, whatever its name.
pub(super) fn without_nulls(options: &Map<String, Value>) -> Map<String, Value> {
    let given = options.iter().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Options that fit together.
pub(super) struct CheckedOptions {
    cookie: CookieOptions,
    cookie_mode: bool,
    pub longest_requested_session: Option<Duration>,
}

impl CheckedOptions {
    pub fn new(options: RestOptions) -> Result<Self, Error> {
        options.validate()?;
        let RestOptions { cookie, longest_requested_session } = options;
        let cookie_mode = cookie.is_some();
        Ok(CheckedOptions { cookie: cookie.unwrap_or_default(), cookie_mode, longest_requested_session })
    }

    /// Whether refresh tokens travel only in the cookie.
    pub fn is_cookie_mode(&self) -> bool {
        self.cookie_mode
    }

    /// The cookie in which a refresh token may arrive in either mode.
    pub fn cookie(&self) -> &CookieOptions {
        &self.cookie
    }

    /// The cookie in which the refresh token of a response travels, or `None` if it travels in the JSON.
    pub fn response_cookie(&self, came_in_cookie: bool) -> Option<&CookieOptions> {
        (self.cookie_mode || came_in_cookie).then_some(&self.cookie)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::cookies::SameSite;

    fn read(text: &str) -> Result<RestOptions, Error> {
        text.parse()
    }

    #[test]
    fn options_are_read_from_json() {
        assert_eq!(read(r#"{"cookie":false}"#), Ok(RestOptions::default()));
        assert_eq!(read(r#"{"cookie":true}"#).unwrap().cookie, Some(CookieOptions::default()));
        let cookie = read(
            r#"{"cookie":{"name":"r","domain":"example.com","path":"/","same_site":"Strict","secure":false,
                "allowed_origins":["https://a.example"]},"longest_requested_session":"1y"}"#,
        )
        .unwrap()
        .cookie
        .unwrap();
        assert_eq!((cookie.name.as_str(), cookie.same_site, cookie.secure), ("r", SameSite::Strict, false));
        assert_eq!(cookie.allowed_origins, ["https://a.example"]);
        for bad in [
            "",
            "[]",
            r#"{"cookie":true,"cookie":false}"#,
            r#"{"cookies":true}"#,
            r#"{"cookie":"yes"}"#,
            r#"{"cookie":{"nam":"x"}}"#,
            r#"{"cookie":{"same_site":"none"}}"#,
            r#"{"cookie":{"secure":1}}"#,
            r#"{"cookie":{"allowed_origins":"x"}}"#,
            r#"{"cookie":{"name":1}}"#,
            r#"{"longest_requested_session":"0d"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(read(r#"{"cookie":true}"#).unwrap().validate(), Ok(()));
        assert!(read(r#"{"cookie":{"name":"a b"}}"#).unwrap().validate().is_err());
    }
}
