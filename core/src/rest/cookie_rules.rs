//! What browsers accept as the name, the path and the domain of a cookie.

use std::net::IpAddr;

use crate::error::Error;

/// The longest domain name of the DNS, and its longest label.
const DOMAIN_MAX: usize = 253;
const LABEL_MAX: usize = 63;
/// Browsers ignore an attribute that is longer than 1024 bytes.
const PATH_MAX: usize = 1024;

pub(super) fn is_cookie_name(name: &str) -> bool {
    let is_name_char = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (1..=64).contains(&name.len()) && name.chars().all(is_name_char)
}

/// Whether browsers keep a cookie of this name with `Secure` only. They compare prefixes without regard to case.
pub(super) fn is_secure_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["__secure-", "__host-", "__http-"].iter().any(|prefix| name.starts_with(prefix))
}

/// Whether browsers keep a cookie of this name only for the one host that set it, and all of its paths.
pub(super) fn is_host_name(name: &str) -> bool {
    name.to_ascii_lowercase().starts_with("__host-")
}

/// Whether a browser sends a cookie of this path to a target (RFC 6265, section 5.1.4). Case does not count here, because
/// it does not in the paths of some servers.
pub(super) fn is_sent_to(path: &str, target: &str) -> bool {
    let Some((head, rest)) = target.split_at_checked(path.len()) else { return false };
    head.eq_ignore_ascii_case(path) && (rest.is_empty() || rest.starts_with('/') || path.ends_with('/'))
}

pub(super) fn is_cookie_path(path: &str) -> bool {
    let is_path_char = |c: char| c.is_ascii_graphic() && !";,?#".contains(c);
    path.starts_with('/') && path.len() <= PATH_MAX && path.chars().all(is_path_char)
}

/// Refuses a domain whose cookie no browser keeps: not a host name, an IP address, or a single label other than
/// `localhost`, which is a public suffix. Public suffixes of several labels, such as `co.uk`, are not known here.
pub(super) fn require_cookie_domain(field: &str, domain: &str) -> Result<(), Error> {
    let refuse = |problem: &str| Err(Error::validation(field, problem));
    // Browsers ignore one leading dot.
    let name = domain.strip_prefix('.').unwrap_or(domain);
    if name.parse::<IpAddr>().is_ok() || name.starts_with('[') {
        return refuse("must be a host name: leave it out for a host that is an IP address");
    }
    let is_label = |label: &str| {
        let is_label_char = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=LABEL_MAX).contains(&label.len())
            && label.bytes().all(is_label_char)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
    if name.len() > DOMAIN_MAX || !name.split('.').all(is_label) || is_number {
        return refuse("must be a host name such as example.com");
    }
    if !name.contains('.') && !name.eq_ignore_ascii_case("localhost") {
        return refuse(
            "must have at least two labels, such as example.com: browsers keep no cookie for a whole top-level domain",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_a_host_name_of_at_least_two_labels() {
        for good in [
            "example.com",
            ".example.com",
            "a.b.c.example",
            "xn--mnchen-3ya.example",
            "localhost",
            "EXAMPLE.com",
            "a-b.example",
        ] {
            assert_eq!(require_cookie_domain("cookie.domain", good), Ok(()), "{good}");
        }
        let longest = format!("{}.{}aa.com", "a".repeat(63), "a.".repeat(91));
        assert_eq!(longest.len(), 252);
        for good in [longest.clone(), format!("{longest}s"), format!(".{longest}s")] {
            assert_eq!(require_cookie_domain("cookie.domain", &good), Ok(()), "{good}");
        }
        let too_long = format!("{longest}mm");
        let long = format!("{}.com", "a".repeat(64));
        let longer = format!("{}com", "a.".repeat(130));
        for bad in [
            "",
            ".",
            "..",
            "-",
            "com",
            "co",
            ".com",
            "example..com",
            "..example.com",
            "example.com.",
            "-a.com",
            "a-.com",
            "a b.com",
            "a;b.com",
            "a,b.com",
            "a/b.com",
            "münchen.example",
            "127.0.0.1",
            "10.0.0.256",
            "[::1]",
            "::1",
            "2001:db8::1",
            "1.2.3",
            "example.com:443",
            "https://example.com",
            "*.example.com",
            &long,
            &longer,
            &too_long,
        ] {
            let refused = require_cookie_domain("cookie.domain", bad).expect_err(bad);
            assert!(refused.detail().starts_with("cookie.domain: must "), "{refused}");
        }
    }

    /// The refusal says what to do instead.
    #[test]
    fn an_address_is_refused_as_one() {
        for (bad, says) in [
            ("127.0.0.1", "is an IP address"),
            ("2001:db8::1", "is an IP address"),
            ("[::1]", "is an IP address"),
            ("a b.com", "such as example.com"),
            ("com", "at least two labels"),
        ] {
            let refused = require_cookie_domain("cookie.domain", bad).expect_err(bad);
            assert!(refused.detail().contains(says), "{refused}");
        }
    }

    #[test]
    fn a_cookie_is_sent_below_its_path() {
        for (path, target, is_sent) in [
            ("/", "/v1/auth/sign-out", true),
            ("/v1/auth", "/v1/auth/sign-out", true),
            ("/v1/auth/", "/v1/auth/sign-out", true),
            ("/v1/auth/sign-out", "/v1/auth/sign-out", true),
            ("/v1/au", "/v1/auth/sign-out", false),
            ("/v1/auth/sign-out/", "/v1/auth/sign-out", false),
            ("/auth/v1", "/v1/auth/sign-out", false),
            ("/V1", "/v1/auth/sign-out", true),
        ] {
            assert_eq!(is_sent_to(path, target), is_sent, "{path} {target}");
        }
    }

    #[test]
    fn names_and_paths_hold_no_character_with_a_meaning_in_a_header() {
        assert!(is_cookie_name("__Host-hj_refresh") && is_cookie_name(&"a".repeat(64)));
        for bad in ["", "a b", "a=b", "a;b", "é", &"a".repeat(65)] {
            assert!(!is_cookie_name(bad), "{bad}");
        }
        assert!(is_cookie_path("/") && is_cookie_path("/api/v1/auth/"));
        assert!(is_cookie_path(&format!("/{}", "a".repeat(1023))));
        for bad in [
            "",
            "v1",
            "/; Domain=evil",
            "/a,b",
            "/a b",
            "/a?b",
            "/a#b",
            "/é",
            &format!("/{}", "a".repeat(1024)),
        ] {
            assert!(!is_cookie_path(bad), "{bad}");
        }
    }
}
