//! Which counter stands for a session, and which for the sessions of a user.

use super::files::{SESSION_BUCKETS, USER_BUCKETS};
use crate::model::id::SessionId;
use crate::store::subject::{Subject, UserTag};

/// The place of a counter among those of `files/shared_words.rs`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Bucket(usize);

impl Bucket {
    pub(super) fn of(subject: Subject) -> Self {
        match subject {
            Subject::Session(id) => Bucket::of_session(id),
            Subject::SessionsOf(user) => Bucket::of_user(user),
        }
    }

    /// The end of a ULID is random.
    pub(super) fn of_session(id: SessionId) -> Self {
        let [.., high, low] = id.to_bytes();
        Bucket(usize::from(u16::from_be_bytes([high, low])))
    }

    pub(super) fn of_user(user: UserTag) -> Self {
        Bucket(SESSION_BUCKETS + usize::from(user.to_bits()) % USER_BUCKETS)
    }

    /// Below `BUCKETS`.
    pub(super) fn index(self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::files::BUCKETS;

    #[test]
    fn sessions_and_users_share_no_counter() {
        let session = |end: [u8; 2]| {
            let mut bytes = [7; 16];
            bytes[14..].copy_from_slice(&end);
            Bucket::of_session(SessionId::from_bytes(bytes)).index()
        };
        assert_eq!((session([0, 0]), session([0xff, 0xff])), (0, SESSION_BUCKETS - 1));
        let mut seen = std::collections::HashSet::new();
        for number in 0..100_000_u32 {
            let user = Bucket::of_user(UserTag::of(1, &format!("usr_{number}")));
            assert!((SESSION_BUCKETS..BUCKETS).contains(&user.index()));
            seen.insert(user.index());
        }
        assert!(seen.len() > USER_BUCKETS * 9 / 10, "users share few counters: {}", seen.len());
        assert_ne!(Bucket::of_user(UserTag::of(1, "u")), Bucket::of_user(UserTag::of(2, "u")));
    }
}
