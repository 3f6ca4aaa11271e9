//! Secrets: wiped when dropped, redacted when printed, compared in constant time; and the wrapping of keys at rest.

use std::fmt;
use std::str::FromStr;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Error, Failure};
use crate::random::{self, Random};
use crate::text;

/// 32 secret bytes.
pub(crate) type SecretBytes = Zeroizing<[u8; 32]>;

macro_rules! secret_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            pub(crate) fn new(text: String) -> Self {
                $name(Zeroizing::new(text))
            }

            /// The secret itself, to hand to its owner. Do not log it.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
            }
        }

        impl Eq for $name {}
    };
}

secret_text! {
    /// A signed access token (JWT, RFC 7519). Printing it shows nothing; [`expose`](Self::expose) hands it out.
    AccessToken
}
secret_text! {
    /// A refresh token (`rt_…`). Printing it shows nothing; [`expose`](Self::expose) hands it out.
    RefreshToken
}
secret_text! {
    /// The tenant's secret key (`sk_…`, at most 255 bytes), under which all its other keys are wrapped.
    ///
    /// The engine stretches it with Argon2id (19 MiB, 2 passes), so that a short key is not lost together with the file;
    /// choose a long random one all the same.
    SecretKey
}

impl FromStr for SecretKey {
    type Err = Error;

    /// # Errors
    /// `validation_error` for an empty text, one that is too long, or one with a NUL character. Whether it is well made
    /// counts only where it becomes a tenant's key.
    fn from_str(key: &str) -> Result<Self, Error> {
        text::bounded("secret_key", key, 255).map(|key| SecretKey::new(key.into()))
    }
}

impl SecretKey {
    /// Refuses a text that may not become a tenant's key; presented for an existing tenant it is merely wrong.
    pub(crate) fn require_well_formed(&self) -> Result<&Self, Error> {
        match self.0.strip_prefix("sk_") {
            Some(rest) if !rest.is_empty() => Ok(self),
            _ => Err(Error::validation("secret_key", "must start with sk_ and go on after it")),
        }
    }
}

pub(crate) const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 24;

/// OWASP's first recommendation for Argon2id: 19 MiB, two passes, one lane.
const STRETCH_KIB: u32 = 19 * 1024;
const STRETCH_PASSES: u32 = 2;
/// Blocks of 1 KiB to reserve, most of which are never touched: memory of more than 32 MiB glibc always takes from and
/// gives back to the system, while smaller pieces stay with the thread that once stretched a key.
const STRETCH_RESERVED: usize = 33 * 1024;

/// The key that wraps a tenant's other keys: the secret key, stretched.
#[derive(Clone)]
pub(crate) struct WrappingKey {
    stretched: SecretBytes,
    /// SHA-256 of the secret key: stretching every presented one would cost each request some 20 ms.
    digest: SecretBytes,
}

impl WrappingKey {
    pub(crate) fn stretch(secret: &SecretKey, salt: &[u8; SALT_BYTES]) -> Result<Self, Failure> {
        let mut stretched = Zeroizing::new([0; 32]);
        Params::new(STRETCH_KIB, STRETCH_PASSES, 1, Some(32))
            .map(|params| Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
            .and_then(|argon2| {
                let mut blocks = Vec::with_capacity(STRETCH_RESERVED);
                blocks.resize(argon2.params().block_count(), Block::new());
                let (secret, out) = (secret.0.as_bytes(), stretched.as_mut());
                let outcome = argon2.hash_password_into_with_memory(secret, salt, out, &mut blocks);
                blocks.iter_mut().for_each(Block::zeroize); // the last one is the stretched key's origin
                outcome
            })
            .map_err(|_| Failure::internal("the secret key could not be stretched"))?;
        Ok(WrappingKey { stretched, digest: Zeroizing::new(Sha256::digest(secret.0.as_bytes()).into()) })
    }

    /// Whether this text is the secret key that was stretched, in constant time.
    pub(crate) fn matches(&self, presented: &str) -> bool {
        Sha256::digest(presented.as_bytes()).ct_eq(self.digest.as_slice()).into()
    }

    /// Nonce and ciphertext, bound to what the secret is for.
    pub(crate) fn wrap(
        &self,
        secret: &[u8; 32],
        purpose: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, Failure> {
        let nonce = random::bytes::<NONCE_BYTES>(random)?;
        let ciphertext = self
            .cipher()
            .encrypt(&XNonce::from(*nonce), Payload { msg: secret, aad: purpose })
            .map_err(|_| Failure::internal("a key could not be wrapped"))?;
        Ok([nonce.as_slice(), &ciphertext].concat())
    }

    /// The secret, or nothing when this is not the key (or not the purpose) that wrapped it.
    pub(crate) fn unwrap(&self, wrapped: &[u8], purpose: &[u8]) -> Option<SecretBytes> {
        let (nonce, ciphertext) = wrapped.split_first_chunk::<NONCE_BYTES>()?;
        let plain = Zeroizing::new(
            self.cipher().decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: purpose }).ok()?,
        );
        Some(Zeroizing::new(plain.as_slice().try_into().ok()?))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.stretched))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn wrapped_keys_open_only_with_the_same_secret_and_purpose() {
        let random = SeededRandom::new(1);
        let key = |text: &str| WrappingKey::stretch(&text.parse().unwrap(), &[1; SALT_BYTES]).unwrap();
        let wrapped = key("sk_a").wrap(&[9; 32], b"signing", &random).unwrap();
        assert_eq!(*key("sk_a").unwrap(&wrapped, b"signing").unwrap(), [9; 32]);
        assert!(key("sk_b").unwrap(&wrapped, b"signing").is_none());
        assert!(key("sk_a").unwrap(&wrapped, b"refresh").is_none());
        assert!(key("sk_a").unwrap(&wrapped[..20], b"signing").is_none());
        assert!(key("sk_a").matches("sk_a") && !key("sk_a").matches("sk_b") && !key("sk_a").matches(""));
        assert!(!wrapped.windows(8).any(|bytes| bytes == [9; 8]));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let key: SecretKey = "sk_live_abc".parse().unwrap();
        assert_eq!(format!("{key:?} {:?}", RefreshToken::new("rt_x".into())), "SecretKey(…) RefreshToken(…)");
    }
}
