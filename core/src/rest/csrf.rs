//! The guard against cross-site requests: which requests may use the cookies.

use http::header::{CONTENT_TYPE, HOST, ORIGIN, UPGRADE};
use http::request::Parts;
use http::{HeaderName, Method};

use super::cookies::RefreshCookie;
use super::origin::Origin;
use super::request_head::single_header;
use crate::error::{Error, ErrorCode};

/// Refuses a request that a page of another origin may have caused: the browser attaches the cookie to such a request
/// too. What the browser says about the origin decides (`Origin`, `Sec-Fetch-Site`). A client that sends neither header
/// must send something that no plain form can: `Content-Type: application/json` or any `X-Requested-With`; where pages of
/// every site make the browser send the cookie, it must send one of the two.
///
/// # Errors
/// `insufficient_permissions`.
pub(super) fn require_trusted_origin(cookie: &RefreshCookie, parts: &Parts) -> Result<(), Error> {
    require_origin(cookie, parts, |parts| Ok(!cookie.is_sent_by_every_site() && no_form_sends(parts)?))
}

/// Refuses a request that changes something and is authenticated by cookies of pages, unless the browser says that a page of this
/// host or of an allowed origin has made it: the host's own routes may take what a plain form sends, and may not look at its type.
///
/// # Errors
/// `insufficient_permissions`.
pub(super) fn require_own_page(cookie: &RefreshCookie, parts: &Parts) -> Result<(), Error> {
    if is_changing(parts) { require_origin(cookie, parts, |_| Ok(false)) } else { Ok(()) }
}

/// Whether a request without an effect may lead to new cookies: another site's page could make the browser send it and drop the
/// answer, and with it the successor of the refresh token.
pub(super) fn may_renew(cookie: &RefreshCookie, parts: &Parts) -> bool {
    require_origin(cookie, parts, |_| Ok(!cookie.is_sent_by_every_site() && !is_changing(parts))).is_ok()
}

/// Whether a request may change something. What asks for another protocol, as a WebSocket does, may send anything later.
fn is_changing(parts: &Parts) -> bool {
    let is_safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&parts.method);
    !is_safe || parts.headers.contains_key(UPGRADE)
}

/// Whether no plain form of another page can send such a request.
fn no_form_sends(parts: &Parts) -> Result<bool, Error> {
    let is_json = single_header(parts, &CONTENT_TYPE)?
        .and_then(|kind| kind.get(..16))
        .is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/json"));
    Ok(is_json || parts.headers.contains_key("x-requested-with"))
}

/// Refuses a request of another origin's page; `is_silent_good` says whether one passes that does not tell where it comes from.
fn require_origin(
    cookie: &RefreshCookie,
    parts: &Parts,
    is_silent_good: impl FnOnce(&Parts) -> Result<bool, Error>,
) -> Result<(), Error> {
    let origin = single_header(parts, &ORIGIN)?;
    let page = origin.and_then(|origin| str::from_utf8(origin).ok()).and_then(Origin::parse);
    if page.as_ref().is_some_and(|page| cookie.allowed_origins.contains(page)) {
        return Ok(());
    }
    let is_own = match (single_header(parts, &HeaderName::from_static("sec-fetch-site"))?, origin) {
        (Some(site), _) => site == b"same-origin" || site == b"none",
        (None, Some(_)) => match page {
            // Every machine on the way could have written a page that came without TLS.
            Some(page) if is_of_target(&page, parts) && cookie.secure && !page.is_trustworthy() => {
                return Err(Error::new(
                    ErrorCode::InsufficientPermissions,
                    "the cookie is for HTTPS, and this page came without; for development the cookie can be made insecure",
                ));
            }
            Some(page) => is_of_target(&page, parts),
            None => false,
        },
        (None, None) => is_silent_good(parts)?,
    };
    if is_own {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::InsufficientPermissions,
        "the cookie is for pages of its own origin, and of the origins that the host allows",
    ))
}

/// Whether the request went to the host of this page, as the client wrote it.
fn is_of_target(page: &Origin, parts: &Parts) -> bool {
    if !page.is_of_the_web() {
        return false;
    }
    let target = parts.headers.get(HOST).and_then(|target| target.to_str().ok());
    let target = target.or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    target.is_some_and(|target| page.is_of_host(target))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::cookie_options::{CookieOptions, SameSite};

    fn may_use(options: CookieOptions, host: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = http::Request::post("/v1/auth/token/refresh").header("host", host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        require_trusted_origin(&RefreshCookie::new(&options, ""), &parts).is_ok()
    }

    fn allowing(origins: &[&str]) -> CookieOptions {
        let allowed_origins = origins.iter().map(|&origin| origin.to_owned()).collect();
        CookieOptions { allowed_origins, ..CookieOptions::default() }
    }

    fn may_use_cookie(headers: &[(&str, &str)]) -> bool {
        may_use(allowing(&["https://app.example.com"]), "api.example.com", headers)
    }

    #[test]
    fn equal_origins_are_equal() {
        for (host, origin) in [
            ("api.example.com:443", "https://api.example.com"),
            ("API.example.com", "https://api.example.com"),
            ("api.example.com", "https://api.example.com:443"),
            ("localhost:80", "http://localhost"),
            ("[::1]:8443", "https://[::1]:8443"),
        ] {
            assert!(may_use(CookieOptions::default(), host, &[("origin", origin)]), "{host} {origin}");
        }
        for (host, origin) in [
            ("api.example.com:444", "https://api.example.com"),
            ("api.example.com:443", "http://api.example.com"),
            ("localhost", "capacitor://localhost"),
            ("api.example.com.", "https://api.example.com"),
        ] {
            assert!(!may_use(CookieOptions::default(), host, &[("origin", origin)]), "{host} {origin}");
        }
        for origin in [
            "capacitor://localhost",
            "tauri://localhost",
            "chrome-extension://abcdefgh",
            "https://App.example:443",
        ] {
            let sent = [("origin", origin.to_ascii_lowercase()), ("sec-fetch-site", "cross-site".into())];
            let sent = sent.each_ref().map(|(name, value)| (*name, value.as_str()));
            assert!(may_use(allowing(&[origin]), "api.example.com", &sent), "{origin}");
            assert!(!may_use(allowing(&["ionic://localhost"]), "api.example.com", &sent), "{origin}");
        }
    }

    #[test]
    fn a_cookie_for_every_site_needs_a_request_that_says_its_origin() {
        let options = || CookieOptions {
            same_site: Some(SameSite::None),
            partitioned: true,
            ..allowing(&["https://app.example.com"])
        };
        assert!(may_use(options(), "api.example.com", &[("origin", "https://app.example.com")]));
        assert!(may_use(options(), "api.example.com", &[("sec-fetch-site", "same-origin")]));
        assert!(!may_use(options(), "api.example.com", &[("content-type", "application/json")]));
        assert!(!may_use(options(), "api.example.com", &[("x-requested-with", "fetch")]));
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

    fn parts(method: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method).header("host", "api.example.com");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_cookie_for_development_without_tls_takes_pages_without_tls() {
        let insecure = || CookieOptions { secure: false, ..CookieOptions::default() };
        let cookie = RefreshCookie::new(&insecure(), "");
        for (options, origin, expected) in [
            (insecure(), "http://api.example.com", Ok(())),
            (insecure(), "https://api.example.com", Ok(())),
            (insecure(), "http://other.example.com", Err("of its own origin")),
            (CookieOptions::default(), "http://api.example.com", Err("the cookie is for HTTPS")),
            (CookieOptions::default(), "http://other.example.com", Err("of its own origin")),
            (CookieOptions::default(), "https://other.example.com", Err("of its own origin")),
            (CookieOptions::default(), "https://api.example.com", Ok(())),
        ] {
            let cookie = RefreshCookie::new(&options, "");
            let found = require_trusted_origin(&cookie, &parts("POST", &[("origin", origin)]));
            match (found, expected) {
                (Ok(()), Ok(())) => {}
                (Err(refused), Err(says)) => assert!(refused.detail().contains(says), "{origin}: {refused}"),
                (found, _) => panic!("{origin}: {found:?}"),
            }
        }
        // This machine is the same machine with TLS and without.
        let local = http::Request::post("/").header("host", "localhost:3000");
        let local = local.header("origin", "http://localhost:3000").body(()).unwrap().into_parts().0;
        for cookie in [&cookie, &RefreshCookie::new(&CookieOptions::default(), "")] {
            assert_eq!(require_trusted_origin(cookie, &local), Ok(()));
        }
    }

    #[test]
    fn a_request_that_tells_nothing_of_its_origin_renews_without_an_effect_and_within_the_site_only() {
        let own = RefreshCookie::new(&CookieOptions::default(), "");
        let framed = CookieOptions { partitioned: true, ..allowing(&["https://app.example.com"]) };
        let framed = RefreshCookie::new(&framed, "");
        for (method, headers, renews, renews_in_frames) in [
            ("GET", &[][..], true, false),
            ("HEAD", &[], true, false),
            ("OPTIONS", &[], true, false),
            ("POST", &[], false, false),
            ("DELETE", &[("content-type", "application/json")], false, false),
            ("GET", &[("upgrade", "websocket")], false, false),
            ("GET", &[("sec-fetch-site", "same-origin")], true, true),
            ("POST", &[("sec-fetch-site", "same-origin")], true, true),
            ("GET", &[("sec-fetch-site", "cross-site")], false, false),
            ("GET", &[("sec-fetch-site", "cross-site"), ("origin", "https://app.example.com")], false, true),
        ] {
            let parts = parts(method, headers);
            assert_eq!(may_renew(&own, &parts), renews, "{method} {headers:?}");
            assert_eq!(may_renew(&framed, &parts), renews_in_frames, "{method} {headers:?}");
        }
    }
}
