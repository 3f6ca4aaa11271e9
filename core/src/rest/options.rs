//! Options of the REST API: the host's, as given and as checked.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::access_cookie::AccessCookieOptions;
use super::cookie_options::{CookieOptions, FormerCookie};
use super::cookie_rules::is_cookie_path;
use super::cookies::RefreshCookie;
use super::routing::Routing;
use crate::duration::Duration;
use crate::error::Error;
use crate::json;
use crate::object_reader::ObjectReader;
use crate::schema::request_struct;

request_struct! {
    /// Options of a [`RestApi`](super::RestApi); each has a default.
    ///
    /// ```
    /// use hellojohn::rest::RestOptions;
    ///
    /// let options = RestOptions::default().mount_path(Some("/api".into())).admin(false);
    /// options.validate()?;
    /// options.validate_unmounted()?;
    /// assert!(options.is_api_path("/v1/sessions") && !options.is_api_path("/v1/admin/stats"));
    ///
    /// let json = serde_json::json!({"mount_path": "/api", "admin": false});
    /// assert_eq!(RestOptions::from_json(json.as_object().unwrap())?, options);
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
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
        /// What stands in front of `/v1/…` where clients see the API, such as `/api`; default: nothing. The API itself is
        /// given targets without it. A cookie must have a path that leads there.
        pub mount_path: Option<String>,
        /// Whether the API has what is the secret key's; default true. False leaves out the routes that need the key (404),
        /// and refuses the key on the others: the API is then its users' only.
        pub admin: bool,
        /// Whether every caller may read `/v1/revocations`; default false: it needs the secret key. It names no user.
        pub public_revocations: bool,
        /// Whether a path may have one `/` behind it; default false. A path that could be that of a session whose id was lost
        /// (`DELETE /v1/sessions/`) may never.
        pub trailing_slash: bool,
        /// Whether `/dashboard/` has the pages for operators; default false. They sign in with the tenant's secret key, so they
        /// need `admin`. Serve them over HTTPS.
        pub dashboard: bool,
    }
}

impl Default for RestOptions {
    fn default() -> Self {
        RestOptions {
            cookie: None,
            longest_requested_session: None,
            mount_path: None,
            admin: true,
            public_revocations: false,
            trailing_slash: false,
            dashboard: false,
        }
    }
}

impl RestOptions {
    /// Reads the options in their JSON form: `cookie` (true, false, or an object with the optional `name`, `domain`,
    /// `path`, `same_site` (`lax`, `strict`, `none`), `secure`, `partitioned`, `allowed_origins`, `former` (objects with
    /// the optional `name`, `domain`, `path`, `partitioned`), `access` (true, false, or an object with the optional `name`)),
    /// `longest_requested_session` (a duration), `mount_path`,
    /// `admin`, `public_revocations`, `trailing_slash`, `dashboard`.
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
        let options = RestOptions {
            cookie,
            longest_requested_session: reader.optional("longest_requested_session")?,
            mount_path: reader.optional("mount_path")?,
            admin: reader.optional("admin")?.unwrap_or(true),
            public_revocations: reader.optional("public_revocations")?.unwrap_or(false),
            trailing_slash: reader.optional("trailing_slash")?.unwrap_or(false),
            dashboard: reader.optional("dashboard")?.unwrap_or(false),
        };
        reader.finish()?;
        Ok(options)
    }

    /// Checks what [`RestApi::new`](super::RestApi::new) checks, for a host that has no tenant yet.
    ///
    /// # Errors
    /// `validation_error` for options that do not fit together.
    pub fn validate(&self) -> Result<(), Error> {
        self.validate_unmounted()?;
        match &self.cookie {
            Some(cookie) => cookie.require_path_of_mount(self.stripped_mount_path()),
            None => Ok(()),
        }
    }

    /// [`validate`](Self::validate) for a host that learns its mount path from the requests only: without the check that
    /// the cookie's path leads there.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn validate_unmounted(&self) -> Result<(), Error> {
        let mount_path = self.stripped_mount_path();
        let is_good = mount_path.is_empty() || is_cookie_path(mount_path) && !mount_path.ends_with('/');
        if !is_good {
            return Err(Error::validation(
                "mount_path",
                "must start with / and not end with one, or be empty",
            ));
        }
        if self.dashboard && !self.admin {
            return Err(Error::validation("dashboard", "needs admin: its pages work with the secret key"));
        }
        self.cookie.as_ref().map_or(Ok(()), CookieOptions::validate)
    }

    pub(super) fn routing(&self) -> Routing {
        Routing {
            has_admin: self.admin,
            has_dashboard: self.dashboard,
            publishes_revocations: self.public_revocations,
            trailing_slash: self.trailing_slash,
        }
    }

    fn stripped_mount_path(&self) -> &str {
        self.mount_path.as_deref().unwrap_or_default()
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
        name: reader.optional("name")?,
        domain: reader.optional("domain")?,
        path: reader.optional("path")?.unwrap_or(default.path),
        same_site: match reader.take("same_site") {
            // Accepts `Lax`, `Strict` and `None` too, as the attribute is written in a cookie.
            Some(word) => Some(word.as_str().unwrap_or_default().to_ascii_lowercase().parse()?),
            None => None,
        },
        secure: reader.optional("secure")?.unwrap_or(default.secure),
        partitioned: reader.optional("partitioned")?.unwrap_or(default.partitioned),
        allowed_origins: reader.optional("allowed_origins")?.unwrap_or(default.allowed_origins),
        former: match reader.take("former") {
            Some(Value::Array(former)) => Some(
                former
                    .into_iter()
                    .map(|former| read_former_cookie(&reader, former))
                    .collect::<Result<_, _>>()?,
            ),
            Some(_) => return Err(Error::validation("cookie.former", "must be an array of objects")),
            None => None,
        },
        access: match reader.take("access") {
            None | Some(Value::Bool(false)) => None,
            Some(Value::Bool(true)) => Some(AccessCookieOptions::default()),
            Some(Value::Object(access)) => {
                let mut reader = reader.nested("access", without_nulls(&access));
                let access = AccessCookieOptions { name: reader.optional("name")? };
                reader.finish()?;
                Some(access)
            }
            Some(_) => return Err(Error::validation("cookie.access", "must be true, false or an object")),
        },
    };
    reader.finish()?;
    Ok(cookie)
}

fn read_former_cookie(reader: &ObjectReader, former: Value) -> Result<FormerCookie, Error> {
    let Value::Object(former) = former else {
        return Err(Error::validation("cookie.former", "must be an array of objects"));
    };
    let mut reader = reader.nested("former", without_nulls(&former));
    let former = FormerCookie {
        name: reader.optional("name")?,
        domain: reader.optional("domain")?,
        path: reader.optional("path")?,
        partitioned: reader.optional("partitioned")?.unwrap_or(false),
    };
    reader.finish()?;
    Ok(former)
}

/// The options without those that are null: a null option counts as absent, whatever its name.
pub(super) fn without_nulls(options: &Map<String, Value>) -> Map<String, Value> {
    let given = options.iter().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Options that fit together.
pub(super) struct CheckedOptions {
    cookie: RefreshCookie,
    cookie_mode: bool,
    pub longest_requested_session: Option<Duration>,
    pub routing: Routing,
}

impl CheckedOptions {
    pub fn new(options: &RestOptions) -> Result<Self, Error> {
        options.validate()?;
        let default = CookieOptions::default();
        Ok(CheckedOptions {
            cookie: RefreshCookie::new(
                options.cookie.as_ref().unwrap_or(&default),
                options.stripped_mount_path(),
            ),
            cookie_mode: options.cookie.is_some(),
            longest_requested_session: options.longest_requested_session,
            routing: options.routing(),
        })
    }

    /// Whether refresh tokens travel only in the cookie.
    pub fn is_cookie_mode(&self) -> bool {
        self.cookie_mode
    }

    /// The cookie in which a refresh token may arrive in either mode.
    pub fn cookie(&self) -> &RefreshCookie {
        &self.cookie
    }

    /// The name of the cookie in which access tokens travel, if they do.
    pub fn access_cookie(&self) -> Option<&str> {
        self.cookie.access.as_ref().map(|key| key.name.as_str())
    }

    /// The cookie in which the refresh token of a response travels, or `None` if it travels in the JSON.
    pub fn response_cookie(&self, came_in_cookie: bool) -> Option<&RefreshCookie> {
        (self.cookie_mode || came_in_cookie).then_some(&self.cookie)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::cookie_options::SameSite;

    fn read(text: &str) -> Result<RestOptions, Error> {
        text.parse()
    }

    #[test]
    fn options_are_read_from_json() {
        assert_eq!(read(r#"{"cookie":false}"#), Ok(RestOptions::default()));
        assert_eq!(read(r#"{"cookie":true}"#).unwrap().cookie, Some(CookieOptions::default()));
        let options = read(
            r#"{"cookie":{"name":"r","domain":"example.com","path":"/","same_site":"Strict","secure":false,
                "partitioned":false,"allowed_origins":["https://a.example"],
                "former":[{"name":"s","domain":"a.example","path":"/x","partitioned":true},{"path":null}],
                "access":{"name":"a"}},
                "longest_requested_session":"1y","mount_path":"/auth","admin":false,"public_revocations":true,
                "trailing_slash":true,"dashboard":true}"#,
        )
        .unwrap();
        let flags = (options.admin, options.public_revocations, options.trailing_slash);
        assert_eq!((options.stripped_mount_path(), flags), ("/auth", (false, true, true)));
        let cookie = options.cookie.unwrap();
        assert_eq!(
            (cookie.name.as_deref(), cookie.effective_same_site(), cookie.secure),
            (Some("r"), SameSite::Strict, false)
        );
        assert_eq!(cookie.allowed_origins, ["https://a.example"]);
        assert_eq!(cookie.access_name(), Some("a"));
        let default = read(r#"{"cookie":{"access":true}}"#).unwrap().cookie.unwrap();
        assert_eq!(default.access_name(), Some("__Host-hj_access"));
        assert_eq!(read(r#"{"cookie":{"access":false}}"#).unwrap().cookie, Some(CookieOptions::default()));
        let former = cookie.former.unwrap();
        assert_eq!((former[0].name.as_deref(), former[0].partitioned), (Some("s"), true));
        assert_eq!(former[1], FormerCookie::default());
        for bad in [
            "",
            "[]",
            r#"{"cookie":true,"cookie":false}"#,
            r#"{"cookies":true}"#,
            r#"{"cookie":"yes"}"#,
            r#"{"cookie":{"nam":"x"}}"#,
            r#"{"cookie":{"same_site":"some"}}"#,
            r#"{"cookie":{"former":{}}}"#,
            r#"{"cookie":{"former":["x"]}}"#,
            r#"{"cookie":{"former":[{"secure":true}]}}"#,
            r#"{"admin":"no"}"#,
            r#"{"public_revocations":"x"}"#,
            r#"{"trailing_slash":1}"#,
            r#"{"dashboard":"on"}"#,
            r#"{"mount_path":1}"#,
            r#"{"cookie":{"secure":1}}"#,
            r#"{"cookie":{"allowed_origins":"x"}}"#,
            r#"{"cookie":{"name":1}}"#,
            r#"{"cookie":{"access":"yes"}}"#,
            r#"{"cookie":{"access":{"path":"/"}}}"#,
            r#"{"longest_requested_session":"0d"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(read(r#"{"cookie":true}"#).unwrap().validate(), Ok(()));
        for unfit in [
            r#"{"cookie":{"name":"a b"}}"#,
            r#"{"cookie":{"access":{"name":"a b"}}}"#,
            r#"{"cookie":{"access":{"name":"a"},"former":[{"name":"a"}]}}"#,
            r#"{"cookie":{"same_site":"none"}}"#,
            r#"{"admin":false,"dashboard":true}"#,
            r#"{"mount_path":"auth"}"#,
            r#"{"mount_path":"/auth/"}"#,
            r#"{"cookie":{"path":"/auth"}}"#,
            r#"{"mount_path":"/auth","cookie":{"path":"/v1/auth"}}"#,
        ] {
            assert!(read(unfit).unwrap().validate().is_err(), "{unfit}");
        }
        assert_eq!(read(r#"{"cookie":{"path":"/auth"}}"#).unwrap().validate_unmounted(), Ok(()));
    }
}
