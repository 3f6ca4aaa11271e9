//! The libraries, each as a signer and a verifier of one key.

use aws_lc_rs::signature as aws;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, VartimeEdwardsPrecomputation};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::VartimePrecomputedMultiscalarMul;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use graviola::signing::eddsa;
use sha2::{Digest, Sha512};

use crate::signature::{KeyPair, PublicKey};

type Sign = Box<dyn Fn(&[u8]) -> [u8; 64]>;
type Verify = Box<dyn Fn(&[u8], &[u8; 64]) -> bool>;

/// What makes a key to sign with; nothing for a library that only verifies here.
pub struct Library {
    pub name: &'static str,
    pub signer: Option<fn(&[u8; 32]) -> Sign>,
    /// The verifier of a key, or none where the library refuses the key.
    pub verifier: fn(&[u8; 32]) -> Option<Verify>,
}

/// The engine's own first. "Strict" is what the engine would add to a library: its checks of the key and of `R`.
pub const LIBRARIES: &[Library] = &[
    Library {
        name: "the engine",
        signer: Some(|seed| {
            let key = KeyPair::from_seed(seed);
            Box::new(move |message| key.sign(message))
        }),
        verifier: |key| {
            let key = PublicKey::from_bytes(key)?;
            Some(Box::new(move |message, signature| key.verify(message, signature)))
        },
    },
    Library {
        name: "ed25519-dalek 3.0.0, verify_strict",
        signer: Some(|seed| {
            let key = SigningKey::from_bytes(seed);
            Box::new(move |message| key.sign(message).to_bytes())
        }),
        verifier: |key| {
            let key = VerifyingKey::from_bytes(key).ok()?;
            Some(Box::new(move |message, signature| {
                key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
            }))
        },
    },
    Library {
        name: "curve25519-dalek 5.0.0, tables of the key, strict",
        signer: None,
        verifier: |bytes| {
            PublicKey::from_bytes(bytes)?;
            let (key, bytes) = (CompressedEdwardsY(*bytes).decompress()?, *bytes);
            let tables = VartimeEdwardsPrecomputation::new([ED25519_BASEPOINT_POINT, -key]);
            Some(Box::new(move |message, signature| {
                let (point, scalar) = signature.split_first_chunk::<32>().expect("64 bytes");
                let scalar =
                    scalar.try_into().ok().and_then(|bytes| Scalar::from_canonical_bytes(bytes).into());
                let Some(scalar): Option<Scalar> = scalar else { return false };
                let hash =
                    Sha512::new().chain_update(point).chain_update(bytes).chain_update(message).finalize();
                let hash = Scalar::from_bytes_mod_order_wide(&hash.into());
                is_of_larger_order(point)
                    && tables.vartime_multiscalar_mul([scalar, hash]).compress().0 == *point
            }))
        },
    },
    Library {
        name: "aws-lc-rs 1.19.0, strict",
        signer: Some(|seed| {
            let key = aws::Ed25519KeyPair::from_seed_unchecked(seed).expect("a key");
            Box::new(move |message| key.sign(message).as_ref().try_into().expect("64 bytes"))
        }),
        verifier: |key| {
            PublicKey::from_bytes(key)?;
            let verify = verify_with_aws(key)?;
            Some(Box::new(move |message, signature| {
                is_of_larger_order(&signature[..32]) && verify(message, signature)
            }))
        },
    },
    Library {
        name: "ring 0.17.14, strict",
        signer: Some(|seed| {
            let key = ring::signature::Ed25519KeyPair::from_seed_unchecked(seed).expect("a key");
            Box::new(move |message| key.sign(message).as_ref().try_into().expect("64 bytes"))
        }),
        verifier: |key| {
            PublicKey::from_bytes(key)?;
            let verify = verify_with_ring(key)?;
            Some(Box::new(move |message, signature| {
                is_of_larger_order(&signature[..32]) && verify(message, signature)
            }))
        },
    },
    Library {
        name: "graviola 0.4.4, strict",
        signer: Some(|seed| {
            // PKCS #8 of RFC 8410: a fixed head, then the seed.
            let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
            let key = eddsa::Ed25519SigningKey::from_pkcs8_der(&[&head[..], seed].concat()).expect("a key");
            Box::new(move |message| key.sign(message))
        }),
        verifier: |key| {
            PublicKey::from_bytes(key)?;
            let verify = verify_with_graviola(key)?;
            Some(Box::new(move |message, signature| {
                is_of_larger_order(&signature[..32]) && verify(message, signature)
            }))
        },
    },
];

/// The same libraries with no check of ours: what they accept by themselves.
pub const BARE: &[Library] = &[
    Library { name: "aws-lc-rs alone", signer: None, verifier: verify_with_aws },
    Library { name: "ring alone", signer: None, verifier: verify_with_ring },
    Library { name: "graviola alone", signer: None, verifier: verify_with_graviola },
];

fn verify_with_aws(key: &[u8; 32]) -> Option<Verify> {
    let key = aws::ParsedPublicKey::new(&aws::ED25519, key).ok()?;
    Some(Box::new(move |message, signature| key.verify_sig(message, signature).is_ok()))
}

fn verify_with_ring(key: &[u8; 32]) -> Option<Verify> {
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, *key);
    Some(Box::new(move |message, signature| key.verify(message, signature).is_ok()))
}

fn verify_with_graviola(key: &[u8; 32]) -> Option<Verify> {
    let key = eddsa::Ed25519VerifyingKey::from_bytes(key).ok()?;
    Some(Box::new(move |message, signature| key.verify(signature, message).is_ok()))
}

/// Whether a canonical point is none of the eight of small order: those, and no others, make no public key of the engine.
fn is_of_larger_order(point: &[u8]) -> bool {
    SMALL_ORDER.with(|small| !small.iter().any(|known| known == point))
}

thread_local! {
    static SMALL_ORDER: [[u8; 32]; 8] =
        curve25519_dalek::constants::EIGHT_TORSION.map(|point| point.compress().0);
}
