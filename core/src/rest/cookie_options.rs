//! The options of the cookie that carries the refresh token.

use super::access_cookie::AccessCookieOptions;
use super::cookie_rules::{
    is_cookie_name, is_cookie_path, is_host_name, is_secure_name, is_sent_to, require_cookie_domain,
};
use super::origin::Origin;
use crate::error::Error;
use crate::schema::request_struct;
use crate::word_enum::word_enum;

/// The name where the browser can hold it to this host: no other host of the domain can set a cookie of this name.
pub(super) const HOST_NAME: &str = "__Host-hj_refresh";
/// The name otherwise, and the name in release 1.
pub(super) const PLAIN_NAME: &str = "hj_refresh_token";
/// The routes that read the cookie, behind the mount path.
const READING_ROUTES: &[&str] = &["/v1/auth/token/refresh", "/v1/auth/sign-out"];
/// The most former cookies: each is a header in many answers.
const FORMER_MAX: usize = 16;

word_enum! {
    /// The `SameSite` attribute of the cookie.
    pub enum SameSite as "cookie.same_site" default Lax in rest {
        /// Sent by pages of the same site, and when a link leads to it. The default.
        Lax = "lax",
        /// Sent by pages of the same site only.
        Strict = "strict",
        /// Sent by pages of every site, so that it works in a frame of another site or in an application's web view. It
        /// needs `secure` and `allowed_origins`, and a request that uses the cookie must then say its origin.
        None = "none",
    }
}

request_struct! {
    /// The cookie that carries the refresh token. It is always `HttpOnly`.
    ///
    /// ```
    /// use hellojohn::rest::{CookieOptions, RestOptions, SameSite};
    ///
    /// let cookie = CookieOptions::default().same_site(Some(SameSite::Strict)).secure(true);
    /// let options = RestOptions::default().cookie(Some(cookie));
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CookieOptions {
        /// Its name: letters, digits, `_` and `-`, 1 to 64 of them. Default: `__Host-hj_refresh` with `path` `/`, `secure` and
        /// no `domain`, else `hj_refresh_token`. A name with the prefix `__Host-` needs these three; one with `__Secure-` needs
        /// `secure`.
        pub name: Option<String>,
        /// The domain to whose hosts it is sent; default: only the host that set it.
        pub domain: Option<String>,
        /// The paths to which it is sent, as the browser sees them; default `/`. Another path must lead to
        /// [`mount_path`](field@super::RestOptions::mount_path) and `/v1/auth`.
        pub path: String,
        /// Whether pages of other sites may cause it to be sent; default [`SameSite::Lax`], with `partitioned`
        /// [`SameSite::None`].
        pub same_site: Option<SameSite>,
        /// Whether it travels over HTTPS only; default true. False is for development without TLS.
        pub secure: bool,
        /// Whether a frame has a cookie of its own under each site that embeds it (CHIPS); default false. Needs
        /// [`SameSite::None`].
        pub partitioned: bool,
        /// Origins such as `https://app.example.com` or `capacitor://localhost` whose pages may use the cookie beside those of
        /// this host; default none.
        pub allowed_origins: Vec<String>,
        /// Cookies that this host set under former options. Each of them is read after the cookie itself, and cleared by every
        /// sign-in, refresh and sign-out. Default (`None`): the cookie of release 1, `hj_refresh_token`, cleared when a request
        /// brings it; with `access`, none. Another host of the domain can set a cookie of a name without `__Host-`: give an empty list once no
        /// browser has a former cookie.
        pub former: Option<Vec<FormerCookie>>,
        /// A cookie of the access token beside it, for pages that a server renders; default: none. It authenticates requests without
        /// an `Authorization` header to [`RestApi::authorize`](super::RestApi::authorize) and to the routes of a user. It needs the
        /// `path` `/`, because pages are renewed by the refresh cookie. `docs/COOKIES.md` has its rules.
        pub access: Option<AccessCookieOptions>,
    }
}

request_struct! {
    /// A cookie as former [`CookieOptions`] made it.
    ///
    /// ```
    /// use hellojohn::rest::{CookieOptions, FormerCookie};
    ///
    /// let cookie = CookieOptions::default().former(Some(vec![FormerCookie::default().path(Some("/v1/auth".into()))]));
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq, Default)]
    pub struct FormerCookie {
        /// Its name; default: the `name` of the options, else both names that can be the default.
        pub name: Option<String>,
        /// Its domain; default: none.
        pub domain: Option<String>,
        /// Its path; default: that of the options.
        pub path: Option<String>,
        /// Whether it was partitioned; default false.
        pub partitioned: bool,
    }
}

impl Default for CookieOptions {
    fn default() -> Self {
        CookieOptions {
            name: None,
            domain: None,
            path: "/".into(),
            same_site: None,
            secure: true,
            partitioned: false,
            allowed_origins: Vec::new(),
            former: None,
            access: None,
        }
    }
}

impl CookieOptions {
    /// Refuses what a browser would refuse or read as something else.
    pub(super) fn validate(&self) -> Result<(), Error> {
        let refuse = |field: &str, problem: &str| Err(Error::validation(field, problem));
        if self.name.as_deref().is_some_and(|name| !is_cookie_name(name)) {
            return refuse("cookie.name", "must be 1 to 64 letters, digits, _ and -");
        }
        if !is_cookie_path(&self.path) {
            return refuse("cookie.path", "must start with / and hold no blank, comma, semicolon, ? or #");
        }
        if let Some(domain) = &self.domain {
            require_cookie_domain("cookie.domain", domain)?;
        }
        if is_secure_name(self.effective_name()) && !self.secure {
            return refuse("cookie.secure", "must be true for a cookie of this name");
        }
        if is_host_name(self.effective_name()) && (self.domain.is_some() || self.path != "/") {
            return refuse("cookie.name", "with the prefix __Host- needs the path / and no domain");
        }
        if !self.allowed_origins.iter().all(|origin| Origin::parse(origin).is_some()) {
            return refuse(
                "cookie.allowed_origins",
                "must hold origins such as https://app.example.com or capacitor://localhost",
            );
        }
        if self.partitioned && self.effective_same_site() != SameSite::None {
            return refuse(
                "cookie.partitioned",
                "is for a cookie that pages of every site send (SameSite=None)",
            );
        }
        if self.effective_same_site() == SameSite::None && (!self.secure || self.allowed_origins.is_empty()) {
            return refuse("cookie.same_site", "none needs a secure cookie, and at least one allowed origin");
        }
        for former in self.former.iter().flatten() {
            if former.name.as_deref().is_some_and(|name| !is_cookie_name(name)) {
                return refuse("cookie.former", "a name must be 1 to 64 letters, digits, _ and -");
            }
            if former.name.is_some() && former.name.as_deref() == self.access_name() {
                return refuse("cookie.former", "must not name the cookie of the access token");
            }
            if former.path.as_deref().is_some_and(|path| !is_cookie_path(path)) {
                return refuse("cookie.former", "a path must start with /");
            }
            if let Some(domain) = &former.domain {
                require_cookie_domain("cookie.former", domain)?;
            }
        }
        if self.former.as_ref().is_some_and(|former| former.len() > FORMER_MAX) {
            return refuse("cookie.former", "may hold at most 16 cookies");
        }
        if self.access.is_some() && self.path != "/" {
            return refuse(
                "cookie.path",
                "must be / with cookie.access: pages are renewed by the refresh cookie",
            );
        }
        match &self.access {
            Some(access) => access.validate(self.effective_name(), self.secure, self.domain.as_deref()),
            None => Ok(()),
        }
    }

    /// Refuses a path to which a browser would not send the cookie back. `mount_path` is what stands in front of `/v1/…`
    /// for a browser. Case does not count, because it does not in the paths of some servers.
    pub(super) fn require_path_of_mount(&self, mount_path: &str) -> Result<(), Error> {
        for route in READING_ROUTES {
            let target = format!("{mount_path}{route}");
            if !is_sent_to(&self.path, &target) {
                let problem = format_args!(
                    "{} does not lead to {target}: browsers would not send the cookie back; is the mount path of the API missing?",
                    self.path
                );
                return Err(Error::validation("cookie.path", problem));
            }
        }
        Ok(())
    }

    pub(super) fn effective_name(&self) -> &str {
        match &self.name {
            Some(name) => name,
            None if self.secure && self.domain.is_none() && self.path == "/" => HOST_NAME,
            None => PLAIN_NAME,
        }
    }

    /// The name of the cookie of the access token, if there is one.
    pub(super) fn access_name(&self) -> Option<&str> {
        let access = self.access.as_ref()?;
        Some(access.effective_name(self.secure, self.domain.as_deref()))
    }

    pub(super) fn effective_same_site(&self) -> SameSite {
        let default = if self.partitioned { SameSite::None } else { SameSite::Lax };
        self.same_site.unwrap_or(default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> CookieOptions {
        CookieOptions { name: Some(name.into()), ..CookieOptions::default() }
    }

    fn formerly_named(name: &str) -> FormerCookie {
        FormerCookie { name: Some(name.into()), ..FormerCookie::default() }
    }

    #[test]
    fn options_that_a_browser_would_refuse_are_invalid() {
        let cookie = CookieOptions::default;
        let allowing = |origin: &str| CookieOptions { allowed_origins: vec![origin.into()], ..cookie() };
        let framed = || CookieOptions { partitioned: true, ..allowing("https://app.example.com") };
        let formerly = |former: FormerCookie| CookieOptions { former: Some(vec![former]), ..cookie() };
        for good in [
            allowing("https://app.example.com"),
            allowing("https://App.example.com:443"),
            allowing("http://localhost:3000"),
            allowing("capacitor://localhost"),
            cookie(),
            named("__Host-refresh"),
            CookieOptions { domain: Some("example.com".into()), ..cookie() },
            framed(),
            CookieOptions { same_site: Some(SameSite::None), partitioned: false, ..framed() },
            CookieOptions { name: None, secure: false, path: "/x".into(), ..cookie() },
            formerly(FormerCookie { domain: Some("example.com".into()), ..FormerCookie::default() }),
            formerly(formerly_named("sid")),
            CookieOptions { former: Some(vec![FormerCookie::default(); 16]), ..cookie() },
            CookieOptions { access: Some(AccessCookieOptions::default()), ..cookie() },
            CookieOptions {
                former: Some(vec![FormerCookie::default(), formerly_named("sid")]),
                access: Some(AccessCookieOptions::default()),
                ..cookie()
            },
        ] {
            assert_eq!(good.validate(), Ok(()), "{good:?}");
        }
        let access = || Some(AccessCookieOptions::default());
        for (field, bad) in [
            ("cookie.name", named("")),
            ("cookie.name", named("a=b")),
            ("cookie.path", CookieOptions { path: "v1".into(), ..cookie() }),
            ("cookie.path", CookieOptions { path: "/; Domain=evil".into(), ..cookie() }),
            ("cookie.domain", CookieOptions { domain: Some("a;b".into()), ..cookie() }),
            ("cookie.domain", CookieOptions { domain: Some("com".into()), ..cookie() }),
            ("cookie.name", CookieOptions { domain: Some("example.com".into()), ..named("__Host-refresh") }),
            ("cookie.name", CookieOptions { domain: Some("example.com".into()), ..named("__host-refresh") }),
            ("cookie.name", CookieOptions { path: "/v1".into(), ..named("__Host-refresh") }),
            ("cookie.secure", CookieOptions { secure: false, ..named("__Host-refresh") }),
            ("cookie.secure", CookieOptions { secure: false, ..named("__Secure-x") }),
            ("cookie.secure", CookieOptions { secure: false, ..named("__HTTP-x") }),
            ("cookie.allowed_origins", allowing("null")),
            ("cookie.allowed_origins", allowing("*")),
            ("cookie.allowed_origins", allowing("app.example.com")),
            ("cookie.allowed_origins", allowing("https://app.example.com/")),
            ("cookie.allowed_origins", allowing("ftp://app.example.com")),
            ("cookie.partitioned", CookieOptions { same_site: Some(SameSite::Lax), ..framed() }),
            ("cookie.same_site", CookieOptions { secure: false, ..framed() }),
            ("cookie.same_site", CookieOptions { allowed_origins: Vec::new(), ..framed() }),
            ("cookie.same_site", CookieOptions { same_site: Some(SameSite::None), ..cookie() }),
            ("cookie.former", formerly(formerly_named("a b"))),
            (
                "cookie.former",
                formerly(FormerCookie { domain: Some("..".into()), ..FormerCookie::default() }),
            ),
            ("cookie.former", formerly(FormerCookie { path: Some("x".into()), ..FormerCookie::default() })),
            ("cookie.former", CookieOptions { former: Some(vec![FormerCookie::default(); 17]), ..cookie() }),
            (
                "cookie.former",
                CookieOptions { access: access(), ..formerly(formerly_named("__Host-hj_access")) },
            ),
            ("cookie.path", CookieOptions { access: access(), path: "/app".into(), ..cookie() }),
            ("cookie.access.name", CookieOptions { access: access(), ..named("__Host-hj_access") }),
        ] {
            let refused = bad.validate().expect_err(field);
            assert!(refused.detail().starts_with(&format!("{field}: ")), "{refused} {bad:?}");
        }
    }

    #[test]
    fn the_default_name_holds_the_cookie_to_its_host_where_that_is_possible() {
        let cookie = CookieOptions::default;
        for (options, name) in [
            (cookie(), "__Host-hj_refresh"),
            (CookieOptions { domain: Some("example.com".into()), ..cookie() }, "hj_refresh_token"),
            (CookieOptions { path: "/v1/auth".into(), ..cookie() }, "hj_refresh_token"),
            (CookieOptions { secure: false, ..cookie() }, "hj_refresh_token"),
            (named("sid"), "sid"),
        ] {
            assert_eq!(options.effective_name(), name);
        }
    }

    #[test]
    fn a_path_must_lead_to_the_routes_that_read_the_cookie() {
        for (path, mount_path, is_good) in [
            ("/", "", true),
            ("/", "/auth", true),
            ("/v1/auth", "", true),
            ("/auth/v1/auth", "/auth", true),
            ("/auth", "/auth", true),
            ("/v1/auth", "/auth", false),
            ("/auth/v1/auth", "", false),
            ("/v1/auth/token/refresh", "", false),
            ("/AUTH", "/auth", true),
        ] {
            let options = CookieOptions { path: path.into(), ..CookieOptions::default() };
            assert_eq!(options.require_path_of_mount(mount_path).is_ok(), is_good, "{path} {mount_path}");
        }
    }
}
