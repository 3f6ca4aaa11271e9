//! The keys under which failed sign-ins are counted: tags under the tenant's refresh key, so that the table names neither
//! accounts nor addresses to a reader of the file, and so that no client can choose where its failures are kept.

use std::net::IpAddr;

use hmac::Mac;

use super::refresh_token::RefreshKey;
use crate::model::ip_address::IpAddress;

/// Names an account, an address, or both together.
pub(crate) type FailureKey = [u8; 16];

/// Sets these tags apart from other uses of the refresh key.
const FAILURE_DOMAIN: &[u8] = b"hellojohn sign-in limit v1\0";

impl RefreshKey {
    /// The key of an account.
    pub(crate) fn account_failure_key(&self, account: &str) -> FailureKey {
        self.failure_key(b'a', &[], account)
    }

    /// The key of an account at an address.
    pub(crate) fn account_at_address_failure_key(&self, account: &str, address: IpAddress) -> FailureKey {
        self.failure_key(b'b', &network_of(address), account)
    }

    /// The key of an address.
    pub(crate) fn address_failure_key(&self, address: IpAddress) -> FailureKey {
        self.failure_key(b'c', &network_of(address), "")
    }

    /// Accounts are compared without regard to case and space around them: most hosts do, and a variant must not be a way
    /// around the limit.
    fn failure_key(&self, kind: u8, network: &[u8], account: &str) -> FailureKey {
        let mut mac = self.start_tag(FAILURE_DOMAIN);
        mac.update(&[kind, network.len() as u8]);
        mac.update(network);
        mac.update(account.trim().to_lowercase().as_bytes());
        let whole: [u8; 32] = mac.finalize().into_bytes().into();
        let mut key = FailureKey::default();
        key.copy_from_slice(&whole[..16]);
        key
    }
}

/// The bytes that one client has to itself: an IPv4 address, the first 64 bits of an IPv6 address.
pub(crate) fn network_of(address: IpAddress) -> Vec<u8> {
    match address.get() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets()[..8].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    #[test]
    fn keys_differ_by_tenant_kind_account_and_network() {
        let key = |byte| RefreshKey::new(&Zeroizing::new([byte; 32]));
        let address = |text: &str| text.parse::<IpAddress>().unwrap();
        let (one, other) = (key(1), key(2));
        let home = address("203.0.113.7");
        let distinct = [
            one.account_failure_key("ada@example.com"),
            other.account_failure_key("ada@example.com"),
            one.account_failure_key("eve@example.com"),
            one.account_failure_key(""),
            one.address_failure_key(home),
            one.address_failure_key(address("203.0.113.8")),
            one.account_at_address_failure_key("ada@example.com", home),
            one.account_at_address_failure_key("ada@example.com", address("2001:db8::1")),
        ];
        for (position, key) in distinct.iter().enumerate() {
            assert!(!distinct[..position].contains(key), "{position}");
        }
        assert_eq!(one.account_failure_key(" ADA@Example.com\t"), distinct[0]);
        let same_network = one.account_at_address_failure_key("ada@example.com", address("2001:db8::ffff:2"));
        assert_eq!(same_network, distinct[7]);
        assert_ne!(
            one.address_failure_key(address("2001:db8::1")),
            one.address_failure_key(address("2001:db8:0:1::1"))
        );
    }
}
