//! Ed25519 (RFC 8032): the one place that signs and verifies.
//!
//! Verification is strict: one text has one signature that a key can vouch for. Beside what every verifier checks (the
//! equation without the cofactor, a reduced scalar, the one encoding of `R`), keys and `R` of small order are refused: with
//! them one signature can fit several messages. `ed25519_dalek` has this as `verify_strict`, which decodes `R` to learn its
//! order. Here `R` is looked up among the eight points of small order instead, which costs nothing: the equation compares
//! the bytes of `R` with an encoding that was just computed, so that no other encoding of these points can pass it.
//! `docs/PERFORMANCE.md`, "Signatures", has the measured difference and what other libraries would give.

use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};

/// The length of a signature in bytes.
pub(super) const SIGNATURE_BYTES: usize = 64;

/// The points whose order divides 8, each in its one canonical encoding. Neighbours that differ in the last byte only differ in
/// their sign.
const SMALL_ORDER: [[u8; 32]; 8] = [
    [0; 32],
    [
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80,
    ],
    [
        0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x85,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0xfa,
    ],
];

/// A key that signs, and verifies what it has signed. Wiped when dropped; in a box, because moving the key itself would leave a
/// copy behind that is not.
pub(super) struct KeyPair(Box<SigningKey>);

impl KeyPair {
    /// The key of this seed (RFC 8032, section 5.1.5).
    pub(super) fn from_seed(seed: &[u8; 32]) -> Self {
        KeyPair(Box::new(SigningKey::from_bytes(seed)))
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.0.sign(message).to_bytes()
    }

    /// The encoded public key.
    pub(super) fn public_bytes(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Whether this key signed the message. Its public key comes from a seed, so that it is never of small order.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        is_signed_by((*self.0).as_ref(), message, signature)
    }
}

/// A public key that came from elsewhere.
pub(super) struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Decodes a key; `None` for bytes that encode no point, for another encoding of a point than the canonical one (RFC
    /// 8032, section 5.1.3), and for a key of small order.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(bytes).ok()?;
        (is_reduced(bytes) && !key.is_weak()).then_some(PublicKey(key))
    }

    /// Whether the owner of this key signed the message.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        is_signed_by(&self.0, message, signature)
    }
}

/// Whether the y coordinate is below the prime 2^255 - 19.
fn is_reduced(point: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = point;
    *first < 0xed || last & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff)
}

/// The key must not be of small order.
#[allow(
    clippy::disallowed_methods,
    reason = "strict with the two checks that it lacks: R here, the key where it is made; other files call this one"
)]
fn is_signed_by(key: &VerifyingKey, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
    let is_small = SMALL_ORDER.iter().any(|point| signature.starts_with(point));
    !is_small && key.verify(message, &Signature::from_bytes(signature)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_every_point_of_small_order_and_no_other() {
        for (at, point) in SMALL_ORDER.iter().enumerate() {
            let key = VerifyingKey::from_bytes(point).unwrap();
            assert!(key.is_weak() && is_reduced(point), "{at}");
            assert!(!SMALL_ORDER[..at].contains(point), "{at} stands there twice"); // and the curve has eight of them
            assert!(PublicKey::from_bytes(point).is_none(), "{at}");
        }
    }

    #[test]
    fn the_verdict_is_that_of_verify_strict() {
        let keys = KeyPair::from_seed(&[7; 32]);
        let strict = |message: &[u8], signature: &[u8; 64]| {
            keys.0.verifying_key().verify_strict(message, &Signature::from_bytes(signature)).is_ok()
        };
        let signature = keys.sign(b"message");
        assert!(keys.verify(b"message", &signature) && strict(b"message", &signature));
        assert!(PublicKey::from_bytes(&keys.public_bytes()).unwrap().verify(b"message", &signature));
        for bit in 0..512 {
            let mut changed = signature;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!keys.verify(b"message", &changed) && !strict(b"message", &changed), "{bit}");
        }
        for point in SMALL_ORDER {
            let mut small = signature;
            small[..32].copy_from_slice(&point);
            assert!(!keys.verify(b"message", &small) && !strict(b"message", &small));
        }
        assert!(!keys.verify(b"massage", &signature));
    }

    #[test]
    fn a_coordinate_is_reduced_below_the_prime_whatever_the_sign() {
        // p = 2^255 - 19, the lowest byte first; the highest bit is the sign.
        let point = |first: u8, middle: u8, last: u8| {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[17], bytes[31]) = (first, middle, last);
            bytes
        };
        for sign in [0x00, 0x80] {
            assert!(is_reduced(&point(0xec, 0xff, 0x7f | sign)), "p - 1");
            assert!(!is_reduced(&point(0xed, 0xff, 0x7f | sign)), "p");
            assert!(!is_reduced(&point(0xff, 0xff, 0x7f | sign)), "p + 18");
            assert!(is_reduced(&point(0xff, 0xfe, 0x7f | sign)), "less in the middle");
            assert!(is_reduced(&point(0xff, 0xff, 0x7e | sign)), "less at the top");
            assert!(is_reduced(&[sign; 32]), "0 or nearly");
        }
    }

    #[test]
    fn a_key_in_another_encoding_than_the_canonical_one_is_refused() {
        // y = 3 is on the curve, and so is p + 3 in the 255 bits of an encoding.
        let mut canonical = [0; 32];
        canonical[0] = 3;
        let mut other = [0xff; 32];
        (other[0], other[31]) = (0xed + 3, 0x7f);
        assert!(PublicKey::from_bytes(&canonical).is_some());
        assert!(VerifyingKey::from_bytes(&other).is_ok() && PublicKey::from_bytes(&other).is_none());
    }
}
