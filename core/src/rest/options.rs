//! How the API behaves where the host has a choice.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::cookies::{CookieOptions, SameSite};
use crate::duration::Duration;
use crate::error::Error;
use crate::json;

/// Options of a [`RestApi`](super::RestApi); each has a default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RestOptions {
    /// Cookie mode: the refresh token travels only in this cookie, never in an answer's JSON. Default: off.
    ///
    /// Whatever the mode, a refresh token that came in a cookie of the default name goes back in the cookie. A request
    /// that uses the cookie must come from the same origin (`Sec-Fetch-Site`, `Origin`), from one of
    /// [`CookieOptions::allowed_origins`], or, from a client that says neither, be of a kind that no plain form can send:
    /// with `Content-Type: application/json` or an `X-Requested-With`. Else it is refused with 403. In cookie mode the
    /// same holds for a sign-in.
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
        let mut options = RestOptions::default();
        for (name, value) in object {
            match (name.as_str(), value) {
                (_, Value::Null) => {}
                ("cookie", Value::Bool(on)) => options.cookie = on.then(CookieOptions::default),
                ("cookie", Value::Object(cookie)) => options.cookie = Some(cookie_from_json(cookie)?),
                ("cookie", _) => return Err(Error::validation("cookie", "must be true, false or an object")),
                ("longest_requested_session", value) => {
                    options.longest_requested_session = Some(Duration::from_json(name, value)?);
                }
                _ => {
                    return Err(Error::validation(
                        "options",
                        "hold cookie and longest_requested_session only",
                    ));
                }
            }
        }
        Ok(options)
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

fn cookie_from_json(object: &Map<String, Value>) -> Result<CookieOptions, Error> {
    let mut cookie = CookieOptions::default();
    for (name, value) in object {
        let text = || {
            value
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| Error::validation("cookie", "name, domain, path are texts"))
        };
        match (name.as_str(), value) {
            (_, Value::Null) => {}
            ("name", _) => cookie.name = text()?,
            ("domain", _) => cookie.domain = Some(text()?),
            ("path", _) => cookie.path = text()?,
            ("same_site", value) => {
                cookie.same_site = match value.as_str().map(str::to_ascii_lowercase).as_deref() {
                    Some("lax") => SameSite::Lax,
                    Some("strict") => SameSite::Strict,
                    _ => return Err(Error::validation("cookie.same_site", "must be lax or strict")),
                };
            }
            ("secure", Value::Bool(secure)) => cookie.secure = *secure,
            ("secure", _) => return Err(Error::validation("cookie.secure", "must be true or false")),
            ("allowed_origins", Value::Array(origins)) => {
                let origins: Option<_> =
                    origins.iter().map(|origin| origin.as_str().map(str::to_owned)).collect();
                cookie.allowed_origins =
                    origins.ok_or_else(|| Error::validation("cookie.allowed_origins", "must be texts"))?;
            }
            ("allowed_origins", _) => {
                return Err(Error::validation("cookie.allowed_origins", "must be an array of texts"));
            }
            _ => return Err(Error::validation("cookie", "has an option of an unknown name")),
        }
    }
    Ok(cookie)
}

/// The options, checked.
pub(super) struct Settings {
    cookie: CookieOptions,
    cookie_mode: bool,
    pub longest_requested_session: Option<Duration>,
}

impl Settings {
    pub fn of(options: RestOptions) -> Result<Self, Error> {
        options.validate()?;
        let cookie_mode = options.cookie.is_some();
        let cookie = options.cookie.unwrap_or_default();
        Ok(Settings { cookie, cookie_mode, longest_requested_session: options.longest_requested_session })
    }

    /// Whether refresh tokens travel only in the cookie.
    pub fn cookie_mode(&self) -> bool {
        self.cookie_mode
    }

    /// The cookie in which a refresh token may arrive in either mode.
    pub fn cookie(&self) -> &CookieOptions {
        &self.cookie
    }

    /// The cookie in which an answer's refresh token travels, if it does.
    pub fn cookie_for(&self, came_in_cookie: bool) -> Option<&CookieOptions> {
        (self.cookie_mode || came_in_cookie).then_some(&self.cookie)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<RestOptions, Error> {
        text.parse()
    }

    #[test]
    fn the_json_form() {
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
