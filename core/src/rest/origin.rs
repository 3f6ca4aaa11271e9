//! Origins as browsers write them: `https://app.example.com`, `capacitor://localhost`.

/// Schemes whose pages are never let in by name: their origin is `null`, or a page cannot have it.
const NO_ORIGIN: &[&str] = &["about", "blob", "data", "file", "filesystem", "ftp", "javascript", "ws", "wss"];

/// An origin in one form: two that a browser takes for equal are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    scheme: String,
    host: Authority,
}

/// Host and port of a URL of some scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Authority {
    name: String,
    /// `None` for the default port of the scheme.
    port: Option<u16>,
}

impl Origin {
    /// Reads an origin: a scheme and a host, with a port or without, and nothing behind them. `None` for anything else,
    /// such as `null`.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let is_scheme_char = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let starts_well = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
        if !starts_well || !scheme.bytes().all(is_scheme_char) || NO_ORIGIN.contains(&scheme.as_str()) {
            return None;
        }
        let host = Authority::parse(authority, &scheme)?;
        Some(Origin { scheme, host })
    }

    /// Whether pages of this origin came over TLS, or from this machine: otherwise every machine on the way could have
    /// written them.
    pub fn is_trustworthy(&self) -> bool {
        let is_local = ["localhost", "127.0.0.1", "[::1]"].contains(&self.host.name.as_str());
        self.scheme == "https" || self.scheme == "http" && is_local
    }

    /// Whether a page of this origin has a host of the web: a scheme of an application names none.
    pub fn is_of_the_web(&self) -> bool {
        self.scheme == "https" || self.scheme == "http"
    }

    /// Whether `host`, the value of a `Host` header, is the host of this origin. Requests do not say their scheme, so that
    /// the default port of the origin's counts as absent.
    pub fn is_of_host(&self, host: &str) -> bool {
        Authority::parse(host, &self.scheme).is_some_and(|host| host == self.host)
    }
}

impl Authority {
    fn parse(text: &str, scheme: &str) -> Option<Self> {
        let (name, port) = match text.rsplit_once(':') {
            // Inside of an IPv6 address.
            Some((_, tail)) if tail.ends_with(']') => (text, None),
            Some((name, digits)) => (name, Some(digits)),
            None => (text, None),
        };
        let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        let is_name_char = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
        let is_good = match address {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !name.is_empty() && name.len() <= 253 && name.bytes().all(is_name_char),
        };
        if !is_good {
            return None;
        }
        let port = match port {
            // `name:` is the default port too (RFC 3986, section 6.2.3).
            None | Some("") => None,
            Some(digits) if digits.len() <= 5 && digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            Some(_) => return None,
        };
        let default = match scheme {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        };
        Some(Authority { name: name.to_ascii_lowercase(), port: port.filter(|port| Some(*port) != default) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn equal_origins_are_equal() {
        for (left, right) in [
            ("https://app.example.com", "https://app.example.com:443"),
            ("HTTPS://App.Example.Com", "https://app.example.com"),
            ("http://localhost", "http://localhost:80"),
            ("https://[::1]:443", "https://[::1]"),
            ("capacitor://localhost", "capacitor://LOCALHOST"),
            ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ] {
            assert_eq!(origin(left), origin(right));
        }
        for (left, right) in [
            ("https://app.example.com", "http://app.example.com"),
            ("https://app.example.com", "https://app.example.com:444"),
            ("https://app.example.com", "https://app.example.com:80"),
            ("https://app.example.com", "https://app.example.com."),
            ("https://app.example.com", "https://example.com"),
            ("capacitor://localhost", "ionic://localhost"),
            ("https://[::1]", "https://[::2]"),
        ] {
            assert_ne!(origin(left), origin(right));
        }
    }

    #[test]
    fn a_host_header_is_compared_by_the_scheme_of_the_origin() {
        for (text, host, is_own) in [
            ("https://name", "name:443", true),
            ("https://name", "NAME", true),
            ("https://name:443", "name", true),
            ("http://name", "name:80", true),
            ("https://name:8443", "name:8443", true),
            ("https://[::1]:8443", "[::1]:8443", true),
            ("https://[::1]", "[::1]", true),
            ("https://name", "name:80", false),
            ("http://name", "name:443", false),
            ("https://name:8443", "name", false),
            ("https://name", "name.evil.test", false),
            ("https://name", "name@evil.test", false),
            ("https://name", "", false),
            ("https://[::1]", "[::1", false),
        ] {
            assert_eq!(origin(text).is_of_host(host), is_own, "{text} {host}");
        }
    }

    #[test]
    fn what_is_no_origin_is_not_read() {
        for text in [
            "null",
            "",
            "*",
            "app.example.com",
            "https://",
            "https://app.example.com/",
            "https://app.example.com/path",
            "https://app.example.com?x",
            "https://user@app.example.com",
            "https://app.example.com:99999",
            "https://app.example.com:-1",
            "https://app.example.com:+1",
            "https://*.example.com",
            "https://a b",
            "https://[::1",
            "https://münchen.example",
            "1x://a",
            "://a",
            "ftp://app.example.com",
            "file://a",
            "javascript://a",
        ] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
    }
}
