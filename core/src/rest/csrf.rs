//! The guard against cross-site requests: which requests may use the refresh cookie.

use http::HeaderName;
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::request::Parts;

use super::cookies::CookieOptions;
use super::request_head::single_header;
use crate::error::{Error, ErrorCode};

/// Refuses a request that a page of another origin may have caused: the browser attaches the cookie to such a request
/// too. What the browser says about the origin decides (`Origin`, `Sec-Fetch-Site`). A client that sends neither header
/// must send something that no plain form can: `Content-Type: application/json` or any `X-Requested-With`.
///
/// # Errors
/// `insufficient_permissions`.
pub(super) fn require_trusted_origin(cookie: &CookieOptions, parts: &Parts) -> Result<(), Error> {
    let origin = single_header(parts, &ORIGIN)?;
    let is_allowed = |origin| cookie.allowed_origins.iter().any(|allowed| allowed.as_bytes() == origin);
    if origin.is_some_and(is_allowed) {
        return Ok(());
    }
    let is_own = match (single_header(parts, &HeaderName::from_static("sec-fetch-site"))?, origin) {
        (Some(site), _) => site == b"same-origin" || site == b"none",
        (None, Some(origin)) => {
            parse_trusted_host(origin, cookie.secure).is_some_and(|host| is_own_host(host, parts))
        }
        (None, None) => {
            let is_json = single_header(parts, &CONTENT_TYPE)?
                .and_then(|kind| kind.get(..16))
                .is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/json"));
            is_json || parts.headers.contains_key("x-requested-with")
        }
    };
    if is_own {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::InsufficientPermissions,
        "the refresh cookie is for requests of its own origin; see cookie.allowed_origins",
    ))
}

/// Host and port of `https://host:port`. `None` for `null`, and for a page that came without TLS while the cookie needs
/// TLS, unless the page is from this machine: every machine on the way could have written it.
fn parse_trusted_host(origin: &[u8], needs_tls: bool) -> Option<&str> {
    let (scheme, host) = str::from_utf8(origin).ok()?.split_once("://")?;
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_local = ["localhost", "127.0.0.1", "[::1]"].contains(&name) || host == "[::1]";
    let is_trusted = scheme == "https" || scheme == "http" && (!needs_tls || is_local);
    is_trusted.then_some(host)
}

/// Whether the request went to this host, as the client wrote it.
fn is_own_host(host: &str, parts: &Parts) -> bool {
    let target = parts.headers.get(HOST).and_then(|target| target.to_str().ok());
    let target = target.or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    target.is_some_and(|target| target.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_use_cookie(headers: &[(&str, &str)]) -> bool {
        let mut request = http::Request::post("/v1/auth/token/refresh").header("host", "api.example.com");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let options = CookieOptions {
            allowed_origins: vec!["https://app.example.com".into()],
            ..CookieOptions::default()
        };
        let (parts, ()) = request.body(()).unwrap().into_parts();
        require_trusted_origin(&options, &parts).is_ok()
    }

    #[test]
    fn only_own_and_allowed_origins_may_use_the_cookie() {
        for good in [
            &[("sec-fetch-site", "same-origin"), ("origin", "https://api.example.com")][..],
            &[("sec-fetch-site", "same-site"), ("origin", "https://app.example.com")],
            &[("origin", "https://api.example.com")],
            &[("content-type", "application/json")],
            &[("x-requested-with", "fetch")],
        ] {
            assert!(may_use_cookie(good), "{good:?}");
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
            assert!(!may_use_cookie(bad), "{bad:?}");
        }
    }
}
