//! Wrapping of a tenant's keys at rest: the secret key, stretched, encrypts them, each bound to its purpose.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::error::Failure;
use crate::model::id::{KeyId, TenantId};
use crate::random::{self, Random};
use crate::secret::{SecretBytes, SecretKey};

/// Length of a tenant's salt, with which its secret key is stretched.
pub(crate) const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 24;

/// OWASP's first recommendation for Argon2id: 19 MiB, two passes, one lane.
const STRETCH_KIB: u32 = 19 * 1024;
const STRETCH_PASSES: u32 = 2;
/// Blocks of 1 KiB to reserve, most of which are never touched: glibc always takes an allocation of more than 32 MiB
/// from the system and gives it back, while a smaller one would stay with the thread that stretched a key.
const STRETCH_RESERVED: usize = 33 * 1024;

/// The key that wraps a tenant's other keys: the secret key, stretched with Argon2id.
#[derive(Clone)]
pub(crate) struct WrappingKey {
    stretched: SecretBytes,
    /// SHA-256 of the secret key, to compare a presented one with: stretching it would cost each request some 20 ms.
    digest: SecretBytes,
}

impl WrappingKey {
    /// Derives the wrapping key from the secret key, unless the source of randomness is a predictable one that has kept it.
    pub(crate) fn stretch(
        secret: &SecretKey,
        salt: &[u8; SALT_BYTES],
        random: &dyn Random,
    ) -> Result<Self, Failure> {
        let text = secret.expose().as_bytes();
        let digest = Zeroizing::new(Sha256::digest(text).into());
        let Some(kept) = random.kept_keys() else {
            return Ok(WrappingKey { stretched: run_argon2(text, salt)?, digest });
        };
        let name = Sha256::new().chain_update(salt).chain_update(text).finalize().into();
        if let Some(stretched) = kept.get(&name) {
            return Ok(WrappingKey { stretched, digest });
        }
        let stretched = run_argon2(text, salt)?;
        kept.keep(name, stretched.clone());
        Ok(WrappingKey { stretched, digest })
    }

    /// Whether this text is the secret key that was stretched, in constant time.
    pub(crate) fn matches(&self, presented: &str) -> bool {
        Sha256::digest(presented.as_bytes()).ct_eq(self.digest.as_slice()).into()
    }

    /// Encrypts a key for the table, bound to its purpose: nonce, then ciphertext.
    pub(crate) fn wrap(
        &self,
        secret: &[u8; 32],
        purpose: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, Failure> {
        let nonce = random::draw_bytes::<NONCE_BYTES>(random)?;
        let ciphertext = self
            .cipher()
            .encrypt(&XNonce::from(*nonce), Payload { msg: secret, aad: purpose })
            .map_err(|_| Failure::internal("a key could not be wrapped"))?;
        Ok([nonce.as_slice(), &ciphertext].concat())
    }

    /// Decrypts a key; `None` unless it was wrapped with this wrapping key for this purpose.
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

fn run_argon2(secret: &[u8], salt: &[u8; SALT_BYTES]) -> Result<SecretBytes, Failure> {
    let mut stretched = Zeroizing::new([0; 32]);
    Params::new(STRETCH_KIB, STRETCH_PASSES, 1, Some(32))
        .map(|params| Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
        .and_then(|argon2| {
            let mut blocks = Vec::with_capacity(STRETCH_RESERVED);
            blocks.resize(argon2.params().block_count(), Block::new());
            let outcome =
                argon2.hash_password_into_with_memory(secret, salt, stretched.as_mut(), &mut blocks);
            blocks.iter_mut().for_each(Block::zeroize); // the last one is the stretched key's origin
            outcome
        })
        .map_err(|_| Failure::internal("the secret key could not be stretched"))?;
    Ok(stretched)
}

/// The purpose that a tenant's refresh key is wrapped for: in another tenant's row it does not open.
pub(crate) fn refresh_key_purpose(tenant: &TenantId) -> Vec<u8> {
    [b"hellojohn refresh key\0", tenant.as_str().as_bytes()].concat()
}

/// The purpose that the seed of a signing key is wrapped for: in another tenant's or key's row it does not open.
pub(crate) fn signing_key_purpose(tenant: &TenantId, kid: KeyId) -> Vec<u8> {
    [b"hellojohn signing key\0", kid.to_bytes().as_slice(), tenant.as_str().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{OsRandom, SeededRandom};

    #[test]
    fn wrapped_keys_open_only_with_the_same_secret_and_purpose() {
        let random = SeededRandom::new(1);
        let key =
            |text: &str| WrappingKey::stretch(&text.parse().unwrap(), &[1; SALT_BYTES], &OsRandom).unwrap();
        let wrapped = key("sk_a").wrap(&[9; 32], b"signing", &random).unwrap();
        assert_eq!(*key("sk_a").unwrap(&wrapped, b"signing").unwrap(), [9; 32]);
        assert!(key("sk_b").unwrap(&wrapped, b"signing").is_none());
        assert!(key("sk_a").unwrap(&wrapped, b"refresh").is_none());
        assert!(key("sk_a").unwrap(&wrapped[..20], b"signing").is_none());
        assert!(key("sk_a").matches("sk_a") && !key("sk_a").matches("sk_b") && !key("sk_a").matches(""));
        assert!(!wrapped.windows(8).any(|bytes| bytes == [9; 8]));
    }

    #[test]
    fn predictable_sources_beside_each_other_keep_a_key_by_its_secret_and_salt_and_no_other_source_does() {
        let first = SeededRandom::new(1);
        let stretch = |text: &str, salt: u8, random: &dyn Random| {
            WrappingKey::stretch(&text.parse().unwrap(), &[salt; SALT_BYTES], random).unwrap()
        };
        let count = |random: &SeededRandom| random.kept_keys().unwrap().len();
        let made = stretch("sk_a", 1, &OsRandom);
        assert!(OsRandom.kept_keys().is_none());
        let beside = first.beside(2);
        for random in [&first, &beside, &first] {
            let found = stretch("sk_a", 1, random);
            assert_eq!((*found.stretched, *found.digest), (*made.stretched, *made.digest));
            assert_eq!((count(&first), count(&beside)), (1, 1));
        }
        assert_ne!(*stretch("sk_a", 2, &beside).stretched, *made.stretched);
        assert_ne!(*stretch("sk_b", 1, &beside).stretched, *made.stretched);
        assert_eq!((count(&first), count(&SeededRandom::new(1))), (3, 0));
    }
}
