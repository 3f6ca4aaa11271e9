//! The cache of verified access tokens. A token that is asked about again needs no signature check and, while no commit has
//! touched its session, no read of the store.

use std::collections::{HashMap, hash_map};
use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// The handle that verified, because another handle of the same tenant may not know its secret key any more, and the hash
/// of the whole token: no token is kept.
pub(super) type CacheKey = (u64, [u8; 32]);

pub(super) fn cache_key(handle: u64, token: &str) -> CacheKey {
    (handle, Sha256::digest(token).into())
}

/// A bounded cache in three generations. When the youngest is full it becomes the older one, and the entries of the former
/// older one are evicted one by one, one per insertion: evicting them all at once would be a latency spike.
pub(super) struct TokenCache<V> {
    /// How many entries a generation holds.
    generation_capacity: usize,
    generations: Mutex<Generations<V>>,
}

struct Generations<V> {
    younger: HashMap<CacheKey, Arc<V>>,
    older: HashMap<CacheKey, Arc<V>>,
    evicting: hash_map::IntoIter<CacheKey, Arc<V>>,
}

impl<V> TokenCache<V> {
    /// A cache of at most `capacity` tokens; 0 turns it off.
    pub(super) fn new(capacity: usize) -> Self {
        let generations = Generations {
            younger: HashMap::new(),
            older: HashMap::new(),
            evicting: HashMap::new().into_iter(),
        };
        TokenCache { generation_capacity: capacity / 3, generations: Mutex::new(generations) }
    }

    pub(super) fn get(&self, key: &CacheKey) -> Option<Arc<V>> {
        let mut generations = self.generations.lock();
        if let Some(found) = generations.younger.get(key) {
            return Some(Arc::clone(found));
        }
        let found = generations.older.remove(key)?;
        self.insert_into(&mut generations, *key, &found);
        Some(found)
    }

    pub(super) fn insert(&self, key: CacheKey, value: &Arc<V>) {
        self.insert_into(&mut self.generations.lock(), key, value);
    }

    fn insert_into(&self, generations: &mut Generations<V>, key: CacheKey, value: &Arc<V>) {
        if self.generation_capacity == 0 {
            return;
        }
        if generations.younger.len() >= self.generation_capacity && !generations.younger.contains_key(&key) {
            let older = mem::take(&mut generations.younger);
            // The former iterator is empty by now: as many insertions have come as it held entries.
            generations.evicting = mem::replace(&mut generations.older, older).into_iter();
        }
        generations.evicting.next();
        generations.younger.insert(key, Arc::clone(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_exceeds_its_capacity_and_keeps_what_is_used() {
        let value = Arc::new("verified");
        for capacity in [0, 3, 10, 100] {
            let cache = TokenCache::new(capacity);
            let used_often = cache_key(1, "often");
            for n in 0..1000_u32 {
                cache.insert(used_often, &value);
                cache.insert(cache_key(1, &n.to_string()), &value);
                let held = {
                    let Generations { younger, older, evicting } = &*cache.generations.lock();
                    younger.len() + older.len() + evicting.len()
                };
                assert!(held <= capacity, "{held} of {capacity}");
                assert_eq!(cache.get(&used_often).is_some(), capacity > 0, "{n} of {capacity}");
                assert_eq!(cache.get(&cache_key(2, "often")), None);
            }
        }
    }
}
