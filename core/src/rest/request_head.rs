//! What is checked of every request before its route or its caller is known: limits, and headers that must be unique.

use http::HeaderName;
use http::header::COOKIE;
use http::request::Parts;

use crate::error::{Error, ErrorCode};

/// The longest request body, in bytes; a longer one is answered with 413. A host need not read on past it.
///
/// ```
/// let too_long = vec![0; hellojohn::rest::BODY_MAX + 1];
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # let api = hellojohn::rest::RestApi::new(tenant.clone(), hellojohn::rest::RestOptions::default())?;
/// let request = hellojohn::rest::http::Request::post("/v1/auth/sign-in").body(too_long).expect("a request");
/// assert_eq!(api.handle(request).status(), 413);
/// # Ok::<(), hellojohn::Error>(())
/// ```
pub const BODY_MAX: usize = 64 * 1024;

/// The most bytes of names and values of all headers together: an access token of 8 KB fits twice.
const HEADERS_MAX: usize = 32 * 1024;
/// The most headers.
const HEADER_COUNT_MAX: usize = 128;
/// The most bytes of path and query.
const TARGET_MAX: usize = 8 * 1024;

pub(super) fn bad_request(problem: impl Into<Box<str>>) -> Error {
    Error::new(ErrorCode::BadRequest, problem)
}

/// Refuses a request that is too large to be looked at.
pub(super) fn require_within_limits(parts: &Parts, body: &[u8]) -> Result<(), Error> {
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

/// The header's value, or `None` when it was not sent.
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

/// Names and values of the request's cookies. Cookies of other applications may hold any bytes: what is no text is left out, and
/// hides none of the others.
pub(super) fn cookie_pairs(parts: &Parts) -> impl Iterator<Item = (&str, &str)> {
    let pairs = parts.headers.get_all(COOKIE).iter();
    let pairs = pairs.flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(|pair| {
        let (name, value) = str::from_utf8(pair).ok()?.split_once('=')?;
        // As browsers do. Whatever else looks like white space belongs to the name, else a page of another host could plant a cookie
        // by a name that begins with it: its browser sees no prefix `__Host-`.
        const BLANKS: [char; 2] = [' ', '\t'];
        Some((name.trim_matches(BLANKS), value.trim_matches(BLANKS)))
    })
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn only_the_white_space_of_browsers_is_left_out() {
        let sent = "a=1;\t b = 2 ;\u{2000}__Host-a=3; \u{a0}__Host-a=4;\u{3000}__Host-a=5;\u{85}__Host-a=6;\u{b}__Host-a=7";
        let request = Request::builder().header(COOKIE, sent.as_bytes().to_vec());
        // A header cannot hold the last one.
        let request = request.body(()).or_else(|_| {
            let sent = sent.rsplit_once(';').map_or(sent, |(before, _)| before);
            Request::builder().header(COOKIE, sent.as_bytes().to_vec()).body(())
        });
        let parts = request.unwrap().into_parts().0;
        let pairs: Vec<_> = cookie_pairs(&parts).collect();
        assert_eq!(pairs[..2], [("a", "1"), ("b", "2")]);
        assert_eq!(pairs.len(), 6);
        assert!(pairs.iter().all(|(name, _)| *name != "__Host-a"), "{pairs:?}");
    }
}
