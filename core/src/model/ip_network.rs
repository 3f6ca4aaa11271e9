//! A range of addresses, as CIDR writes it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::error::Error;
use crate::model::ip_address::IpAddress;
use crate::text::{serialize_as_printed, text_value};

/// One address, or all addresses that begin with the same bits (CIDR, RFC 4632 and RFC 4291): `203.0.113.42`,
/// `203.0.113.0/24`, `2001:db8::/32`. Like addresses, IPv4-mapped IPv6 networks (`::ffff:203.0.113.0/120`) are kept as IPv4.
///
/// ```
/// use hellojohn::{IpAddress, IpNetwork};
///
/// let network: IpNetwork = "203.0.113.0/24".parse()?;
/// assert!(network.contains("203.0.113.42".parse::<IpAddress>()?));
/// assert!(!network.contains("203.0.114.1".parse::<IpAddress>()?));
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpNetwork {
    first: IpAddr,
    prefix: u8,
}

impl IpNetwork {
    /// Whether the address is one of the network's. An IPv4 address is in no IPv6 network, and the other way round.
    ///
    /// ```
    /// let network: hellojohn::IpNetwork = "203.0.113.0/24".parse()?;
    /// assert!(network.contains("203.0.113.42".parse()?));
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    pub fn contains(self, address: IpAddress) -> bool {
        first_of(address.get(), self.prefix) == Some(self.first)
            && address.get().is_ipv4() == self.first.is_ipv4()
    }
}

/// How many bits the addresses of this family have.
fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The first address with the same first bits, if the family has so many.
fn first_of(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    let host_bits = u32::from(bits(address).checked_sub(prefix)?);
    Some(match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
            IpAddr::V6((u128::from(address) & mask).into())
        }
    })
}

fn parse_network(text: &str) -> Option<IpNetwork> {
    let Some((address, prefix)) = text.split_once('/') else {
        let first = text.parse::<IpAddress>().ok()?.get();
        return Some(IpNetwork { first, prefix: bits(first) });
    };
    let given: IpAddr = address.parse().ok()?;
    // As numbers are written: no sign, no leading zero.
    let prefix: u8 = prefix.parse().ok().filter(|number: &u8| number.to_string() == prefix)?;
    let (first, prefix) = match given.to_canonical() {
        IpAddr::V4(mapped) if given.is_ipv6() => (IpAddr::V4(mapped), prefix.checked_sub(96)?),
        first => (first, prefix),
    };
    // Bits behind the prefix are a slip: nothing tells which of the two was meant.
    (first_of(first, prefix) == Some(first)).then_some(IpNetwork { first, prefix })
}

impl FromStr for IpNetwork {
    type Err = Error;

    /// # Errors
    /// `validation_error` for anything that is neither an address nor a network, and for a network whose address has bits
    /// set behind its prefix (`203.0.113.42/24`).
    fn from_str(text: &str) -> Result<Self, Error> {
        parse_network(text.trim_matches([' ', '\t'])).ok_or_else(|| {
            Error::validation(
                "ip_address",
                "must be an address, or a network such as 203.0.113.0/24 whose address ends with its prefix",
            )
        })
    }
}

impl fmt::Display for IpNetwork {
    /// The address alone for a network of one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == bits(self.first) {
            return self.first.fmt(f);
        }
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

serialize_as_printed!(IpNetwork);
text_value!(IpNetwork, example "203.0.113.0/24");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_strictly_and_print_as_one_text() {
        for (text, printed) in [
            ("203.0.113.42", "203.0.113.42"),
            ("203.0.113.42/32", "203.0.113.42"),
            ("203.0.113.0/24", "203.0.113.0/24"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            (" 10.0.0.0/8", "10.0.0.0/8"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("2001:db8::1/128", "2001:db8::1"),
            ("::/0", "::/0"),
            ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("[2001:db8::1]:443", "2001:db8::1"),
        ] {
            let network: IpNetwork = text.parse().expect(text);
            assert_eq!(network.to_string(), printed);
            assert_eq!(printed.parse(), Ok(network));
        }
        for text in [
            "",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/08",
            "10.0.0.0/8/8",
            "10.0.0.1/8",
            "203.0.113.42/24",
            "2001:db8::1/32",
            "2001:db8::/129",
            "::ffff:203.0.113.0/90",
            "10.0.0.0/255.0.0.0",
            "10.0.0.0:80/8",
            "fe80::%eth0/64",
            "example.com/8",
            "*",
        ] {
            assert!(text.parse::<IpNetwork>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_network_contains_exactly_the_addresses_with_its_first_bits() {
        for (network, inside, outside) in [
            (
                "203.0.113.0/24",
                vec!["203.0.113.0", "203.0.113.255"],
                vec!["203.0.112.255", "203.0.114.0", "::1"],
            ),
            ("203.0.113.64/27", vec!["203.0.113.64", "203.0.113.95"], vec!["203.0.113.63", "203.0.113.96"]),
            ("203.0.113.7", vec!["203.0.113.7", "::ffff:203.0.113.7"], vec!["203.0.113.6", "203.0.113.8"]),
            ("0.0.0.0/0", vec!["0.0.0.0", "255.255.255.255"], vec!["::", "2001:db8::1"]),
            ("::/0", vec!["::", "ffff::"], vec!["0.0.0.0", "::ffff:1.2.3.4"]),
            ("2001:db8::/32", vec!["2001:db8::", "2001:db8:ffff::1"], vec!["2001:db9::", "32.1.13.184"]),
            ("2001:db8::/33", vec!["2001:db8:7fff::"], vec!["2001:db8:8000::"]),
        ] {
            let network: IpNetwork = network.parse().unwrap();
            for address in inside {
                assert!(network.contains(address.parse().unwrap()), "{network} {address}");
            }
            for address in outside {
                assert!(!network.contains(address.parse().unwrap()), "{network} {address}");
            }
        }
    }
}
