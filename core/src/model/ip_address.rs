//! The address that a client comes from.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::error::Error;
use crate::text::{serialize_as_printed, text_value};

/// An IPv4 or IPv6 address in canonical form (RFC 5952). It is read as sockets, proxies and headers write it: with a port
/// (`192.0.2.1:52383`, `[2001:db8::1]:443`), in brackets, with a zone (`fe80::1%eth0`) or between spaces; port and zone are
/// not kept. An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`, as dual-stack sockets report it) is kept as the IPv4 address.
///
/// ```
/// use hellojohn::IpAddress;
///
/// assert_eq!("[::ffff:192.0.2.1]:52383".parse::<IpAddress>()?.to_string(), "192.0.2.1");
/// # Ok::<(), hellojohn::Error>(())
/// ```
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
    /// `validation_error` for anything that is not one address: names, lists and prefixes are refused.
    fn from_str(text: &str) -> Result<Self, Error> {
        parse_address(text.trim_matches([' ', '\t']))
            .map(IpAddress::from)
            .ok_or_else(|| Error::validation("ip_address", "must be an IPv4 or IPv6 address"))
    }
}

/// Reads an address with or without a port, brackets and a zone.
fn parse_address(text: &str) -> Option<IpAddr> {
    // What is read most, from our own tables too.
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(IpAddr::V4(address));
    }
    if let Some(bracketed) = text.strip_prefix('[') {
        let (inside, after) = bracketed.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) if is_port(port) => parse_ipv6(inside),
            None if after.is_empty() => parse_ipv6(inside),
            _ => None,
        };
    }
    match text.split_once(':') {
        None => None,
        Some((address, port)) if address.contains('.') && is_port(port) => {
            address.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
        }
        Some(_) => parse_ipv6(text),
    }
}

/// Reads an IPv6 address with or without a zone (RFC 4007, section 11): the interface of this machine that it belongs to.
fn parse_ipv6(text: &str) -> Option<IpAddr> {
    let address = match text.split_once('%') {
        None => text,
        Some((address, zone)) if is_zone(zone) => address,
        Some(_) => return None,
    };
    address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

/// Names of interfaces are chosen by the machine's owner; they are longest on Windows.
fn is_zone(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"[]%,".contains(&byte))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

impl fmt::Display for IpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let IpAddr::V4(address) = self.0 else { return self.0.fmt(f) };
        // Each session that is read is printed with two of them. The standard library's way takes four times as long.
        let (mut text, mut length) = ([b'.'; 15], 0);
        for byte in address.octets() {
            length += usize::from(length > 0);
            for (least, unit) in [(100, 100), (10, 10), (0, 1)] {
                if byte >= least {
                    text[length] = b'0' + byte / unit % 10;
                    length += 1;
                }
            }
        }
        f.pad(std::str::from_utf8(&text[..length]).map_err(|_| fmt::Error)?)
    }
}

serialize_as_printed!(IpAddress);
text_value!(IpAddress, example "203.0.113.42");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_of_addresses_is_right() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/model/client_addresses.tsv");
        let table = std::fs::read_to_string(path).expect("the table of addresses is readable");
        let mut rows = 0;
        for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (given, kept) = line.split_once('\t').expect("two columns");
            let given: String = serde_json::from_str(given).expect("a JSON string");
            let read = given.parse::<IpAddress>().map(|address| address.to_string());
            assert_eq!(read.as_deref().unwrap_or("-"), kept, "{given}");
            rows += 1;
        }
        assert!(rows >= 80, "{rows} rows");
    }

    #[test]
    fn an_ipv4_address_is_printed_as_the_standard_library_prints_it() {
        for byte in 0..=u8::MAX {
            for address in [[byte, 0, 10, 255], [1, byte, byte, 99], [100, 9, 200, byte]].map(Ipv4Addr::from)
            {
                let printed = IpAddress::from(IpAddr::V4(address));
                assert_eq!(printed.to_string(), address.to_string());
                assert_eq!(format!("{printed:>17}|{printed:<16}"), format!("{address:>17}|{address:<16}"));
            }
        }
    }

    #[test]
    fn no_text_becomes_an_address_that_reads_differently() {
        // What is kept must be read back as itself, whatever was given.
        let parts =
            ["192.0.2.1", "::1", "fe80::1", "[", "]", ":", "80", "%", "eth0", " ", "::ffff:", "0", "."];
        let mut number: u64 = 0;
        for _ in 0..20_000 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut rest = number >> 20;
            let mut text = String::new();
            while rest > 0 && text.len() < 40 {
                text += parts[(rest % parts.len() as u64) as usize];
                rest /= parts.len() as u64 * 7;
            }
            if let Ok(address) = text.parse::<IpAddress>() {
                assert_eq!(address.to_string().parse::<IpAddress>(), Ok(address), "{text}");
            }
        }
    }
}
