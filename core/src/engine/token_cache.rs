//! Access tokens that were verified lately, so that asking about the same one again costs neither a signature nor, while
//! nobody has committed, a look at the store.

use std::collections::{HashMap, hash_map};
use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::verify::VerifiedAccess;

/// The handle that verified, because another one of the same tenant may not know its secret any more, and the whole token's
/// hash: no token is kept.
pub(super) type TokenName = (u64, [u8; 32]);

pub(super) fn name(handle: u64, token: &str) -> TokenName {
    (handle, Sha256::digest(token).into())
}

/// A bounded memory of three generations: when the youngest is full, it becomes the older one, and what that held is
/// forgotten, one for each that comes, because forgetting all at once takes long.
pub(super) struct TokenCache {
    /// How many a generation holds.
    third: usize,
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    younger: HashMap<TokenName, Arc<VerifiedAccess>>,
    older: HashMap<TokenName, Arc<VerifiedAccess>>,
    forgotten: hash_map::IntoIter<TokenName, Arc<VerifiedAccess>>,
}

impl TokenCache {
    /// For at most this many tokens; none for 0.
    pub(super) fn new(most: usize) -> Self {
        TokenCache { third: most / 3, generations: Mutex::default() }
    }

    pub(super) fn get(&self, token: &TokenName) -> Option<Arc<VerifiedAccess>> {
        let mut generations = self.generations.lock();
        if let Some(found) = generations.younger.get(token) {
            return Some(Arc::clone(found));
        }
        let found = generations.older.remove(token)?;
        self.keep(&mut generations, *token, &found);
        Some(found)
    }

    pub(super) fn remember(&self, token: TokenName, verified: &Arc<VerifiedAccess>) {
        self.keep(&mut self.generations.lock(), token, verified);
    }

    fn keep(&self, generations: &mut Generations, token: TokenName, verified: &Arc<VerifiedAccess>) {
        if self.third == 0 {
            return;
        }
        if generations.younger.len() >= self.third && !generations.younger.contains_key(&token) {
            let older = mem::take(&mut generations.younger);
            // Empty by now: as many have come as it held.
            generations.forgotten = mem::replace(&mut generations.older, older).into_iter();
        }
        generations.forgotten.next();
        generations.younger.insert(token, Arc::clone(verified));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{CreateSession, Engine};

    #[test]
    fn it_never_holds_more_than_it_may_and_keeps_what_is_asked_for() {
        let engine = Engine::open(":memory:").unwrap();
        let tenant = engine.tenant(&"tnt".parse().unwrap(), &"sk_test".parse().unwrap()).unwrap();
        let grant = tenant.create(CreateSession::new("usr".parse().unwrap())).unwrap();
        let verified = tenant.verify_access_token(grant.access_token.expose()).unwrap();
        for most in [0, 3, 10, 100] {
            let known = TokenCache::new(most);
            let often = name(1, "often");
            for n in 0..1000_u32 {
                known.remember(often, &verified);
                known.remember(name(1, &n.to_string()), &verified);
                let held = {
                    let Generations { younger, older, forgotten } = &*known.generations.lock();
                    younger.len() + older.len() + forgotten.len()
                };
                assert!(held <= most, "{held} of {most}");
                assert_eq!(known.get(&often).is_some(), most > 0, "{n} of {most}");
                assert_eq!(known.get(&name(2, "often")), None);
            }
        }
    }
}
