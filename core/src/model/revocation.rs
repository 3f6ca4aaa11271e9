//! The revocation list: ended sessions whose access tokens may still be alive (SPEC 22).

use super::id::{SessionId, UserId};
use crate::clock::Timestamp;

/// The number of an entry within its tenant. Numbers grow in the order of the commits, with gaps.
pub(crate) type RevocationSeq = u64;

/// How many numbers a millisecond has. The last number that JavaScript holds is of the year 3084.
const NUMBERS_OF_A_MILLISECOND: u64 = 256;

/// An entry of the list. It is about one session, about all of some sessions, or says that the list begins with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revocation {
    pub seq: RevocationSeq,
    /// From this time on every access token that the entry is about has expired.
    pub until: Timestamp,
    /// The session that has ended. The other fields are empty then.
    pub session: Option<SessionId>,
    /// The sessions that had signed in by this time have ended, all of the user's or all of the tenant's.
    pub at: Option<Timestamp>,
    /// Whose sessions have ended; `None` for every user's.
    pub user_id: Option<UserId>,
    /// The one session that stayed.
    pub spared: Option<SessionId>,
    /// The newest session that has ended; `None` if all have.
    pub newest: Option<SessionId>,
    /// Sessions in which another person acts for the user have stayed.
    pub spares_actors: bool,
    /// The list begins here: sessions that had ended before `at` may be missing in it, and no entry before this one counts.
    pub is_start: bool,
}

impl Revocation {
    /// One that says nothing yet.
    pub(crate) fn numbered(seq: RevocationSeq, until: Timestamp) -> Self {
        Revocation {
            seq,
            until,
            session: None,
            at: None,
            user_id: None,
            spared: None,
            newest: None,
            spares_actors: false,
            is_start: false,
        }
    }

    /// The number of an entry that follows this one. It goes with the time, so that no number comes back for another entry in
    /// a past to which a restored backup or a power loss takes the database back.
    pub(crate) fn next_seq(newest: RevocationSeq, now: Timestamp) -> RevocationSeq {
        Revocation::first_seq_at(now).max(newest + 1)
    }

    /// The first number of this time.
    pub(crate) fn first_seq_at(time: Timestamp) -> RevocationSeq {
        u64::try_from(time.as_millis()).unwrap_or(0) * NUMBERS_OF_A_MILLISECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_also_when_the_time_does_not() {
        let now = Timestamp::from_millis(1_000);
        assert_eq!(Revocation::next_seq(0, now), 256_000);
        assert_eq!(Revocation::next_seq(256_000, now), 256_001);
        assert_eq!(Revocation::next_seq(900_000, now), 900_001);
        assert!(Revocation::first_seq_at(Timestamp::LATEST_NOW) < i64::MAX as u64);
    }
}
