//! The refresh token in a cookie: settings, reading, setting, clearing, and the guard against cross-site requests.

use http::HeaderName;
use http::header::{CONTENT_TYPE, COOKIE, HOST, HeaderValue, ORIGIN};
use http::request::Parts;

use super::request::single_header;
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
    /// The domain whose hosts get it; default: only the host that set it.
    pub domain: Option<String>,
    /// The paths that get it, as the browser sees them; default `/v1/auth`. A host that mounts the API under another
    /// path puts that in front.
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
        let wrong = |field: &str, problem: &str| Err(Error::validation(field, problem));
        let name_fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !(1..=64).contains(&self.name.len()) || !self.name.chars().all(name_fits) {
            return wrong("cookie.name", "must be 1 to 64 letters, digits, _ and -");
        }
        let value_fits = |c: char| c.is_ascii_graphic() && c != ';' && c != ',';
        if !self.path.starts_with('/') || !self.path.chars().all(value_fits) {
            return wrong("cookie.path", "must start with / and hold no blank, comma or semicolon");
        }
        let domain_fits = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        if self.domain.as_ref().is_some_and(|domain| domain.is_empty() || !domain.chars().all(domain_fits)) {
            return wrong("cookie.domain", "must be a host name");
        }
        let secured = self.name.starts_with("__Secure-") || self.name.starts_with("__Host-");
        if secured && !self.secure {
            return wrong("cookie.secure", "must be true for a cookie of this name");
        }
        if self.name.starts_with("__Host-") && (self.domain.is_some() || self.path != "/") {
            return wrong("cookie.name", "with the prefix __Host- needs the path / and no domain");
        }
        let plain = |origin: &String| {
            let written = origin.parse::<http::Uri>().ok().and_then(|uri| {
                let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
                Some(format!("{scheme}://{}", uri.authority()?))
            });
            written.is_some_and(|written| written == *origin && written == written.to_ascii_lowercase())
        };
        if !self.allowed_origins.iter().all(plain) {
            return wrong("cookie.allowed_origins", "must hold origins such as https://app.example.com");
        }
        Ok(())
    }

    /// `Set-Cookie` with the grant's refresh token, until its session ends.
    pub(super) fn set(&self, grant: &Grant) -> Option<HeaderValue> {
        let now = grant.session.access_expires_at.as_secs() - i64::try_from(grant.expires_in).ok()?;
        let max_age = grant.session.expires_at.as_secs() - now;
        let mut header = self.header(grant.refresh_token.expose(), max_age.max(0))?;
        header.set_sensitive(true);
        Some(header)
    }

    /// `Set-Cookie` that makes the browser forget it.
    pub(super) fn clear(&self) -> Option<HeaderValue> {
        self.header("", 0)
    }

    fn header(&self, value: &str, max_age: i64) -> Option<HeaderValue> {
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
    /// `refresh_token_invalid` for several cookies of the name: a neighbouring host may have slipped one in, and nobody
    /// can tell which.
    pub(super) fn read<'a>(&self, parts: &'a Parts) -> Result<Option<&'a str>, Error> {
        let mut found = None;
        for header in parts.headers.get_all(COOKIE) {
            // Other applications' cookies may hold any bytes; they must not hide ours.
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

    /// Refuses a request that a page of another origin may have caused: the browser attaches the cookie whoever asks.
    /// What the browser says about the origin decides (`Origin`, `Sec-Fetch-Site`). A client that says nothing must send
    /// something that no plain form can: `Content-Type: application/json` or any `X-Requested-With`.
    ///
    /// # Errors
    /// `insufficient_permissions`.
    pub(super) fn guard(&self, parts: &Parts) -> Result<(), Error> {
        let refused = || {
            Error::new(
                ErrorCode::InsufficientPermissions,
                "the refresh cookie is for requests of its own origin; see cookie.allowed_origins",
            )
        };
        let origin = single_header(parts, &ORIGIN)?;
        if origin
            .is_some_and(|origin| self.allowed_origins.iter().any(|allowed| allowed.as_bytes() == origin))
        {
            return Ok(());
        }
        let from_here = match (single_header(parts, &HeaderName::from_static("sec-fetch-site"))?, origin) {
            (Some(site), _) => site == b"same-origin" || site == b"none",
            (None, Some(origin)) => self.host_of_origin(origin).is_some_and(|host| is_own_host(host, parts)),
            (None, None) => {
                let json = single_header(parts, &CONTENT_TYPE)?
                    .and_then(|kind| kind.get(..16))
                    .is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/json"));
                json || parts.headers.contains_key("x-requested-with")
            }
        };
        if from_here { Ok(()) } else { Err(refused()) }
    }

    /// Host and port of `https://host:port`; nothing for `null`, nor for a page that came without TLS while the cookie
    /// needs it, unless from this machine: anybody on the way could have written it.
    fn host_of_origin<'a>(&self, origin: &'a [u8]) -> Option<&'a str> {
        let (scheme, host) = str::from_utf8(origin).ok()?.split_once("://")?;
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let here = ["localhost", "127.0.0.1", "[::1]"].contains(&name) || host == "[::1]";
        let fits = scheme == "https" || scheme == "http" && (!self.secure || here);
        fits.then_some(host)
    }
}

/// Whether the request went to this host, as the client wrote it.
fn is_own_host(host: &str, parts: &Parts) -> bool {
    let named = parts.headers.get(HOST).and_then(|named| named.to_str().ok());
    let named = named.or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    named.is_some_and(|named| named.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_a_browser_would_refuse() {
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

    fn guarded(headers: &[(&str, &str)]) -> bool {
        let mut request = http::Request::post("/v1/auth/token/refresh").header("host", "api.example.com");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let options = CookieOptions {
            allowed_origins: vec!["https://app.example.com".into()],
            ..CookieOptions::default()
        };
        let (parts, ()) = request.body(()).unwrap().into_parts();
        options.guard(&parts).is_ok()
    }

    #[test]
    fn only_the_own_origin_may_use_the_cookie() {
        for good in [
            &[("sec-fetch-site", "same-origin"), ("origin", "https://api.example.com")][..],
            &[("sec-fetch-site", "same-site"), ("origin", "https://app.example.com")],
            &[("origin", "https://api.example.com")],
            &[("content-type", "application/json")],
            &[("x-requested-with", "fetch")],
        ] {
            assert!(guarded(good), "{good:?}");
        }
        for bad in [
            &[][..],
            &[("content-type", "text/plain")],
            &[("sec-fetch-site", "cross-site"), ("content-type", "application/json")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://evil.example.com")],
            &[("origin", "http://api.example.com")],
            &[("origin", "ftp://api.example.com")],
            &[("origin", "null"), ("content-type", "application/json")],
            &[("origin", "https://api.example.com.evil.test")],
            &[("origin", "https://app.example.com.evil.test"), ("x-requested-with", "fetch")],
        ] {
            assert!(!guarded(bad), "{bad:?}");
        }
    }
}
