//! The choices of a campaign, all from its seed or from the bytes that it is given.

use std::collections::VecDeque;

/// SplitMix64, or bytes, two for a choice.
///
/// ```
/// use hellojohn_tests::dice::Dice;
///
/// let mut dice = Dice::new(7);
/// assert!(dice.below(6) < 6);
/// assert_ne!(dice.roll(), Dice::new(8).roll());
/// ```
pub struct Dice {
    state: u64,
    bytes: Option<VecDeque<u8>>,
}

impl Dice {
    /// Choices from a seed.
    pub fn new(seed: u64) -> Self {
        Dice { state: seed, bytes: None }
    }

    /// Choices from bytes. After the last one they go on, always in the same way, so that the call that has begun can be
    /// finished.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Dice { state: 0, bytes: Some(bytes.iter().copied().collect()) }
    }

    /// Whether there were bytes and all of them have been used.
    pub fn is_used_up(&self) -> bool {
        self.bytes.as_ref().is_some_and(VecDeque::is_empty)
    }

    /// Any number.
    pub fn roll(&mut self) -> u64 {
        if let Some(first) = self.bytes.as_mut().and_then(VecDeque::pop_front) {
            let second = self.bytes.as_mut().and_then(VecDeque::pop_front).unwrap_or(0);
            return u64::from(u16::from_le_bytes([first, second]));
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.roll() % n as u64) as usize
    }

    /// True once in so many times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of the items, of which there is at least one.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
