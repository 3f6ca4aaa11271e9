//! Whether all libraries make the same signatures and come to the same verdicts.

use sha2::{Digest, Sha256};

use crate::libraries::{BARE, LIBRARIES, Library};
use crate::signature::KeyPair;

struct Vector {
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

fn decode_hex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(digits).collect()
}

fn vectors() -> Vec<Vector> {
    let rows = |table: &'static str| {
        table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect::<Vec<_>>())
    };
    let wycheproof = rows(include_str!("../../../vectors/ed25519_wycheproof.tsv")).map(|row| Vector {
        key: decode_hex(row[3]),
        message: decode_hex(row[4]),
        signature: decode_hex(row[5]),
    });
    let cctv = rows(include_str!("../../../vectors/ed25519_cctv.tsv")).map(|row| Vector {
        key: decode_hex(row[2]),
        message: row[3].into(),
        signature: decode_hex(row[4]),
    });
    wycheproof.chain(cctv).collect()
}

fn verify(library: &Library, vector: &Vector) -> bool {
    let key = vector.key.as_slice().try_into().ok().and_then(|key| (library.verifier)(key));
    key.is_some_and(|verify| {
        vector.signature.as_slice().try_into().is_ok_and(|signature| verify(&vector.message, signature))
    })
}

/// Random bytes: SHA-256 of the seed and a counter.
struct Draw {
    seed: u64,
    counter: u64,
}

impl Draw {
    fn bytes(&mut self) -> [u8; 32] {
        self.counter += 1;
        Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(self.counter.to_be_bytes())
            .finalize()
            .into()
    }

    fn below(&mut self, limit: usize) -> usize {
        let [a, b, c, d, ..] = self.bytes();
        u32::from_be_bytes([a, b, c, d]) as usize % limit
    }
}

/// Ends the program where two libraries differ.
pub fn compare(rounds: u64, seed: u64) {
    let (engine, others) = LIBRARIES.split_first().expect("libraries");
    let vectors = vectors();
    for vector in &vectors {
        let verdict = verify(engine, vector);
        for other in others {
            assert_eq!(verify(other, vector), verdict, "{}: {:02x?}", other.name, vector.signature);
        }
    }
    println!("{} vectors: all agree", vectors.len());
    for bare in BARE {
        let loose = vectors.iter().filter(|vector| verify(bare, vector) && !verify(engine, vector)).count();
        let strict = vectors.iter().filter(|vector| !verify(bare, vector) && verify(engine, vector)).count();
        println!("{}: accepts {loose} that are refused here, refuses {strict} that are accepted", bare.name);
    }
    let points: Vec<&[u8]> = vectors
        .iter()
        .flat_map(|vector| [&vector.key[..], vector.signature.get(..32).unwrap_or(&vector.key)])
        .collect();
    let mut draw = Draw { seed, counter: 0 };
    let (mut accepted, mut refused) = (0_u64, 0_u64);
    let mut seed_of_key = draw.bytes();
    for round in 0..rounds {
        if round % 64 == 0 {
            seed_of_key = draw.bytes();
        }
        let pair = KeyPair::from_seed(&seed_of_key);
        let message = draw.bytes()[..draw.below(33)].to_vec();
        let signature = pair.sign(&message);
        if round % 8 == 0 {
            for other in others.iter().filter_map(|other| Some((other.name, other.signer?))) {
                assert_eq!(other.1(&seed_of_key)(&message), signature, "{} in round {round}", other.0);
            }
        }
        let mut vector = Vector { key: pair.public_bytes().to_vec(), message, signature: signature.to_vec() };
        match draw.below(8) {
            0 => {}
            1 => vector.signature[draw.below(64)] ^= 1 << draw.below(8),
            2 => vector.key[draw.below(32)] ^= 1 << draw.below(8),
            3 => vector.message.push(0),
            4 => add_order(&mut vector.signature[32..]),
            5 => vector.signature[..32].copy_from_slice(points[draw.below(points.len())]),
            6 => vector.key = points[draw.below(points.len())].to_vec(),
            _ => vector.signature = [draw.bytes(), draw.bytes()].concat(),
        }
        let verdict = verify(engine, &vector);
        if vector.key == pair.public_bytes() {
            let signature = vector.signature.as_slice().try_into().expect("64 bytes");
            assert_eq!(pair.verify(&vector.message, signature), verdict, "round {round} of seed {seed}");
        }
        for other in others {
            assert_eq!(verify(other, &vector), verdict, "{} in round {round} of seed {seed}", other.name);
        }
        *if verdict { &mut accepted } else { &mut refused } += 1;
    }
    println!(
        "{rounds} random and changed inputs of seed {seed}: all agree; {accepted} accepted, {refused} refused"
    );
}

/// Adds the order of the group to a scalar, little-endian: the same number in the group, another text.
fn add_order(scalar: &mut [u8]) {
    let order = decode_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0;
    for (byte, order) in scalar.iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = carry as u8;
        carry >>= 8;
    }
}
