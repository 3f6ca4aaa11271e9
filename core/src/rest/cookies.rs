//! The refresh token in a cookie: options, reading, setting, clearing.

use http::header::{COOKIE, HeaderValue};
use http::request::Parts;

use crate::engine::Grant;
use crate::error::{Error, ErrorCode};
use crate::word_enum::word_enum;

word_enum! {
    /// The `SameSite` attribute of the cookie. `None` is not offered: it would send the cookie with every cross-site request.
    pub enum SameSite as "cookie.same_site" default Lax {
        /// Sent by pages of the same site, and when a link leads to it. The default.
        Lax = "lax",
        /// Sent by pages of the same site only.
        Strict = "strict",
    }
}

/// The cookie that carries the refresh token. It is always `HttpOnly`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieOptions {
    /// Its name: letters, digits, `_` and `-`, 1 to 64 of them; default `hj_refresh_token`. A name with the prefix
    /// `__Host-` needs `path` `/`, no `domain` and `secure`; one with `__Secure-` needs `secure`.
    pub name: String,
    /// The domain to whose hosts it is sent; default: only the host that set it.
    pub domain: Option<String>,
    /// The paths to which it is sent, as the browser sees them; default `/v1/auth`. A host that mounts the API under a
    /// prefix puts the prefix in front.
    pub path: String,
    /// Whether pages of other sites may cause it to be sent; default [`SameSite::Lax`].
    pub same_site: SameSite,
    /// Whether it travels over HTTPS only; default true. False is for development without TLS.
    pub secure: bool,
    /// Origins such as `https://app.example.com` whose pages may use the cookie beside those of this host; default none.
    pub allowed_origins: Vec<String>,
}

impl Default for CookieOptions {
    fn default() -> Self {
        CookieOptions {
            name: "hj_refresh_token".into(),
            domain: None,
            path: "/v1/auth".into(),
            same_site: SameSite::default(),
            secure: true,
            allowed_origins: Vec::new(),
        }
    }
}

impl CookieOptions {
    /// Refuses what a browser would refuse or read as something else.
    pub(super) fn validate(&self) -> Result<(), Error> {
        let refuse = |field: &str, problem: &str| Err(Error::validation(field, problem));
        let is_name_char = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !(1..=64).contains(&self.name.len()) || !self.name.chars().all(is_name_char) {
            return refuse("cookie.name", "must be 1 to 64 letters, digits, _ and -");
        }
        let is_value_char = |c: char| c.is_ascii_graphic() && c != ';' && c != ',';
        if !self.path.starts_with('/') || !self.path.chars().all(is_value_char) {
            return refuse("cookie.path", "must start with / and hold no blank, comma or semicolon");
        }
        let is_domain_char = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        let is_host_name = |domain: &String| !domain.is_empty() && domain.chars().all(is_domain_char);
        if !self.domain.as_ref().is_none_or(is_host_name) {
            return refuse("cookie.domain", "must be a host name");
        }
        let needs_secure = self.name.starts_with("__Secure-") || self.name.starts_with("__Host-");
        if needs_secure && !self.secure {
            return refuse("cookie.secure", "must be true for a cookie of this name");
        }
        if self.name.starts_with("__Host-") && (self.domain.is_some() || self.path != "/") {
            return refuse("cookie.name", "with the prefix __Host- needs the path / and no domain");
        }
        let is_origin = |origin: &String| {
            let written = origin.parse::<http::Uri>().ok().and_then(|uri| {
                let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
                Some(format!("{scheme}://{}", uri.authority()?))
            });
            written.is_some_and(|written| written == *origin && written == written.to_ascii_lowercase())
        };
        if !self.allowed_origins.iter().all(is_origin) {
            return refuse("cookie.allowed_origins", "must hold origins such as https://app.example.com");
        }
        Ok(())
    }

    /// The `Set-Cookie` header with the grant's refresh token, until its session ends.
    pub(super) fn set_cookie(&self, grant: &Grant) -> Option<HeaderValue> {
        let now = grant.session.access_expires_at.as_secs() - i64::try_from(grant.expires_in).ok()?;
        let max_age = grant.session.expires_at.as_secs() - now;
        let mut header = self.build_header(grant.refresh_token.expose(), max_age.max(0))?;
        header.set_sensitive(true);
        Some(header)
    }

    /// The `Set-Cookie` header that makes the browser forget the cookie.
    pub(super) fn clear_cookie(&self) -> Option<HeaderValue> {
        self.build_header("", 0)
    }

    fn build_header(&self, value: &str, max_age: i64) -> Option<HeaderValue> {
        let CookieOptions { name, path, .. } = self;
        let domain = self.domain.as_ref().map_or_else(String::new, |domain| format!("; Domain={domain}"));
        let secure = if self.secure { "; Secure" } else { "" };
        let same_site = match self.same_site {
            SameSite::Lax => "Lax",
            SameSite::Strict => "Strict",
        };
        let text = format!(
            "{name}={value}; Path={path}{domain}; Max-Age={max_age}; HttpOnly{secure}; SameSite={same_site}"
        );
        HeaderValue::from_str(&text).ok()
    }

    /// The token in the request's cookie.
    ///
    /// # Errors
    /// `refresh_token_invalid` for several cookies of the name: another host of the domain may have set one of them, and
    /// the request does not say which.
    pub(super) fn read_token<'a>(&self, parts: &'a Parts) -> Result<Option<&'a str>, Error> {
        let mut found = None;
        for header in parts.headers.get_all(COOKIE) {
            // Cookies of other applications may hold any bytes; they must not hide this one.
            for pair in header.as_bytes().split(|byte| *byte == b';') {
                let Some((name, value)) = str::from_utf8(pair).ok().and_then(|pair| pair.split_once('='))
                else {
                    continue;
                };
                if name.trim() == self.name && found.replace(value.trim()).is_some() {
                    return Err(Error::new(
                        ErrorCode::RefreshTokenInvalid,
                        "the refresh cookie was sent more than once",
                    ));
                }
            }
        }
        Ok(found.filter(|token| !token.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_a_browser_would_refuse_are_invalid() {
        let cookie = CookieOptions::default;
        let host = || CookieOptions { name: "__Host-refresh".into(), path: "/".into(), ..cookie() };
        let allowing = |origin: &str| CookieOptions { allowed_origins: vec![origin.into()], ..cookie() };
        for good in [
            allowing("https://app.example.com"),
            allowing("http://localhost:3000"),
            cookie(),
            host(),
            CookieOptions { domain: Some("example.com".into()), ..cookie() },
        ] {
            assert_eq!(good.validate(), Ok(()));
        }
        for bad in [
            CookieOptions { name: String::new(), ..cookie() },
            CookieOptions { name: "a=b".into(), ..cookie() },
            CookieOptions { path: "v1".into(), ..cookie() },
            CookieOptions { path: "/; Domain=evil".into(), ..cookie() },
            CookieOptions { domain: Some("a;b".into()), ..cookie() },
            CookieOptions { secure: false, ..host() },
            CookieOptions { path: "/v1".into(), ..host() },
            CookieOptions { name: "__Secure-x".into(), secure: false, ..cookie() },
            allowing("null"),
            allowing("*"),
            allowing("app.example.com"),
            allowing("https://app.example.com/"),
            allowing("https://App.example.com"),
            allowing("ftp://app.example.com"),
        ] {
            assert!(bad.validate().is_err(), "{bad:?}");
        }
    }
}
