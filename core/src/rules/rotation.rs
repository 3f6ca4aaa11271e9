//! The decision about a genuine refresh token (SPEC 3, steps 2 to 6).

use crate::clock::Timestamp;
use crate::model::config::Config;
use crate::model::session::{End, EndReason, SessionTimes};

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
    /// The session had ended; write the end down unless it is stamped.
    Ended(End),
    /// The live token: rotate.
    Rotate,
    /// The token before it, within the reuse window: answer with the same successor.
    Replay,
    /// A token newer than this database, which was restored from a backup.
    Ahead,
    /// An older token: end the session.
    Reused(End),
}

/// Decides what presenting a genuine token of generation `presented` at `now` does.
pub(crate) fn decide(
    times: &SessionTimes,
    rotation: Rotation,
    presented: u32,
    now: Timestamp,
    config: &Config,
) -> Decision {
    if let Some(end) = times.end_at(now, config.idle_timeout) {
        return Decision::Ended(end);
    }
    if presented == rotation.generation {
        return Decision::Rotate;
    }
    if presented > rotation.generation {
        return Decision::Ahead;
    }
    // last_active_at moves exactly when a token rotates. It lies ahead of now only after the clock mark was lowered; then
    // the time since the rotation is unknown, and the token is refused as reused.
    let (window, rotated_at) = (config.refresh_reuse_window, times.last_active_at);
    let in_window = window.as_secs() > 0 && (rotated_at..=rotated_at.after(window)).contains(&now);
    if presented + 1 == rotation.generation && in_window && rotation.replays < MAX_REPLAYS {
        return Decision::Replay;
    }
    Decision::Reused(End { at: now, reason: EndReason::RefreshTokenReuse })
}
