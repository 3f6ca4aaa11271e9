//! The decision about a genuine refresh token (SPEC 3, steps 2 to 6).

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
    if presented == rotation.generation {
        return Decision::Rotate;
    }
    if presented > rotation.generation {
        return Decision::Ahead;
    }
    // The rotation lies ahead of now only after the clock mark was lowered; then the time since it is unknown, and the
    // token is refused as reused.
    let in_window = window.as_secs() > 0 && (rotated_at..=rotated_at.after(window)).contains(&now);
    if presented + 1 == rotation.generation && in_window && rotation.replays < MAX_REPLAYS {
        return Decision::Replay;
    }
    Decision::Reused
}
