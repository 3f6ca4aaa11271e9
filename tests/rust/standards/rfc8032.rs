//! RFC 8032, Ed25519: the verifier against published vectors, and against `verify_strict` of ed25519-dalek on random and
//! changed input. `HJ_SIGNATURES=n` sets how many (10,000,000 before a release).

use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use hellojohn::{Random, SeededRandom};

use hellojohn_tests::fixture::{numbers, rounds};

use crate::forge::decode_hex;
use crate::signature::{KeyPair, PublicKey};

fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = key.try_into().ok().and_then(PublicKey::from_bytes);
    key.is_some_and(|key| signature.try_into().is_ok_and(|signature| key.verify(message, signature)))
}

fn verify_strict(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = key.try_into().ok().and_then(|key| VerifyingKey::from_bytes(key).ok());
    let signature = Signature::from_slice(signature).ok();
    key.zip(signature).is_some_and(|(key, signature)| key.verify_strict(message, &signature).is_ok())
}

/// The lines of a table of vectors, as columns.
fn rows(table: &str, columns: usize) -> Vec<Vec<&str>> {
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split('\t').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == columns));
    rows
}

#[test]
fn rfc8032_wycheproof_vectors_have_their_verdicts() {
    let rows = rows(include_str!("../../vectors/ed25519_wycheproof.tsv"), 6);
    let mut accepted = 0;
    for row in &rows {
        let [id, result, flags, key, message, signature] = row[..] else { unreachable!() };
        let [key, message, signature] = [key, message, signature].map(decode_hex);
        assert_eq!(verify(&key, &message, &signature), result == "valid", "{id} {flags}");
        assert_eq!(verify_strict(&key, &message, &signature), result == "valid", "{id} {flags}");
        accepted += usize::from(result == "valid");
    }
    assert_eq!((rows.len(), accepted), (151, 88));
}

#[test]
fn rfc8032_cctv_vectors_with_points_of_small_order_are_refused() {
    let rows = rows(include_str!("../../vectors/ed25519_cctv.tsv"), 5);
    let mut accepted = 0;
    for row in &rows {
        let [number, flags, key, message, signature] = row[..] else { unreachable!() };
        let is_strictly_good = !flags.split(',').any(|flag| {
            ["low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R", "low_order_residue"]
                .contains(&flag)
        });
        let [key, signature] = [key, signature].map(decode_hex);
        assert_eq!(verify(&key, message.as_bytes(), &signature), is_strictly_good, "{number} {flags}");
        assert_eq!(verify_strict(&key, message.as_bytes(), &signature), is_strictly_good, "{number}");
        accepted += usize::from(is_strictly_good);
    }
    assert_eq!(rows.len(), 914);
    assert!(accepted > 0, "some have a component of small order that cancels out, which no list can refuse");
}

/// Random values in the order in which they are drawn.
struct Draw(SeededRandom);

impl Draw {
    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes).expect("random bytes");
        bytes
    }

    fn below(&self, limit: usize) -> usize {
        u32::from_be_bytes(self.bytes()) as usize % limit
    }
}

/// The order of the group, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Adds the order to a scalar: the same number in the group, another text.
fn add_order(scalar: &mut [u8]) {
    let mut carry = 0;
    for (byte, order) in scalar.iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = carry as u8;
        carry >>= 8;
    }
}

#[test]
fn rfc8032_5_1_7_random_and_changed_input_has_the_verdicts_of_verify_strict() {
    // Another part of a campaign draws other ones.
    let numbers = numbers("HJ_SIGNATURES", 20_000);
    let (count, seed) = (numbers.end - numbers.start, rounds("HJ_SEED", 1 + numbers.start));
    let draw = Draw(SeededRandom::new(seed));
    let vectors = rows(include_str!("../../vectors/ed25519_cctv.tsv"), 5);
    let points: Vec<Vec<u8>> =
        vectors.iter().flat_map(|row| [decode_hex(row[2]), decode_hex(&row[4][..64])]).collect();
    let (mut accepted, mut refused) = (0_u64, 0_u64);
    let (mut pair, mut bare) = (KeyPair::from_seed(&[1; 32]), SigningKey::from_bytes(&[1; 32]));
    for round in 0..count {
        if round % 64 == 0 {
            let seed = draw.bytes();
            (pair, bare) = (KeyPair::from_seed(&seed), SigningKey::from_bytes(&seed));
        }
        let text = draw.bytes::<64>();
        let mut message = text[..draw.below(65)].to_vec();
        let mut signature = pair.sign(&message);
        assert_eq!(signature, ed25519_dalek::Signer::sign(&bare, &message).to_bytes());
        let mut key = pair.public_bytes();
        match draw.below(8) {
            0 => {}
            1 => signature[draw.below(64)] ^= 1 << draw.below(8),
            2 => key[draw.below(32)] ^= 1 << draw.below(8),
            3 => message.push(draw.below(256) as u8),
            4 => add_order(&mut signature[32..]),
            5 => signature[..32].copy_from_slice(&points[draw.below(points.len())]),
            6 => key.copy_from_slice(&points[draw.below(points.len())]),
            _ => signature = draw.bytes(),
        }
        let verdict = verify_strict(&key, &message, &signature);
        assert_eq!(verify(&key, &message, &signature), verdict, "seed {seed}, round {round}");
        if key == pair.public_bytes() {
            assert_eq!(pair.verify(&message, &signature), verdict, "seed {seed}, round {round}");
        }
        *if verdict { &mut accepted } else { &mut refused } += 1;
    }
    assert!(accepted > count / 16 && refused > count / 2, "{accepted} accepted, {refused} refused");
}
