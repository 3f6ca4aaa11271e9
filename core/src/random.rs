//! Random bytes: their source is an argument of the engine. This is the only file that asks the operating system for
//! entropy.

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::Failure;

/// The source of the engine's unpredictable bytes.
///
/// ```
/// use hellojohn::{Random, RandomUnavailable};
///
/// /// A machine without entropy.
/// struct Dry;
///
/// impl Random for Dry {
///     fn fill(&self, _: &mut [u8]) -> Result<(), RandomUnavailable> {
///         Err(RandomUnavailable)
///     }
/// }
/// ```
pub trait Random: Send + Sync {
    /// Fills the buffer. On an error the call that needed the bytes fails with `internal`.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomUnavailable>;
}

/// The source of random bytes failed.
///
/// ```
/// use hellojohn::{Random, RandomUnavailable};
///
/// struct Dry;
///
/// impl Random for Dry {
///     fn fill(&self, _: &mut [u8]) -> Result<(), RandomUnavailable> {
///         Err(RandomUnavailable)
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomUnavailable;

/// The operating system's generator. The default.
///
/// ```
/// use hellojohn::{OsRandom, Random};
///
/// let mut key = [0; 32];
/// OsRandom.fill(&mut key).expect("the system has entropy");
/// assert_ne!(key, [0; 32]);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    #[expect(
        clippy::disallowed_methods,
        reason = "the engine's source: everything else takes bytes from a Random"
    )]
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomUnavailable> {
        getrandom::fill(buffer).map_err(|_| RandomUnavailable)
    }
}

/// A predictable sequence (SHA-256 of seed and counter) so that a test run can be repeated. An attacker can
/// guess every token and key made with it: never use it outside tests.
///
/// ```
/// use hellojohn::{Random, SeededRandom};
///
/// let (mut first, mut second) = ([0; 8], [0; 8]);
/// SeededRandom::new(1).fill(&mut first).unwrap();
/// SeededRandom::new(1).fill(&mut second).unwrap();
/// assert_eq!(first, second);
/// ```
pub struct SeededRandom {
    state: Mutex<(u64, u64)>,
}

impl SeededRandom {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        SeededRandom { state: Mutex::new((seed, 0)) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomUnavailable> {
        let mut state = self.state.lock();
        for chunk in buffer.chunks_mut(32) {
            let (seed, counter) = *state;
            state.1 += 1;
            let block =
                Sha256::new().chain_update(seed.to_be_bytes()).chain_update(counter.to_be_bytes()).finalize();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

/// Draws `N` fresh bytes, wiped when dropped.
pub(crate) fn draw_bytes<const N: usize>(random: &dyn Random) -> Result<Zeroizing<[u8; N]>, Failure> {
    let mut buffer = Zeroizing::new([0; N]);
    random.fill(buffer.as_mut()).map_err(|_| Failure::internal("the source of randomness did not answer"))?;
    Ok(buffer)
}
