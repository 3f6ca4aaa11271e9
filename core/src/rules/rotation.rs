//! The decision about a genuine refresh token (SPEC 3, steps 2 to 6).

use std::cmp::Ordering;

use crate::clock::Timestamp;
use crate::duration::Duration;
use crate::model::session::End;

/// How often the previous token of a rotation may be presented again within the reuse window.
pub(crate) const MAX_REPLAYS: u32 = 100;

/// The position of a session in its rotation chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// The generation of the one live refresh token; the first is 1.
    pub generation: u32,
    /// How often the token before it was presented again.
    pub replays: u32,
}

/// An outcome of SPEC 3; the caller has verified the tag of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The session had ended.
    Ended(End),
    /// The live token: rotate.
    Rotate,
    /// The token before it, within the reuse window: answer with the same successor.
    Replay,
    /// A token newer than this database, which was restored from a backup.
    Ahead,
    /// An older token: end the session.
    Reused,
}

/// Decides what presenting a genuine token of generation `presented` at `now` does to a session with this end, which last
/// rotated at `rotated_at`.
pub(crate) fn decide(
    end: Option<End>,
    rotation: Rotation,
    rotated_at: Timestamp,
    presented: u32,
    now: Timestamp,
    window: Duration,
) -> Decision {
    if let Some(end) = end {
        return Decision::Ended(end);
    }
    match presented.cmp(&rotation.generation) {
        Ordering::Equal => return Decision::Rotate,
        Ordering::Greater => return Decision::Ahead,
        Ordering::Less => {}
    }
    // The rotation lies ahead of now only after the clock mark was lowered; then the time since it is unknown, and the
    // token is refused as reused.
    let in_window = window.as_secs() > 0 && (rotated_at..=rotated_at.after(window)).contains(&now);
    if presented + 1 == rotation.generation && in_window && rotation.replays < MAX_REPLAYS {
        return Decision::Replay;
    }
    Decision::Reused
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::session::EndReason;

    const ROTATED_AT: i64 = 50_000;
    const MINUTE: i64 = 60_000;

    /// What a token of this generation does after the session's 7th token was given out at `ROTATED_AT`.
    fn outcome(presented: u32, now: i64, replays: u32, window: Duration) -> Decision {
        let rotation = Rotation { generation: 7, replays };
        let at = Timestamp::from_millis;
        decide(None, rotation, at(ROTATED_AT), presented, at(now), window)
    }

    #[test]
    fn the_token_before_the_live_one_is_answered_again_within_the_window_only() {
        let minute: Duration = "1m".parse().unwrap();
        for (now, expected) in [
            (ROTATED_AT - 1, Decision::Reused),
            (ROTATED_AT, Decision::Replay),
            (ROTATED_AT + MINUTE, Decision::Replay),
            (ROTATED_AT + MINUTE + 1, Decision::Reused),
        ] {
            assert_eq!(outcome(6, now, 0, minute), expected, "{now}");
            assert_eq!(outcome(5, now, 0, minute), Decision::Reused, "{now}");
            assert_eq!(outcome(7, now, MAX_REPLAYS, minute), Decision::Rotate, "{now}");
            assert_eq!(outcome(8, now, 0, minute), Decision::Ahead, "{now}");
        }
        assert_eq!(outcome(6, ROTATED_AT, 0, Duration::ZERO), Decision::Reused, "no window at all");
        assert_eq!(outcome(6, ROTATED_AT, MAX_REPLAYS - 1, minute), Decision::Replay);
        assert_eq!(outcome(6, ROTATED_AT, MAX_REPLAYS, minute), Decision::Reused);
        assert_eq!(outcome(6, ROTATED_AT, MAX_REPLAYS + 1, minute), Decision::Reused);
    }

    #[test]
    fn no_token_does_anything_to_a_session_that_has_ended() {
        let end = End { at: Timestamp::default(), reason: EndReason::SignOut };
        for presented in 5..=8 {
            let (rotation, at) = (Rotation { generation: 7, replays: 0 }, Timestamp::from_millis(ROTATED_AT));
            let found = decide(Some(end), rotation, at, presented, at, Duration::SECONDS_10);
            assert_eq!(found, Decision::Ended(end));
        }
    }
}
