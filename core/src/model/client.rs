//! What the host knows of the device that signed in: address, user agent, country, device type, fingerprint.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::error::Error;
use crate::model::device_type::DeviceType;
use crate::schema::request_record;
use crate::text::{self, host_text, print_as_str, serialize_as_printed, text_value};

host_text! {
    /// The host's fingerprint of a device: opaque, exact bytes, 1 to 255 of them.
    DeviceFingerprint, "device_fingerprint", 255
}

/// The longest user agent that is kept, in bytes.
const USER_AGENT_MAX: usize = 1024;

/// A `User-Agent` header. Longer ones than 1024 bytes are cut at a character: the end of a header is not worth a
/// failed sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserAgent(Box<str>);

impl UserAgent {
    /// The text that is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserAgent {
    type Err = Error;

    /// # Errors
    /// `validation_error` for an empty text and for one with a NUL character.
    fn from_str(text: &str) -> Result<Self, Error> {
        let kept = &text[..text.floor_char_boundary(USER_AGENT_MAX)];
        text::without_nul("user_agent", text)?;
        text::bounded("user_agent", kept, USER_AGENT_MAX).map(UserAgent)
    }
}

print_as_str!(UserAgent);
text_value!(UserAgent);

/// An IPv4 or IPv6 address in canonical form (RFC 5952); an IPv4-mapped IPv6 address
/// (`::ffff:192.0.2.1`, as dual-stack sockets report it) is kept as the IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpAddress(IpAddr);

impl IpAddress {
    /// The address.
    pub fn get(self) -> IpAddr {
        self.0
    }
}

impl From<IpAddr> for IpAddress {
    fn from(address: IpAddr) -> Self {
        IpAddress(address.to_canonical())
    }
}

impl FromStr for IpAddress {
    type Err = Error;

    /// # Errors
    /// `validation_error` for anything that is not one address: ports, zones and prefixes are refused.
    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse::<IpAddr>()
            .map(IpAddress::from)
            .map_err(|_| Error::validation("ip_address", "must be an IPv4 or IPv6 address"))
    }
}

impl fmt::Display for IpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

serialize_as_printed!(IpAddress);
text_value!(IpAddress, example "203.0.113.42");

/// A country as two letters (ISO 3166-1 alpha-2), kept in upper case. Which pairs are assigned is left to the host's
/// source: the user-assigned ones (`XK`) occur in practice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// The two letters.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Country {
    type Err = Error;

    /// # Errors
    /// `validation_error` for anything but two ASCII letters.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Country([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => Err(Error::validation("country", "must be two letters (ISO 3166-1 alpha-2)")),
        }
    }
}

print_as_str!(Country);
text_value!(Country, pattern "^[A-Z]{2}$");

request_record! {
    /// The device of a sign-in, everything optional.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct ClientInfo {
        /// The `User-Agent` header; at most 1024 bytes are kept.
        pub user_agent: Option<UserAgent>,
        /// The IPv4 or IPv6 address that the sign-in came from.
        pub ip_address: Option<IpAddress>,
        /// The country that the host derived from the address: two letters (ISO 3166-1 alpha-2).
        pub country: Option<Country>,
        /// The kind of device; by default derived from the user agent.
        pub device_type: Option<DeviceType>,
        /// The host's own fingerprint of the device, at most 255 bytes.
        pub device_fingerprint: Option<DeviceFingerprint>,
    }
}

impl ClientInfo {
    pub(crate) fn effective_device_type(&self) -> DeviceType {
        self.device_type.unwrap_or_else(|| {
            self.user_agent
                .as_ref()
                .map_or(DeviceType::Unknown, |agent| DeviceType::of_user_agent(agent.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_canonical() {
        for (given, kept) in [
            ("203.0.113.42", "203.0.113.42"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
            ("::1", "::1"),
        ] {
            assert_eq!(given.parse::<IpAddress>().unwrap().to_string(), kept);
        }
        for garbage in
            ["", "203.0.113.042", "1.2.3", "fe80::1%eth0", "192.0.2.1:80", "[::1]", " ::1", "192.0.2.0/24"]
        {
            assert!(garbage.parse::<IpAddress>().is_err(), "{garbage}");
        }
    }

    #[test]
    fn a_long_user_agent_is_cut_at_a_character() {
        let agent: UserAgent = format!("{}é", "x".repeat(1023)).parse().unwrap();
        assert_eq!(agent.as_str().len(), 1023);
        assert!(format!("{}\0", "x".repeat(2000)).parse::<UserAgent>().is_err());
    }
}
