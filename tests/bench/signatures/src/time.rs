//! Times of signing and of a first verification, the libraries in turns.

use std::hint::black_box;
use std::time::Instant;

use crate::libraries::LIBRARIES;

/// Calls in a turn.
const CALLS: u32 = 500;
/// About as many bytes as the signed part of an access token has.
const MESSAGE_BYTES: usize = 520;

/// Prints a row for each library: the median of so many turns, and the fastest, in µs.
pub fn measure(turns: u64) {
    let seed = [7; 32];
    let message: Vec<u8> =
        (0..MESSAGE_BYTES).map(|at| b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[at % 32]).collect();
    let signature = crate::signature::KeyPair::from_seed(&seed).sign(&message);
    let public = crate::signature::KeyPair::from_seed(&seed).public_bytes();
    let mut works: Vec<(String, Box<dyn Fn()>)> = Vec::new();
    for library in LIBRARIES {
        if let Some(signer) = library.signer {
            let (sign, message) = (signer(&seed), message.clone());
            assert_eq!(sign(&message), signature, "{}", library.name);
            works.push((
                format!("sign    {}", library.name),
                Box::new(move || {
                    black_box(sign(black_box(&message)));
                }),
            ));
        }
        let (verify, message) = ((library.verifier)(&public).expect("a good key"), message.clone());
        works.push((
            format!("verify  {}", library.name),
            Box::new(move || assert!(verify(black_box(&message), black_box(&signature)))),
        ));
    }
    let mut times = vec![Vec::new(); works.len()];
    for turn in 0..=turns {
        for ((_, work), times) in works.iter().zip(&mut times) {
            let began = Instant::now();
            (0..CALLS).for_each(|_| work());
            if turn > 0 {
                times.push(began.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
            }
        }
    }
    for ((name, _), times) in works.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        println!("{name:58} {:6.1}  (fastest {:.1})", times[times.len() / 2], times[0]);
    }
}
