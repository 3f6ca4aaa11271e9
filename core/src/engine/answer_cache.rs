//! The cache of verified access tokens. A token that is asked about again needs no signature check and, while no commit has
//! touched its session, no read of the store.

use std::collections::{HashMap, hash_map};
use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::answers::VerifiedAccess;
use crate::json;
use crate::model::factor::{Factor, Factors};
use crate::model::identity::Identity;
use crate::model::session::Session;
use crate::token::access_claims::AccessClaims;

/// The handle that verified, because another handle of the same tenant may not know its secret key any more, and the hash
/// of the whole token: no token is kept.
pub(super) type CacheKey = (u64, [u8; 32]);

pub(super) fn cache_key(handle: u64, token: &str) -> CacheKey {
    (handle, Sha256::digest(token).into())
}

/// What a cache may hold: the smaller of the two limits counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct CacheLimits {
    /// How many tokens; 0 turns the cache off.
    pub tokens: usize,
    /// How many bytes of memory, that of the cache's own tables included.
    pub bytes: usize,
}

/// A value whose memory can be counted.
pub(super) trait CountedBytes {
    /// The bytes that the value occupies, on the heap too. Never fewer than it does.
    fn counted_bytes(&self) -> usize;
}

impl CountedBytes for Factors {
    fn counted_bytes(&self) -> usize {
        // What the vector has reserved is at most the power of two above its length.
        let reserved =
            self.as_slice().len().next_power_of_two() * size_of::<Factor>() + json::ALLOCATION_BYTES;
        let texts =
            self.as_slice().iter().map(|factor| factor.method.as_str().len() + json::ALLOCATION_BYTES);
        if self.as_slice().is_empty() { 0 } else { reserved + texts.sum::<usize>() }
    }
}

impl CountedBytes for VerifiedAccess {
    fn counted_bytes(&self) -> usize {
        // Taken apart, so that a new field has to be counted before this compiles.
        let VerifiedAccess { session, claims, outdated: _, validator: _ } = self;
        let Session {
            id: _,
            user_id,
            tenant_id,
            status: _,
            user_agent,
            ip_address: _,
            country: _,
            device_type: _,
            device_fingerprint,
            created_at: _,
            last_active_at: _,
            expires_at: _,
            access_expires_at: _,
            revoked_at: _,
            end_reason: _,
            identity: Identity { org_id, role, mfa_verified: _, email, claims: own },
            auth_time: _,
            factors,
            actor,
            last_ip_address: _,
            last_user_agent,
        } = session;
        let AccessClaims {
            user_id: token_user_id,
            session_id: _,
            tenant_id: token_tenant_id,
            org_id: token_org_id,
            role: token_role,
            mfa_verified: _,
            auth_time: _,
            factors: token_factors,
            actor_user_id: token_actor,
            email: token_email,
            issued_at: _,
            expires_at: _,
            token_id,
            payload,
        } = claims;
        let texts = [
            Some(user_id.as_str()),
            Some(tenant_id.as_str()),
            user_agent.as_ref().map(|text| text.as_str()),
            device_fingerprint.as_ref().map(|text| text.as_str()),
            org_id.as_ref().map(|text| text.as_str()),
            role.as_ref().map(|text| text.as_str()),
            email.as_ref().map(|text| text.as_str()),
            last_user_agent.as_ref().map(|text| text.as_str()),
            Some(token_user_id.as_str()),
            Some(token_tenant_id.as_str()),
            token_org_id.as_ref().map(|text| text.as_str()),
            token_role.as_ref().map(|text| text.as_str()),
            token_email.as_ref().map(|text| text.as_str()),
            Some(&**token_id),
            token_actor.as_ref().map(|text| text.as_str()),
            actor.as_ref().map(|actor| actor.user_id.as_str()),
            actor.as_ref().map(|actor| actor.reason.as_str()),
        ];
        let factors: usize = factors.counted_bytes() + token_factors.counted_bytes();
        let texts: usize = texts.iter().flatten().map(|text| text.len() + json::ALLOCATION_BYTES).sum();
        size_of::<VerifiedAccess>()
            + texts
            + factors
            + json::heap_bytes(own.as_object())
            + json::heap_bytes(payload)
    }
}

/// What a table needs for an entry: key, pointer, size and control byte, in a table that is a power of two and doubles when
/// seven eighths of it are full; and the counters in front of the value.
const ENTRY_BYTES: usize = 2 * (size_of::<(CacheKey, Entry<()>)>() + 1) * 8 / 7 + 32;

struct Entry<V> {
    value: Arc<V>,
    bytes: usize,
}

/// A bounded cache in three generations. When the youngest is full it becomes the older one, and the entries of the former
/// older one are evicted few by few, at every insertion: evicting them all at once would be a latency spike.
pub(super) struct TokenCache<V> {
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

impl<V: CountedBytes> TokenCache<V> {
    pub(super) fn new(limits: CacheLimits) -> Self {
        let generations = Generations {
            younger: Generation::default(),
            older: Generation::default(),
            evicting: HashMap::new().into_iter(),
            evicting_bytes: 0,
        };
        let limits = CacheLimits { tokens: limits.tokens / 3, bytes: limits.bytes / 3 };
        TokenCache { limits, generations: Mutex::new(generations) }
    }

    pub(super) fn get(&self, key: &CacheKey) -> Option<Arc<V>> {
        let mut generations = self.generations.lock();
        if let Some(found) = generations.younger.entries.get(key) {
            return Some(Arc::clone(&found.value));
        }
        let entry = generations.older.remove(key)?;
        let found = Arc::clone(&entry.value);
        self.insert_into(&mut generations, *key, entry);
        Some(found)
    }

    /// Keeps a value, unless it alone would fill a generation.
    pub(super) fn insert(&self, key: CacheKey, value: &Arc<V>) {
        let bytes = value.counted_bytes() + ENTRY_BYTES;
        if self.limits.tokens == 0 || bytes > self.limits.bytes {
            return;
        }
        let entry = Entry { value: Arc::clone(value), bytes };
        let mut generations = self.generations.lock();
        generations.younger.remove(&key);
        generations.older.remove(&key);
        self.insert_into(&mut generations, key, entry);
    }

    /// Adds an entry whose key is in no generation that is looked at.
    fn insert_into(&self, generations: &mut Generations<V>, key: CacheKey, entry: Entry<V>) {
        let younger = &generations.younger;
        let is_full =
            younger.entries.len() >= self.limits.tokens || younger.bytes + entry.bytes > self.limits.bytes;
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

    impl CountedBytes for usize {
        fn counted_bytes(&self) -> usize {
            *self
        }
    }

    impl<V> TokenCache<V> {
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
            let cache = TokenCache::<usize>::new(CacheLimits { tokens, bytes });
            let often = cache_key(1, "often");
            for n in 0..3000_u32 {
                number =
                    number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // Mostly small values, now and then a large one.
                let size = if number >> 60 == 0 { 2_000 } else { ((number >> 40) & 0xff) as usize };
                cache.insert(often, &Arc::new(100));
                cache.insert(cache_key(1, &n.to_string()), &Arc::new(size));
                let (held_tokens, held_bytes) = cache.held();
                assert!(held_tokens <= tokens, "{held_tokens} of {tokens} tokens");
                assert!(held_bytes <= bytes, "{held_bytes} of {bytes} bytes");
                assert_eq!(cache.get(&often).is_some(), tokens > 0, "{n} of {tokens}, {bytes}");
                assert_eq!(cache.get(&cache_key(2, "often")), None);
            }
            if tokens > 100 {
                assert!(cache.held().1 > bytes / 10, "much room is left");
            }
        }
    }

    #[test]
    fn a_value_that_would_fill_the_cache_is_not_kept() {
        let cache = TokenCache::<usize>::new(CacheLimits { tokens: 100, bytes: 9_000 });
        let (small, large) = (cache_key(1, "small"), cache_key(1, "large"));
        cache.insert(small, &Arc::new(100));
        cache.insert(large, &Arc::new(4_000));
        assert!(cache.get(&small).is_some() && cache.get(&large).is_none());
    }

    #[test]
    fn a_value_that_grows_is_counted_once() {
        let cache = TokenCache::<usize>::new(CacheLimits { tokens: 100, bytes: 30_000 });
        let key = cache_key(1, "token");
        for size in [100, 2_000, 50] {
            cache.insert(key, &Arc::new(size));
            assert_eq!(cache.held(), (1, size + ENTRY_BYTES));
        }
    }
}
