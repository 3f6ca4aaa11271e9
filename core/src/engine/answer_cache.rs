//! The cache of answers: bounded in number and in bytes. What is in it, `remembered.rs` says.

use std::collections::{HashMap, hash_map};
use std::mem;

use parking_lot::Mutex;

/// The handle that answered, because another handle of the same tenant may not know its secret key any more, and the hash
/// of the question: no token is kept.
pub(super) type CacheKey = (u64, [u8; 32]);

/// What a cache may hold: the smaller of the two limits counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct CacheLimits {
    /// How many answers; 0 turns the cache off.
    pub answers: usize,
    /// How many bytes of memory, that of the cache's own tables included.
    pub bytes: usize,
}

/// A value whose memory can be counted.
pub(super) trait CountedBytes {
    /// The bytes that the value occupies, on the heap too. Never fewer than it does.
    fn counted_bytes(&self) -> usize;
}

/// What a table needs for an entry: key, pointer, size and control byte, in a table that is a power of two and doubles when
/// seven eighths of it are full; and the counters in front of the value.
const fn entry_bytes<V>() -> usize {
    2 * (size_of::<(CacheKey, Entry<V>)>() + 1) * 8 / 7 + 32
}

struct Entry<V> {
    value: V,
    bytes: usize,
}

/// A bounded cache in three generations. When the youngest is full it becomes the older one, and the entries of the former
/// older one are evicted few by few, at every insertion: evicting them all at once would be a latency spike.
pub(super) struct AnswerCache<V> {
    /// What one generation may hold.
    limits: CacheLimits,
    generations: Mutex<Generations<V>>,
}

struct Generations<V> {
    younger: Generation<V>,
    older: Generation<V>,
    evicting: hash_map::IntoIter<CacheKey, Entry<V>>,
    evicting_bytes: usize,
}

struct Generation<V> {
    entries: HashMap<CacheKey, Entry<V>>,
    bytes: usize,
}

impl<V> Default for Generation<V> {
    fn default() -> Self {
        Generation { entries: HashMap::new(), bytes: 0 }
    }
}

impl<V> Generation<V> {
    fn insert(&mut self, key: CacheKey, entry: Entry<V>) {
        self.bytes += entry.bytes;
        self.entries.insert(key, entry);
    }

    fn remove(&mut self, key: &CacheKey) -> Option<Entry<V>> {
        let entry = self.entries.remove(key)?;
        self.bytes -= entry.bytes;
        Some(entry)
    }
}

impl<V: Clone + CountedBytes> AnswerCache<V> {
    pub(super) fn new(limits: CacheLimits) -> Self {
        let generations = Generations {
            younger: Generation::default(),
            older: Generation::default(),
            evicting: HashMap::new().into_iter(),
            evicting_bytes: 0,
        };
        let limits = CacheLimits { answers: limits.answers / 3, bytes: limits.bytes / 3 };
        AnswerCache { limits, generations: Mutex::new(generations) }
    }

    pub(super) fn get(&self, key: &CacheKey) -> Option<V> {
        let mut generations = self.generations.lock();
        if let Some(found) = generations.younger.entries.get(key) {
            return Some(found.value.clone());
        }
        let entry = generations.older.remove(key)?;
        let found = entry.value.clone();
        self.insert_into(&mut generations, *key, entry);
        Some(found)
    }

    /// Keeps a value, unless it alone would fill a generation.
    pub(super) fn insert(&self, key: CacheKey, value: V) {
        let bytes = value.counted_bytes() + entry_bytes::<V>();
        if self.limits.answers == 0 || bytes > self.limits.bytes {
            return;
        }
        let entry = Entry { value, bytes };
        let mut generations = self.generations.lock();
        generations.younger.remove(&key);
        generations.older.remove(&key);
        self.insert_into(&mut generations, key, entry);
    }

    /// Adds an entry whose key is in no generation that is looked at.
    fn insert_into(&self, generations: &mut Generations<V>, key: CacheKey, entry: Entry<V>) {
        let younger = &generations.younger;
        let is_full =
            younger.entries.len() >= self.limits.answers || younger.bytes + entry.bytes > self.limits.bytes;
        if is_full {
            let older = mem::take(&mut generations.younger);
            let oldest = mem::replace(&mut generations.older, older);
            // The former iterator is next to empty by now: as many entries and as many bytes have come as it held.
            generations.evicting_bytes = oldest.bytes;
            generations.evicting = oldest.entries.into_iter();
        }
        let mut evicted = 0;
        while evicted < entry.bytes {
            let Some((_, oldest)) = generations.evicting.next() else { break };
            evicted += oldest.bytes;
        }
        generations.evicting_bytes -= evicted;
        generations.younger.insert(key, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(handle: u64, question: &str) -> CacheKey {
        let mut hash = [0; 32];
        hash[..question.len()].copy_from_slice(question.as_bytes());
        (handle, hash)
    }

    impl CountedBytes for usize {
        fn counted_bytes(&self) -> usize {
            *self
        }
    }

    impl<V> AnswerCache<V> {
        /// Entries and bytes, by looking at each.
        fn held(&self) -> (usize, usize) {
            let Generations { younger, older, evicting, evicting_bytes } = &*self.generations.lock();
            for generation in [younger, older] {
                let sum: usize = generation.entries.values().map(|entry| entry.bytes).sum();
                assert_eq!(sum, generation.bytes);
            }
            let entries = younger.entries.len() + older.entries.len() + evicting.len();
            (entries, younger.bytes + older.bytes + evicting_bytes)
        }
    }

    #[test]
    fn it_never_exceeds_its_limits_and_keeps_what_is_used() {
        let mut number: u64 = 1;
        for (tokens, bytes) in
            [(0, 1 << 20), (3, 1 << 20), (100, 1 << 20), (1 << 20, 90_000), (1 << 20, 9_000)]
        {
            let cache = AnswerCache::<usize>::new(CacheLimits { answers: tokens, bytes });
            let often = key(1, "often");
            for n in 0..3000_u32 {
                number =
                    number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // Mostly small values, now and then a large one.
                let size = if number >> 60 == 0 { 2_000 } else { ((number >> 40) & 0xff) as usize };
                cache.insert(often, 100);
                cache.insert(key(1, &n.to_string()), size);
                let (held_tokens, held_bytes) = cache.held();
                assert!(held_tokens <= tokens, "{held_tokens} of {tokens} tokens");
                assert!(held_bytes <= bytes, "{held_bytes} of {bytes} bytes");
                assert_eq!(cache.get(&often).is_some(), tokens > 0, "{n} of {tokens}, {bytes}");
                assert_eq!(cache.get(&key(2, "often")), None);
            }
            if tokens > 100 {
                assert!(cache.held().1 > bytes / 10, "much room is left");
            }
        }
    }

    #[test]
    fn a_value_that_would_fill_the_cache_is_not_kept() {
        let cache = AnswerCache::<usize>::new(CacheLimits { answers: 100, bytes: 9_000 });
        let (small, large) = (key(1, "small"), key(1, "large"));
        cache.insert(small, 100);
        cache.insert(large, 4_000);
        assert!(cache.get(&small).is_some() && cache.get(&large).is_none());
    }

    #[test]
    fn a_value_that_grows_is_counted_once() {
        let cache = AnswerCache::<usize>::new(CacheLimits { answers: 100, bytes: 30_000 });
        let token = key(1, "token");
        for size in [100, 2_000, 50] {
            cache.insert(token, size);
            assert_eq!(cache.held(), (1, size + entry_bytes::<usize>()));
        }
    }

    /// What a table of the standard library occupies: a power of two of slots, of which seven eighths are used, each with a control
    /// byte, and a group of those behind the last.
    fn table_bytes<V>(entries: &HashMap<CacheKey, Entry<V>>) -> usize {
        let slots = (entries.capacity() * 8).div_ceil(7).next_power_of_two();
        slots * (size_of::<(CacheKey, Entry<V>)>() + 1) + 16
    }

    #[test]
    fn an_entry_is_counted_with_its_share_of_the_table() {
        fn check<V>(value: impl Fn() -> V) {
            let mut generation = Generation::default();
            for number in 0..20_000_u64 {
                generation.insert((number, [0; 32]), Entry { value: value(), bytes: entry_bytes::<V>() });
                let table = table_bytes(&generation.entries);
                // Beside the counters in front of the value. A table of a few slots is within the slack of a large one.
                let counted = generation.bytes - 32 * (number as usize + 1);
                assert!(number < 16 || table <= counted, "{number}: {table} of {counted}");
            }
            // Nor is so much counted that most of the room would stay empty.
            let largest = 2 * table_bytes(&generation.entries);
            assert!(generation.bytes < largest * 3 / 2, "{} of {largest}", generation.bytes);
        }
        // Sizes of which a share can be told to the byte.
        check(|| [0_u8; 56]);
        check(|| [0_u8; 280]);
    }

    #[test]
    fn a_generation_is_filled_to_its_limits_exactly() {
        let entry = 100 + entry_bytes::<usize>();
        let by_bytes = CacheLimits { answers: 3_000, bytes: 3 * 10 * entry };
        let by_number = CacheLimits { answers: 3 * 10, bytes: 1 << 20 };
        for limits in [by_bytes, by_number] {
            let cache = AnswerCache::<usize>::new(limits);
            for number in 0..20_u64 {
                cache.insert((number, [0; 32]), 100);
                assert_eq!(cache.held(), (number as usize + 1, (number as usize + 1) * entry));
            }
            // From then on one goes for each that comes, the oldest generation first.
            for number in 20..100_u64 {
                cache.insert((number, [0; 32]), 100);
                assert_eq!(cache.held(), (20, 20 * entry), "{number}");
                assert!((number - 9..=number).all(|recent| cache.generations.lock().has(&(recent, [0; 32]))));
            }
        }
        // A value that fills a generation is kept, one byte more is not.
        for (bytes, is_kept) in [(10 * entry, true), (10 * entry + 1, false)] {
            let cache = AnswerCache::<usize>::new(by_bytes);
            cache.insert((1, [0; 32]), bytes - entry_bytes::<usize>());
            assert_eq!(cache.get(&(1, [0; 32])).is_some(), is_kept);
        }
    }

    impl<V> Generations<V> {
        fn has(&self, key: &CacheKey) -> bool {
            self.younger.entries.contains_key(key) || self.older.entries.contains_key(key)
        }
    }
}
