//! Random bytes: their source is an argument of the engine. This is the only file that asks the operating system for
//! entropy.

use std::collections::BTreeMap;
use std::sync::Arc;

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

    /// Where stretched secret keys are kept between engines: [`SeededRandom::beside`].
    #[doc(hidden)]
    fn kept_keys(&self) -> Option<&KeptKeys> {
        None
    }
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
    kept_keys: Arc<KeptKeys>,
}

impl SeededRandom {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        SeededRandom { state: Mutex::new((seed, 0)), kept_keys: Arc::default() }
    }

    /// The sequence of another seed, for one more engine. A secret key is stretched on purpose so slowly (20 to 30 ms) that a test which
    /// opens a database many times does little else; engines whose sequences are beside each other do it once for each secret
    /// key of a tenant. The stretched keys, 64 at most, stay in memory as long as one of these sequences.
    ///
    /// ```
    /// use hellojohn::{Engine, SeededRandom, SecretKey};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let random = SeededRandom::new(1);
    /// let secret: SecretKey = "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?;
    /// for seed in 1..4 {
    ///     let engine = Engine::builder().random(random.beside(seed)).open(folder.path().join("sessions.db"))?;
    ///     engine.tenant(&"tnt_acme".parse()?, &secret)?; // slow once
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn beside(&self, seed: u64) -> Self {
        SeededRandom { state: Mutex::new((seed, 0)), kept_keys: Arc::clone(&self.kept_keys) }
    }
}

/// How many stretched keys are kept at most.
const KEPT_KEYS: usize = 64;

/// Stretched secret keys, which only predictable sources keep: by a hash of the secret key and its salt.
#[derive(Default)]
pub struct KeptKeys(Mutex<BTreeMap<[u8; 32], Zeroizing<[u8; 32]>>>);

impl KeptKeys {
    pub(crate) fn get(&self, name: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
        self.0.lock().get(name).cloned()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }

    pub(crate) fn keep(&self, name: [u8; 32], stretched: Zeroizing<[u8; 32]>) {
        let mut kept = self.0.lock();
        if kept.len() >= KEPT_KEYS {
            kept.clear();
        }
        kept.insert(name, stretched);
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

    fn kept_keys(&self) -> Option<&KeptKeys> {
        Some(&self.kept_keys)
    }
}

/// Draws `N` fresh bytes, wiped when dropped.
pub(crate) fn draw_bytes<const N: usize>(random: &dyn Random) -> Result<Zeroizing<[u8; N]>, Failure> {
    let mut buffer = Zeroizing::new([0; N]);
    random.fill(buffer.as_mut()).map_err(|_| Failure::internal("the source of randomness did not answer"))?;
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_stretched_keys_are_kept_and_no_more() {
        let kept = KeptKeys::default();
        for number in 0..=KEPT_KEYS as u8 {
            kept.keep([number; 32], Zeroizing::new([number; 32]));
            assert!(kept.len() <= KEPT_KEYS);
            assert_eq!(kept.get(&[number; 32]).as_deref(), Some(&[number; 32]));
        }
        assert!(kept.get(&[0; 32]).is_none());
    }
}
