//! Access tokens that were verified lately, so that asking about the same one again costs neither a signature nor, while
//! nobody has committed, a look at the store.

use std::collections::HashMap;
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

/// A bounded memory: when the younger half is full, it becomes the older half and what that held is forgotten.
pub(super) struct KnownTokens {
    half: usize,
    halves: Mutex<Halves>,
}

#[derive(Default)]
struct Halves {
    younger: HashMap<TokenName, Arc<VerifiedAccess>>,
    older: HashMap<TokenName, Arc<VerifiedAccess>>,
}

impl KnownTokens {
    /// For at most this many tokens; none for 0.
    pub(super) fn new(most: usize) -> Self {
        KnownTokens { half: most / 2, halves: Mutex::default() }
    }

    pub(super) fn get(&self, token: &TokenName) -> Option<Arc<VerifiedAccess>> {
        let mut halves = self.halves.lock();
        if let Some(found) = halves.younger.get(token) {
            return Some(Arc::clone(found));
        }
        let found = halves.older.remove(token)?;
        self.keep(&mut halves, *token, &found);
        Some(found)
    }

    pub(super) fn remember(&self, token: TokenName, verified: &Arc<VerifiedAccess>) {
        self.keep(&mut self.halves.lock(), token, verified);
    }

    fn keep(&self, halves: &mut Halves, token: TokenName, verified: &Arc<VerifiedAccess>) {
        if self.half == 0 {
            return;
        }
        if halves.younger.len() >= self.half && !halves.younger.contains_key(&token) {
            halves.older = std::mem::take(&mut halves.younger);
        }
        halves.younger.insert(token, Arc::clone(verified));
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
        for most in [0, 2, 10] {
            let known = KnownTokens::new(most);
            let often = name(1, "often");
            for n in 0..100_u32 {
                known.remember(often, &verified);
                known.remember(name(1, &n.to_string()), &verified);
                let halves = known.halves.lock();
                assert!(halves.younger.len() + halves.older.len() <= most, "{n} of {most}");
                drop(halves);
                assert_eq!(known.get(&often).is_some(), most > 0, "{n} of {most}");
                assert_eq!(known.get(&name(2, "often")), None);
            }
        }
    }
}
