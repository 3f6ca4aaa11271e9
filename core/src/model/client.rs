//! What the host knows of the device that signed in: address, user agent, country, device type, fingerprint.

use std::str::FromStr;

use crate::error::Error;
use crate::model::client_hints::ClientHints;
use crate::model::device_type::DeviceType;
use crate::model::ip_address::IpAddress;
use crate::schema::request_record;
use crate::text::{self, host_text, print_as_str, text_value};

host_text! {
    /// The host's fingerprint of a device: opaque, exact bytes, 1 to 255 of them.
    ///
    /// ```
    /// let value: hellojohn::DeviceFingerprint = "f3a9".parse()?;
    /// assert_eq!(value.as_str(), "f3a9");
    /// assert!("".parse::<hellojohn::DeviceFingerprint>().is_err());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    DeviceFingerprint, "device_fingerprint", 255
}

/// The longest user agent that is kept, in bytes.
const USER_AGENT_MAX: usize = 1024;

/// A `User-Agent` header. Longer ones than 1024 bytes are cut at a character: the end of a header is not worth a
/// failed sign-in.
///
/// ```
/// let agent: hellojohn::UserAgent = "Mozilla/5.0 (X11; Linux x86_64)".parse()?;
/// assert_eq!(agent.as_str(), "Mozilla/5.0 (X11; Linux x86_64)");
/// # Ok::<(), hellojohn::Error>(())
/// ```
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
        let (kept, cut) = text.split_at(text.floor_char_boundary(USER_AGENT_MAX));
        text::without_nul("user_agent", cut)?;
        text::bounded("user_agent", kept, USER_AGENT_MAX).map(UserAgent)
    }
}

print_as_str!(UserAgent);
text_value!(UserAgent);

/// A country as two letters (ISO 3166-1 alpha-2), kept in upper case. Which pairs are assigned is left to the host's
/// source: the user-assigned ones (`XK`) occur in practice.
///
/// ```
/// let country: hellojohn::Country = "es".parse()?;
/// assert_eq!(country.as_str(), "ES");
/// # Ok::<(), hellojohn::Error>(())
/// ```
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
    ///
    /// ```
    /// use hellojohn::ClientInfo;
    ///
    /// let device = ClientInfo::default()
    ///     .user_agent(Some("Mozilla/5.0 (X11; Linux x86_64)".parse()?))
    ///     .ip_address(Some("203.0.113.42".parse()?))
    ///     .country(Some("ES".parse()?));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct ClientInfo {
        /// The `User-Agent` header; at most 1024 bytes are kept.
        pub user_agent: Option<UserAgent>,
        /// The IPv4 or IPv6 address that the sign-in came from.
        pub ip_address: Option<IpAddress>,
        /// The country that the host derived from the address: two letters (ISO 3166-1 alpha-2).
        pub country: Option<Country>,
        /// The kind of device; by default derived from the user agent and the client hints.
        pub device_type: Option<DeviceType>,
        /// The host's own fingerprint of the device, at most 255 bytes.
        pub device_fingerprint: Option<DeviceFingerprint>,
    }
}

impl ClientInfo {
    pub(crate) fn effective_device_type(&self) -> DeviceType {
        self.device_type_with(&ClientHints::default())
    }

    /// The device type that was given, else the one that the user agent and the hints tell.
    pub(crate) fn device_type_with(&self, hints: &ClientHints) -> DeviceType {
        self.device_type.unwrap_or_else(|| {
            let agent = self.user_agent.as_ref();
            hints.device_type(agent.map(|agent| DeviceType::of_user_agent(agent.as_str())))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_user_agent_is_cut_at_a_character() {
        let agent: UserAgent = format!("{}é", "x".repeat(1023)).parse().unwrap();
        assert_eq!(agent.as_str().len(), 1023);
        assert!(format!("{}\0", "x".repeat(2000)).parse::<UserAgent>().is_err());
    }
}
